"""Robust ensembles: reliability, and calibration error against accuracy, beside what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from slth.figures.calibration_figures import LOOKS, look_of
from slth.figures.rows import Row, levels, numbers, where
from slth.figures.style import INK, PAGE, in_legend, legend_below, panels

LEAST = 0.005
"""Share of the examples below which a bin is not drawn."""


def robust_ensemble_figure(rows: Sequence[Row]) -> Figure:
    """A column for each regime; above the bins of all seeds together, below a mark for each seed."""
    regimes = list(dict.fromkeys(str(row["regime"]) for row in rows))
    with panels(PAGE, 5.0, 2, len(regimes)) as (drawing, grid):
        for column, regime in enumerate(regimes):
            above, below = grid[0][column], grid[1][column]
            own = where(rows, regime=regime)
            above.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--")
            for kind in (kind for kind in LOOKS if where(own, kind=kind)):
                found = where(own, kind=kind)
                _reliability(above, found, look_of(kind))
                whole = [row for row in found if row["bin"] in ("", None)]
                only = {"markerfacecolor": "none", "linestyle": "none", "markersize": 6}
                below.plot(numbers(whole, "accuracy"), numbers(whole, "ece"), **look_of(kind) | only)
            above.set(title=regime, xlabel="confidence", ylabel="accuracy", xlim=(0.0, 1.0), ylim=(0.0, 1.0))
            below.set(xlabel="test accuracy", ylabel="calibration error (ECE)")
            below.set_ylim(bottom=0.0)
            below.xaxis.set_major_locator(MaxNLocator(4))
            below.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        in_legend(grid[0][0], "calibrated", "--", linewidth=0.8)
        legend_below(drawing, grid[0][0], columns=4, title="above: all seeds together; below: a mark a seed")
    return drawing


def _reliability(axes: Axes, rows: Sequence[Row], look: Mapping[str, Any]) -> None:
    """Draw accuracy against confidence of the bins, all seeds together."""
    every = sum(numbers([row for row in rows if row["bin"] in ("", None)], "tested"))
    confidences, accuracies = [], []
    for level in levels(rows, "bin"):
        inside = where(rows, bin=level)
        counts = numbers(inside, "examples_in_bin")
        if counts.sum() < LEAST * every:
            continue
        confidences.append(float(np.average(numbers(inside, "confidence"), weights=counts)))
        accuracies.append(float(np.average(numbers(inside, "accuracy"), weights=counts)))
    axes.plot(confidences, accuracies, **look)
