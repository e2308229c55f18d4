"""Error of vector subset sums against n, beside what is guaranteed and what is forbidden."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from slth.figures.style import BLUE, GREEN, INK, MARKERS, MUTED, ORANGE, PINK, SKY, YELLOW, figure, light_grid, style
from slth.theory import counting_error, guaranteed_candidates, structured_error

Row = Mapping[str, str]
COLORS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY)
ASSUMED = 1.0
"""The constant C of the theorem's bound, which nobody knows: assumed, and labelled so."""

EXISTENCE_KERNELS = {9: (3, 1), 36: (3, 4)}
"""Dimensions for which the existence bound is drawn, as kernel size and outputs; the others' lie beyond the axis."""

GUARANTEED_EPS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001, 0.00001)


def structured_error_figure(rows: Sequence[Row]) -> Figure:
    """Relative error at unit gain, and maximum error at the theorem's gain between its bounds, against n.

    Parameters
    ----------
    rows : sequence of mappings
        With the columns gain, dimension, n, relative_error, maximum_error and largest_entry, as text or numbers.

    Returns
    -------
    matplotlib.figure.Figure
    """
    dimensions = sorted({int(row["dimension"]) for row in rows})
    with style():
        drawing = figure(8.6, 4.0)
        unit, theorem = drawing.subplots(1, 2)
        for dimension, color, marker in zip(dimensions, COLORS, MARKERS, strict=False):
            n, relative = _column(rows, "unit", dimension, "relative_error")
            unit.loglog(n, relative, marker=marker, color=color, markersize=4, label=f"D = {dimension}")
            n, maximum = _column(rows, "theorem", dimension, "maximum_error")
            theorem.loglog(n, maximum, marker=marker, color=color, markersize=4)
            _bounds(theorem, dimension, color)
        ends = np.geomspace(1e3, 1e6, 2)
        unit.loglog(ends, 300.0 / ends, linestyle=(0, (4, 3)), color=MUTED, linewidth=1.0, label="1 / n")
        unit.set(title="gain = deviation of the weights", xlabel="n", ylabel="relative error, l2")
        theorem.set(title="gain = sum of |weights|, the theorem's", xlabel="n", ylabel="error, maximum norm")
        theorem.set_xlim(1, 1e13)
        theorem.set_ylim(1e-4, 6.0)  # the errors end at 1; above it the legend has room
        theorem.plot([], [], color=INK, linestyle="--", label=f"existence, C = {ASSUMED:g} assumed (recalled)")
        theorem.plot([], [], color=INK, linestyle=":", label="counting: half of all targets exceed it (derived)")
        for axes in (unit, theorem):
            light_grid(axes)
        unit.legend(loc="lower left")
        theorem.legend(loc="upper right", fontsize=7.0)
    return drawing


def _bounds(axes: object, dimension: int, color: str) -> None:
    """The existence bound where it meets the axis, and the counting bound, which falls off it at once."""
    assert hasattr(axes, "loglog"), "axes of matplotlib"
    few = np.geomspace(1.0, 1e3, 200)
    forbidden = [max(counting_error(n, dimension), 1e-300) for n in few]
    axes.loglog(few, forbidden, color=color, linestyle=":", linewidth=1.2)
    if dimension in EXISTENCE_KERNELS:
        kernel, outputs = EXISTENCE_KERNELS[dimension]
        many = np.geomspace(1e4, 1e14, 400)
        errors = [structured_error(n, kernel, outputs, 1, constant=ASSUMED) for n in many]
        known = [(n, error) for n, error in zip(many, errors, strict=True) if error is not None]
        if known:
            axes.loglog(*zip(*known, strict=True), color=color, linestyle="--", linewidth=1.4)


def vector_guarantee_figure(rows: Sequence[Row]) -> Figure:
    """Optimum of Gaussian vectors in few dimensions, and the n for which second moments guarantee an error.

    Parameters
    ----------
    rows : sequence of mappings
        With the columns dimension, n and third_quantile: the error that one in three instances goes below.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with style():
        drawing = figure(8.6, 4.0)
        exact, many = drawing.subplots(1, 2)
        dimensions = sorted({int(row["dimension"]) for row in rows})
        for dimension, color, marker in zip(dimensions, COLORS, MARKERS, strict=False):
            chosen = [row for row in rows if int(row["dimension"]) == dimension]
            n = [int(row["n"]) for row in chosen]
            exact.semilogy(
                n, [float(row["third_quantile"]) for row in chosen], marker, color=color, markersize=5,
                label=f"D = {dimension}, optimum",
            )  # fmt: skip
            exact.semilogy(*_guarantee(dimension, 30), color=color)
        exact.plot([], [], color=INK, label="guaranteed")
        exact.set(title="one instance in three goes below", xlabel="number of vectors n", ylabel="error, maximum norm")
        exact.set_ylim(1e-9, 1.0)
        for dimension, color in zip((3, 9, 18), COLORS, strict=False):
            n, eps = _guarantee(dimension, 10**6)
            many.loglog(n, eps, color=color, label=f"D = {dimension}, Gaussian vectors: guaranteed")
            many.loglog(_in_a_band(n, dimension), eps, color=color, linestyle="--", linewidth=1.2)
        many.plot(
            [],
            [],
            color=INK,
            linestyle="--",
            label="n so that a band of scales of u v holds as many:\na sketch, not proved",
        )
        many.set(title="n that is enough with probability 1/3", xlabel="n", ylabel="error, maximum norm")
        many.set_ylim(1e-8, 1.0)  # below the lines the legend has room
        for axes in (exact, many):
            light_grid(axes)
            axes.legend(loc="lower left", fontsize=7.0)
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


def _column(rows: Sequence[Row], gain: str, dimension: int, name: str) -> tuple[list[int], list[float]]:
    chosen = [row for row in rows if row["gain"] == gain and int(row["dimension"]) == dimension]
    return [int(row["n"]) for row in chosen], [float(row[name]) for row in chosen]
