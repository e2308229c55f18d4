"""The paper figures: the folder of each to the function that draws its table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from slth.errors import ArgumentError, did_you_mean
from slth.extensions import imported, installed, own

Draw = Callable[[Sequence[Mapping[str, Any]]], Figure]

FIGURES: dict[str, str] = {
    "best_error": "slth.figures.best_error:best_error_figure",
    "interval_coverage": "slth.figures.interval_coverage:interval_coverage_figure",
    "lenet_weights": "slth.figures.lenet_weights:lenet_weights_figure",
    "pensia_mnist": "slth.figures.pensia_mnist:pensia_mnist_figure",
    "perturbed": "slth.figures.perturbed:perturbed_figure",
    "density": "slth.figures.density:density_figure",
    "widths": "slth.figures.widths:widths_figure",
    "vector_success": "slth.figures.vector_success:vector_success_figure",
    "solution_counts": "slth.figures.solution_counts:solution_counts_figure",
    "pursuit_gap": "slth.figures.pursuit_gap:pursuit_gap_figure",
    "structured_tradeoff": "slth.figures.structured_tradeoff:structured_tradeoff_figure",
    "structured_error": "slth.figures.vector_figures:structured_error_figure",
    "attention_error": "slth.figures.attention_error:attention_error_figure",
    "quantised": "slth.figures.quantised:quantised_figure",
    "differencing": "slth.figures.differencing:differencing_figure",
    "covered_fraction": "slth.figures.covered_fraction:covered_fraction_figure",
    "solver_time": "slth.figures.solver_figures:solver_time_figure",
    "structured_search": "slth.figures.structured_search:structured_search_figure",
    "vector_guarantee": "slth.figures.vector_figures:vector_guarantee_figure",
    "plant_and_recover": "slth.figures.plant_and_recover:plant_and_recover_figure",
    "search_accuracy": "slth.figures.search_accuracy:search_accuracy_figure",
    "sanity_checks": "slth.figures.search_accuracy:sanity_checks_figure",
    "early_pruning": "slth.figures.early_pruning:early_pruning_figure",
    "winning_ticket": "slth.figures.winning_ticket:winning_ticket_figure",
    "data_diet": "slth.figures.data_diet:data_diet_figure",
    "instability": "slth.figures.instability:instability_figure",
    "robust_ensemble": "slth.figures.robust_ensemble:robust_ensemble_figure",
    "calibration": "slth.figures.calibration:calibration_figure",
    "certified_agreement": "slth.figures.certified_agreement:certified_agreement_figure",
    "certified_residual": "slth.figures.certified_agreement:certified_agreement_figure",
    "restored_capacity": "slth.figures.restored_capacity:restored_capacity_figure",
}
"""In the order of the index page; a function takes the rows of a table, as text or numbers, and returns a Figure."""


_GROUP = "slth.figures"


def figure_names() -> list[str]:
    """Return the names of all figures: the paper's, then those that other packages register."""
    return [*FIGURES, *(name for name in installed(_GROUP) if name not in FIGURES)]


def check_figure(name: str) -> None:
    """Refuse names of figures that there are not."""
    if name not in figure_names():
        raise ArgumentError("name", name, "is not a figure", did_you_mean(name, figure_names()))


def resolve_figure(name: str) -> Draw:
    """Import the function that draws a figure."""
    check_figure(name)
    draw: Draw = (
        imported(FIGURES[name], argument="name", name=name) if name in FIGURES else own(_GROUP, name, argument="name")
    )
    return draw


def folder_beside(name: str) -> Path | None:
    """Return the folder with the folder of a figure that another package registers: that of the module which draws it.

    It has what a folder of ``paper_figures`` has: ``spec.toml`` and, where it was computed already, the table.
    """
    if name in FIGURES:
        return None
    module = sys.modules[resolve_figure(name).__module__]
    return Path(module.__file__).parent if module.__file__ else None
