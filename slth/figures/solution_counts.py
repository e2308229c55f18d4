"""The number of subsets near a target: mean and spread against formulas, and what proofs by them give away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, shares, where, with_bars
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PAGE, PINK, SKY, in_legend, legend_below, panels
from slth.figures.vector_success import crossing
from slth.grids.intervals import student
from slth.studies.solution_counts import lueker_proof

SERIES: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("uniform, all subsets", {"law": "uniform", "subsets": "all", "eps": 0.01}, BLUE, "o"),
    ("products $u\\,v$, all subsets", {"law": "product", "subsets": "all", "eps": 0.01}, ORANGE, "s"),
    ("uniform, $0.4\\,n$ of $n$", {"law": "uniform", "subsets": "fixed", "eps": 0.01}, GREEN, "D"),
    ("Gaussian vectors, $d = 2$", {"law": "gaussian", "dimension": 2.0, "eps": 0.1}, PINK, "^"),
    ("Gaussian vectors, $d = 3$", {"law": "gaussian", "dimension": 3.0, "eps": 0.1}, SKY, "v"),
)
ENOUGH = 1.0
"""Expected subsets of an instance from which averages over some hundred instances are shown."""

LEVELS = {"measured": 0.5, "possible": 0.5, "at best": 0.5, "proved": 0.1, "lueker": 0.5}
"""Probabilities at which n is compared: second moments of one size of uniform numbers prove a fifth at most."""


def solution_counts_figure(rows: Sequence[Row]) -> Figure:
    """Mean over formula, mean square over squared mean, share with any subset, and n for half of the instances."""
    with panels(PAGE, 5.6, 2, 2) as (drawing, ((mean, square), (share, needed))):
        for label, chosen, color, marker in SERIES:
            own = where(rows, **chosen)
            _averages(mean, square, own, label, color, marker)
            _shares(share, own, color, marker)
        mean.axhline(1.0, color=INK, linewidth=1.0)
        mean.set(title="mean number of subsets", xlabel="number of values $n$", ylabel="measured / first moment")
        for axes in (mean, square):
            axes.set_xticks(range(8, 26, 4))
        square.set(title="its spread", xlabel="number of values $n$", ylabel="mean square / squared mean")
        expected = np.geomspace(0.01, 100.0, 100)
        share.plot(expected, -np.expm1(-expected), color=MUTED, linewidth=1.0)
        share.set(
            title="instances with a subset", xlabel="expected number of subsets", ylabel="share of instances",
            xscale="log", xlim=(0.008, 130.0), ylim=(-0.03, 1.05),
        )  # fmt: skip
        _needed(needed, where(rows, law="uniform", subsets="all"))
        needed.set(
            title="$n$ for a share of a half, uniform",
            xlabel="$\\log_2(1/\\varepsilon)$",
            ylabel="number of values $n$",
        )
        in_legend(mean, "(b, c) by second moments; (c): the least share that they allow", linestyle=(0, (4, 2)))
        in_legend(mean, "(c) $1 - e^{-x}$: were subsets independent", color=MUTED, linewidth=1.0)
        legend_below(drawing, mean, columns=2, title="bars: 95 % intervals (Student; Clopper-Pearson)")
    return drawing


def ratios(rows: Sequence[Row]) -> tuple[Floats, Floats, Floats, Floats]:
    """Give n, and by rows mean, low and high: the mean number over its formula, and mean squares over squared means.

    Intervals are Student's, of the replicates; the squared mean is that of all replicates.
    """
    at = [n for n in levels(rows, "n") if numbers(where(rows, n=n), "expected")[0] >= ENOUGH]
    first, second, formula = list[list[float]](), list[list[float]](), list[float]()
    for n in at:
        own = where(rows, n=n)
        counts, squares = numbers(own, "mean_count"), numbers(own, "mean_square")
        expected = numbers(own, "expected")[0]
        formula.append(numbers(own, "expected_square")[0] / expected**2)
        for found, scaled in ((first, counts / expected), (second, squares / counts.mean() ** 2)):
            found.append([scaled.mean(), *student(scaled)])
    empty = (len(at), 3)
    return np.array(at), np.reshape(first, empty).T, np.reshape(second, empty).T, np.array(formula)


def thresholds(rows: Sequence[Row]) -> dict[str, list[tuple[float, float, float, float]]]:
    """Give, by what tells it, log2(1/eps), the n at which its level is reached, and the ends of its interval."""
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in LEVELS}
    for eps in levels(rows, "eps"):
        own = where(rows, eps=eps)
        n, successes, trials = shares(own, "n")
        share, bars = with_bars(successes, trials)
        first, square = ([numbers(where(own, n=at), name)[0] for at in n] for name in ("expected", "expected_square"))
        proved = np.array([numbers(where(own, n=at), "second_moments_prove")[0] for at in n])
        late = np.arange(1.0, 400.0)
        curves = {
            "measured": (n, share, share + bars[1], share - bars[0]),
            "possible": (n, np.array(first)),
            "at best": (n, np.array(first) ** 2 / np.array(square)),
            "proved": (n, proved),
            "lueker": (late, np.array([lueker_proof(int(k), eps) for k in late])),
        }
        for name, (grid, *values) in curves.items():
            ends = [crossing(grid, one, LEVELS[name]) for one in values]
            if None not in ends:
                middle, low, high = (ends * 3)[:3] if len(ends) == 1 else ends
                found[name].append((math.log2(1.0 / eps), float(middle or 0), float(low or 0), float(high or 0)))
    return found


def _averages(mean: Axes, square: Axes, rows: Sequence[Row], label: str, color: str, marker: str) -> None:
    n, first, second, formula = ratios(rows)
    for axes, found in ((mean, first), (square, second)):
        bars = [found[0] - found[1], found[2] - found[0]]
        axes.errorbar(n, found[0], yerr=bars, fmt=marker, color=color, markersize=4, elinewidth=0.8, label=label)
    square.plot(n, formula, color=color, linestyle=(0, (4, 2)), linewidth=1.1)


def _shares(axes: Axes, rows: Sequence[Row], color: str, marker: str) -> None:
    n, successes, trials = shares(rows, "n")
    first, square = (
        np.array([numbers(where(rows, n=at), name)[0] for at in n]) for name in ("expected", "expected_square")
    )
    shown = (first > 0.01) & (first < 100.0)
    share, bars = with_bars(successes[shown], trials[shown])
    axes.errorbar(first[shown], share, yerr=bars, fmt=marker, color=color, markersize=4, elinewidth=0.8)
    axes.plot(first[shown], (first**2 / square)[shown], color=color, linestyle=(0, (4, 2)), linewidth=1.1)


def _needed(axes: Axes, rows: Sequence[Row]) -> None:
    looks: dict[str, tuple[str, dict[str, Any]]] = {
        "lueker": ("Lueker's recurrence, all targets (derived)", {"color": MUTED, "marker": "x"}),
        "proved": ("second moments, one size (derived): a tenth", {"color": ORANGE, "marker": "s"}),
        "at best": ("second moments at best", {"color": GREEN, "marker": "D"}),
        "measured": ("measured", {"color": BLUE, "marker": "o"}),
        "possible": ("first moments forbid less", {"color": INK, "linestyle": "--"}),
    }
    for name, (label, look) in looks.items():
        points = np.array(thresholds(rows)[name]).reshape(-1, 4).T
        style: Any = {"markersize": 4, "linewidth": 1.1, "linestyle": "-", **look}
        if name == "measured":
            bars = [points[1] - points[2], points[3] - points[1]]
            axes.errorbar(points[0], points[1], yerr=np.maximum(bars, 0.0), elinewidth=0.8, label=label, **style)
        else:
            axes.plot(points[0], points[1], label=label, **style)
    axes.set_yscale("log")
    axes.legend(loc="upper left", fontsize=6.5)
    axes.set_ylim(2.0, 400.0)
