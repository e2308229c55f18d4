"""How many values are enough when each chosen one may move, beside the published reading and the theorem's shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Row, levels, where
from slth.figures.style import BLUE, INK, MUTED, ORANGE, PAGE, legend_below, panels
from slth.theory import bounds

LISTS = {"fresh": (BLUE, "o", "-"), "row": (ORANGE, "s", "--")}
NEEDED = 0.8
"""Part of the repetitions that must succeed on all weights: published are 8 of 10."""

ASSUMED = {"constant": 2.5, "excess": 0.0}
"""C and K of Xiong, Liao and Kyrillidis 2023, which are not given: assumed, and labelled so."""

PUBLISHED_RATIOS = (0.0, 0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0)
PUBLISHED = {
    1e-2: (19, 18, 18, 17, 16, 14, 14, 13, 11),
    1e-3: (22, 22, 20, 20, 19, 18, 18, 18, 17),
    1e-4: (27, 25, 23, 23, 22, 22, 22, 20, 20),
    1e-5: (29, 28, 27, 27, 25, 25, 24, 24, 24),
}
"""Read off figure 2 of Xiong, Liao and Kyrillidis 2023, to about 1; the last value is unsure."""


def perturbed_figure(rows: Sequence[Row]) -> Figure:
    """Smallest n against eps / eta, a panel for each eta: enough for 8 repetitions of 10, least and most of them."""
    errors = sorted(levels(rows, "eta"), reverse=True)
    weights = int(levels(rows, "weights")[-1])
    kinds = [lists for lists in LISTS if where(rows, lists=lists)]
    with panels(PAGE, 5.4, 2, -(-len(errors) // 2), sharex=True, sharey=True) as (drawing, grid):
        for axes, eta in zip(grid.flat, errors, strict=False):
            for lists in kinds:
                label = f"measured, {weights:,} weights: enough for {NEEDED:.0%} of repetitions" + (
                    f", lists: {lists}" if len(kinds) > 1 else ""
                )
                _measured(axes, where(rows, lists=lists, eta=eta), lists, label)
            if eta in PUBLISHED:
                axes.plot(
                    PUBLISHED_RATIOS, PUBLISHED[eta], "D", color=INK, markerfacecolor="white", markersize=5,
                    label="published, all weights (read off)",
                )  # fmt: skip
            ratios = np.linspace(0.0, 10.0, 50)
            theorem = [bounds["xiong2023.candidates"](eta=eta, eps=float(r) * eta, **ASSUMED) for r in ratios]
            label = "form of the theorem, $C = {constant:g}$ and $K = {excess:g}$ assumed".format(**ASSUMED)
            axes.plot(ratios, theorem, ":", color=MUTED, label=label)
            axes.set_title(f"$\\eta = 10^{{{math.log10(eta):g}}}$")
        for axes in grid.ravel()[-2:]:
            axes.set_xlabel("$\\varepsilon / \\eta$")
        for axes in grid.ravel()[::2]:
            axes.set_ylabel("smallest $n$")
        grid[0, 0].set_ylim(5.0, 34.0)
        legend_below(drawing, grid[0, 0], columns=2)
    return drawing


def enough(counts: Sequence[float], needed: float = NEEDED) -> float:
    """Return the smallest n with which so large a part of the repetitions succeed."""
    return sorted(counts)[math.ceil(needed * len(counts)) - 1]


def _measured(axes: Axes, rows: Sequence[Row], lists: str, label: str) -> None:
    color, marker, line = LISTS[lists]
    ratios = levels(rows, "ratio")
    counts = [[_number(row["smallest_n"]) for row in where(rows, ratio=ratio)] for ratio in ratios]
    axes.fill_between(
        ratios, [min(n) for n in counts], [max(n) for n in counts], color=color, alpha=0.2, linewidth=0,
        label="least to most of all repetitions",
    )  # fmt: skip
    axes.plot(ratios, [enough(n) for n in counts], line, marker=marker, color=color, markersize=5, label=label)


def _number(value: object) -> float:
    """The number of a cell, infinite for an empty one."""
    return math.inf if value in ("", None) else float(str(value))
