"""Any column of a run against any other, one line for each value of a third."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from matplotlib.figure import Figure

from slth.errors import ArgumentError
from slth.figures.style import COLORS, MARKERS, panels
from slth.grids.series import Point

LINES = 12
"""Lines that can be told apart."""


def own_run_figure(points: Sequence[Point], *, x: str, y: str, by: str | None, log: str, spread: str) -> Figure:
    """Draw middles with their bars, which the legend or the axis names.

    ``points`` are in the order of lines and places; ``log`` has the letters of the axes that are logarithmic.
    """
    lines = [(name, list(several)) for name, several in groupby(points, key=lambda point: point.line)]
    if len(lines) > LINES:
        rule = f"has {len(lines)} different values, and {LINES} lines can be told apart"
        raise ArgumentError("by", by, rule, "choose rows by --where, or another column")
    places = list(dict.fromkeys(point.at for point in sorted(points, key=lambda point: str(point.at))))
    numeric = all(isinstance(place, int | float) for place in places)
    counts = sorted({point.rows for point in points})
    with panels(5.5, 3.6, 1, 1) as (drawing, (axes,)):
        for index, (name, several) in enumerate(lines):
            at = [point.at if numeric else places.index(point.at) for point in several]
            middle = [point.middle for point in several]
            ends = [
                [point.middle - point.low for point in several],
                [point.high - point.middle for point in several],
            ]
            style = "-" if index < len(COLORS) else "--"
            look = {"color": COLORS[index % len(COLORS)], "marker": MARKERS[index % len(MARKERS)], "linestyle": style}
            label = None if by is None else f"{by} = {name}"
            axes.errorbar(at, middle, yerr=ends, label=label, capsize=2.5, markersize=4, elinewidth=1.0, **look)
        if not numeric:
            axes.set_xticks(range(len(places)), [str(place) for place in places])
        if "x" in log:
            axes.set_xscale("log")
        if "y" in log:
            axes.set_yscale("log", nonpositive="clip")
        of = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        axes.set(xlabel=x, ylabel=y)
        axes.set_title(f"{spread} of {of} row{'s' * (of != '1')}", fontsize=8, fontweight="normal")
        if by is not None:
            axes.legend()
    return drawing
