"""Best subset-sum error of one target against n, beside what is predicted before any solver runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, quantiles, where
from slth.figures.style import BLUE, GREEN, MUTED, ORANGE, PAGE, in_legend, legend_below, panels
from slth.subset_sum.laws import law_named
from slth.theory.catalogue import bounds

LAWS = {"uniform": "uniform on $[-1, 1]$", "normal": "standard normal"}
LEVELS = {50: (BLUE, "o", "median"), 90: (ORANGE, "s", "90 % quantile")}
TAIL = {99: (GREEN, "^", "(c, d) 99 % quantile")}
SPREAD = (0.1, 0.5, 0.9)


def best_error_figure(rows: Sequence[Row]) -> Figure:
    """Quantiles of the best error against n with their prediction and 2^-n, and measured divided by predicted."""
    target = levels(rows, "target")[0]
    with panels(PAGE, 5.6, 2, 2, sharex=True, height_ratios=(3, 2)) as (drawing, grid):
        for (law, title), (above, below) in zip(LAWS.items(), grid.T, strict=True):
            chosen = where(rows, law=law)
            for level, (color, marker, label) in (LEVELS | TAIL).items():
                n, measured = quantiles(chosen, "n", f"error_{level}", SPREAD)
                predicted = predicted_quantiles(law, n, target, level / 100)
                if level in LEVELS:
                    above.fill_between(n, measured[0], measured[2], color=color, alpha=0.25, linewidth=0)
                    above.semilogy(n, measured[1], marker, color=color, markersize=4, label=label)
                    above.semilogy(n, predicted, color=color, linewidth=1.2)
                _ratios(below, n, measured / predicted, color, marker, label)
            n = np.array(levels(chosen, "n"))
            above.semilogy(n, 2.0**-n, linestyle=":", color=MUTED, label="$2^{-n}$")
            in_legend(above, "predicted (derived)")
            above.set(title=f"{title}, target {target:g}", ylabel="best error of $2^n$ subsets")
            below.set(xlabel="number of values $n$", ylabel="measured / predicted", ylim=(0.4, 1.6))
        legend_below(
            drawing,
            *grid[:, 0],
            columns=5,
            title="medians over the batches of samples; bars and bands: their 10 to 90 %",
        )
    return drawing


def predicted_quantiles(law: str, n: Floats, target: float, level: float) -> Floats:
    """The predicted quantile of the best error for each n, from the law's second moment.

    Shapes: n float64[k].
    """
    estimate, moment = bounds["derived.subset_sum.error"], law_named(law).second_moment
    return np.array([estimate(n=int(count), target=target, level=level, second_moment=moment) for count in n])


def _ratios(axes: Axes, n: Floats, ratios: Floats, color: str, marker: str, label: str) -> None:
    axes.axhline(1.0, color=MUTED, linewidth=0.8, zorder=1)
    shift = {"o": -0.25, "s": 0.0, "^": 0.25}[marker]  # so that the bars stand side by side
    axes.errorbar(
        n + shift, ratios[1], yerr=np.abs(ratios[[0, 2]] - ratios[1]), fmt=marker, color=color, markersize=3.5,
        elinewidth=0.9, label=label,
    )  # fmt: skip
