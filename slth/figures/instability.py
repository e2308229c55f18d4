"""Instability: barriers between children and their errors against the step at which they part."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from slth.figures.levels_figures import look
from slth.figures.measured_report import STABLE
from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import INK, PAGE, in_legend, legend_below, panels

COLUMNS = {"barrier": "error barrier", "error": "test error of the children"}


def instability_figure(rows: Sequence[Row]) -> Figure:
    """Means over the seeds with the range from the least to the largest; dashed: stable below it."""
    with panels(PAGE, 3.0, 1, 2) as (drawing, grid):
        for axes, (column, name) in zip(grid, COLUMNS.items(), strict=True):
            for number, density in enumerate(levels(rows, "density")[::-1]):
                own = where(rows, density=density)
                steps = levels(own, "step")
                middle, bars = with_ranges([numbers(where(own, step=step), column) for step in steps])
                kind = str(own[0]["kind"])
                label = kind if kind == "dense" else f"{kind} of {100.0 * density:.2g} % of the weights"
                axes.errorbar(steps, middle, bars, capsize=2, label=label, **look(number))
            axes.set_xscale("symlog", linthresh=levels(rows, "step")[1])
            axes.set_xticks(levels(rows, "step"))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set(xlabel="step at which children part", ylabel=name)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        grid[0].axhline(STABLE, color=INK, linewidth=0.8, linestyle="--", zorder=0)
        in_legend(grid[0], "stable below", "--", linewidth=0.8)
        legend_below(drawing, grid[0], columns=3, title="means; bars: least to most of the seeds")
    return drawing
