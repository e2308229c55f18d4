"""Planted tickets found again: the share of their weights, and how often the network does what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, where, with_bars
from slth.figures.style import COLORS, INK, MARKERS, PAGE, in_legend, legend_below, panels
from slth.grids.intervals import student

SOLVED = 0.01
"""Of the variance of the targets: a smaller error on held-out inputs counts as functional recovery."""

FLOOR = 1e-3
"""Where errors of nothing are drawn."""

WORDS = {"magnitude=false": "ranked by s", "scope=global": "all layers together"}


def plant_and_recover_figure(rows: Sequence[Row]) -> Figure:
    """Share of planted weights found, networks that do what the planted ticket does, and errors, against density."""
    kinds = [
        (layers, ratio) for layers in levels(rows, "layers") for ratio in levels(where(rows, layers=layers), "ratio")
    ]
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    with panels(PAGE, 6.4, 3, len(kinds), sharex=True, sharey="row") as (drawing, grid):
        for column, (layers, ratio) in zip(grid.T, kinds, strict=True):
            chosen = where(rows, layers=layers, ratio=ratio)
            for number, method in enumerate(methods):
                aside = 1.035 ** (number - (len(methods) - 1) / 2)  # beside one another
                _measured(column, where(chosen, method=method), number, aside)
            at = levels(chosen, "density")
            chance = [numbers(where(chosen, density=density), "chance").mean() for density in at]
            column[0].plot(at, chance, linestyle=":", color=INK, linewidth=1.2)
            column[0].set(title=_title(layers, ratio), ylim=(-0.04, 1.04))
            column[1].set_ylim(-0.04, 1.04)
            column[2].axhline(1.0, color=INK, linewidth=0.8, linestyle=":")
            column[2].set(xscale="log", yscale="log", xlabel="density of the\nplanted ticket")
            column[2].set_xticks(at, [f"{density:g}" for density in at])
            column[2].xaxis.minorticks_off()
        grid[0, 0].set_ylabel("planted weights found")
        grid[1, 0].set_ylabel(f"errors below {SOLVED:.0%}")
        grid[2, 0].set_ylabel("error / variance of the targets")
        for number, method in enumerate(methods):
            in_legend(grid[0, 0], _name(method), **_look(number))
        in_legend(grid[0, 0], "chance; best constant", linestyle=":")
        spreads = "bars: 95 % intervals of the mean (Student) and of the rate (Clopper-Pearson); least to most error"
        legend_below(drawing, grid[0, 0], columns=3, title=spreads)
    return drawing


def _measured(column: Sequence[Axes], rows: Sequence[Row], number: int, aside: float) -> None:
    """One method: shares with t intervals, rates with those of Clopper and Pearson, median errors with their range."""
    at = np.array(levels(rows, "density"))
    by_density = [where(rows, density=density) for density in at]
    found = [numbers(part, "share") for part in by_density]
    means = np.array([part.mean() for part in found])
    low, high = np.array([student(part) for part in found]).T
    _draw(column[0], at * aside, means, np.array([means - low, high - means]), number)
    hits = np.array([sum(_solves(row) for row in part) for part in by_density])
    rates, bars = with_bars(hits, np.array([len(part) for part in by_density]))
    _draw(column[1], at * aside, rates, np.where(hits > 0, bars, 0.0), number)  # none of all reaches as far everywhere
    known = [[row for row in part if row["error"] not in ("", None)] for part in by_density]
    errors = [np.maximum(numbers(part, "error"), FLOOR) for part in known if part]
    middle, least, most = (np.array([function(one) for one in errors]) for function in (np.median, np.min, np.max))
    kept = np.array([bool(part) for part in known])
    _draw(column[2], at[kept] * aside, middle, np.array([middle - least, most - middle]), number)


def _draw(axes: Axes, at: Floats, middle: Floats, reach: Floats, number: int) -> None:
    axes.errorbar(
        at, middle, np.maximum(reach, 0.0), **_look(number), markersize=4, linewidth=1.2, elinewidth=0.8, capsize=1.5
    )  # fmt: skip


def _solves(row: Row) -> bool:
    return row["error"] not in ("", None) and float(row["error"]) <= SOLVED


def _look(number: int) -> dict[str, Any]:
    """Return how a method is drawn: more than there are colours have dashed lines."""
    rest = number % len(COLORS)
    return {"color": COLORS[rest], "marker": MARKERS[rest], "linestyle": "-" if number == rest else "--"}


def _name(method: str) -> str:
    name, *words = method.split()
    return ", ".join([name, *(WORDS.get(word, word) for word in words)])


def _title(layers: float, ratio: float) -> str:
    hidden = "one hidden layer" if layers == 1 else f"{layers:g} hidden layers"
    return f"{hidden},\n{'all' if ratio == 1 else f'1 of {ratio:g}'} units planted"
