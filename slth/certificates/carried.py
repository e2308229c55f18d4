"""Rows of linear functions of symbols carried back through all units to the input, with slopes that are improved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.certificates.interval import Array
from slth.certificates.slopes import Chain, Link, Numbers
from slth.certificates.symbols import TINY, Forms, Symbols, Units, slack

_ROWS = 512  # carried back at a time


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
        self._worst: Array = np.zeros(0)
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
        last = self._closed(total, rows, wrong)
        self._worst = rows[int(last.argmax())] if len(last) else self._worst
        result: Array = np.fmin(best, last)
        return result

    def corner(self, inputs: int) -> Array:
        """Return the input at which the bound found last is attained in the worst row, as far as that is linear."""
        rows = np.pad(self._worst, (0, inputs + 1))[1 : inputs + 1]
        lower, upper = (end[1 : inputs + 1] for end in (self.symbols.lower, self.symbols.upper))
        return np.where(rows > 0.0, upper, lower)

    def _closed(self, total: Array, rows: Array, wrong: Array) -> Array:
        result: Array = total + self.symbols.upper_ends(rows, wrong) + slack(8) * np.abs(total)
        return result

    def improve(self, steps: int) -> None:
        """Take gradient steps on the slopes, and tell what each unit adds by being relaxed."""
        chain = self.chain()
        self.symbols.improver(chain, steps)
        self.slopes = {link.first: link.slopes.astype(np.float64) for link in chain.links}
        self.gaps = {link.first: link.gaps for link in chain.links}

    def chain(self) -> Chain:
        """Return rows, units and slopes as gradient steps take them."""
        links, (count, width) = [], self.rows.matrix.shape
        for units in self.units:
            slopes = self.slopes[units.first].astype(np.float32)
            strides = np.zeros_like(slopes)
            strides[:] = self._strides.get(units.first, 0.0)
            links.append(Link(units.first, units.singles, slopes, strides, np.zeros((count, units.count), np.float32)))
        lower, upper = (end[:width].astype(np.float32) for end in (self.symbols.lower, self.symbols.upper))
        return Chain(self.rows.matrix.astype(np.float32), lower, upper, links)


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
