"""Growth of the covered fraction of an interval, value by value, beside Lueker's recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, quantiles, where
from slth.figures.style import COLORS, INK, MARKERS, MUTED, PAGE, in_legend, legend_below, panels
from slth.theory.catalogue import bounds

EDGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0)
FEWEST = 20
"""Steps in a bin of which an average is drawn."""


def covered_fraction_figure(rows: Sequence[Row]) -> Figure:
    """The covered fraction after k values, and what one value adds divided by what Lueker's recurrence promises."""
    with panels(PAGE, 3.6, 1, 2) as (drawing, (growth, step)):
        for bits, color, marker in zip(levels(rows, "bits"), COLORS, MARKERS, strict=False):
            chosen, name = where(rows, bits=bits), f"$\\varepsilon = 2^{{-{bits:.0f}}}$"
            k, covered = quantiles(chosen, "k", "covered", (0.1, 0.5, 0.9))
            growth.fill_between(k, covered[0], covered[2], color=color, alpha=0.2, linewidth=0)
            growth.plot(k, covered[1], marker, linestyle="-", color=color, markersize=4, linewidth=1.0, label=name)
            iterated = [bounds["derived.covered_fraction"](n=int(n), eps=2.0**-bits) for n in k]
            growth.plot(k, iterated, "--", color=color, linewidth=1.2)
            middle, ratio, deviation = promised_ratios(chosen)
            step.errorbar(middle, ratio, yerr=2.0 * deviation, fmt=marker, color=color, markersize=4, elinewidth=0.9)
        in_legend(growth, "(a) Lueker's recurrence, iterated: an estimate, no bound (derived)", "--")
        growth.set(title="median, 10 to 90 % of samples", xlabel="number of values $k$", ylabel="covered fraction $p$")
        step.axhline(1.0, color=INK, linewidth=1.2)
        step.annotate("Lueker's step: at least $p\\,(1 - p) / 2$", (0.5, 0.98), va="top", ha="center", fontsize=7.5)
        step.axhline(2.0, linestyle=":", color=MUTED, linewidth=1.2)
        step.annotate("$p\\,(1 - p)$", (1.0, 2.02), va="bottom", ha="right", fontsize=7.5)
        step.set(
            title="one more value: mean, 2 standard errors",
            xlabel="covered fraction $p$ before",
            ylabel="added fraction / $(p\\,(1 - p) / 2)$",
            ylim=(0.9, 2.3),
        )
        legend_below(drawing, growth, columns=4)
    return drawing


def promised_ratios(rows: Sequence[Row]) -> tuple[Floats, Floats, Floats]:
    """Average gains in bins of the fraction covered before, divided by the average of ``p (1 - p) / 2``."""
    before, after = numbers(rows, "covered_before"), numbers(rows, "covered")
    gains, promised = after - before, np.array([bounds["lueker1998.growth"](covered=float(p)) for p in before])
    found = []
    for low, high in pairwise(EDGES):
        inside = (before >= low) & (before < high)
        if np.count_nonzero(inside) < FEWEST:
            continue
        ratio = np.sum(gains[inside]) / np.sum(promised[inside])
        left = gains[inside] - ratio * promised[inside]
        deviation = np.std(left) / np.mean(promised[inside]) / np.sqrt(np.count_nonzero(inside))
        found.append((np.mean(before[inside]), ratio, deviation))
    middle, ratio, deviation = np.array(found).reshape(-1, 3).T
    return middle, ratio, deviation
