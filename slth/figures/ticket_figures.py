"""The pictures of a whole ticket: accuracy by class, outputs, certificate, size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter

from slth.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, PINK, SKY, YELLOW, figure, light_grid, style
from slth.jobs.record import TicketRecord

WIDTH = 7.6
"""Inches: of pictures that fill the report's column."""

_LOG = "log\N{SUBSCRIPT TWO}"
_MOST_CLASSES = 25  # that have room for their numbers below an axis


def accuracy_figure(record: TicketRecord) -> Figure:
    """Accuracy on each class, of the target and of the ticket."""
    classes = np.unique(record.labels)
    target = [np.mean(record.target_outputs[record.labels == c].argmax(axis=1) == c) for c in classes]
    ticket = [np.mean(record.ticket_outputs[record.labels == c].argmax(axis=1) == c) for c in classes]
    with style():
        drawing = figure(WIDTH, 2.5)
        axes = drawing.add_subplot()
        axes.vlines(classes, np.minimum(target, ticket), np.maximum(target, ticket), color=MUTED, linewidth=1.0)
        axes.plot(classes, target, "o", markersize=10, markerfacecolor="none", markeredgecolor=BLUE, label="target")
        axes.plot(classes, ticket, "x", markersize=6, markeredgewidth=2, color=ORANGE, label="ticket")
        axes.set_xticks(classes[:: -(-len(classes) // _MOST_CLASSES)])
        axes.set_xlabel("class")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        lowest = min(*target, *ticket)
        axes.set_ylim(max(0.0, lowest - 0.15 * (1.0 - lowest) - 0.02), 1.015)
        axes.set_yticks([tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= 1.0])
        axes.set_ylabel("test accuracy")
        light_grid(axes)
        axes.legend(loc="lower left", ncols=2, bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2, handletextpad=0.2)
    return drawing


def output_figure(record: TicketRecord) -> Figure:
    """How far the ticket's outputs are from the target's, for every test input and class."""
    difference = (record.ticket_outputs - record.target_outputs).ravel()
    outputs = record.target_outputs.ravel()
    certified = record.summary["certified_error"]
    with style():
        drawing = figure(WIDTH, 2.6)
        axes = drawing.add_subplot()
        if _drawable(certified):
            axes.axhspan(-certified, certified, color=SKY, alpha=0.15, linewidth=0)
            for edge in (-certified, certified):
                axes.axhline(edge, color=BLUE, linewidth=1.2, linestyle="--")
            axes.annotate(
                "certified for every input in the box", (0.01, certified), xycoords=("axes fraction", "data"),
                xytext=(0, -3), textcoords="offset points", va="top", color=BLUE, fontsize=8,
            )  # fmt: skip
            axes.set_ylim(-1.15 * certified, 1.15 * certified)
        axes.plot(outputs, difference, ".", markersize=2.0, color=INK, alpha=0.35, rasterized=True)
        axes.set_xlabel("output of the target")
        axes.set_ylabel("ticket \N{MINUS SIGN} target")
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    return drawing


def certificate_figure(record: TicketRecord) -> Figure:
    """The ladder of output errors: seen on data, found by attack, proved, and what norms alone would prove."""
    summary = record.summary
    rungs: list[tuple[str, Any, str, str]] = [
        ("largest on the test set", summary.get("sampled_error"), "o", INK),
        ("found by gradient ascent", summary.get("attack_error"), "^", ORANGE),
        ("certified, this is the claim", summary.get("certified_error"), "D", BLUE),
        ("bound through norms alone", summary.get("norm_bound"), "s", MUTED),
        ("asked for (eps)", summary.get("eps"), "P", GREEN),
    ]
    shown = [(label, float(value), marker, colour) for label, value, marker, colour in rungs if _drawable(value)]
    with style():
        drawing = figure(WIDTH, 0.6 + 0.36 * len(shown))
        axes = drawing.add_subplot()
        left, right = min(value for _, value, *_ in shown) / 6.0, max(value for _, value, *_ in shown) * 12.0
        for height, (_, value, marker, colour) in enumerate(reversed(shown)):
            axes.plot([left, value], [height, height], color=colour, linewidth=1.4, alpha=0.6, solid_capstyle="butt")
            axes.plot([value], [height], marker, color=colour, markersize=8)
        _rungs(axes, shown, "{:.3g}", 9)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.set_xscale("log")
        axes.set_xlim(left, right)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("largest difference between any output of the ticket and of the target")
    return drawing


def size_figure(record: TicketRecord) -> Figure:
    """Bits for each target weight: the ticket, two bounds, and the target's own file."""
    summary = record.summary
    bars: list[tuple[str, Any, str, str]] = [
        ("ticket file", summary.get("bits_per_target_weight"), BLUE, ""),
        (f"{_LOG} C(open, kept) of its masks", summary.get("counting_bits_per_weight"), SKY, "//"),
        (f"{_LOG}(1 / (2 e)), mean over weights", summary.get("information_bits_mean"), YELLOW, ".."),
        (f"{_LOG}(1 / (2 e)), worst of its layer", summary.get("information_bits_per_weight"), PINK, "xx"),
        ("target's own file", summary.get("target_file_bits_per_weight"), MUTED, "\\\\"),
    ]
    shown = [(label, float(value), colour, hatch) for label, value, colour, hatch in bars if _drawable(value)]
    with style():
        drawing = figure(WIDTH, 0.6 + 0.34 * len(shown))
        axes = drawing.add_subplot()
        for height, (_, value, colour, hatch) in enumerate(reversed(shown)):
            axes.barh(height, value, color=colour, height=0.62, hatch=hatch, edgecolor="white", linewidth=0)
        _rungs(axes, shown, "{:.1f}", 4)
        axes.set_xlim(0, 1.1 * max(value for _, value, *_ in shown))
        axes.set_xlabel("bits for each weight of the target")
    return drawing


def _rungs(axes: Axes, shown: Sequence[tuple[str, float, str, str]], style: str, beside: int) -> None:
    """Names on the left, the first at the top, and each value beside its mark."""
    for height, (_, value, *_) in enumerate(reversed(shown)):
        place: dict[str, Any] = {"xytext": (beside, 0), "textcoords": "offset points"}
        axes.annotate(style.format(value), (value, height), va="center", fontsize=8.5, **place)
    axes.set_yticks(range(len(shown)), [label for label, *_ in reversed(shown)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    light_grid(axes, axis="x")


def _drawable(value: Any) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value)) and value > 0
