"""The pictures of a ticket's layers: errors against their prediction, masks, kept channels, kernels."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from slth.arrays import Bools
from slth.figures.style import BLUE, GREEN, MUTED, ORANGE, SKY, figure, light_grid, style
from slth.figures.ticket_figures import WIDTH
from slth.jobs.record import LayerRecord

MOST_COLUMNS, MOST_ROWS = 4096, 256
"""Bits of a mask that one picture shows at most."""
MOST_SOURCES = 64
"""Sources that one picture has rows for."""


def error_figure(layers: tuple[LayerRecord, ...]) -> Figure:
    """Errors of the target's weights, layer by layer, against what the candidates alone predict where they do."""
    columns = min(3, len(layers))
    rows = -(-len(layers) // columns)
    with style():
        drawing = figure(WIDTH, 0.3 + 2.4 * rows)
        grid = drawing.subplots(rows, columns, squeeze=False)
        for axes, layer in zip(grid.ravel(), layers, strict=False):
            _histogram(axes, layer)
        for axes in grid.ravel()[len(layers) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("weights")
        for axes in grid.ravel()[max(0, len(layers) - columns) : len(layers)]:  # nothing is below them
            axes.set_xlabel("error of a weight")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        if len(handles) > 1:
            drawing.legend(handles, labels, loc="outside upper left", ncols=3)
    return drawing


def _histogram(axes: Axes, layer: LayerRecord) -> None:
    row, edges = layer.row, layer.error_edges
    axes.stairs(layer.error_counts, edges, fill=True, color=SKY, alpha=0.75, label="found", linewidth=0)
    if layer.error_predicted is not None:
        axes.plot(np.sqrt(edges[:-1] * edges[1:]), layer.error_predicted, color=ORANGE, label="predicted")
    if row["tolerance"]:
        axes.axvline(row["tolerance"], color=GREEN, linestyle="--", linewidth=1.2, label="search may stop")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_minor_formatter(NullFormatter())
    offered = f"relative error {row['relative_error']:.2g}"
    if row["candidates"] is not None:
        offered = f"{row['instances']:,} sums, {row['candidates']} candidates"
    axes.set_title(f"{layer.path}: {offered}", fontsize=8.5)
    light_grid(axes)


def mask_figure(layer: LayerRecord) -> Figure:
    """Draw the bits of one layer's mask, and how many candidates each target weight took."""
    assert layer.mask is not None, "whole channels have another picture"
    candidates, inputs, outputs = layer.mask.shape
    # A screen has no room for more bits than this: of a large layer a corner is drawn, and the title says so.
    shown_inputs, shown_outputs = min(inputs, max(1, MOST_COLUMNS // candidates)), min(outputs, MOST_ROWS)
    corner = layer.mask[:, :shown_inputs, :shown_outputs]
    with style():
        if candidates == 1:  # a plain layer: every connection is in the picture already
            drawing = figure(WIDTH, 3.2)
            panels = [drawing.add_subplot()]
        else:
            drawing = figure(WIDTH, 3.6)
            panels = list(drawing.subplots(1, 2, width_ratios=(1.55, 1.0)))
            counts = layer.mask[:, :MOST_COLUMNS, :MOST_ROWS].sum(axis=0).T
            image = panels[1].imshow(counts, cmap="cividis", aspect="auto", interpolation="none", vmin=0)
            panels[1].set_title("connections kept for each weight")
            panels[1].set_xlabel("input")
            panels[1].xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
            drawing.colorbar(image, ax=panels[1], pad=0.02, aspect=30, ticks=MaxNLocator(8, integer=True))
        _bits(panels[0], corner)
        panels[0].set_ylabel("output" if max(layer.row["kernel"]) == 1 else "output, tap after tap")
        shown = ((shown_inputs, inputs, "inputs"), (shown_outputs, outputs, "outputs"))
        part = [f"first {few:,} of {many:,} {name}" for few, many, name in shown if few < many]
        panels[0].set_title("\n".join([f"{layer.path}: connections, kept in black", *part]))
        for axes in panels:
            axes.spines[["top", "right"]].set_visible(True)
    return drawing


def _bits(axes: Axes, mask: Bools) -> None:
    """Draw a row for each output; the candidates of one input stand side by side."""
    candidates, inputs, outputs = mask.shape
    bits = mask.transpose(2, 1, 0).reshape(outputs, inputs * candidates)
    axes.imshow(bits, cmap="Greys", aspect="auto", interpolation="none", vmin=0, vmax=1)
    ticks = np.arange(0, inputs, max(1, round(inputs / 8)))
    axes.set_xticks(ticks * candidates, [str(tick) for tick in ticks])
    axes.set_xlabel("input" if candidates == 1 else f"input ({candidates} hidden units each)")


def channel_figure(layer: LayerRecord) -> Figure:
    """Every kept channel of a layer at its scale, in a row for the source that it sees."""
    assert layer.scales is not None, "single weights have another picture"
    assert layer.sources is not None, "each scale has its source"
    every, row = np.unique(layer.sources), layer.row
    shown = every[:MOST_SOURCES]
    part = np.isin(layer.sources, shown)
    scales, places = layer.scales[part], np.searchsorted(shown, layer.sources[part])
    with style():
        drawing = figure(WIDTH, 1.9 + min(1.8, 0.05 * len(shown)))
        axes = drawing.add_subplot()
        for chosen, colour, label in ((scales > 0.0, BLUE, "u > 0"), (scales < 0.0, ORANGE, "u < 0")):
            if chosen.any():
                axes.plot(
                    np.abs(scales[chosen]), places[chosen], "|", color=colour, markersize=8, alpha=0.7, label=label,
                    rasterized=True,  # thousands of marks as outlines would make a file of megabytes
                )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlabel("scale |u| of the kept channel: large ones make the kernel, small ones its last digits")
        axes.set_ylabel("source")
        axes.set_ylim(-0.9, max(len(shown), 1) - 0.1)
        step = max(1, len(shown) // 8)
        axes.set_yticks(range(0, len(shown), step), [str(source) for source in shown[::step]])
        more = f", {len(shown)} of {len(every)} sources" if len(shown) < len(every) else ""
        axes.set_title(f"{layer.path}: {row['kept']:,} of {row['open_positions']:,} random channels stay{more}")
        light_grid(axes, axis="x")
        if (scales < 0.0).any():
            axes.legend(loc="upper left", ncols=2, bbox_to_anchor=(0.0, -0.28))
    return drawing


def kernel_figure(layer: LayerRecord) -> Figure:
    """Slices of the target's kernel above the ticket's, and their difference, tenfold where the colours allow."""
    target, ticket = layer.target_slices, layer.ticket_slices
    assert target is not None, "a kernel of one tap is no picture"
    assert ticket is not None, "both are there or neither"
    largest = max(float(np.abs(target).max(initial=0.0)), 1e-300)
    times = 10 if 10.0 * float(np.abs(ticket - target).max(initial=0.0)) < 2.0 * largest else 1
    difference = "difference" if times == 1 else f"{times} \N{MULTIPLICATION SIGN} difference"
    rows = (("target", target), ("ticket", ticket), (difference, times * (ticket - target)))
    with style():
        drawing = figure(WIDTH, 2.6)
        grid = drawing.subplots(3, len(target), squeeze=False)
        for line, (label, slices) in zip(grid, rows, strict=True):
            for axes, image in zip(line, slices, strict=True):
                shown = axes.imshow(image, cmap="PuOr", vmin=-largest, vmax=largest, interpolation="none")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[["top", "right"]].set_visible(True)
                axes.spines[:].set_color(MUTED)
            line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8.0)
        drawing.colorbar(shown, ax=grid, pad=0.02, aspect=30, ticks=MaxNLocator(5))
        drawing.suptitle(f"{layer.path}: kernels of its first input", x=0.01, ha="left", fontsize=9.5, weight="bold")
    return drawing
