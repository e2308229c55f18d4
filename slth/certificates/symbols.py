r"""Both networks near one input as linear functions of few symbols, and rows of them carried back to the input.

Over a small ball most neurons are positive throughout or negative throughout, in both networks. What is left are the
symbols: the input's coordinates, and for each **unit**, a maximum with 0 whose sign is not known, its value h in the
target and its difference r. All other numbers are linear functions of them, computed once, forwards.

**Relaxation.** A unit takes z in the target and z + e in the ticket, both with known ranges. For *any* slopes
:math:`\beta, \sigma`

.. math:: p\,h + a\,r \le \beta z + \sigma e + \max_{(z, e)} \bigl(p\,h + a\,r - \beta z - \sigma e\bigr),

and because h = max(z, 0) and r = max(z + e, 0) - max(z, 0) are linear between the lines z = 0 and z + e = 0, the
maximum over the rectangle of ranges is attained at one of its corners, where one of those lines meets its edge, or at
0: eleven points, all of them doubles. So rows of coefficients are carried back from unit to unit, and end at the input.

**Slopes** are those of lines through the ends of ranges, and are then improved for each row by projected gradient steps
(K. Xu et al., "Fast and Complete", 2021, alpha-CROWN; for one network, unverified). The gradient needs no tape: a row's
bound is attained at certain values of all symbols, and grows with a slope as that unit's z there exceeds the z of the
point where its maximum is attained. None of this need be exact; one evaluation with outward rounding is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from slth.arrays import Bools
from slth.certificates.interval import UNIT_ROUNDOFF, Array, Interval, up
from slth.certificates.rows import TooMuchWorkError
from slth.certificates.rules.relu import relu_difference
from slth.certificates.slopes import Improve, Singles, improve

_LARGEST = 2.0**50  # times as many terms as fit into memory it is below 2**75, by which TINY is above underflow
_ROUNDED = 1.0 + 2.0**-20  # more than adding up bounds of rounding errors can lose
TINY = 2.0**-1000
"""More than all underflows behind one number can lose."""


def slack(terms: int) -> float:
    """Return more than what a sum of so many rounded products is off by, in parts of the sum of absolute ones."""
    return 8.0 * (terms + 8) * UNIT_ROUNDOFF


@dataclass(frozen=True, eq=False)
class Forms:
    """Numbers that are linear functions of the first symbols, but for at most ``wrong``.

    Shapes: matrix float64[n, symbols]; wrong float64[n].
    """

    matrix: Array
    wrong: Array

    def __getitem__(self, index: Any) -> Forms:
        """Return some of them."""
        return Forms(self.matrix[index], self.wrong[index])


def negative(forms: Forms) -> Forms:
    """Return the negated forms."""
    return Forms(-forms.matrix, forms.wrong)


def stacked(parts: list[Forms]) -> Forms:
    """Return several forms, one behind the other."""
    width = max(each.matrix.shape[1] for each in parts)
    matrices = [np.pad(each.matrix, ((0, 0), (0, width - each.matrix.shape[1]))) for each in parts]
    return Forms(np.concatenate(matrices), np.concatenate([each.wrong for each in parts]))


@dataclass(frozen=True, eq=False)
class Units:
    """Maxima with 0 that are no linear functions; ``first`` is their first symbol, all values' before all differences'.

    Shapes: target, difference Forms of n numbers in front; values, moves Interval float64[n], their ranges.
    """

    first: int
    target: Forms
    difference: Forms
    values: Interval
    moves: Interval

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.moves.lower)

    @cached_property
    def width(self) -> Array:
        """Widths of the values' ranges: float64[n], or [rows, n]."""
        return self.values.upper - self.values.lower

    @cached_property
    def reach(self) -> Array:
        """Bounds of |z| + |e|: float64[n]."""
        return self.values.magnitude + self.moves.magnitude

    def limited(self, values: Interval) -> Units:
        """Return the units within other ranges of their values, those of each row: Interval float64[rows, n]."""
        return replace(self, values=values)

    @cached_property
    def points(self) -> tuple[Array, ...]:
        """Points z, e, and h, r there: float64[11, 1 or rows, n] each, the first three at all z that decide h."""
        low, high = (end.reshape(-1, self.count) for end in (self.values.lower, self.values.upper))
        below, above = (np.broadcast_to(end, low.shape) for end in (self.moves.lower, self.moves.upper))
        none = np.zeros(low.shape)

        def z_at(z: Array) -> Array:
            return np.clip(z, low, high)

        def e_at(e: Array) -> Array:
            return np.clip(e, below, above)

        z = np.stack([low, z_at(none), high, low, high, z_at(none), z_at(none), z_at(-below), z_at(-above), low, high])
        e = np.stack([below, below, below, above, above, above, e_at(none), below, above, e_at(-low), e_at(-high)])
        h = np.maximum(z, 0.0)
        return z, e, h, np.maximum(z + e, 0.0) - h

    @cached_property
    def singles(self) -> Singles:
        """What gradient steps take."""
        ends = (self.values.lower, self.values.upper, self.moves.lower, self.moves.upper)
        loss = (-self.chord * np.minimum(self.values.lower, 0.0), self.moves.magnitude)
        ranges, lost = (np.stack(np.broadcast_arrays(*(np.atleast_2d(x) for x in each))) for each in (ends, loss))
        numbers = (ranges, np.atleast_2d(self.chord), self.target.matrix, self.difference.matrix, lost)
        return Singles(*(np.ascontiguousarray(each, np.float32) for each in numbers))

    @cached_property
    def chord(self) -> Array:
        """Slope of the line through both ends of the values' ranges: float64[n], or [rows, n]."""
        return share(np.maximum(self.values.upper, 0.0), -np.minimum(self.values.lower, 0.0))

    @property
    def open(self) -> Bools:
        """Whether the values may have either sign: bool[n], or [rows, n]."""
        result: Bools = (self.values.lower < 0.0) & (self.values.upper > 0.0)
        return result

    def first_slopes(self, rows: int, on_differences: Array | None) -> Array:
        """Return slopes to begin with, given coefficients on the differences if there are any: float64[3, rows, n].

        They are that of h in z where its coefficient is negative, of r in e, and what is added to that of z.
        """
        result = np.zeros((3, rows, self.count))
        result[0] = self.values.upper > -self.values.lower
        if on_differences is not None:
            low, high = -np.minimum(self.moves.lower, 0.0), np.maximum(self.moves.upper, 0.0)
            rise = np.where(self.moves.lower >= 0.0, 1.0, share(high, low))
            fall = np.where(self.moves.upper <= 0.0, 1.0, share(low, high))
            result[1] = np.where(on_differences > 0.0, rise, fall)
        return result

    def strides(self, on_values: Array, on_differences: Array | None, split: Bools | None) -> Array:
        """Return how far one gradient step may move each slope: float64[3, rows, n].

        The third is in units of a coefficient: for a value, only where its range was split at 0.
        """
        result = np.zeros((3, *on_values.shape))
        result[0] = self.open
        if on_differences is not None:
            result[1] = 1.0
            moved = self.moves.upper - self.moves.lower
            result[2] = np.abs(on_differences) * moved / np.maximum(np.maximum(self.width, moved), TINY)
        if split is not None:
            result[2] += np.where(split, np.abs(on_values).mean(axis=1, keepdims=True), 0.0)
        return result


def share(part: Array, rest: Array) -> Array:
    """Return which share of a sum of two nonnegative numbers one has, 0 where both are 0."""
    whole = part + rest
    return np.clip(part / np.where(whole > 0.0, whole, 1.0), 0.0, 1.0)


@dataclass
class Symbols:
    """All symbols so far: the constant 1, the input, and what units give; ``improver`` takes steps on slopes.

    Shapes: lower, upper float64[symbols].
    """

    lower: Array
    upper: Array
    units: list[Units] = field(default_factory=list)
    improver: Improve = improve

    def __post_init__(self) -> None:
        """Check the size of the first symbols."""
        self.check()

    @property
    def magnitude(self) -> Array:
        """Largest absolute values."""
        return np.maximum(np.abs(self.lower), np.abs(self.upper))

    def add(self, target: Forms, difference: Forms, values: Interval, moves: Interval) -> int:
        """Add units, and return their first symbol."""
        first = len(self.lower)
        self.units.append(Units(first, target, difference, values, moves))
        behind = relu_difference(values, moves)
        self.more(values.relu(), behind)
        return first

    def more(self, values: Interval, differences: Interval) -> int:
        """Add symbols of which ranges are all that is known, and return the first."""
        first = len(self.lower)
        self.lower = np.concatenate([self.lower, values.lower, differences.lower])
        self.upper = np.concatenate([self.upper, values.upper, differences.upper])
        self.check()
        return first

    def check(self) -> None:
        """Refuse symbols so large that what underflows beside them is more than ``TINY`` stands for."""
        if not self.magnitude.sum() <= _LARGEST:
            raise TooMuchWorkError

    def closed(self, forms: Forms) -> Interval:
        """Return the ranges of forms, each symbol's range taken by itself."""
        middle, beyond = self._middle_and_beyond(forms.matrix, forms.wrong)
        return Interval(middle - beyond, middle + beyond)

    def upper_ends(self, matrix: Array, wrong: Array) -> Array:
        """Return the upper ends of the ranges of rows that are off by at most ``wrong``."""
        middle, beyond = self._middle_and_beyond(matrix, wrong)
        return middle + beyond

    def _middle_and_beyond(self, matrix: Array, wrong: Array) -> tuple[Array, Array]:
        """Return what rows are in the middle of all ranges, and how far from that they can be."""
        count = matrix.shape[1]
        lower, upper = self.lower[:count], self.upper[:count]
        middle = 0.5 * lower + 0.5 * upper
        radius = up(np.maximum(upper - middle, middle - lower))
        terms = np.abs(matrix) @ (radius + slack(count) * self.magnitude[:count])
        at_middle = matrix @ middle
        return at_middle, (wrong + terms) * _ROUNDED + slack(4) * np.abs(at_middle) + TINY

    def sizes(self, forms: Forms) -> Array:
        """Return bounds of the sums of the absolute values of all terms."""
        return np.abs(forms.matrix) @ self.magnitude[: forms.matrix.shape[1]] * _ROUNDED
