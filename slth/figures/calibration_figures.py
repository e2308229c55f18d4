"""The pictures of ensembles, subsets of examples and paths: reliability, worse images, levels by way, barriers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from slth.figures.levels_figures import density_axis, look
from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PINK, YELLOW, figure, light_grid, panels, style
from slth.figures.ticket_figures import WIDTH

Row = Mapping[str, Any]
LOOKS = {
    "dense": ("dense network", INK, "P"),
    "mixup": ("dense network, mixup", MUTED, "x"),
    "magnitude": ("largest weights", PINK, "^"),
    "deep": ("narrow dense networks", YELLOW, "v"),
    "single": ("single ticket", BLUE, "o"),
    "plain": ("ensemble, ordinary means", GREEN, "s"),
    "robust": ("robust ensemble", ORANGE, "D"),
}
"""Of what is compared: name, colour and marker, in the order in which it is drawn."""
KINDS = {kind: found[0] for kind, found in LOOKS.items()}


def look_of(kind: str) -> dict[str, Any]:
    """Return label, colour and marker of what is compared."""
    label, color, marker = LOOKS[kind]
    return {"label": label, "color": color, "marker": marker, "markersize": 4}


def reliability_figure(ensembles: Sequence[Row]) -> Figure:
    """Accuracy against confidence of the bins that have a hundredth of the examples; dashed: calibrated."""
    with style():
        drawing = figure(WIDTH, 3.2)
        axes = drawing.add_subplot()
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--")
        for row in (row for row in ensembles if row["kind"] in LOOKS):
            least = 0.01 * sum(one["examples"] for one in row["reliability"])
            bins = [one for one in row["reliability"] if one["examples"] >= least]
            axes.plot([one["confidence"] for one in bins], [one["accuracy"] for one in bins], **look_of(row["kind"]))
        axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0.0, 1.0), ylim=(0.0, 1.02))
        axes.legend(loc="upper left")
        light_grid(axes)
    return drawing


def corruptions_figure(rows: Sequence[Row]) -> Figure:
    """Accuracy and calibration error against severity, means over the kinds of corruption."""
    with panels(WIDTH, 2.8, 1, 2) as (drawing, (accuracy, error)):
        severities = sorted({row["severity"] for row in rows})
        for kind in dict.fromkeys(row["kind"] for row in rows):
            for axes, column in ((accuracy, "accuracy"), (error, "ece")):
                means = [
                    float(np.mean([row[column] for row in rows if (row["kind"], row["severity"]) == (kind, severity)]))
                    for severity in severities
                ]
                axes.plot(severities, means, **look_of(kind))
        accuracy.set_ylabel("test accuracy")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        error.set_ylabel("calibration error (ECE)")
        for axes in (accuracy, error):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("severity")
        drawing.legend(*accuracy.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return drawing


def ways_figure(rows: Sequence[Row]) -> Figure:
    """Test accuracy of each level against its density, a line for each beginning."""
    with style():
        drawing = figure(WIDTH, 3.0)
        axes = drawing.add_subplot()
        for number, way in enumerate(dict.fromkeys(row["way"] for row in rows)):
            own = [row for row in rows if row["way"] == way]
            axes.plot([row["density"] for row in own], [row["accuracy"] for row in own], label=way, **look(number))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.set_ylabel("test accuracy")
        density_axis(axes, [row["density"] for row in rows])
        axes.legend(loc="lower left")
        light_grid(axes)
    return drawing


def paths_figure(paths: Sequence[Row]) -> Figure:
    """Error along the path between the children of each step, and its barrier against the step; dashed: tickets."""
    with panels(WIDTH, 3.0, 1, 2) as (drawing, (along, barrier)):
        for kind, line in (("dense", "-"), ("ticket", "--")):
            own = [row for row in paths if row["kind"] == kind]
            said = "" if kind == "dense" else f", {kind}"
            for number, row in enumerate(own):
                shown = look(number) | {"marker": "", "linestyle": line}
                along.plot(row["shares"], row["errors"], label=f"step {row['step']}{said}", **shown)
            steps = [row["step"] for row in own]
            for number, (key, name) in enumerate((("barrier", "largest"), ("midpoint_barrier", "half way"))):
                if own:
                    found = [row[key] for row in own]
                    barrier.plot(steps, found, label=f"{name}{said}", **look(number), linestyle=line)
        along.set(xlabel="place on the path", ylabel="test error")
        barrier.set(xlabel="step at which children part", ylabel="error above the mean of the ends")
        for axes in (along, barrier):
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
            axes.legend(loc="best")
    return drawing
