"""The certified agreement curve: proved beside attacked shares of inputs, and errors, against the radius."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from slth.figures.levels_figures import DECADE, look
from slth.figures.rows import Row, levels, numbers, quantiles, where
from slth.figures.style import PAGE, legend_below, panels
from slth.grids.intervals import clopper_pearson

NAMES = {"channels": "channels n", "candidates": "candidates"}
_QUARTILES = (0.25, 0.5, 0.75)


def certified_agreement_figure(rows: Sequence[Row]) -> Figure:
    """Draw (a) shares of inputs on whose ball both networks give one class, (b) the difference of any output.

    Lines: proved; dashed: what gradient ascent found. Bars in (a): 95 % by Clopper and Pearson over the inputs; in (b)
    medians over the inputs, and quartiles. Radii in 255ths.
    """
    with panels(PAGE, 3.2, 1, 2) as (drawing, (shares, errors)):
        for number, (name, own) in enumerate(_tickets(rows)):
            shown = look(number)
            beside = {**shown, "linestyle": "--", "markerfacecolor": "white"}
            for column, told, looks in (("certified", "proved", shown), ("attack", "attacked", beside)):
                label = f"{name}{told}"
                radii, middle, bars = _shares(own, f"{column}_margin")
                shares.errorbar(255.0 * radii, middle, bars, capsize=2, label=label, **looks)
                at, (low, half, high) = quantiles(own, "radius", f"{column}_error", _QUARTILES)
                errors.errorbar(255.0 * at, half, (half - low, high - half), capsize=2, **looks)
        shares.set(xlabel="radius, in 255ths", ylabel="inputs with one class on the ball")
        shares.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        errors.set(xlabel="radius, in 255ths", ylabel="largest difference of any output", yscale="log")
        low, high = errors.get_ylim()
        if high < DECADE * low:  # no power of ten, or a single one, is in sight
            errors.yaxis.set_major_formatter("{x:g}")
            errors.yaxis.set_minor_formatter("{x:g}")
        legend_below(drawing, shares, columns=2, title="95 % over the inputs in (a), medians and quartiles in (b)")
    return drawing


def _tickets(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return the rows of each ticket, with what its lines are called."""
    columns = [name for name in NAMES if name in rows[0]]
    found = [
        (f"{NAMES[column]} = {level:,.0f}, ", where(rows, **{column: level}))
        for column in columns
        for level in levels(rows, column)
    ]
    return found or [("", list(rows))]


def _shares(rows: Sequence[Row], column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return radii, the share of the rows of each with a positive number, and the lengths of its bars."""
    radii = levels(rows, "radius")
    positive = [numbers(where(rows, radius=radius), column) > 0.0 for radius in radii]
    middle = np.array([one.mean() for one in positive])
    low, high = np.array([clopper_pearson(int(one.sum()), len(one)) for one in positive]).T
    return np.array(radii), middle, np.maximum([middle - low, high - middle], 0.0)
