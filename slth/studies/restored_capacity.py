"""What connections that return give beyond plain fine-tuning, cycle by cycle of iterative hard thresholding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slth.grids.context import Context
from slth.jobs.models import model_of
from slth.jobs.training import TrainJob, recipe_of
from slth.rng import WeightLaw
from slth.studies.trained_targets import data_of
from slth.studies.winning_ticket import rows_of
from slth.trainable import IHT


def restored_capacity(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Train dense, then in cycles: the largest weights alone, all again, and beside them the first sparse network on.

    Each phase has as many epochs; where weights return, and beside it, training begins at a tenth of the rate.
    """
    data, model = data_of(cell["data"], context), model_of(cell["model"])
    method = IHT(cell["density"], cycles=cell["cycles"])
    recipe = replace(recipe_of(model, method), epochs=cell["epochs"])
    return rows_of(TrainJob(model, method, recipe, WeightLaw("normal"), seed=seed, limit=cell["examples"]), data)
