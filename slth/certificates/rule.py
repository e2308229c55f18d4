"""What a rule of certificates answers: ranges, backward linear bounds, rounding and norms of one kind of node."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from slth.arrays import Bools
from slth.certificates.interval import Array, Interval
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Account, Rows


@dataclass(frozen=True, eq=False)
class Around:
    """What a rule sees while rows of functions are carried back through its node."""

    before: tuple[Ranges, ...]
    behind: Ranges
    account: Account
    cache: dict[str, Any]

    def cached(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what ``make`` makes, made once."""
        if name not in self.cache:
            self.cache[name] = make()
        return self.cache[name]


@dataclass(frozen=True)
class Format:
    """A binary format."""

    unit: float
    smallest: float
    largest: float

    def gamma(self, roundings: int) -> float:
        """Return a bound on the relative error that so many roundings leave, infinite where they are too many."""
        product = roundings * self.unit
        return product / (1.0 - product) * (1.0 + 2.0**-50) if product <= 0.25 else math.inf


BINARY64 = Format(unit=2.0**-53, smallest=2.0**-1022, largest=2.0**1022)
BINARY32 = Format(unit=2.0**-24, smallest=2.0**-126, largest=2.0**126)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One network at one node, evaluated in a format: what the values that it takes are off by, and all values' ranges.

    Shapes: wrong tuple of float64[n]; values tuple of Interval float64[n]; behind Interval float64[n].
    """

    wrong: tuple[Array, ...]
    values: tuple[Interval, ...]
    behind: Interval
    form: Format
    of_ticket: bool


class Rounding(NamedTuple):
    """What evaluation is off by behind a node: what errors before it become, what it adds, and its largest number.

    Shapes: carried, own float64[n].
    """

    carried: Array
    own: Array
    peak: float = 0.0


class Back(NamedTuple):
    """Errors behind a node as linear functions of those before it: how rows of them pass, and what else they may be.

    Shapes: rows float64[k, n] to one float64[k, m] for each node before; lost float64[n].
    """

    rows: Callable[[Array], tuple[Array, ...]]
    lost: Array
    work: float = 0.0


@dataclass(frozen=True)
class Norms:
    """Bounds of the target's largest absolute value and of the largest difference, by norms alone."""

    size: float
    wrong: float


class Rule:
    """A node of both networks; nothing holds by default, so that a new kind of step says all of it."""

    linear: ClassVar[bool] = False
    """Whether rows pass exactly, and no line bounds the node."""

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        """Return the ranges behind the node from those before it, by themselves."""
        raise NotImplementedError

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Return functions of the values before the node that bound those of the values behind it from above."""
        raise NotImplementedError

    def rounding(self, at: Evaluation) -> Rounding:
        """Return what evaluation is off by behind the node, and a bound on all numbers that it meets."""
        raise NotImplementedError

    def back(self, at: Evaluation, carried: Array) -> Back:
        """Return what errors behind the node are of those before it; nothing is known but how large they are."""
        del at
        return Back(lambda rows: (), carried)

    def unclear(self, values: Interval, wrong: Array) -> Bools:
        """Return which values before the node pass errors on or not, as far as is known: their bounds count."""
        del wrong
        return np.zeros(values.shape, np.bool_)

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Return the norms behind the node."""
        raise NotImplementedError


class Passing(Rule):
    """A node behind which nothing is farther apart than before it, as ReLU and whatever moves numbers: errors pass."""

    def rounding(self, at: Evaluation) -> Rounding:
        """Nothing is computed: return the errors before the node."""
        passed = self.passed(at.wrong[0], at)
        return Rounding(passed, np.zeros(passed.shape))

    def passed(self, wrong: Array, at: Evaluation) -> Array:
        """Return what errors before the node become."""
        del at
        return wrong

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Return the norms before the node."""
        del before
        return norms[0]
