r"""Interval arithmetic with outward rounding, for the certificate.

Every operation returns an interval of doubles that contains every real result of the operation on real numbers inside
its arguments. Two facts of IEEE 754 double arithmetic with rounding to nearest (unit roundoff :math:`u = 2^{-53}`)
carry all proofs:

1. **One operation.** The rounded result is a double nearest to the true one, so the true one lies between the result's
   two neighbours: one step of ``nextafter`` is enough, underflow and overflow to infinity included.
2. **A sum in any order.** :math:`|fl(\sum t_i) - \sum t_i| \le (n-1)\,u \sum |t_i|` whatever the order of the additions
   (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", chapter 4; unverified), and additions never lose
   anything to underflow. The computed :math:`\sum |t_i|` is itself too small by at most the factor
   :math:`1 - (n-1)u`; the radius ``2 n u`` times it, rounded upwards, covers both as long as :math:`n u \le 1/4`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from slth.arrays import Floats

Array: TypeAlias = Floats

UNIT_ROUNDOFF = 2.0**-53
_LARGEST_COUNT = 2**50  # n u <= 1/8


def down(values: Array) -> Array:
    """Return the next double below each value: a lower bound of the true result that was rounded to ``values``."""
    return np.nextafter(values, -np.inf)


def up(values: Array) -> Array:
    """Return the next double above each value: an upper bound of the true result that was rounded to ``values``."""
    return np.nextafter(values, np.inf)


@dataclass(frozen=True)
class Interval:
    """Arrays of closed intervals, combined elementwise and rounded outwards.

    Shapes: lower, upper float64[...].
    """

    lower: Array
    upper: Array

    @staticmethod
    def point(values: Array) -> Interval:
        """Return the intervals that hold exactly the given doubles."""
        return Interval(values, values)

    @staticmethod
    def symmetric(radius: Array) -> Interval:
        """Return ``[-radius, radius]``."""
        return Interval(-radius, radius)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the arrays of end points."""
        return self.lower.shape

    @property
    def magnitude(self) -> Array:
        """Largest absolute value in each interval: exact."""
        return np.maximum(np.abs(self.lower), np.abs(self.upper))

    def map(self, function: Callable[[Array], Array]) -> Interval:
        """Return both ends after a function that grows with its argument, or picks from it: exact."""
        return Interval(function(self.lower), function(self.upper))

    def __getitem__(self, index: Any) -> Interval:
        """Index both end points alike."""
        return self.map(lambda ends: np.asarray(ends[index]))

    def __neg__(self) -> Interval:
        """Return the negated intervals: exact."""
        return Interval(-self.upper, -self.lower)

    def __add__(self, other: Interval) -> Interval:
        """Return an enclosure of the sums."""
        return Interval(down(self.lower + other.lower), up(self.upper + other.upper))

    def __sub__(self, other: Interval) -> Interval:
        """Return an enclosure of the differences."""
        return Interval(down(self.lower - other.upper), up(self.upper - other.lower))

    def __mul__(self, other: Interval) -> Interval:
        """Return an enclosure of the products: the extremes are at end points, each product is rounded once."""
        one, two = self.lower * other.lower, self.lower * other.upper
        three, four = self.upper * other.lower, self.upper * other.upper
        lowest = np.minimum(np.minimum(one, two), np.minimum(three, four))
        highest = np.maximum(np.maximum(one, two), np.maximum(three, four))
        return Interval(down(lowest), up(highest))

    def hull(self, other: Interval) -> Interval:
        """Return the smallest intervals that hold both: exact."""
        return Interval(np.minimum(self.lower, other.lower), np.maximum(self.upper, other.upper))

    def meet(self, other: Interval) -> Interval:
        """Return the intersections; both arguments must enclose the same real number, hence none is empty."""
        return Interval(np.maximum(self.lower, other.lower), np.minimum(self.upper, other.upper))

    def relu(self) -> Interval:
        """Return the ranges of ``max(x, 0)``: exact."""
        return self.map(lambda ends: np.maximum(ends, 0.0))

    def negative(self) -> Interval:
        """Return the ranges of ``min(x, 0)``: exact."""
        return self.map(lambda ends: np.minimum(ends, 0.0))

    def reshape(self, *shape: int) -> Interval:
        """Return the same intervals in another shape."""
        return self.map(lambda ends: ends.reshape(shape))

    def total(self) -> Interval:
        """Return enclosures of the sums over the last axis (fact 2 of the module)."""
        return Interval(_total_below(self.lower), -_total_below(-self.upper))


def _total_below(terms: Array) -> Array:
    count = terms.shape[-1]
    if count > _LARGEST_COUNT:  # pragma: no cover - more terms than any memory holds
        raise OverflowError(f"{count} terms are too many for the error bound of a sum")
    total = np.asarray(terms.sum(axis=-1))
    if count <= 1:
        return total
    radius = up(np.asarray((2.0 * count * UNIT_ROUNDOFF) * np.abs(terms).sum(axis=-1)))
    return down(total - radius)


def upper_total(terms: Array) -> Array:
    """Return upper bounds of the sums over the last axis."""
    return -_total_below(-terms)


def upper_product(left: Array, right: Array) -> Array:
    """Return upper bounds of elementwise products of two nonnegative factors."""
    return up(np.asarray(left * right))


@dataclass(frozen=True)
class Slopes:
    """What meets max(x, 0), and what meets min(x, 0): the same where ``below`` is None."""

    above: Interval
    below: Interval | None = None

    @property
    def magnitude(self) -> Array:
        """Largest absolute value of either."""
        above = self.above.magnitude
        return above if self.below is None else np.maximum(above, self.below.magnitude)

    def map(self, function: Callable[[Interval], Interval]) -> Slopes:
        """Return a function of both."""
        return Slopes(function(self.above), None if self.below is None else function(self.below))

    def times(self, inputs: Interval) -> Interval:
        """Return elementwise enclosures of ``above * max(x, 0) + below * min(x, 0)`` for x in ``inputs``.

        The two halves are never active at once: where the sign of x is known only one is used, otherwise the hull of
        the two ranges is exact.
        """
        if self.below is None or bool((inputs.lower >= 0.0).all()):
            return self.above * inputs
        return _by_sign(inputs, self.above * inputs.relu(), self.below * inputs.negative())

    def between(self, inputs: Interval) -> Interval:
        """Return enclosures of the slopes of the function of :meth:`times` between any two points of ``inputs``."""
        if self.below is None or bool((inputs.lower >= 0.0).all()):
            return self.above
        return _by_sign(inputs, self.above, self.below)


def _by_sign(inputs: Interval, above: Interval, below: Interval) -> Interval:
    both = above.hull(below)
    known = [inputs.lower >= 0.0, inputs.upper <= 0.0]
    return Interval(
        np.select(known, [above.lower, below.lower], both.lower),
        np.select(known, [above.upper, below.upper], both.upper),
    )


def concatenate(parts: Sequence[Interval], axis: int = 0) -> Interval:
    """Join arrays of intervals."""
    if len(parts) == 1:
        return parts[0]
    return Interval(
        np.concatenate([part.lower for part in parts], axis=axis),
        np.concatenate([part.upper for part in parts], axis=axis),
    )


def middle_and_radius(numbers: Interval) -> tuple[Array, Array]:
    """Return a double in each interval, of a point that point, and upper bounds of the distances to it."""
    point = numbers.lower == numbers.upper
    middle = np.where(point, numbers.lower, 0.5 * numbers.lower + 0.5 * numbers.upper)
    radius = up(np.maximum(numbers.upper - middle, middle - numbers.lower))
    return middle, np.where(point, 0.0, radius)
