"""Time and memory of the exact solvers against n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.style import BLUE, MUTED, ORANGE, figure, light_grid, style

Row = Mapping[str, str]
LOOKS = {"two-list": ("two lists", BLUE, "o"), "four-list": ("four lists", ORANGE, "s")}


def solver_time_figure(rows: Sequence[Row]) -> Figure:
    """Seconds and added memory of one exact solve against n, with the growth that the cost model predicts.

    Parameters
    ----------
    rows : sequence of mappings
        With the columns solver, n, status, seconds and added_mib, as text or numbers; only rows that are ok are drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with style():
        drawing = figure(8.6, 3.4)
        time, memory = drawing.subplots(1, 2)
        for solver, (label, color, marker) in LOOKS.items():
            chosen = [row for row in rows if row["solver"] == solver and row["status"] == "ok"]
            n = np.array([int(row["n"]) for row in chosen])
            seconds = np.array([float(row["seconds"]) for row in chosen])
            time.semilogy(n, seconds, marker=marker, color=color, label=label, markersize=5)
            added = np.array([float(row["added_mib"]) for row in chosen])
            memory.semilogy(n, np.maximum(added, 1.0), marker=marker, color=color, label=label, markersize=5)
            if len(n):
                _growth(time, n, seconds, "2^(n/2)" if solver == "two-list" else None)
        time.set(title="time of one exact solve", xlabel="number of values n", ylabel="seconds")
        memory.set(title="memory above that of a small solve", xlabel="number of values n", ylabel="MiB, at least 1")
        for axes in (time, memory):
            light_grid(axes)
            axes.legend(loc="upper left")
    return drawing


def _growth(axes: Axes, n: np.ndarray, seconds: np.ndarray, label: str | None) -> None:
    """A line of slope 2^(n/2) through the last point."""
    last = n[-1]
    line = seconds[-1] * 2.0 ** ((n - last) / 2.0)
    axes.semilogy(n, line, linestyle=(0, (4, 3)), color=MUTED, linewidth=1.0, label=label, zorder=1)
