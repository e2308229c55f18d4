"""The published table of the MNIST experiment beside ours: a column of numbers each, drawn as dots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, numbers, where
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PAGE, PINK, panels

LISTS = {"fresh": "a list a weight", "row": "a list a row"}
LOOKS = {
    ("fresh", True): (BLUE, "o"),
    ("fresh", False): (ORANGE, "s"),
    ("row", True): (GREEN, "D"),
    ("row", False): (PINK, "^"),
}
"""By lists, and whether the optimum is searched for."""

PUBLISHED = {"kept_per_weight": 9.39, "largest_error": 0.01, "accuracy": 97.19, "gain": 0.0, "seconds": 77_266.0}
"""Pensia and others 2020, by way of their logged output: at most 0.01 is all that is known of the errors."""

FORMATS = {"kept_per_weight": "{:.2f}", "largest_error": "{:.2g}", "gain": "{:+.2f}", "seconds": "{:,.0f}"}
TITLES = {
    "kept_per_weight": "kept of 21,\nfor each weight",
    "largest_error": "largest error\n(dashed: $\\varepsilon = 0.01$)",
    "gain": "change of accuracy,\npercentage points",
    "seconds": "seconds\n(published: 36 cores)",
}


def pensia_mnist_figure(rows: Sequence[Row]) -> Figure:
    """Kept coefficients, largest error, change of accuracy and time of each way to solve, beside the published ones."""
    ways = list(dict.fromkeys((row["lists"], float(row["tolerance"])) for row in rows))
    labels = [
        f"{LISTS[lists]}, {'optimum' if tolerance == 0.0 else f'within {tolerance:g}'}" for lists, tolerance in ways
    ]
    with panels(PAGE, 2.9, 1, len(TITLES), sharey=True, lines="both") as (drawing, grid):
        for axes, (column, title) in zip(grid, TITLES.items(), strict=True):
            for place, (lists, tolerance) in enumerate(ways):
                color, marker = LOOKS[lists, tolerance == 0.0]
                found = _column(where(rows, lists=lists, tolerance=tolerance), column)
                _dots(axes, found, place, column, color, marker)
            _dots(axes, np.array([PUBLISHED[column]]), len(ways), column, INK, "*")
            axes.set_xlabel(title)
            axes.margins(x=0.28)
        grid[0].set_title("numbers: medians")
        grid[0].set_yticks(range(len(ways) + 1), [*labels, "published"])
        grid[0].set_ylim(len(ways) + 0.5, -0.7)
        grid[1].axvline(PUBLISHED["largest_error"], color=MUTED, linestyle="--", linewidth=1.0)
        for axes in (grid[1], grid[3]):
            axes.set_xscale("log")
    return drawing


def _column(rows: Sequence[Row], column: str) -> Floats:
    if column == "gain":
        return 100.0 * (numbers(rows, "accuracy") - numbers(rows, "target_accuracy"))
    return numbers(rows, column)


def _dots(axes: Axes, found: Floats, place: int, column: str, color: str, marker: str) -> None:
    """All repetitions, and their median as a number above them."""
    axes.plot(found, np.full(len(found), place), marker, color=color, markersize=9 if marker == "*" else 5)
    text = FORMATS[column].format(float(np.median(found)))
    if column == "largest_error" and marker == "*":
        text = f"at most {text}"
    axes.annotate(text, (float(np.median(found)), place), (0, 6), textcoords="offset points", ha="center",
                  fontsize=7.0, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.0})  # fmt: skip
