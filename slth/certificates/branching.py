r"""Bounds by cases: the sign of what one unit takes is positive or negative, and where it is known nothing is lost.

A case is a row of forms with some signs. Its ranges end at 0, and the slope of :mod:`slth.certificates.symbols` need no
longer lie between 0 and 1: what exceeds them is the multiplier of :math:`z \ge 0` or :math:`z \le 0` (S. Wang et al.,
"Beta-CROWN", 2021, unverified). The worst cases are split first, each at the unit whose relaxation adds most to it; the
bound over all inputs is that of the worst case left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slth.arrays import Indices
from slth.certificates.carried import Carried
from slth.certificates.interval import Array, Interval
from slth.certificates.ranges import without_nan
from slth.certificates.symbols import Forms, Symbols, Units

_AT_ONCE = 32  # cases that are split at a time
_STEPS = 10  # gradient steps of each, twice as many of the whole ball
_MOST_NUMBERS = 2**23  # signs of all cases

Signs: TypeAlias = NDArray[np.int8]


@dataclass(eq=False)
class _Case:
    """One row with some signs: its bound, the slopes that led to it, and the gaps of all units.

    Shapes: signs int8[all units]; slopes float64[3, all units]; gaps float64[all units].
    """

    row: int
    bound: float
    signs: Signs
    slopes: Array
    gaps: Array


class Cases:
    """Cases of rows of forms; below ``enough`` none need be split."""

    def __init__(self, symbols: Symbols, rows: Forms, enough: float) -> None:
        self.symbols, self.rows, self.enough = symbols, rows, enough
        self.units = [units for units in symbols.units if units.first < rows.matrix.shape[1]]
        ends = np.cumsum([0, *(units.count for units in self.units)]).tolist()
        self.parts = [slice(*pair) for pair in pairwise(ends)]
        self.open = np.concatenate([np.zeros(0, np.bool_), *(units.open for units in self.units)])
        whole = np.zeros((len(rows.wrong), len(self.open)), np.int8)
        self.cases = self._bounded(np.arange(len(whole)), whole, None, np.full(len(whole), np.inf))

    @staticmethod
    def of(symbols: Symbols, rows: Forms, *, enough: float, most: int) -> Cases:
        """Return cases of rows, split until so many were made or all bounds are below ``enough``."""
        cases, made = Cases(symbols, rows, enough), 0
        most = min(most, _MOST_NUMBERS // max(1, len(cases.open)))
        while made < most and (chosen := cases.worst()):
            cases.split(chosen)
            made += 2 * len(chosen)
        return cases

    @property
    def bound(self) -> float:
        """Upper bound of all rows over the ball."""
        bounds = np.array([case.bound for case in self.cases])
        return float(without_nan(bounds).max(initial=-np.inf))

    def worst(self) -> list[_Case]:
        """Return the cases to be split next: none where that of the largest bound cannot be."""
        self.cases.sort(key=lambda case: -case.bound)
        chosen = [case for case in self.cases[:_AT_ONCE] if case.bound > self.enough and case.gaps.any()]
        return chosen if chosen and chosen[0] is self.cases[0] else []

    def split(self, chosen: list[_Case]) -> None:
        """Replace cases by two each."""
        every, unit = np.arange(len(chosen)), [int(case.gaps.argmax()) for case in chosen]
        signs = np.tile([case.signs for case in chosen], (2, 1))
        signs[every, unit], signs[len(chosen) + every, unit] = 1, -1
        row, known = (np.tile([getattr(case, name) for case in chosen], 2) for name in ("row", "bound"))
        slopes = np.tile(np.stack([case.slopes for case in chosen], axis=1), (1, 2, 1))
        taken = {id(case) for case in chosen}
        self.cases = [case for case in self.cases if id(case) not in taken]
        self.cases += self._bounded(row, signs, slopes, known)

    def _bounded(self, row: Indices, signs: Signs, slopes: Array | None, known: Array) -> list[_Case]:
        """Return cases with their bounds, beginning at given slopes."""
        carried = Carried(self.symbols, self.rows[row], self._limited(signs) if signs.any() else None)
        if slopes is not None:
            carried.slopes = {
                units.first: slopes[:, :, part] for units, part in zip(self.units, self.parts, strict=True)
            }
        bounds = np.fmin(known, carried.upper_bounds(2 * _STEPS if slopes is None else _STEPS))
        every, gaps = np.zeros((3, *signs.shape)), np.zeros(signs.shape)
        for units, part in zip(self.units, self.parts, strict=True):
            every[:, :, part] = carried.slopes[units.first]
            gaps[:, part] = carried.gaps.get(units.first, 0.0)
        gaps = np.where(self.open & (signs == 0), gaps, 0.0)
        each = zip(row.tolist(), bounds.tolist(), signs, every.swapaxes(0, 1), gaps, strict=True)
        return [_Case(*one) for one in each]

    def _limited(self, signs: Signs) -> dict[int, Units]:
        limited = {}
        for units, part in zip(self.units, self.parts, strict=True):
            own = signs[:, part]
            if own.any():
                low = np.where(own > 0, 0.0, units.values.lower)
                limited[units.first] = units.limited(Interval(low, np.where(own < 0, 0.0, units.values.upper)))
        return limited
