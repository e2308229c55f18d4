"""Strong tickets of weights, kernels, blocks and channels: accuracy against density, width, kept numbers and work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, where
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PAGE, PINK, SKY, YELLOW, in_legend, legend_below, panels

LOOKS = {
    "weights": (BLUE, "o"),
    "n:m": (SKY, "P"),
    "kernels": (GREEN, "D"),
    "blocks:4": (YELLOW, "v"),
    "input-channels": (ORANGE, "s"),
    "output-channels": (PINK, "^"),
}
WIDTH, DENSITY = 4.0, 0.5
"""At which the other one is swept."""

Measure: TypeAlias = Callable[[Row], float]


def structured_search_figure(rows: Sequence[Row]) -> Figure:
    """Accuracy of searched tickets by structure, beside random and magnitude masks, the construction and training."""
    searched, untrained, constructed = (
        [row for row in rows if row["way"] in ways]
        for ways in (("search",), ("random", "magnitude"), ("construction",))
    )
    with panels(PAGE, 6.6, 2, 2, sharey=True) as (drawing, ((by_density, by_width), (by_size, by_work))):
        for structure in LOOKS:
            mine = where(searched, structure=structure)
            _line(by_density, where(mine, width=WIDTH), "density", structure)
            _line(by_width, where(mine, density=DENSITY), "width", structure)
            _points(by_size, mine, "kept_small", structure)
            _points(by_work, mine, "multiply_adds", structure)
        _band(by_density, where(untrained, width=WIDTH), "density")
        _band(by_width, where(untrained, density=DENSITY), "width")
        _construction(by_width, constructed, "width")
        for axes, column, trained in (
            (by_size, "kept_small", "target_parameters"),
            (by_work, "multiply_adds", "target_multiply_adds"),
        ):
            axes.plot(numbers(untrained, column), _percent(untrained), "x", color=MUTED, markersize=3.5, alpha=0.7)
            _construction(axes, constructed, column)
            for row in constructed[:1]:
                axes.plot(float(row[trained]), 100.0 * float(row["target_accuracy"]), "*", color=INK, markersize=10)
        by_density.set(title=f"width {WIDTH:g} × (8, 16)", xlabel="density: kept / total of a layer's groups")
        by_width.set(title=f"density {DENSITY:g}", xlabel="width of the random network / (8, 16)")
        by_width.set_xscale("log", base=2)
        by_size.set(title="at equal kept weights", xlabel="weights that are not 0 and reach an output", xscale="log")
        by_work.set(title="at equal operations", xlabel="multiply-adds of the small dense network", xscale="log")
        for axes in (by_density, by_size):
            axes.set(ylabel="test accuracy, %", ylim=(0.0, 102.0))
        _key(drawing, by_density)
    return drawing


def _percent(rows: Sequence[Row]) -> Floats:
    return 100.0 * numbers(rows, "accuracy")


def _line(axes: Axes, rows: Sequence[Row], column: str, structure: str) -> None:
    """Medians over the seeds, with bars from the least to the most."""
    color, marker = LOOKS[structure]
    at = levels(rows, column)
    found = [_percent(where(rows, **{column: level})) for level in at]
    middle = np.array([np.median(one) for one in found])
    reach = [middle - [one.min() for one in found], [one.max() for one in found] - middle] if at else None
    axes.errorbar(at, middle, yerr=reach, color=color, marker=marker, markersize=5, linewidth=1.2, capsize=2)


def _points(axes: Axes, rows: Sequence[Row], column: str, structure: str) -> None:
    """Every ticket by itself."""
    color, marker = LOOKS[structure]
    axes.plot(numbers(rows, column), _percent(rows), marker, color=color, markersize=4, alpha=0.75)


def _band(axes: Axes, rows: Sequence[Row], column: str) -> None:
    """All masks for which nothing was learnt, whatever their structure."""
    at = levels(rows, column)
    found = [_percent(where(rows, **{column: level})) for level in at]
    axes.fill_between(at, [one.min() for one in found], [one.max() for one in found], color=MUTED, alpha=0.25, lw=0)


def _construction(axes: Axes, rows: Sequence[Row], column: str) -> None:
    widths = levels(rows, "width")
    at = [float(np.median(numbers(where(rows, width=width), column))) for width in widths]
    found = [_percent(where(rows, width=width)) for width in widths]
    axes.plot(at, [float(np.median(one)) for one in found], "--", color=INK, marker="X", markersize=5, linewidth=1.0)


def _key(drawing: Figure, axes: Axes) -> None:
    """Say below the panels whose each look is."""
    for structure, (color, marker) in LOOKS.items():
        in_legend(axes, f"search: {structure}", "-", color=color, marker=marker, markersize=5)
    in_legend(axes, "random or magnitude masks, all structures", "x", color=MUTED, markersize=4)
    in_legend(axes, "subset-sum construction of channels", "--", color=INK, marker="X", markersize=5)
    in_legend(axes, "target of the construction, trained, width 1", "*", color=INK, markersize=10)
    legend_below(drawing, axes, columns=2, title="medians; bars and band: least to most of the seeds")
