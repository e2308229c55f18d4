"""Masks found before and behind training, trained alike: accuracy against density, and what their checks leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from slth.figures.levels_figures import density_axis, look
from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import COLORS, PAGE, legend_below, panels

KINDS = {"found": "masks as found", "shuffled": "masks shuffled", "redrawn": "weights redrawn"}


def early_pruning_figure(rows: Sequence[Row]) -> Figure:
    """Means over the seeds with the range from the worst to the best of them, a line a method, a panel a check."""
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    every = [float(row["kept"]) / float(row["total"]) for row in rows]
    with panels(PAGE, 3.4, 1, 3, sharey=True) as (drawing, axes):
        for kind, one in zip(KINDS, axes, strict=True):
            for number, method in enumerate(methods):
                own = [row for row in rows if row["kind"] == kind and row["method"] == method]
                found = [where(own, density=density) for density in levels(own, "density")]
                at = [float(np.mean(numbers(part, "kept") / numbers(part, "total"))) for part in found]
                middle, bars = with_ranges([numbers(part, "accuracy") for part in found])
                again = {"linestyle": ":", "markerfacecolor": "white"} if number >= len(COLORS) else {}
                one.errorbar(at, middle, bars, capsize=2, label=method, **look(number), **again)
            one.set_title(KINDS[kind])
            density_axis(one, every)
        axes[0].set_ylabel("test accuracy")
        axes[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        legend_below(drawing, axes[0], columns=4, title="means; bars: least to most of the seeds")
    return drawing
