"""Winning tickets: accuracy and the step of least held-out loss against density, beside what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from slth.figures.levels_figures import KINDS, density_axis, look
from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import INK, PAGE, in_legend, legend_below, panels


def winning_ticket_figure(rows: Sequence[Row]) -> Figure:
    """Means over the seeds with the range from the worst to the best of them; dashed: dense."""
    kinds = list(dict.fromkeys(str(row["kind"]) for row in rows))
    every = [float(row["kept"]) / float(row["total"]) for row in rows]
    with panels(PAGE, 3.4, 1, 2) as (drawing, (accuracy, stop)):
        for number, kind in enumerate(kinds):
            own = [row for row in rows if row["kind"] == kind]
            found = [where(own, level=level) for level in levels(own, "level")]
            at = [float(np.mean(numbers(one, "kept") / numbers(one, "total"))) for one in found]
            for axes, column in ((accuracy, "accuracy"), (stop, "stop")):
                middle, bars = with_ranges([numbers(one, column) for one in found])
                axes.errorbar(at, middle, bars, capsize=2, label=KINDS.get(kind, kind), **look(number))
        dense = numbers([row for row in rows if float(row["level"]) == 0.0], "accuracy").mean()
        accuracy.axhline(dense, color=INK, linewidth=0.8, linestyle="--", zorder=0)
        accuracy.set_ylabel("test accuracy")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        stop.set_ylabel("step of least held-out loss")
        for axes in (accuracy, stop):
            density_axis(axes, every)
        in_legend(accuracy, "dense", "--", linewidth=0.8)
        legend_below(drawing, accuracy, columns=3, title="means; bars: least to most of the seeds")
    return drawing
