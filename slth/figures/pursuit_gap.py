"""Errors of the structured pursuit beside those at which one subset is expected, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from slth.figures.rows import Floats, Row, levels, where, with_ranges
from slth.figures.style import COLORS, INK, MARKERS, MUTED, PAGE, in_legend, legend_below, panels

GAINS = {"unit": "unit gain", "auto": "gain as constructions choose it"}
HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "linestyle": "none"}
LEAST = 1e-6
"""Error at which axes end: those that exist fall as 2 to the -n / D."""


def pursuit_gap_figure(rows: Sequence[Row]) -> Figure:
    """Draw (a, b) errors against n at two gains, (c) bits a coordinate between both, (d) n over what is needed."""
    dimensions = levels(rows, "dimension")
    looks: list[dict[str, Any]] = [
        {"color": color, "marker": marker} for color, marker in zip(COLORS, MARKERS, strict=True)
    ]
    with panels(PAGE, 6.0, 2, 2) as (drawing, ((unit, auto), (gap, share))):
        for dimension, look in zip(dimensions, looks, strict=False):
            for axes, gain in ((unit, "unit"), (auto, "auto")):
                own = where(rows, dimension=dimension, gain=gain)
                _bars(axes, *ranges(own, "relative_error"), label=f"$D = {dimension:.0f}$", **look)
                n, (bits, _, _) = ranges(own, "first_moment_bits")
                axes.plot(n, np.exp2(-bits), color=look["color"], linestyle="--", linewidth=1.1)
            own = where(rows, dimension=dimension, gain="auto")
            _bars(gap, *ranges(own, "gap_bits"), **look)
            _bars(gap, *ranges(own, "typical_gap_bits"), **{**look, **HOLLOW})
            for gain, more in (("auto", {}), ("unit", {**HOLLOW, "linestyle": ":"})):
                own = where(rows, dimension=dimension, gain=gain)
                _bars(share, *ranges(own, "spare"), **{**look, **more})
        for axes, gain in ((unit, "unit"), (auto, "auto")):
            axes.set(title=GAINS[gain], ylabel="error over target, $\\ell_2$", ylim=(LEAST, 1.6))
        gap.set(title="gap, gain as chosen", ylabel="bits a coordinate")
        share.set(title="$n$ over the least that could do", ylabel="$n\\,/\\,n'$")
        ticks = levels(rows, "n")
        for axes in (unit, auto, gap, share):
            axes.set(xscale="log", yscale="log", xlabel="usable channels of a source, $n$")
            axes.set_xticks(ticks, [f"{n:,.0f}" for n in ticks])
            axes.set_xticks([], minor=True)
        share.yaxis.set_minor_locator(LogLocator(subs=(2.0, 3.0, 5.0)))
        share.yaxis.set_major_formatter("{x:g}")
        share.yaxis.set_minor_formatter("{x:g}")
        in_legend(unit, "(a, b) one subset expected", "--")
        in_legend(unit, "(c) for the very channels", color=INK, marker="o", **HOLLOW)
        in_legend(unit, "(d) unit gain", color=MUTED, marker="o", **{**HOLLOW, "linestyle": ":"})
        legend_below(drawing, unit, columns=3, title="means of the instances, bars from least to largest")
    return drawing


def ranges(rows: Sequence[Row], column: str) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    """Return each n of which all rows have a number, with their mean, and how far the least and largest are from it.

    Beside the table's columns: `typical_gap_bits`, where the threshold is below half of the target, for the formula is
    one of small errors; and `spare`, usable channels over the fewest that could do.
    """
    found = {n: [_value(row, column) for row in where(rows, n=n)] for n in levels(rows, "n")}
    whole = {n: np.array(values) for n, values in found.items() if None not in values}
    middle, (below, above) = with_ranges([values.astype(np.float64) for values in whole.values()])
    return np.array(list(whole)), (middle, below, above)


def _value(row: Row, column: str) -> float | None:
    if column == "spare":
        return float(row["usable"]) / float(row["enough"])
    if column != "typical_gap_bits":
        return float(row[column])
    if row["typical_bits"] in ("", None) or float(row["typical_bits"]) < 1.0:
        return None
    return float(row["gap_bits"]) - float(row["first_moment_bits"]) + float(row["typical_bits"])


def _bars(axes: Axes, n: Floats, found: tuple[Floats, Floats, Floats], **look: Any) -> None:
    middle, below, above = found
    style = {"markersize": 4, "linewidth": 1.1, "elinewidth": 0.8, **look}
    axes.errorbar(n, middle, (below, above), **style)
