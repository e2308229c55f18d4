"""Failures of exact subset sums on a grid against n, and the window in which perfect partitions disappear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slth.figures.rows import Counts, Floats, Row, levels, numbers, shares, where, with_bars
from slth.figures.style import COLORS, INK, MARKERS, PAGE, panels
from slth.theory.catalogue import bounds

ASSUMED = {"constant": 1.5, "kappa": 2.0}
"""C and kappa of Kumar and Natale 2026, which are not given: assumed, and labelled so."""

LEAST = 1e-4
"""Of the probabilities drawn."""

RARE = 5e-4
"""Least prediction drawn: a smaller mean hangs on a handful of instances."""


def quantised_figure(rows: Sequence[Row]) -> Figure:
    """Probability of failure against n for grids of several steps, and that of a perfect partition in its window."""
    with panels(PAGE, 4.4, 1, 2) as (drawing, (failure, window)):
        _failures(failure, where(rows, question="ticket"))
        _window(window, where(rows, question="partition"))
        handles = [*_legend(levels(rows, "bits")), *window.get_legend_handles_labels()[0]]
        title = f"bars: 95 % intervals (Clopper-Pearson); no failure: no mark; predictions end at {RARE:g}"
        drawing.legend(handles=handles, loc="outside lower center", ncols=2, title=title)
    return drawing


def _failures(axes: Axes, rows: Sequence[Row]) -> None:
    for bits, color, marker in zip(levels(rows, "bits"), COLORS, MARKERS, strict=False):
        largest = 2 ** int(bits)
        for targets, fill, line in (("one", color, "-"), ("all", "white", "--")):
            chosen = where(rows, bits=bits, targets=targets)
            n, successes, trials = shares(chosen, "n")
            _points(axes, n, trials - successes, trials, color=color, marker=marker, fill=fill)
            predicted = [1.0 - float(np.mean(numbers(where(chosen, n=count), "predicted"))) for count in n]
            axes.plot(n, np.where(np.array(predicted) < RARE, np.nan, predicted), line, color=color, linewidth=1.0)
        published = [bounds["kumar2026.success"](n=int(k), largest=largest, tolerance=0.0, **ASSUMED) for k in n]
        axes.plot(n, 1.0 - np.array(published), "-.", color=color, linewidth=0.8)
        naive = [1.0 - bounds["kumar2026.naive"](n=int(k), largest=largest) for k in n]
        axes.plot(n, naive, ":", color=color, linewidth=1.2)
    axes.set(
        title="values and targets on a grid of $[-1, 1]$", xlabel="number of values $n$", ylabel="failure probability"
    )
    axes.set(yscale="log", ylim=(LEAST, 1.5), xlim=(float(n[0]) - 1.0, float(n[-1]) + 1.0))


def _legend(bits: Sequence[float]) -> list[Line2D]:
    """What colours, markers and lines of the left panel mean."""
    constants = f"$C = {ASSUMED['constant']:g}$, $\\kappa = {ASSUMED['kappa']:g}$"
    grids = [
        Line2D(
            [], [], color=color, marker=marker, linestyle="none", markersize=4.5, label=f"(a) step $2^{{-{bit:.0f}}}$"
        )
        for bit, color, marker in zip(bits, COLORS, MARKERS, strict=False)
    ]
    lines: tuple[tuple[Any, str, str, str], ...] = (
        ("-", "o", INK, "(a) target 1/2, and predicted (derived)"),
        ("--", "o", "white", "(a) all targets, and predicted (derived)"),
        ("-.", "none", INK, f"(a) all targets, Kumar-Natale 2026, {constants} assumed"),
        (":", "none", INK, "(a) naive: no value alone is the target"),
    )
    return grids + [
        Line2D([], [], color=INK, linestyle=line, marker=marker, markerfacecolor=fill, markersize=4.5, label=label)
        for line, marker, fill, label in lines
    ]


def _points(
    axes: Axes, at: Floats, hits: Counts, trials: Counts, *, color: str, marker: str, fill: str, label: str = ""
) -> None:
    """Shares that are not 0, with their 95 % intervals."""
    (share, bars), seen = with_bars(hits, trials), hits > 0
    axes.errorbar(
        at[seen], share[seen], yerr=bars[:, seen], fmt=marker, color=color,
        markerfacecolor=fill, markersize=4.5, elinewidth=0.9, label=label,
    )  # fmt: skip


def _window(axes: Axes, rows: Sequence[Row]) -> None:
    for n, color, marker in zip(levels(rows, "n"), COLORS, MARKERS, strict=False):
        offset, successes, trials = shares(where(rows, n=n), "offset")
        _points(axes, offset, successes, trials, color=color, marker=marker, fill=color, label=f"(b) $n = {n:.0f}$")
    largest, offsets = int(levels(rows, "n")[-1]), levels(rows, "offset")
    places = np.linspace(offsets[0], offsets[-1], 200)
    bits = [bounds["borgs2001.critical_bits"](n=largest, window=float(place)) for place in places]
    limit = [bounds["borgs2001.perfect"](n=largest, bits=m) for m in bits]
    axes.plot(places, limit, color=INK, linewidth=1.2, label="(b) limit, Borgs-Chayes-Pittel 2001 (function: derived)")
    axes.set(title="$n$ integers up to $M$: perfect partition", ylabel="probability", ylim=(-0.03, 1.05))
    axes.set_xlabel("$\\log_2 M - n + \\log_2(n) / 2$")
