"""Error and time of differencing, greedy and exact solvers against n, to a million values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Row, levels, quantiles, where
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PAGE, PINK, legend_below, panels
from slth.theory.catalogue import bounds

LOOKS = {
    "greedy": ("greedy, largest first", PINK, "v"),
    "greedy and exchanges": ("greedy, exchanges, last 32 exactly", GREEN, "D"),
    "differencing": ("differencing (Karmarkar-Karp)", BLUE, "o"),
    "exact": ("exact, two lists", ORANGE, "s"),
}
RESOLUTION = 2.0**-52
"""Of values uniform on [-1, 1]: all are multiples of it."""


def differencing_figure(rows: Sequence[Row]) -> Figure:
    """Median error and time of one solve against n."""
    with panels(PAGE, 4.2, 1, 2) as (drawing, (error, time)):
        for solver, (label, color, marker) in LOOKS.items():
            chosen = where(rows, solver=solver)
            for axes, column in ((error, "median_error"), (time, "solve_seconds")):
                n, (low, middle, high) = quantiles(chosen, "n", column, (0.1, 0.5, 0.9))
                axes.fill_between(n, low, high, color=color, alpha=0.2, linewidth=0)
                axes.loglog(n, middle, marker, linestyle="-", color=color, markersize=4, linewidth=1.0, label=label)
        _theory(error, rows)
        error.axhline(RESOLUTION, color=MUTED, linewidth=0.8)
        error.annotate("multiples of $2^{-52}$", (levels(rows, "n")[-1], 1.3 * RESOLUTION), ha="right", fontsize=7.0)
        error.set(
            title=f"distance from the target {levels(rows, 'target')[0]:g}",
            xlabel="number of values $n$",
            ylabel="error",
            ylim=(1e-17, 1.0),
        )
        time.set(title="time of one solve", xlabel="number of values $n$", ylabel="seconds")
        legend_below(drawing, error, columns=2, title="medians; bands: 10 to 90 % of the repetitions")
    return drawing


def _theory(axes: Axes, rows: Sequence[Row]) -> None:
    """What is predicted of the optimum, and the limit law of differencing; the error is half of the difference."""
    exact = [int(n) for n in levels(where(rows, solver="exact"), "n")]
    optimum = bounds["derived.subset_sum.error"]
    median = [optimum(n=n, target=levels(rows, "target")[0], second_moment=1.0 / 3.0) for n in exact]
    axes.plot(exact, median, ":", color=INK, linewidth=1.2, label="optimum, predicted median (derived)")
    many = np.unique(np.geomspace(4.0, 3000.0, 200).astype(int))
    left = [0.5 * bounds["boettcher2008.difference"](n=int(n)) for n in many]
    axes.plot(
        many, left, "--", color=INK, linewidth=1.2, label="$n^{-0.72\\,\\ln n} / 2$, a limit (Boettcher, Mertens 2008)"
    )
