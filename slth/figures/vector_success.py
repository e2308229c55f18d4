"""How often subset sums of random vectors come near a target, between first moments and the second-moment guarantee."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, shares, where, with_bars
from slth.figures.style import (
    BLUE,
    GREEN,
    INK,
    MARKERS,
    MUTED,
    ORANGE,
    PAGE,
    PINK,
    SKY,
    YELLOW,
    in_legend,
    legend_below,
    panels,
)
from slth.theory.catalogue import bounds

COLORS = (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW)
LAWS = {"gaussian": "Gaussian", "product": "products $u\\,v$"}
SUBSETS = {"all": "all subsets", "fixed": "$0.4\\,n$ of $n$"}
GUARANTEED: Any = {"linestyle": "-", "linewidth": 1.3}
POSSIBLE: Any = {"linestyle": (0, (4, 2)), "linewidth": 1.1}

LEVEL = 1.0 / 3.0
"""The probability that the guarantee and the published step for a fixed target are about."""

ASSUMED = 1.0
"""The constant C of the published bound, which nobody knows: assumed, and labelled so."""


def vector_success_figure(rows: Sequence[Row]) -> Figure:
    """Success probability against n with its intervals and bounds, and the n for probability 1/3 against d."""
    shown = where(rows, eps=float(rows[0]["eps"])) if rows else []
    with panels(PAGE, 5.6, 2, 3, width_ratios=(1.15, 1.15, 1.0)) as (drawing, grid):
        for line, (law, title) in zip(grid, LAWS.items(), strict=True):
            for axes, (subsets, which) in zip(line[:2], SUBSETS.items(), strict=True):
                _probabilities(axes, where(shown, law=law, subsets=subsets))
                axes.set(title=f"{title}, {which}", xlabel="number of vectors $n$", ylabel="share of instances")
                axes.set_ylim(-0.03, 1.05)
            _thresholds(line[2], where(shown, law=law))
            line[2].set(title=f"{title}", xlabel="dimension $d$", ylabel="number of vectors $n$")
        for axes in grid[:, 2]:
            axes.set_ylim(1.0, 200.0)
        _key(drawing, grid[0, 0], grid[0, 2], float(shown[0]["eps"]) if shown else math.nan)
    return drawing


def _probabilities(axes: Axes, rows: Sequence[Row]) -> None:
    """Measured shares with their intervals, the guarantee below them and the first moment above."""
    for dimension, color, marker in zip(levels(rows, "dimension"), COLORS, MARKERS, strict=False):
        chosen = where(rows, dimension=dimension)
        n, successes, trials = shares(chosen, "n")
        axes.errorbar(
            n, *with_bars(successes, trials), fmt=marker, color=color, markersize=4, elinewidth=0.8, zorder=3,
            label=f"$d = {dimension:g}$",
        )  # fmt: skip
        axes.plot(n, np.minimum(_column(chosen, "expected_subsets")[1], 1.0), color=color, **POSSIBLE)
        if _column(chosen, "guarantee")[0].size:
            axes.plot(*_column(chosen, "guarantee"), color=color, **GUARANTEED)


def _thresholds(axes: Axes, rows: Sequence[Row]) -> None:
    """Smallest n of a probability of 1/3 against d: measured, needed, guaranteed and published."""
    for subsets, color, marker in (("all", BLUE, "o"), ("fixed", ORANGE, "s")):
        chosen = where(rows, subsets=subsets)
        by_dimension = [(dimension, where(chosen, dimension=dimension)) for dimension in levels(chosen, "dimension")]
        for column, look in (("guarantee", GUARANTEED), ("expected_subsets", POSSIBLE)):
            points = [(d, crossing(*_column(part, column))) for d, part in by_dimension]
            wide = {"linewidth": 2.6} if column == "guarantee" and subsets == "all" else {}  # seen under the other
            axes.semilogy(*_known(points), color=color, **(look | wide))
        points = [(d, crossing(*_measured(part))) for d, part in by_dimension]
        axes.semilogy(*_known(points), marker, color=color, markersize=5, label=f"(c, f) {SUBSETS[subsets]}", zorder=3)
    dimensions = [int(d) for d in levels(rows, "dimension")]
    if not dimensions:
        return
    axes.set_xticks(dimensions)
    eps = float(rows[0]["eps"])
    published = bounds["becchetti2022.fixed_target"]
    axes.semilogy(
        dimensions, [published(dimension=d, eps=eps, constant=ASSUMED) for d in dimensions], linestyle=":", color=MUTED,
        label=f"$d^2(\\ln(1/\\varepsilon) + \\ln d)$: Becchetti\net al., $C = {ASSUMED:g}$ assumed, recalled",
    )  # fmt: skip
    typical = bounds["derived.first_moment.candidates"]
    axes.semilogy(
        dimensions, [typical(dimension=d, eps=eps) for d in dimensions], marker="x", linestyle="", color=INK, zorder=4,
        markersize=5, label="typical threshold of first moments,\nall subsets (derived, heuristic)",
    )  # fmt: skip


def crossing(n: Floats, values: Floats, level: float = LEVEL) -> float | None:
    """Return where values reach a level for the first time, by a line between neighbours; None where they do not.

    Shapes: n, values float64[k].
    """
    above = np.nonzero(values >= level)[0]
    if not len(above) or (above[0] == 0 and values[0] > level):
        return None
    k = int(above[0])
    if values[k] == level:
        return float(n[k])
    return float(n[k - 1] + (n[k] - n[k - 1]) * (level - values[k - 1]) / (values[k] - values[k - 1]))


def _measured(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    n, successes, trials = shares(rows, "n")
    return n, with_bars(successes, trials)[0]


def _column(rows: Sequence[Row], name: str) -> tuple[Floats, Floats]:
    """A column that is the same in all replicates, against n; empty where it is not given."""
    first = {float(row["n"]): row for row in rows if row[name] not in ("", None)}
    n = sorted(first)
    return np.array(n), numbers([first[at] for at in n], name)


def _known(points: Sequence[tuple[float, float | None]]) -> tuple[list[float], list[float]]:
    found = [(d, n) for d, n in points if n is not None]
    return [d for d, _ in found], [n for _, n in found]


def _key(drawing: Figure, axes: Axes, thresholds: Axes, eps: float) -> None:
    """Say once, below the panels, what marks and lines mean."""
    in_legend(axes, "guaranteed by second moments\n(derived, unreviewed)", **GUARANTEED)
    in_legend(axes, "expected number of subsets:\nno more is possible (derived)", **POSSIBLE)
    title = f"$\\varepsilon = {eps:g}$; (c, f): $n$ at which a third succeeds; bars: 95 % intervals (Clopper-Pearson)"
    legend_below(drawing, axes, thresholds, columns=3, title=title)
