"""Errors of the convolutions of LeNet-5 against n, weight by weight approximated, beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Row, quantiles, where
from slth.figures.style import BLUE, INK, ORANGE, PAGE, legend_below, panels

DATA = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
SPREAD = (0.0, 0.1, 0.5, 0.9, 1.0)

PUBLISHED_N = (5, 10, 15, 20, 25, 30)
PUBLISHED = {
    ("mnist", "weight_error"): (0.89, 0.57, 1.8e-2, 7.3e-4, 7.7e-5, 7.7e-6),
    ("mnist", "train_output_error"): (0.54, 0.15, 5.8e-3, 3.6e-4, 2.8e-5, 2.5e-6),
    ("mnist", "test_output_error"): (0.52, 0.13, 5.3e-3, 3.3e-4, 2.8e-5, 2.4e-6),
    ("fashion-mnist", "weight_error"): (0.79, 0.77, 0.51, 2.6e-3, 1.5e-5, 2.2e-5),
    ("fashion-mnist", "train_output_error"): (0.62, 0.16, 0.24, 1.2e-3, 6.0e-6, 9.9e-6),
    ("fashion-mnist", "test_output_error"): (0.61, 0.17, 0.27, 1.3e-3, 6.5e-6, 1.1e-5),
}
"""Da Cunha, Natale and Viennot 2022, one repetition: read off the published plots, to about 2 %."""


def lenet_weights_figure(rows: Sequence[Row]) -> Figure:
    """Relative errors of weights and of outputs against n: bands over repetitions, and the one published repetition."""
    named = {data: where(rows, data=data) for data in DATA}
    shown = {data: chosen for data, chosen in named.items() if chosen}
    repetitions = len({row["replicate"] for row in rows})
    with panels(PAGE, 5.8, 2, len(shown), sharex=True, sharey="row") as (drawing, grid):
        for (data, chosen), (weights, outputs) in zip(shown.items(), grid.T, strict=True):
            _measured(weights, chosen, "weight_error", BLUE, "o", f"median of {repetitions} repetitions", band=True)
            _measured(outputs, chosen, "train_output_error", BLUE, "o", "training images", band=True)
            _measured(outputs, chosen, "test_output_error", ORANGE, "s", "test images", band=False)
            _published(weights, data, "weight_error", "D", "-")
            _published(outputs, data, "train_output_error", "D", "-")
            _published(outputs, data, "test_output_error", "^", ":")
            weights.set_title(f"{DATA[data]}: weights")
            outputs.set(title=f"{DATA[data]}: outputs", xlabel="values for each weight, $n$")
            weights.set_xticks(PUBLISHED_N)
            outputs.set_xticks(PUBLISHED_N)
        grid[0, 0].set_ylabel("weights: $\\max|p - \\hat{p}| / \\max|p|$")
        grid[1, 0].set_ylabel("outputs: $\\max|f - \\hat{f}| / \\max|f|$")
        legend_below(drawing, *grid[:, 0], columns=2)
    return drawing


def _measured(
    axes: Axes, rows: Sequence[Row], column: str, color: str, marker: str, label: str, *, band: bool
) -> None:  # fmt: skip
    n, (least, low, middle, high, most) = quantiles(rows, "n", column, SPREAD)
    if band:
        axes.fill_between(n, least, most, color=color, alpha=0.12, linewidth=0, label="least to most")
        axes.fill_between(n, low, high, color=color, alpha=0.25, linewidth=0, label="10 % to 90 %")
    line = "-" if band else "--"
    axes.semilogy(n, middle, line, marker=marker, color=color, markersize=5, label=label)


def _published(axes: Axes, data: str, column: str, marker: str, line: str) -> None:
    which = {"weight_error": "", "train_output_error": ", training", "test_output_error": ", test"}[column]
    axes.semilogy(
        PUBLISHED_N, PUBLISHED[data, column], line, marker=marker, color=INK, markerfacecolor="white", markersize=5,
        linewidth=0.9, label=f"published, one repetition{which} (digitised)",
    )  # fmt: skip
