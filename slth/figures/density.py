"""Over-parameterisation against the density of the tickets: what theorems ask for, and what happens."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from slth.figures.rows import Row, levels, numbers, where
from slth.figures.style import BLUE, GREEN, MUTED, ORANGE, PAGE, PINK, in_legend, legend_below, panels
from slth.theory import bounds

LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "D"), (PINK, "^"))
ASSUMED = 1.0
"""The constants of the theorems, which nobody knows: assumed, and labelled so."""

PENSIA_DENSITY = 0.5
"""Where the tickets of Pensia and others are drawn, of whose density only the order is known: a constant."""

SPREAD = (0.1, 0.5, 0.9)
LEAST = (1e-9, 3e-5, 0.02)
"""Densities at which the three panels begin."""


def density_figure(rows: Sequence[Row]) -> Figure:
    """Parameters of the source for each of the target's against density: all theorems, and what is measured closer."""
    width = math.isqrt(int(levels(rows, "target_parameters")[0]))
    with panels(PAGE, 4.4, 1, 3) as (drawing, (wide, near, nearest)):
        for eps, (color, marker) in zip(sorted(levels(rows, "eps"), reverse=True), LOOKS, strict=False):
            chosen = where(rows, eps=eps)
            for axes, least in zip((wide, near, nearest), LEAST, strict=True):
                _theorems(axes, width, eps, least, color)
                _measured(axes, chosen, color, marker, f"$\\varepsilon = {eps:g}$", bars=axes is not wide)
            _any_number(nearest, chosen, color, marker)
            _points(wide, width, eps, color)
        wide.set(title=f"as published, target {width} × {width}", xlim=(LEAST[0], 1.2), ylim=(1.0, 1e11))
        near.set(title="closer", xlim=(LEAST[1], 0.7), ylim=(2.0, 1e7), xlabel="density of the ticket")
        nearest.set(title="closest: what is measured", xlim=(LEAST[2], 0.3), ylim=(70.0, 700.0))
        for axis, shown in ((nearest.xaxis, (0.03, 0.1, 0.3)), (nearest.yaxis, (100, 200, 400))):
            axis.set_major_locator(FixedLocator(shown))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
        wide.set_ylabel("parameters, source / target")
        _legend(drawing, wide, near)
    return drawing


def _theorems(axes: Axes, width: int, eps: float, least: float, color: str) -> None:
    densities = np.geomspace(least, 0.5, 120)
    above = bounds["natale2024.overparameterisation"]
    enough = [above(parameters=width**2, density=float(x), eps=eps, constant=ASSUMED) for x in densities]
    axes.loglog(densities, enough, "--", color=color, linewidth=1.2)
    if eps < 1.0 / 16.0:  # the theorem's condition
        below = bounds["natale2024.lower"]
        needed = [below(dimension=width, density=float(x), eps=eps) / width**2 for x in densities]
        axes.loglog(densities, needed, ":", color=color, linewidth=1.2)


def _points(axes: Axes, width: int, eps: float, color: str) -> None:
    """The theorems before this one, as points: Malach and others, Pensia and others."""
    parameters = width**2
    sparse = bounds["malach2020.density"](m=parameters, eps=eps, constant=ASSUMED)
    axes.plot(sparse, bounds["malach2020.overhead"](m=parameters, eps=eps, constant=ASSUMED), "X", color=color)
    hidden = bounds["pensia2020.width"](d_in=width, d_out=width, layers=1, eps=eps, delta=eps, constant=ASSUMED)
    axes.plot(PENSIA_DENSITY, 2.0 * hidden / width, "P", color=color)


def _measured(axes: Axes, rows: Sequence[Row], color: str, marker: str, label: str, *, bars: bool) -> None:
    """Medians over repetitions for each size, with bars up to a dash at the 90 % quantile."""
    fixed = np.array([_medians(where(rows, size=size)) for size in levels(rows, "size") if size > 0])
    fixed = fixed[np.isfinite(fixed[:, 2])]  # in half of the repetitions, at least, an n was found
    axes.loglog(fixed[:, 0], fixed[:, 2], "-", marker=marker, color=color, markersize=3.5, linewidth=1.0, label=label)
    if bars:
        known = fixed[np.isfinite(fixed[:, 3])]
        axes.vlines(known[:, 0], known[:, 1], known[:, 3], color=color, linewidth=0.9)
        axes.plot(known[:, 0], known[:, 3], "_", color=color, markersize=7, markeredgewidth=1.2)


def _any_number(axes: Axes, rows: Sequence[Row], color: str, marker: str) -> None:
    """The median over the repetitions that chose as many products as they liked, hollow."""
    density, _, median, _ = _medians(where(rows, size=0.0))
    axes.plot(density, median, marker, color=color, markerfacecolor="white", markersize=7)


def _medians(rows: Sequence[Row]) -> tuple[float, ...]:
    """Median density, and quantiles of the over-parameterisation, infinite and of density 0 where no n was found."""
    found = [row for row in rows if row["overparameterisation"] not in ("", None)]
    missing = [np.inf] * (len(rows) - len(found))
    times = np.quantile(np.append(numbers(found, "overparameterisation"), missing), SPREAD, method="higher")
    return float(np.median(np.append(numbers(found, "density"), np.zeros(len(missing))))), *times


def _legend(drawing: Figure, wide: Axes, near: Axes) -> None:
    in_legend(near, "(c) any number chosen", "o", color=MUTED, markerfacecolor="white", markersize=7)
    in_legend(near, "90 % of repetitions need no more", "_", color=MUTED, markersize=7, markeredgewidth=1.2)
    in_legend(wide, f"Natale et al. 2024, Theorem 3, $C = {ASSUMED:g}$ assumed", "--")
    in_legend(
        wide,
        "Theorem 5, $\\varepsilon < 1/16$: necessary for all\ntargets of norm up to $\\sqrt{k}$",
        ":",
    )
    in_legend(wide, f"Malach et al. 2020, $C = {ASSUMED:g}$ assumed", "X", color=MUTED)
    in_legend(wide, f"Pensia et al. 2020, $C = {ASSUMED:g}$ assumed;\ndensity: some constant", "P", color=MUTED)
    legend_below(drawing, near, wide, columns=2, title="measured, exactly $k$ chosen: medians; bars from 10 to 90 %")
