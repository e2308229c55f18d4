"""Time and memory of the exact solvers and of their peers against n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, numbers
from slth.figures.style import BLUE, GREEN, MUTED, ORANGE, PAGE, PINK, YELLOW, in_legend, legend_below, panels

LOOKS = {
    "two-list": ("two lists", BLUE, "o"),
    "four-list": ("four lists", ORANGE, "s"),
    "numpy": ("two lists in numpy", GREEN, "D"),
    "cp_sat": ("CP-SAT", PINK, "^"),
    "milp": ("scipy milp", YELLOW, "v"),
}
"""Solver to its label without a version, its colour and its marker."""

OURS = ("two-list", "four-list")


def solver_time_figure(rows: Sequence[Row]) -> Figure:
    """Seconds and added memory of one solve against n, with the growth that the cost model predicts."""
    with panels(PAGE, 4.0, 1, 2) as (drawing, (time, memory)):
        for solver in LOOKS:
            chosen = [row for row in rows if row["solver"] == solver and row["status"] == "ok"]
            _against_n(time, chosen, solver, "seconds", 0.0)
            _against_n(memory, chosen, solver, "added_mib", 1.0)
            if chosen and solver in OURS:
                _growth(time, chosen, "slope $2^{n/2}$" if solver == OURS[0] else None)
        if any(_wrong(row) for row in rows):
            for axes in (time, memory):
                in_legend(axes, "says optimal, is not", "o", markerfacecolor="white")
        time.set(title="time of one solve", ylabel="seconds")
        for axes in (time, memory):
            axes.set_xlabel("number of values $n$")
        memory.set(title="memory above that of a small solve", xlabel="number of values $n$", ylabel="MiB, at least 1")
        legend_below(drawing, time, columns=4, title="one instance a point; peers were given no larger $n$")
    return drawing


def _against_n(axes: Axes, rows: Sequence[Row], solver: str, column: str, least: float) -> None:
    label, color, marker = LOOKS[solver]
    if solver not in OURS and rows:
        label = _versioned(label, str(rows[0]["contender"]))
    look: Any = {"marker": marker, "markersize": 5, "color": color}
    axes.semilogy(numbers(rows, "n"), np.maximum(numbers(rows, column), least), label=label, **look)
    wrong = [row for row in rows if _wrong(row)]
    if wrong:
        values = np.maximum(numbers(wrong, column), least)
        axes.semilogy(numbers(wrong, "n"), values, linestyle="", markerfacecolor="white", **look)


def _versioned(label: str, contender: str) -> str:
    """A peer's label with the version that its contender's name ends in."""
    version = contender.rsplit(" ", 1)[-1]
    return f"{label} {version}" if version[:1].isdigit() else label


def _wrong(row: Row) -> bool:
    """Whether optimal was said of what is not; rows of solvers that prove it have no second opinion."""
    if row["status"] != "ok" or row.get("truly_optimal") in ("", None):
        return False
    return bool(int(row["claimed_optimal"]) > int(row["truly_optimal"]))


def _growth(axes: Axes, rows: Sequence[Row], label: str | None) -> None:
    """A line of slope 2^(n/2) through the last point."""
    n: Floats = numbers(rows, "n")
    line = float(rows[-1]["seconds"]) * 2.0 ** ((n - n[-1]) / 2.0)
    axes.semilogy(n, line, linestyle=(0, (4, 3)), color=MUTED, linewidth=1.0, label=label, zorder=1)
