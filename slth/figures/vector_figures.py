"""Error of vector subset sums against n, beside what is guaranteed and what is forbidden."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Floats, Row, levels, numbers, where
from slth.figures.style import COLORS, GREEN, MARKERS, MUTED, PAGE, SKY, YELLOW, in_legend, legend_below, panels
from slth.theory import bounds, guaranteed_candidates, structured_error

ASSUMED = 1.0
"""The constant C of the theorem's bound, which nobody knows: assumed, and labelled so."""

SIDE = 3
"""Side of the kernels that the dimensions D = 9 c are of, as in the theorem's bound."""

GUARANTEED_EPS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001, 0.00001)


def structured_error_figure(rows: Sequence[Row]) -> Figure:
    """Maximum error at the theorem's gain between its bounds, and relative error at unit gain, against n."""
    dimensions = [int(dimension) for dimension in levels(rows, "dimension")]
    with panels(PAGE, 4.2, 1, 3, width_ratios=(1.5, 0.8, 1.2)) as (drawing, (theorem, enough, unit)):
        for dimension, color, marker in zip(dimensions, COLORS, MARKERS, strict=False):
            look: Any = {"marker": marker, "markersize": 4, "color": color}
            theorem.loglog(*_column(rows, "theorem", dimension, "maximum_error"), label=f"$D = {dimension}$", **look)
            unit.loglog(*_column(rows, "unit", dimension, "relative_error"), label=f"$D = {dimension}$", **look)
            _bounds(theorem, enough, dimension, color)
        ends = np.geomspace(1e3, 1e6, 2)
        unit.loglog(ends, 300.0 / ends, linestyle=(0, (4, 3)), color=MUTED, linewidth=1.0, label="(c) $300 / n$")
        theorem.set(title="theorem's gain: $\\|v\\|_1 = 1$", ylabel="error, $\\ell_\\infty$")
        unit.set(title="unit gain", ylabel="relative error, $\\ell_2$")
        enough.set(title="the theorem's $n$", xscale="log", yscale="log", xlim=(1e6, 1e17), xticks=(1e8, 1e12, 1e16))
        enough.tick_params(labelleft=False)
        theorem.set_xlim(1, 2e6)
        for axes in (theorem, enough):
            axes.set_ylim(3e-6, 1.0)
        in_legend(theorem, "(a) counting: half of all targets exceed it (derived)", ":", linewidth=1.6)
        in_legend(theorem, f"(b) existence, $C = {ASSUMED:g}$ assumed (recalled, unverified)", "--", linewidth=1.4)
        enough.set_xlabel("usable channels of one input, $n$")
        for axes in (theorem, unit):
            axes.set_xlabel("$n$")
        legend_below(drawing, theorem, unit, columns=3, title="medians of the instances")
    return drawing


def _bounds(near: Axes, far: Axes, dimension: int, color: str) -> None:
    """The counting bound, which falls off the axis at once, and the existence bound of kernels of this dimension."""
    few = np.geomspace(1.0, 1e4, 300)
    counted = bounds["derived.structured.counting_error"].formula  # for any n, whole or not
    forbidden = [max(counted(n=n, dimension=dimension), 1e-300) for n in few]
    near.loglog(few, forbidden, color=color, linestyle=":", linewidth=1.2)
    if dimension % SIDE**2 == 0:
        many = np.geomspace(1e4, 1e18, 600)
        errors = [structured_error(n, SIDE, dimension // SIDE**2, 1, constant=ASSUMED) for n in many]
        known = [(n, error) for n, error in zip(many, errors, strict=True) if error is not None]
        far.loglog(*zip(*known, strict=True), color=color, linestyle="--", linewidth=1.4)


def vector_guarantee_figure(rows: Sequence[Row]) -> Figure:
    """Optimum of Gaussian vectors in few dimensions, and the n for which second moments guarantee an error."""
    with panels(PAGE, 4.2, 1, 2) as (drawing, (exact, many)):
        dimensions = [int(dimension) for dimension in levels(rows, "dimension")]
        for dimension, color, marker in zip(dimensions, COLORS, MARKERS, strict=False):
            chosen = where(rows, dimension=dimension)
            exact.semilogy(
                numbers(chosen, "n"), numbers(chosen, "third_quantile"), marker, color=color, markersize=5,
                label=f"(a) $D = {dimension}$, optimum",
            )  # fmt: skip
            exact.semilogy(*_guarantee(dimension, 30), color=color)
        in_legend(exact, "(a) guaranteed", linewidth=1.6)
        exact.set(
            title="one instance in three goes below", xlabel="number of vectors $n$", ylabel="error, $\\ell_\\infty$"
        )
        exact.set_ylim(1e-9, 1.0)
        for dimension, color in ((3, GREEN), (9, YELLOW), (18, SKY)):  # 3 as on the left
            n, eps = _guarantee(dimension, 10**6)
            many.loglog(n, eps, color=color, label=f"(b) $D = {dimension}$, Gaussian: guaranteed")
            many.loglog(_in_a_band(n, dimension), eps, color=color, linestyle="--", linewidth=1.2)
        in_legend(many, "(b) products $u\\,v$, a band of scales:\na sketch, not proved", "--", linewidth=1.6)
        many.set(title="$n$ that is enough with probability 1/3", xlabel="$n$", ylabel="error, $\\ell_\\infty$")
        many.set_ylim(5e-6, 1.0)
        legend_below(drawing, exact, many, columns=3)
    return drawing


def _guarantee(dimension: int, most: int) -> tuple[list[int], list[float]]:
    """Numbers of vectors, not above ``most``, and the errors that they guarantee."""
    found = []
    for eps in GUARANTEED_EPS:
        n = guaranteed_candidates(dimension, eps)
        if n > most:
            break
        found.append((n, eps))
    return [n for n, _ in found], [eps for _, eps in found]


def _in_a_band(n: Sequence[int], dimension: int) -> list[float]:
    """How many channels have so many scales u between 1 and 1 + 1/D, u > 0 and normal."""
    share = 0.5 * (math.erf((1.0 + 1.0 / dimension) / math.sqrt(2.0)) - math.erf(1.0 / math.sqrt(2.0)))
    return [count / share for count in n]


def _column(rows: Sequence[Row], gain: str, dimension: int, name: str) -> tuple[Floats, Floats]:
    chosen = where(rows, gain=gain, dimension=dimension)
    return numbers(chosen, "n"), numbers(chosen, name)
