"""The pictures of levels: accuracy against density, what is left of each layer, where training would have stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from slth.figures.style import COLORS, INK, MARKERS, figure, light_grid, panels, style
from slth.figures.ticket_figures import WIDTH

Level = Mapping[str, Any]
KINDS = {
    "ticket": "the ticket",
    "reinitialised": "other random weights",
    "shuffled": "masks shuffled within layers",
    "random": "random masks",
    "signs": "signs of its weights alone",
    "part-0": "trained on half of the classes",
    "part-1": "trained on the other half",
    "sparse": "the largest weights alone",
    "restored": "all weights again",
    "fine-tuned": "first sparse network, trained on",
}
"""How kinds of levels are called; others by their own name."""
DECADE = 10.0
"""Densities that span as much have a logarithmic axis."""


def kinds(levels: Sequence[Level]) -> list[str]:
    """Return the kinds of levels in their order."""
    return list(dict.fromkeys(level["kind"] for level in levels))


def look(number: int) -> dict[str, Any]:
    """Return colour and marker of a line."""
    return {"color": COLORS[number % len(COLORS)], "marker": MARKERS[number % len(MARKERS)], "markersize": 4}


def density_axis(axes: Axes, densities: Sequence[float]) -> None:
    """Let densities fall to the right, in percent."""
    if max(densities) / min(densities) > DECADE / 2.0:
        axes.set_xscale("log")
    axes.invert_xaxis()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:g} %"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.set_xlabel("density, kept / total")


def levels_figure(levels: Sequence[Level]) -> Figure:
    """Test accuracy of each level and branch against its density, or its cycle where these repeat; dashed: dense."""
    place = "density" if any(level["kind"] == "ticket" for level in levels) else "level"
    with style():
        drawing = figure(WIDTH, 3.0)
        axes = drawing.add_subplot()
        for number, kind in enumerate(kinds(levels)):
            own = [level for level in levels if level["kind"] == kind]
            axes.plot(
                [level[place] for level in own], [level["accuracy"] for level in own],
                label=KINDS.get(kind, kind), **look(number),
            )  # fmt: skip
        axes.axhline(levels[0]["accuracy"], color=INK, linewidth=0.8, linestyle="--", zorder=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.set_ylabel("test accuracy")
        if place == "density":
            density_axis(axes, [level["density"] for level in levels])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("cycle")
        drawing.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        light_grid(axes)
    return drawing


def layers_figure(levels: Sequence[Level]) -> Figure | None:
    """Density of each layer, level by level; None where one level alone is there."""
    own = [level for level in levels if level["kind"] == levels[0]["kind"]]
    if len(own) < 2:
        return None
    names = list(own[0]["layers"])
    with style():
        drawing = figure(WIDTH, 2.8)
        axes = drawing.add_subplot()
        whole = [level["density"] for level in own]
        for number, name in enumerate(names):
            axes.plot(whole, [level["layers"][name] for level in own], label=name, **look(number))
        axes.plot(whole, whole, color=INK, linewidth=0.8, linestyle="--", label="all together")
        if min(min(level["layers"].values()) for level in own) > 0.0:
            axes.set_yscale("log")
        percent = FuncFormatter(lambda value, _: f"{100.0 * value:g} %")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_formatter(percent)
        axes.yaxis.set_minor_formatter(percent if high < DECADE * low else NullFormatter())
        axes.set_ylabel("density of the layer")
        density_axis(axes, whole)
        drawing.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
        light_grid(axes)
    return drawing


def stopping_figure(levels: Sequence[Level]) -> Figure | None:
    """Step and loss at the least held-out loss, where one would have stopped; None without, or in phases."""
    if any(level["best_step"] is None or level["kind"] == "sparse" for level in levels):
        return None
    with panels(WIDTH, 2.6, 1, 2) as (drawing, (steps, losses)):
        for number, kind in enumerate(kinds(levels)):
            own = [level for level in levels if level["kind"] == kind]
            at = [level["density"] for level in own]
            steps.plot(at, [level["best_step"] for level in own], label=KINDS.get(kind, kind), **look(number))
            losses.plot(at, [level["best_validation_loss"] for level in own], **look(number))
        steps.set_ylabel("step of least held-out loss", fontsize=8)
        losses.set_ylabel("least held-out loss", fontsize=8)
        for axes in (steps, losses):
            density_axis(axes, [level["density"] for level in levels])
        drawing.legend(*steps.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return drawing
