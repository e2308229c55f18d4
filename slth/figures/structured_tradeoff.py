"""What a structured ticket gives for what it costs: error and accuracy against channels, weights and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from slth.figures.levels_figures import look
from slth.figures.rows import Floats, Row, levels, numbers, where
from slth.figures.style import INK, MUTED, PAGE, in_legend, legend_below, panels

NAMES = {"lenet5": "LeNet-5 (MNIST)", "cnn6": "six convolutions (CIFAR-10)", "resnet-20": "ResNet-20 (CIFAR-10)"}
GAINS: dict[str, dict[str, Any]] = {"auto": {}, "unit": {"linestyle": ":", "markerfacecolor": "white"}}
LINEAR = 0.1
"""Points below which the axis of those that are lost is linear, as some are won."""


def structured_tradeoff_figure(rows: Sequence[Row]) -> Figure:
    """Draw (a) errors of outputs, (b) points lost against n; points lost against (c) kept weights, (d) bytes.

    A line for each model and gain; (c) and (d) are over the target's weights, and its bytes in float32.
    """
    with panels(PAGE, 5.8, 2, 2) as (drawing, ((error, lost), (weights, file))):
        for number, (model, label) in enumerate(NAMES.items()):
            for gain, more in GAINS.items():
                own = sorted(where(rows, model=model, gain=gain), key=lambda row: float(row["channels"]))
                if not own:
                    continue
                shown = {"linewidth": 1.1, **look(number), **more}
                channels, points = numbers(own, "channels"), points_lost(own)
                error.plot(channels, numbers(own, "rms_over_spread"), label=label if gain == "auto" else None, **shown)
                lost.plot(channels, points, **shown)
                weights.plot(numbers(own, "kept_weights") / numbers(own, "target_parameters"), points, **shown)
                file.plot(numbers(own, "ticket_bytes") / numbers(own, "target_bytes"), points, **shown)
        error.set(xlabel="channels $n$", ylabel="rms error / spread of outputs", yscale="log")
        lost.set(xlabel="channels $n$")
        weights.set(xlabel="kept weights / target's parameters")
        file.set(xlabel="bytes of the ticket / of the target")
        ticks = levels(rows, "channels")
        for axes in (error, lost):
            axes.set_xscale("log")
            axes.set_xticks(ticks, [f"{n:,.0f}" for n in ticks])
            axes.set_xticks([], minor=True)
        for axes in (weights, file):
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter("{x:,g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
        for axes in (lost, weights, file):
            axes.set_yscale("symlog", linthresh=LINEAR)
            axes.set(ylabel="points of accuracy lost", ylim=(-LINEAR, 150.0))
            axes.axhline(1.0, color=MUTED, linewidth=0.8, linestyle="--")
        in_legend(error, "unit gain (filled: auto)", color=INK, marker="o", markersize=4, **GAINS["unit"])
        in_legend(error, "(b-d) one point", "--", color=MUTED, linewidth=0.8)
        legend_below(drawing, error, columns=3)
    return drawing


def points_lost(rows: Sequence[Row]) -> Floats:
    """Return by how many points of accuracy each ticket is below its target."""
    return 100.0 * (numbers(rows, "target_accuracy") - numbers(rows, "accuracy"))
