"""Calibration of ensembles, tickets and trained networks against density, and under shifts of the inputs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from slth.figures.calibration_figures import LOOKS, look_of
from slth.figures.levels_figures import density_axis
from slth.figures.rows import Row, levels, numbers, where, with_ranges
from slth.figures.style import PAGE, legend_below, panels

MEASURES = {
    "ece": ("calibration error (ECE)", (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)),
    "negative_log_likelihood": ("negative log-likelihood", (0.5, 0.7, 1.0, 1.5)),
    "brier": ("Brier score", (0.2, 0.3, 0.4, 0.6)),
}
"""Title of each measure, and the ticks of its logarithmic axis."""
SHIFTED = {"accuracy": "test accuracy", "ece": "calibration error (ECE)", "auroc": "AUROC of confidence"}
WHOLE = ("dense", "mixup")
"""Networks of density 1, whose lines are level."""
SHOWN = 0.18
"""Density whose shifts are drawn."""
_OTHER = 6.5  # where the other data set stands, behind the severities


def calibration_figure(rows: Sequence[Row]) -> Figure:
    """Means over the seeds with their ranges: above against density, below against severity and for other data."""
    kinds = [kind for kind in LOOKS if where(rows, kind=kind)]
    with panels(PAGE, 5.4, 2, 3) as (drawing, (above, below)):
        for axes, (column, (label, ticks)) in zip(above, MEASURES.items(), strict=True):
            for kind in kinds:
                _against_density(axes, [row for row in _whole(rows) if row["kind"] == kind], column)
            density_axis(axes, levels(rows, "density"))
            axes.set(title=label, yscale="log", xticks=levels(rows, "density"))
            axes.set_yticks(ticks, [f"{tick:.0%}" if column == "ece" else f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        for axes, (column, label) in zip(below, SHIFTED.items(), strict=True):
            for kind in kinds:
                _against_severity(axes, where(rows, density=SHOWN, kind=kind), column)
            axes.set(title=label, xlabel="severity")
            axes.set_xticks(range(6))
        for axes in below[:2]:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        other = next(str(row["against"]) for row in rows if row["against"])
        below[2].set_xticks([1, 2, 3, 4, 5, _OTHER], ["1", "2", "3", "4", "5", other.upper()])
        spread = f"means; bars: least to most of the seeds; (d-f): density {SHOWN:g}; level lines: density 1"
        legend_below(drawing, below[0], columns=4, title=spread)
    return drawing


def _whole(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that measure all test images as they are."""
    return [row for row in rows if row["tested"]]


def _against_density(axes: Axes, rows: Sequence[Row], column: str) -> None:
    found = look_of(rows[0]["kind"])
    if rows[0]["kind"] in WHOLE:
        mean = numbers(rows, column).mean()
        axes.axhline(mean, **found | {"marker": "", "linestyle": "--" if rows[0]["kind"] == "dense" else ":"})
        return
    at = levels(rows, "density")
    middle, bars = with_ranges([numbers(where(rows, density=one), column) for one in at])
    axes.errorbar(at, middle, bars, capsize=2, **found)


def _against_severity(axes: Axes, rows: Sequence[Row], column: str) -> None:
    """Draw from the images as they are, but where these are what others are told from, to the greatest severity."""
    groups = {one: where(rows, severity=one) for one in levels(rows, "severity")}
    if column != "auroc":
        groups = {0.0: _whole(rows), **groups}
    middle, bars = with_ranges([numbers(one, column) for one in groups.values()])
    axes.errorbar(list(groups), middle, bars, capsize=2, **look_of(rows[0]["kind"]))
    if column == "auroc":
        middle, bars = with_ranges([numbers([row for row in rows if row["against"]], column)])
        axes.errorbar([_OTHER], middle, bars, capsize=2, **look_of(rows[0]["kind"]))
