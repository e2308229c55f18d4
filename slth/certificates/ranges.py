"""What is known of one node over the whole input box: the target's values, the ticket's, and their difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from slth.certificates.interval import Array, Interval, concatenate


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges of one node over the whole input box.

    Shapes: target, ticket Interval float64[n]; difference Interval float64[n].
    """

    target: Interval
    ticket: Interval
    difference: Interval

    @staticmethod
    def shared(values: Interval) -> Ranges:
        """Return the ranges of values that both networks have in common."""
        return Ranges(values, values, Interval.point(np.zeros(values.shape)))

    @staticmethod
    def joined(parts: list[Ranges]) -> Ranges:
        """Return the ranges of several vectors, one behind the other."""
        target, ticket, difference = zip(*((one.target, one.ticket, one.difference) for one in parts), strict=True)
        return Ranges(concatenate(target), concatenate(ticket), concatenate(difference))

    def map(self, function: Callable[[Interval], Interval]) -> Ranges:
        """Return a function of all three, one that picks."""
        return Ranges(function(self.target), function(self.ticket), function(self.difference))

    def __getitem__(self, index: Any) -> Ranges:
        """Index all three alike."""
        return self.map(lambda part: part[index])

    def reshape(self, *shape: int) -> Ranges:
        """Return the same ranges in another shape."""
        return self.map(lambda part: part.reshape(*shape))

    @property
    def either(self) -> Interval:
        """Intervals that hold the values of both networks."""
        return self.target.hull(self.ticket)

    def reconciled(self) -> Ranges:
        """Intersect each range with what the two others say of it."""
        ticket = self.ticket.meet(self.target + self.difference)
        difference = self.difference.meet(ticket - self.target)
        target = self.target.meet(ticket - difference)
        return Ranges(target, ticket, difference)


def without_nan(bounds: Array) -> Array:
    """Return the bounds; where a range left the doubles nothing is certified."""
    return np.where(np.isnan(bounds), np.inf, bounds)
