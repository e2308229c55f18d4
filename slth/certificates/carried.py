"""Rows of linear functions of symbols carried back through all units to the input, with slopes that are improved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.certificates.interval import Array
from slth.certificates.symbols import TINY, Forms, Numbers, Symbols, Units, slack

_ROWS = 512  # carried back at a time
_RATE, _DECAY, _MEMORY, _LONG_MEMORY = 0.1, 0.97, 0.8, 0.95  # of gradient steps
_AT_MOST = 0.1  # of what a relaxation can add, beside what it adds at one point


def upper_bounds(symbols: Symbols, forms: Forms, *, steps: int = 0) -> Array:
    """Return upper bounds of forms over the ball, with slopes that are improved in so many steps: float64[n]."""
    found = [np.zeros(0)]
    for start in range(0, len(forms.wrong), _ROWS):
        found.append(Carried(symbols, forms[start : start + _ROWS]).upper_bounds(steps))
    return np.concatenate(found)


@dataclass(frozen=True, eq=False)
class _Through:
    """Rows in front of some units: what they multiply, and the sums that the relaxation adds at each of its points.

    Shapes: on_values, on_differences, slope, beta, sigma float[rows, n]; sums float[points, rows, n].
    """

    on_values: Numbers
    on_differences: Numbers | None
    slope: Numbers
    beta: Numbers
    sigma: Numbers | None
    sums: Numbers


class Carried:
    """Rows of forms carried back through all units, the last first; units may be limited to other ranges by row.

    Shapes: slopes, gaps by units: float64[3, rows, n]; float32[rows, n], what each adds to the bound by being relaxed.
    """

    def __init__(self, symbols: Symbols, rows: Forms, limited: dict[int, Units] | None = None) -> None:
        self.symbols, self.rows, self.limited = symbols, rows, limited or {}
        every = [units for units in symbols.units if units.first < rows.matrix.shape[1]]
        self.units = [self.limited.get(units.first, units) for units in every]
        self.slopes: dict[int, Array] = {}
        self.gaps: dict[int, Numbers] = {}
        self._strides: dict[int, Array] = {}
        self._root = {units.first: units for units in every}

    def upper_bounds(self, steps: int) -> Array:
        """Return upper bounds, outward rounded: at the slopes to begin with, and at those that gradient steps reach."""
        bounds = self.bounds()
        if steps and self.slopes:
            self.improve(steps)
            bounds = np.fmin(bounds, self.bounds())
        return bounds

    def bounds(self) -> Array:
        """Return upper bounds, outward rounded, the least that is met at any of the units."""
        rows, wrong, symbols = self.rows.matrix, self.rows.wrong, self.symbols
        total, best = np.zeros(len(rows)), np.full(len(rows), np.inf)
        for units in reversed(self.units):
            best = np.fmin(best, self._closed(total, rows, wrong))
            on_values, on_differences, rows = _parted(rows, units)
            if units.first not in self.slopes:
                self.slopes[units.first] = units.first_slopes(len(rows), on_differences)
            if on_values is None:
                continue
            if units.first not in self._strides:
                root = self._root[units.first]
                split = None if units is root else units.width < root.width
                self._strides[units.first] = units.strides(on_values, on_differences, split)
            passed = _through(on_values, on_differences, self.slopes[units.first], units.points, units.chord)
            total = total + passed.sums.max(axis=0).sum(axis=1)
            sums = np.abs(on_values) + np.abs(passed.beta)
            if on_differences is not None and passed.sigma is not None:
                sums += np.abs(on_differences) + np.abs(passed.sigma)
            wrong = (
                wrong + slack(units.count + 16) * (2.0 * sums @ self._root[units.first].reach + np.abs(total)) + TINY
            )
            for coefficients, forms in ((passed.beta, units.target), (passed.sigma, units.difference)):
                if coefficients is not None:
                    each = forms.wrong + slack(2 * units.count) * symbols.sizes(forms)
                    wrong = wrong + np.abs(coefficients) @ each
                    rows[:, : forms.matrix.shape[1]] += coefficients @ forms.matrix
            wrong = wrong + slack(4) * (np.abs(rows) @ symbols.magnitude[: rows.shape[1]])
        result: Array = np.fmin(best, self._closed(total, rows, wrong))
        return result

    def _closed(self, total: Array, rows: Array, wrong: Array) -> Array:
        result: Array = total + self.symbols.upper_ends(rows, wrong) + slack(8) * np.abs(total)
        return result

    def improve(self, steps: int) -> None:
        """Take gradient steps in float32 (Adam, D. P. Kingma and J. Ba, 2015)."""
        slopes = {first: each.astype(np.float32) for first, each in self.slopes.items()}
        moments = {first: (np.zeros_like(each), np.zeros_like(each)) for first, each in slopes.items()}
        strides = {first: each.astype(np.float32) for first, each in self._strides.items()}
        start = self.rows.matrix.astype(np.float32)
        ends = [end.astype(np.float32) for end in (self.symbols.lower, self.symbols.upper)]
        for step in range(steps):
            for first, gradient in self._gradients(start, ends, slopes).items():
                mean, square = moments[first]
                mean += (1.0 - _MEMORY) * (gradient - mean)
                square += (1.0 - _LONG_MEMORY) * (gradient * gradient - square)
                rate = _RATE * _DECAY**step * np.sqrt(1.0 - _LONG_MEMORY ** (step + 1)) / (1.0 - _MEMORY ** (step + 1))
                moved = slopes[first] - rate * strides.get(first, 0.0) * mean / (np.sqrt(square) + 1e-18)
                np.clip(moved[:2], 0.0, 1.0, out=moved[:2])
                slopes[first] = moved
        self.slopes = {first: each.astype(np.float64) for first, each in slopes.items()}

    def _gradients(self, rows: Numbers, ends: list[Numbers], slopes: dict[int, Numbers]) -> dict[int, Numbers]:
        """Return the gradients of the bounds by the slopes: float32[3, rows, n] of each units."""
        trail = {}
        for units in reversed(self.units):
            on_values, on_differences, rows = _parted(rows, units)
            if on_values is None:
                continue
            own = units.singles
            passed = _through(on_values, on_differences, slopes[units.first], own.points, own.chord)
            trail[units.first] = passed
            rows[:, : own.target.shape[1]] += passed.beta @ own.target
            if passed.sigma is not None:
                rows[:, : own.difference.shape[1]] += passed.sigma @ own.difference
        lower, upper = ends
        at = np.zeros((len(rows), self.rows.matrix.shape[1]), np.float32)  # all symbols where the bound is attained
        width = rows.shape[1]
        at[:, :width] = np.where(rows > 0.0, upper[:width], lower[:width])
        result = {}
        for units in self.units:
            if units.first in trail:
                gradient, gap = _gradient(units, trail[units.first], slopes[units.first], at)
                result[units.first], self.gaps[units.first] = gradient, gap
        return result


def _parted(rows: Numbers, units: Units) -> tuple[Numbers | None, Numbers | None, Array]:
    """Return coefficients of the values and differences of units, each None where all are 0, and the rest of rows."""
    first, middle, last = units.first, units.first + units.count, units.first + 2 * units.count
    on_values, on_differences = rows[:, first:middle], rows[:, middle:last]
    if rows.shape[1] > last:
        rows = rows.copy()  # symbols behind them of which ranges are all that is known
        rows[:, first:last] = 0.0
    else:
        rows = rows[:, :first].copy()
    moved = bool(on_differences.any())
    if not moved and not on_values.any():
        return None, None, rows
    return on_values, on_differences if moved else None, rows


def _through(
    on_values: Numbers, on_differences: Numbers | None, slopes: Numbers, points: tuple[Numbers, ...], chord: Numbers
) -> _Through:
    """Carry coefficients through units."""
    z, e, h, r = points
    lower, in_moves, shift = slopes
    slope = np.where(on_values > 0.0, chord, lower)
    beta = on_values * slope + shift
    if on_differences is None:
        return _Through(on_values, None, slope, beta, None, on_values * h[:3] - beta * z[:3])
    sigma = on_differences * in_moves
    sums = on_values * h
    sums -= beta * z
    sums += on_differences * r
    sums -= sigma * e
    return _Through(on_values, on_differences, slope, beta, sigma, sums)


def _gradient(units: Units, passed: _Through, slopes: Numbers, at: Numbers) -> tuple[Numbers, Numbers]:
    """Return the gradient by the slopes of units, and their gaps, and fill in the values of their symbols."""
    own, in_moves = units.singles, slopes[1]
    where = passed.sums.argmax(axis=0)
    rows = np.arange(len(where))[:, None] if own.points[0].shape[1] > 1 else 0
    z, e, h, r = (each[where, rows, np.arange(units.count)] for each in own.points)
    first, middle = units.first, units.first + units.count
    values = at[:, : own.target.shape[1]] @ own.target.T
    here = values - z
    at[:, first:middle] = passed.slope * here + h
    positive = np.maximum(values, 0.0)
    gap: Numbers = np.abs(passed.on_values) * (np.abs(at[:, first:middle] - positive) + _AT_MOST * own.loss)
    result = np.zeros_like(slopes)
    result[0], result[2] = np.minimum(passed.on_values, 0.0) * here, here
    if passed.on_differences is None:
        return result, gap
    moves = at[:, : own.difference.shape[1]] @ own.difference.T
    result[1] = passed.on_differences * (moves - e)
    at[:, middle : middle + units.count] = in_moves * (moves - e) + r
    lost = at[:, middle : middle + units.count] - (np.maximum(values + moves, 0.0) - positive)
    gap += np.abs(passed.on_differences) * (np.abs(lost) + _AT_MOST * own.moved)
    return result, gap
