"""The pictures of a searched ticket: how it was found, what it owes to mask and weights, which weights stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from slth.arrays import Floats, Indices
from slth.figures.style import BLUE, INK, MUTED, ORANGE, SKY, figure, legend_below, light_grid, style
from slth.figures.ticket_figures import WIDTH
from slth.jobs.record import SearchRecord

MOST_LAYERS, MOST_ROWS, MOST_COLUMNS, MOST_FILTERS = 6, 128, 512, 64
CHECKS = {
    "shuffled": "masks shuffled within layers",
    "redrawn": "weights redrawn",
    "random": "both",
    "inverted": "smallest scores kept instead",
}
_LOOKS = (("o", BLUE), ("s", INK), ("v", SKY), ("^", MUTED))


def trace_figure(record: SearchRecord) -> Figure:
    """Training loss and accuracy on the held-out examples, epoch by epoch; the epoch whose mask is the ticket's."""
    trace, chosen = record.summary["trace"], record.summary["epoch"]
    epochs = [row["epoch"] for row in trace]
    held = [row["validation_accuracy"] for row in trace]
    with style():
        drawing = figure(WIDTH, 2.5)
        left, right = drawing.subplots(1, 2)
        left.plot(epochs, [row["loss"] for row in trace], color=BLUE, marker="o", markersize=3)
        left.set_ylabel("training loss")
        if None not in held:
            right.plot(epochs, held, color=BLUE, marker="o", markersize=3)
            right.plot([chosen], [held[chosen - 1]], "D", color=ORANGE, markersize=7, label="the ticket's epoch")
            right.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
            right.legend(loc="lower right")
            right.set_ylabel("held-out accuracy")
        for axes in (left, right):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            light_grid(axes)
        right.set_visible(None not in held)
    return drawing


def sanity_figure(record: SearchRecord) -> Figure:
    """Test accuracy of the ticket beside what is left when its masks, or its weights, are others."""
    summary = record.summary
    checks = [(CHECKS[name], found) for name, found in summary["sanity"].items() if found]
    with style():
        drawing = figure(WIDTH, 0.75 + 0.34 * (len(checks) + 1))
        axes = drawing.add_subplot()
        top = len(checks)
        axes.plot([summary["accuracy"]], [top], "D", color=ORANGE, markersize=8)
        axes.axvline(summary["accuracy"], color=ORANGE, linewidth=1.0, linestyle="--", zorder=0)
        for height, (_, found) in enumerate(reversed(checks)):
            axes.plot(found, [height] * len(found), "o", color=BLUE, markersize=6, markerfacecolor="none")
            axes.plot([np.mean(found)] * 2, [height - 0.25, height + 0.25], color=BLUE, linewidth=2.0)
        axes.set_yticks(range(top + 1), [*(label for label, _ in reversed(checks)), "the ticket"])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, top + 0.6)
        axes.set_xlim(0.0, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("test accuracy, never trained; circles are seeds, bars their means")
        light_grid(axes, axis="x")
    return drawing


def tasks_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Test accuracy of each task's ticket, beside the means of its sanity checks over seeds."""
    places = range(len(rows))
    with style():
        drawing = figure(WIDTH, 2.8)
        axes = drawing.add_subplot()
        axes.plot(places, [row["accuracy"] for row in rows], "D", color=ORANGE, markersize=7, label="the ticket")
        for (name, label), (marker, colour) in zip(CHECKS.items(), _LOOKS, strict=True):
            made = [(place, np.mean(row["sanity"][name])) for place, row in zip(places, rows, strict=True)
                    if name in (row["sanity"] or {})]  # fmt: skip
            if made:
                axes.plot(*zip(*made, strict=True), marker, color=colour, markerfacecolor="none", label=label)
        axes.set_xticks(places, [str(row["task"]) for row in rows])
        axes.set_xlabel("task")
        axes.set_ylabel("test accuracy")
        axes.set_ylim(0.0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        light_grid(axes)
        legend_below(drawing, axes, columns=3)
    return drawing


def density_figure(record: SearchRecord) -> Figure:
    """Share of each layer that is kept, beside the share of the whole network."""
    layers = record.summary["layers"]
    shares = [layer["kept"] / layer["total"] for layer in layers]
    with style():
        drawing = figure(WIDTH, 0.75 + 0.26 * len(layers))
        axes = drawing.add_subplot()
        for height, (layer, share) in enumerate(zip(reversed(layers), reversed(shares), strict=True)):
            axes.barh(height, share, color=SKY, height=0.66, linewidth=0)
            axes.annotate(
                f"{layer['kept']:,} of {layer['total']:,}", (share, height), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
        axes.axvline(record.summary["density"], color=INK, linewidth=1.0, linestyle="--")
        axes.set_yticks(range(len(layers)), [layer["name"] for layer in reversed(layers)])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0.0, 1.25 * max(shares))
        axes.set_xlabel("density of each layer (dashed: of the whole network)")
        light_grid(axes, axis="x")
    return drawing


def score_figure(record: SearchRecord) -> Figure | None:
    """Scores of each layer, of groups that are kept and of those removed; None without scores."""
    shown = [name for name, scores in record.scores.items() if scores.size > 1][:MOST_LAYERS]
    if not shown:
        return None
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with style():
        drawing = figure(WIDTH, 0.4 + 2.0 * rows)
        grid = drawing.subplots(rows, columns, squeeze=False)
        for axes, name in zip(grid.ravel(), shown, strict=False):
            scores = record.scores[name]
            edges = np.linspace(scores.min(), max(scores.max(), scores.min() + 1e-12), 61)
            axes.stairs(np.histogram(scores, edges)[0], edges, fill=True, color=MUTED, alpha=0.45, label="all groups")
            if scores.shape == record.masks[name].shape:
                kept = scores[record.masks[name] != 0]
                axes.stairs(np.histogram(kept, edges)[0], edges, color=BLUE, linewidth=1.2, label="kept")
            axes.set_title(name, fontsize=8.5)
            axes.set_yticks([])
            axes.set_xlabel("score")
        for axes in grid.ravel()[len(shown) :]:
            axes.set_visible(False)
        drawing.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return drawing


def mask_figure(record: SearchRecord, name: str) -> Figure:
    """Which weights of one layer stay: filters as tiles, a linear layer as its matrix and by the inputs it sees."""
    mask = record.masks[name]
    with style():
        drawing = figure(WIDTH, 3.0)
        if mask.ndim == 4:
            _bits(drawing.add_subplot(), _tiles(mask), f"{name}: kernels of the first inputs, output after output")
            return drawing
        matrix = mask.reshape(len(mask), -1)
        seen = _as_image(matrix, record.input_shape)
        panels = list(drawing.subplots(1, 2, width_ratios=(1.8, 1.0))) if seen is not None else [drawing.add_subplot()]
        corner = matrix[:MOST_ROWS, :MOST_COLUMNS]
        part = "" if corner.shape == matrix.shape else f", first {corner.shape[0]} x {corner.shape[1]}"
        _bits(panels[0], corner, f"{name}: kept in dark{part}")
        panels[0].set_xlabel("input")
        panels[0].set_ylabel("output")
        if seen is not None:
            image = panels[1].imshow(seen, cmap="cividis", interpolation="none")
            panels[1].set_title("share of an input's weights that stay")
            panels[1].set_axis_off()
            drawing.colorbar(image, ax=panels[1], pad=0.02, aspect=30)
    return drawing


def size_figure(record: SearchRecord) -> Figure:
    """Bytes of the ticket beside the information in its mask and beside checkpoints of the same network."""
    summary = record.summary
    bars: list[tuple[str, Any, str]] = [
        ("ticket file", summary["ticket_bytes"], BLUE),
        ("information in its masks", summary["entropy_bound_bytes"], SKY),
        ("its kept weights in float32", 4 * summary["kept"], MUTED),
        ("all weights in float32", 4 * summary["total"], MUTED),
    ]
    with style():
        drawing = figure(WIDTH, 0.6 + 0.34 * len(bars))
        axes = drawing.add_subplot()
        for height, (_, value, colour) in enumerate(reversed(bars)):
            axes.barh(height, value / 1000.0, color=colour, height=0.62, linewidth=0)
            axes.annotate(
                f"{value / 1000.0:,.1f}", (value / 1000.0, height), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=8.5,
            )  # fmt: skip
        axes.set_yticks(range(len(bars)), [label for label, *_ in reversed(bars)])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0.0, 1.12 * max(value for _, value, _ in bars) / 1000.0)
        axes.set_xlabel("kB")
        light_grid(axes, axis="x")
    return drawing


def _bits(axes: Axes, matrix: Indices, title: str) -> None:
    """Draw the entries of a mask: removed light, kept dark."""
    axes.imshow(matrix, cmap="Greys", aspect="auto", interpolation="none", vmin=min(0, matrix.min()))
    axes.set_title(title, fontsize=8.5)
    axes.spines[["top", "right"]].set_visible(True)


def _tiles(mask: Indices) -> Indices:
    """Return the kernels of a convolution side by side: a column an output, a row an input."""
    outputs, inputs, height, width = mask.shape
    few = mask[: min(outputs, MOST_FILTERS), : max(1, min(inputs, MOST_ROWS // (4 * height)))]
    padded = np.pad(few, ((0, 0), (0, 0), (0, 1), (0, 1)))
    return padded.transpose(1, 2, 0, 3).reshape(few.shape[1] * (height + 1), few.shape[0] * (width + 1))


def _as_image(matrix: Indices, shape: tuple[int, ...]) -> Floats | None:
    """Return the share of each input's weights that stays, where the inputs are the pixels of an image."""
    image = shape if len(shape) == 3 else None
    if image is None or prod(image) != matrix.shape[1]:
        return None
    shares: Floats = (matrix != 0).mean(axis=0).reshape(image).mean(axis=0)
    return shares
