"""Planted tickets found again: the share of their weights, and how often the network does what they do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, where, with_bars
from slth.figures.style import COLORS, INK, MARKERS, in_legend, panels
from slth.grids.intervals import student

SOLVED = 0.01
"""Of the variance of the targets: a smaller error on held-out inputs counts as functional recovery."""

WORDS = {"magnitude=false": "ranked by s", "scope=global": "all layers together"}


def plant_and_recover_figure(rows: Sequence[Row]) -> Figure:
    """Share of planted weights found, and of networks that do what the planted ticket does, against its density."""
    kinds = [
        (layers, ratio) for layers in levels(rows, "layers") for ratio in levels(where(rows, layers=layers), "ratio")
    ]
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    with panels(2.5 * len(kinds), 5.6, 2, len(kinds), sharex=True, sharey="row") as (drawing, grid):
        for (shares, solved), (layers, ratio) in zip(grid.T, kinds, strict=True):
            chosen = where(rows, layers=layers, ratio=ratio)
            for number, method in enumerate(methods):
                _measured(shares, solved, where(chosen, method=method), number, len(methods))
            at = levels(chosen, "density")
            chance = [numbers(where(chosen, density=density), "chance").mean() for density in at]
            shares.plot(at, chance, linestyle=":", color=INK, linewidth=1.2)
            shares.set_title(_title(layers, ratio))
            solved.set_xlabel("density of the planted ticket\nbetween its units")
            solved.set(xscale="log", ylim=(-0.04, 1.04))
            shares.set_ylim(-0.04, 1.04)
            solved.set_xticks(at, [f"{density:g}" for density in at])
            solved.minorticks_off()
        grid[0, 0].set_ylabel("planted weights found")
        grid[1, 0].set_ylabel(f"error below {SOLVED:.0%} of the variance")
        for number, method in enumerate(methods):
            in_legend(grid[0, 0], _name(method), MARKERS[number % len(MARKERS)], color=_color(number), linestyle="-")
        in_legend(grid[0, 0], "chance", linestyle=":")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return drawing


def _measured(shares: Axes, solved: Axes, rows: Sequence[Row], number: int, methods: int) -> None:
    """One method's shares with t intervals, and its functional recoveries with those of Clopper and Pearson."""
    at = np.array(levels(rows, "density"))
    by_density = [where(rows, density=density) for density in at]
    found = [numbers(part, "share") for part in by_density]
    means = np.array([part.mean() for part in found])
    ends = np.array([student(part) for part in found]).T
    hits = np.array([sum(_solves(row) for row in part) for part in by_density])
    trials = np.array([len(part) for part in by_density])
    rate, bars = with_bars(hits, trials)
    places = at * 1.035 ** (number - (methods - 1) / 2)  # beside one another
    _draw(shares, places, means, np.array([means - ends[0], ends[1] - means]), number)
    _draw(solved, places, rate, bars, number)


def _draw(axes: Axes, at: Floats, middle: Floats, reach: Floats, number: int) -> None:
    axes.errorbar(
        at, middle, np.maximum(reach, 0.0), fmt=MARKERS[number % len(MARKERS)], linestyle="-", color=_color(number),
        markersize=4, linewidth=1.2, elinewidth=0.8, capsize=1.5,
    )  # fmt: skip


def _solves(row: Row) -> bool:
    return row["error"] not in ("", None) and float(row["error"]) <= SOLVED


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _name(method: str) -> str:
    name, *words = method.split()
    return ", ".join([name, *(WORDS.get(word, word) for word in words)])


def _title(layers: float, ratio: float) -> str:
    hidden = "one hidden layer" if layers == 1 else f"{layers:g} hidden layers"
    return f"{hidden},\n{'all' if ratio == 1 else f'1 of {ratio:g}'} units planted"
