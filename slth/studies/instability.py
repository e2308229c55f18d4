"""Instability: the error barrier between two children of a network against the step at which they part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slth.grids.context import Context
from slth.jobs.connecting import ConnectivityJob, run_connectivity
from slth.networks.threads import threads_for
from slth.studies.subset_size import network_of, recipe_of
from slth.studies.trained_targets import data_of


def instability(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Train children of a dense network, and of the ticket that goes back to the same step; a row for each of both.

    ``error`` is the mean test error of two children; ``model``, ``model_options``, ``epochs``, ``batch_size`` and
    ``learning_rate`` are those of the study of subset sizes.
    """
    data, model = data_of(cell["data"], context), network_of(cell)
    job = ConnectivityJob(
        model, recipe_of(cell), cell["steps"], cell["points"], levels=cell["levels"], rate=cell["rate"], seed=seed,
        limit=cell["examples"],
    )  # fmt: skip
    with threads_for(0):
        paths = run_connectivity(job, data)["paths"]
    keys = ("step", "kind", "density", "barrier", "midpoint_barrier", "loss_barrier")
    return [{**{key: path[key] for key in keys}, "error": sum(path["end_errors"]) / 2.0} for path in paths]
