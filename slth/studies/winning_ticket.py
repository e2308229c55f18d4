"""Winning tickets and what they are compared with, level by level of iterative magnitude pruning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slth.data.data_set import DataSet
from slth.grids.context import Context
from slth.jobs.models import model_of
from slth.jobs.training import TrainJob, recipe_of, trained
from slth.networks.threads import threads_for
from slth.rng import WeightLaw
from slth.studies.trained_targets import data_of
from slth.trainable import IMP


def winning_ticket(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Prune by magnitude, level by level, and train each level's ticket and its branches; a row for each.

    First weights are normal, of deviation sqrt(2 / inputs); a tenth of the training examples is held out, and ``stop``
    is the step at the end of the epoch of least loss on them.
    """
    data, model = data_of(cell["data"], context), model_of(cell["model"])
    rewind = cell.get("rewind", 0)
    method = IMP(
        rate=cell["rate"],
        levels=cell["levels"],
        reset="rewind" if rewind else "init",
        rewind=rewind,
        branches=cell["branches"],
    )
    recipe = replace(recipe_of(model, method), epochs=cell["epochs"])
    job = TrainJob(model, method, recipe, WeightLaw("normal"), seed=seed, limit=cell["examples"])
    return rows_of(job, data)


def rows_of(job: TrainJob, data: DataSet) -> list[dict[str, Any]]:
    """Run a job, and return what tables have of each of its levels."""
    with threads_for(0):
        found = trained(job, data)
    return [
        {
            "level": row["level"],
            "kind": row["kind"],
            "kept": row["kept"],
            "total": row["total"],
            "accuracy": row["accuracy"],
            "stop": row["best_step"],
            "stop_loss": row["best_validation_loss"],
            "seconds": level.trace[-1].seconds,
        }
        for level, row in zip(found.result.levels, found.rows, strict=True)
    ]
