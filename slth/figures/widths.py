"""All width bounds on one page: against the error, against the depth, and as random weights for each of the target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Row, levels, numbers, where
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PAGE, PINK, SKY, YELLOW, legend_below, panels

DENSE: Mapping[str, Any] = {"linestyle": "-"}
CONVOLUTIONAL: Mapping[str, Any] = {"linestyle": "--"}
NEEDED: Mapping[str, Any] = {"linestyle": ":"}

LOOKS: dict[str, tuple[str, str, str, Mapping[str, Any]]] = {
    "malach2020.width": ("Malach et al. 2020", PINK, "o", DENSE),
    "diffenderfer2021.width": ("Diffenderfer, Kailkhura 2021, binary", BLUE, "s", DENSE),
    "sreenivasan2022.width": ("Sreenivasan et al. 2022, binary", ORANGE, "D", DENSE),
    "natale2024.weight": ("Natale et al. 2024, density 0.1", GREEN, "^", DENSE),
    "kumar2025.shallow_width": ("Kumar, Natale 2025, $\\ell + 1$ layers, exact", SKY, "v", DENSE),
    "gadhikar2023.width": ("Gadhikar et al. 2023, random mask 0.1", YELLOW, "P", DENSE),
    "otsuka2025.head_width": ("Otsuka et al. 2025, attention, mean of 4 matrices", MUTED, "X", DENSE),
    "pensia2020.width": ("Pensia et al. 2020", BLUE, "o", DENSE),
    "burkholz2022a.width": ("Burkholz 2022, $\\ell + 1$ layers", PINK, "s", DENSE),
    "xiong2023.width": ("Xiong et al. 2023, perturbation 1", ORANGE, "^", DENSE),
    "kumar2025.width": ("Kumar, Natale 2025, $2\\ell$ layers, exact", SKY, "o", DENSE),
    "dacunha2023.structured.channels": ("da Cunha et al. 2023, structured", GREEN, "D", CONVOLUTIONAL),
    "dacunha2022.candidates": ("da Cunha et al. 2022", INK, "D", CONVOLUTIONAL),
    "burkholz2022b.channels": ("Burkholz 2022, $\\ell + 1$ layers", PINK, "v", CONVOLUTIONAL),
    "ferbach2023.width": ("Ferbach et al. 2023, equivariant", YELLOW, "s", CONVOLUTIONAL),
    "derived.structured.counting": ("needed: counting, structured", GREEN, "x", NEEDED),
    "derived.two_layer.width": ("needed: counting, two layers", INK, "+", NEEDED),
    "pensia2020.lower.deep_width": ("needed: Pensia 2020, $2\\ell$ layers, 1 matrix", MUTED, "1", NEEDED),
}
"""Key of the catalogue to label, colour, marker and line; dense targets solid, convolutional ones dashed."""

LEAST = (1e5, 100.0, 0.0)
"""Each row of panels has the bounds that are above this somewhere and in no row before it."""


def widths_figure(rows: Sequence[Row]) -> Figure:
    """Source width over target width against error and depth, and weights over weights against error."""
    with panels(PAGE, 8.6, 3, 3, sharex="col", height_ratios=(1.0, 1.3, 2.0)) as (drawing, grid):
        depth, eps = _commonest(rows, "depth", "eps"), _commonest(rows, "eps", "depth")
        shown = (
            ("eps", "per_unit", f"width, $\\ell = {depth:g}$", "error $\\varepsilon$"),
            ("depth", "per_unit", f"width, $\\varepsilon = {eps:g}$", "depth $\\ell$"),
            ("eps", "overhead", f"weights, $\\ell = {depth:g}$", "error $\\varepsilon$"),
        )
        for line, keys in zip(grid, _shares(rows), strict=True):
            for axes, (against, column, title, below) in zip(line, shown, strict=True):
                fixed = {"depth": depth} if against == "eps" else {"eps": eps}
                for key in keys:
                    _line(axes, where(rows, bound=key, **fixed), against, column, key)
                axes.set(title=title, yscale="log")
                axes.set_xscale("log", base=2 if against == "depth" else 10)
                axes.minorticks_off()
                if axes in grid[-1]:
                    axes.set_xlabel(below)
            line[0].set_ylabel("source / target")
        for axes in grid[-1][::2]:  # the columns that share it follow
            axes.invert_xaxis()
            axes.set_xticks([1e-2, 1e-4, 1e-6])
        _key(drawing, rows)
    return drawing


def _shares(rows: Sequence[Row]) -> list[list[str]]:
    """Bounds of each row of panels, by the largest width that they ask for."""
    largest = {key: numbers(where(rows, bound=key), "per_unit").max(initial=0.0) for key in LOOKS}
    above = (math.inf, *LEAST)
    return [[key for key in LOOKS if least <= largest[key] < most] for most, least in pairwise(above)]


def _line(axes: Axes, rows: Sequence[Row], against: str, column: str, key: str) -> None:
    meaningful = [row for row in rows if float(row[column]) > 0.0]  # counting says nothing of large errors
    ordered = sorted(meaningful, key=lambda row: float(row[against]))
    if against == "depth" and len(ordered) < 2:
        return  # a bound that does not know the depth
    if ordered:
        axes.plot(numbers(ordered, against), numbers(ordered, column), **_look(key, ordered[0]))


def _look(key: str, row: Row) -> dict[str, Any]:
    """Full markers where the statement was found, open ones where it is recalled."""
    _, color, marker, line = LOOKS[key]
    face = "white" if row["provenance"] == "recalled" else color
    return {"color": color, "marker": marker, "markerfacecolor": face, "markersize": 4, "linewidth": 1.1, **line}


def _key(drawing: Figure, rows: Sequence[Row]) -> None:
    """Say below the panels whose each line is, how well it is known, and what was assumed."""
    axes = drawing.axes[0]
    for key in LOOKS:
        found = where(rows, bound=key)
        if found:
            axes.plot([], [], label=_label(key, found[0]), **_look(key, found[0]))
    if axes.get_legend_handles_labels()[0]:
        title = (
            "solid: dense target, dashed: convolutional target, dotted: lower bounds; open: recalled, unverified\n"
            "* $C = 1$ assumed, so that slopes mean more than heights; "
            "$\\rho = N$ for Burkholz and Gadhikar et al."
        )
        legend_below(drawing, axes, columns=2, title=title)


def _label(key: str, row: Row) -> str:
    star = "" if row["constant"] in ("", None) else "*"
    known = {"found": "", "recalled": " (recalled)", "derived": " (derived)"}[str(row["provenance"])]
    return f"{LOOKS[key][0]}{star}{known}"


def _commonest(rows: Sequence[Row], column: str, other: str) -> float:
    """The level of a column at which most levels of another were evaluated; nan without rows."""
    return max(
        levels(rows, column), key=lambda level: len(levels(where(rows, **{column: level}), other)), default=float("nan")
    )
