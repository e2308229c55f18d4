"""Searches beside one another: accuracy against density, and what their sanity checks leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import (
    BLUE,
    COLORS,
    GREEN,
    INK,
    MARKERS,
    MUTED,
    ORANGE,
    PAGE,
    PINK,
    in_legend,
    legend_below,
    panels,
)

CHANCE = 0.1
"""Of ten classes alike."""

CLOSE = (0.68, 0.94)
"""Accuracies of the panel in which searches are told apart."""

_CHECKS = {
    "accuracy": ("ticket", ORANGE, "D"),
    "shuffled": ("masks shuffled", BLUE, "o"),
    "redrawn": ("weights redrawn", GREEN, "s"),
    "random": ("both", PINK, "^"),
    "inverted": ("smallest scores kept", MUTED, "v"),
}


def search_accuracy_figure(rows: Sequence[Row]) -> Figure:
    """Mean accuracy of each method against the density that it kept, with the range over its seeds; large below."""
    with panels(PAGE, 4.2, 1, 2) as (drawing, (whole, close)):
        for number, name in enumerate(_names(rows)):
            own = [row for row in rows if _name(row) == name]
            found = [where(own, density=density) for density in levels(own, "density")]
            at = [float(np.mean(numbers(one, "kept") / numbers(one, "total"))) for one in found]
            middle, bars = with_ranges([numbers(one, "accuracy") for one in found])
            again = number // len(COLORS)
            look = {
                "color": COLORS[number % len(COLORS)], "marker": MARKERS[(number + 3 * again) % len(MARKERS)],
                "linestyle": ":" if again else "-", "markerfacecolor": "white" if again else None,
            }  # fmt: skip
            for axes in (whole, close):
                axes.errorbar(at, middle, bars, markersize=4.5, capsize=2, label=name, **look)
        whole.axhline(CHANCE, color=INK, linewidth=0.8, linestyle="--")
        whole.set(ylabel="test accuracy, no weight trained", ylim=(0.0, 1.0))
        close.set(ylim=CLOSE, title="larger")
        for axes in (whole, close):
            axes.set(xscale="log", xlabel="density, kept / total")
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        in_legend(whole, "chance", "--", linewidth=0.8)
        legend_below(drawing, whole, columns=3, title="means; bars: least to most of the seeds")
    return drawing


def sanity_checks_figure(rows: Sequence[Row]) -> Figure:
    """Accuracy of tickets and of what their checks leave, a dot a seed, for each method and density."""
    densities = sorted(levels(rows, "density"))
    names = _names(rows)
    with panels(PAGE, 0.9 + 0.34 * len(names), 1, len(densities), sharey=True, lines="x") as (drawing, grid):
        for axes, density in zip(grid, densities, strict=True):
            for place, name in enumerate(names):
                own = [row for row in where(rows, density=density) if _name(row) == name]
                for number, (column, (label, color, marker)) in enumerate(_CHECKS.items()):
                    found = [float(row[column]) for row in own if row[column] not in ("", None)]
                    height = place + 0.13 * (number - 2)
                    axes.plot(found, [height] * len(found), marker, color=color, markersize=4, markerfacecolor="none",
                              label=label if place == 0 else None)  # fmt: skip
            axes.axvline(CHANCE, color=INK, linewidth=0.8, linestyle=":")
            axes.set_title(f"density {density:g}")
            axes.set(xlim=(0.0, 1.0), xlabel="test accuracy")
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        grid[0].set_yticks(range(len(names)), names)
        grid[0].invert_yaxis()
        in_legend(grid[0], "chance", ":", linewidth=0.8)
        legend_below(drawing, grid[0], columns=len(_CHECKS) + 1, title="a mark a seed")
    return drawing


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(_name(row) for row in rows))


def _name(row: Row) -> str:
    """Return how a row's method is called: with its ranking, or its layer densities."""
    more = [str(row[key]) for key in ("scope", "allocation") if row.get(key) not in ("", None)]
    return ", ".join([str(row["method"]), *more])
