"""Iterative hard thresholding: accuracy cycle by cycle, sparse, restored, and plainly fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from slth.figures.levels_figures import KINDS, look
from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import INK, PAGE, in_legend, legend_below, panels

SHOWN = ("sparse", "restored", "fine-tuned")


def restored_capacity_figure(rows: Sequence[Row]) -> Figure:
    """Means over the seeds with the range from the worst to the best of them, a panel a density; dashed: dense."""
    densities = levels(rows, "density")
    with panels(PAGE, 3.0, 1, len(densities), sharey=True) as (drawing, grid):
        for axes, density in zip(grid, densities, strict=True):
            own = where(rows, density=density)
            for number, kind in enumerate(SHOWN):
                cycles = [where(own, kind=kind, level=cycle) for cycle in levels(own, "level")[1:]]
                middle, bars = with_ranges([numbers(one, "accuracy") for one in cycles])
                at = [cycle + 0.08 * (number - 1) for cycle in levels(own, "level")[1:]]  # beside one another
                axes.errorbar(at, middle, bars, capsize=2, label=KINDS[kind], **look(number))
            dense = numbers(where(own, kind="dense"), "accuracy").mean()
            axes.axhline(dense, color=INK, linewidth=0.8, linestyle="--", zorder=0)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set(xlabel="cycle", title=f"density {density:g}")
        grid[0].set_ylabel("test accuracy")
        grid[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        in_legend(grid[0], "dense", "--", linewidth=0.8)
        legend_below(drawing, grid[0], columns=4, title="means; bars: least to most of the seeds")
    return drawing
