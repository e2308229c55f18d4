"""Tickets on a data diet: accuracy against density and size of the subset, and against what is connected."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from slth.figures.levels_figures import density_axis, look
from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import PAGE, legend_below, panels
from slth.grids.intervals import rank_correlation

WAYS = {"easy": "easy", "random": "random", "hard": "hard", "all": "all examples", "none": "first weights"}
SUBSETS = ("easy", "random", "hard")


def data_diet_figure(rows: Sequence[Row]) -> Figure:
    """Means over the seeds with the range from the worst to the best of them; on the right a mark for each network.

    Levels are those of the size that all examples and first weights stand beside; sizes are compared at the last level.
    """
    beside = levels(where(rows, way="all"), "size")[0]
    sparse = levels(rows, "level")[-1]
    with panels(PAGE, 3.2, 1, 3) as (drawing, (density, size, connected)):
        for number, way in enumerate(WAYS):
            own = [where(rows, way=way, size=beside, level=level) for level in levels(rows, "level")]
            middle, bars = with_ranges([numbers(one, "accuracy") for one in own])
            at = [float(numbers(one, "density").mean()) for one in own]
            density.errorbar(at, middle, bars, capsize=2, label=WAYS[way], **look(number))
            last = where(rows, way=way, level=sparse)
            sizes = levels(last, "size")
            middle, bars = with_ranges([numbers(where(last, size=one), "accuracy") for one in sizes])
            if way in SUBSETS:
                size.errorbar(sizes, middle, bars, capsize=2, **look(number))
            else:
                size.axhline(middle[0], color=look(number)["color"], linewidth=0.9, linestyle="--", zorder=0)
            shown = look(number) | {"linestyle": "none", "markerfacecolor": "none"}
            connected.plot(numbers(last, "connected"), numbers(last, "accuracy"), **shown)
        every = where(rows, level=sparse)
        found = rank_correlation(numbers(every, "connected"), numbers(every, "accuracy"))
        if found is not None:
            connected.set_title(f"rank correlation {found:.2f}")
        size.set_title(f"at {100.0 * numbers(every, 'density').mean():.2g} % of the weights")
        density_axis(density, list(numbers(rows, "density")))
        size.set_xscale("log")
        size.set_xticks(levels(rows, "size"))
        size.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        size.xaxis.set_minor_formatter(NullFormatter())
        size.set_xlabel("examples of the subset")
        connected.set_xlabel("connected examples")
        connected.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        density.set_ylabel("test accuracy")
        for axes in (density, size, connected):
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        legend_below(drawing, density, columns=5, title="means; bars: least to most of the seeds")
    return drawing
