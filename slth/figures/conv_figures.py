"""The pictures of a convolutional ticket: which channels stay, how near the kernels come, and how near each entry."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from slth.figures.style import BLUE, MUTED, ORANGE, SKY, figure, light_grid, style
from slth.figures.ticket_figures import WIDTH
from slth.jobs.conv_record import ConvLayerRecord

MOST_SOURCES = 64
"""Sources that one picture has rows for."""


def entry_error_figure(layers: tuple[ConvLayerRecord, ...]) -> Figure:
    """Errors of all entries of kernels and biases, layer by layer.

    Parameters
    ----------
    layers : tuple of ConvLayerRecord

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = min(3, len(layers))
    rows = -(-len(layers) // columns)
    with style():
        drawing = figure(WIDTH, 0.2 + 2.3 * rows)
        grid = drawing.subplots(rows, columns, squeeze=False)
        for axes, layer in zip(grid.ravel(), layers, strict=False):
            axes.stairs(layer.error_counts, layer.error_edges, fill=True, color=SKY, linewidth=0)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(numticks=6))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_title(f"{layer.went.path}: relative error {layer.went.relative_error:.2g}", fontsize=8.5)
            axes.set_xlabel("error of an entry")
            light_grid(axes)
        for axes in grid.ravel()[len(layers) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("entries")
    return drawing


def channel_figure(layer: ConvLayerRecord) -> Figure:
    """Every kept channel of a layer at its scale, below the law that all random channels follow.

    Parameters
    ----------
    layer : ConvLayerRecord

    Returns
    -------
    matplotlib.figure.Figure
    """
    scales, sources = np.abs(layer.scales), layer.sources
    shown = np.unique(sources)[:MOST_SOURCES]
    part = np.isin(sources, shown)
    height = 1.9 + min(1.8, 0.05 * len(shown))
    with style():
        drawing = figure(WIDTH, height)
        axes = drawing.add_subplot()
        place = np.searchsorted(shown, sources[part])
        positive = layer.scales[part] > 0.0
        for chosen, colour, label in ((positive, BLUE, "u > 0"), (~positive, ORANGE, "u < 0")):
            if chosen.any():
                axes.plot(
                    scales[part][chosen], place[chosen], "|", color=colour, markersize=8, alpha=0.7, label=label,
                    rasterized=True,  # thousands of marks as outlines would make a file of megabytes
                )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlabel("scale |u| of the kept channel: large ones make the kernel, small ones its last digits")
        axes.set_ylabel("source")
        axes.set_ylim(-0.9, len(shown) - 0.1)
        step = max(1, len(shown) // 8)
        axes.set_yticks(range(0, len(shown), step), [str(source) for source in shown[::step]])
        more = f", {len(shown)} of {len(np.unique(sources))} sources" if len(shown) < len(np.unique(sources)) else ""
        went = layer.went
        axes.set_title(f"{went.path}: {went.kept_channels:,} of {went.open_channels:,} random channels stay{more}")
        light_grid(axes, axis="x")
        if (~positive).any():
            axes.legend(loc="upper left", ncols=2, bbox_to_anchor=(0.0, -0.28))
    return drawing


def kernel_figure(layer: ConvLayerRecord) -> Figure:
    """Slices of the target's kernel above those of the ticket, and ten times their difference.

    Parameters
    ----------
    layer : ConvLayerRecord

    Returns
    -------
    matplotlib.figure.Figure
    """
    target, ticket = layer.target_slices, layer.ticket_slices
    largest = max(float(np.abs(target).max(initial=0.0)), 1e-300)
    rows = (("target", target), ("ticket", ticket), ("10 x difference", 10.0 * (ticket - target)))
    with style():
        drawing = figure(WIDTH, 2.6)
        grid = drawing.subplots(3, len(target), squeeze=False)
        for line, (label, slices) in zip(grid, rows, strict=True):
            for axes, image in zip(line, slices, strict=True):
                axes.imshow(image, cmap="PuOr", vmin=-largest, vmax=largest, interpolation="none")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[["top", "right"]].set_visible(True)
                axes.spines[:].set_color(MUTED)
            line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8.0)
        title = f"{layer.went.path}: kernels of its first input"
        drawing.suptitle(title, x=0.01, ha="left", fontsize=9.5, weight="bold")
    return drawing
