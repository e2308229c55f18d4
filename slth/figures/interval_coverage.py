"""How many values cover a whole interval of targets, beside counting and the O(log 1/eps) results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, quantiles, where
from slth.figures.style import BLUE, GREEN, MUTED, ORANGE, PAGE, PINK, legend_below, panels
from slth.theory.catalogue import bounds

ASSUMED = 1.0
"""The constant C of both O(.) results, which nobody knows: assumed, and labelled so."""

FAILURE = 0.1
LARGEST = 0.3
"""Of the errors drawn: above, an interval of length 1 is hardly approximated."""

LOOKS = {0.5: (BLUE, "o", "$[-1/2, 1/2]$"), 1.0: (ORANGE, "s", "$[-1, 1]$")}
CURVES = {
    "derived.covering.candidates": ("counting, $[-1/2, 1/2]$: no $n$ below it (derived)", MUTED, ":"),
    "lueker1998.candidates": (
        f"Lueker 1998 (second-hand), failure {FAILURE:g},\n$C = {ASSUMED:g}$ assumed (too small: below counting)",
        GREEN,
        "--",
    ),
    "dacunha2023.subset_sum.candidates": (
        f"da Cunha et al. 2023 (ESA), $C = {ASSUMED:g}$ assumed (likewise)", PINK, "-."
    ),
}  # fmt: skip


def interval_coverage_figure(rows: Sequence[Row]) -> Figure:
    """The n that covers an interval within eps, and n / log2(1/eps), in half and in nine tenths of all samples."""
    with panels(PAGE, 4.6, 1, 2) as (drawing, (count, constant)):
        for half_width, look in LOOKS.items():
            _measured((count, constant), where(rows, half_width=half_width), *look)
        eps = np.geomspace(min(float(row["worst_error"]) for row in rows), LARGEST, 200)
        for key, (label, color, line) in CURVES.items():
            needed = _needed(key, eps)
            count.semilogx(eps, needed, line, color=color, linewidth=1.3, label=label)
            constant.semilogx(eps, needed / np.log2(1.0 / eps), line, color=color, linewidth=1.3)
        count.set(
            title="values that cover the interval within $\\varepsilon$",
            xlabel="$\\varepsilon$",
            ylabel="number of values $n$",
        )
        constant.set(
            title="the same in bits of $\\varepsilon$",
            xlabel="$\\varepsilon$",
            ylabel="$n / \\log_2(1/\\varepsilon)$",
            ylim=(0.0, 4.0),
        )
        for axes in (count, constant):
            axes.set_xlabel("$\\varepsilon$")
            axes.set_xlim(LARGEST, float(eps[0]))  # falling, so that n rises to the right
        legend_below(drawing, count, columns=2)
    return drawing


def _measured(panels: Sequence[Axes], rows: Sequence[Row], color: str, marker: str, interval: str) -> None:
    """The points of one interval, in half and in nine tenths of its samples, and the prediction of the half."""
    n, errors = quantiles(rows, "n", "worst_error", (0.5, 0.9))
    _, (predicted,) = quantiles(rows, "n", "predicted_median", (0.5,))
    points: dict[str, Any] = {"marker": marker, "linestyle": "none"}
    looks = (
        (errors[0], {**points, "label": f"{interval}, half of the samples"}),
        (errors[1], {**points, "markerfacecolor": "white", "label": f"{interval}, 9 of 10"}),
        (predicted, {"linewidth": 1.0, "label": f"{interval}, half: predicted (derived)"}),
    )
    for eps, look in looks:
        good = eps < LARGEST
        for axes, height in zip(panels, (n[good], n[good] / np.log2(1.0 / eps[good])), strict=True):
            label = {"label": look["label"] if axes is panels[0] else None}
            axes.semilogx(eps[good], height, color=color, markersize=4.5, zorder=3, **(look | label))


def _needed(key: str, eps: Floats) -> Floats:
    """The n of a bound for each eps, before it is rounded up."""
    others: dict[str, dict[str, float]] = {
        "derived.covering.candidates": {"dimension": 1, "length": 1.0},
        "lueker1998.candidates": {"delta": FAILURE, "constant": ASSUMED},
        "dacunha2023.subset_sum.candidates": {"constant": ASSUMED},
    }
    return np.array([bounds[key].formula(eps=float(error), **others[key]) for error in eps])
