"""What is pruned before, early in, and behind training: each mask trained alike, and beside its sanity checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slth.data.data_set import DataSet
from slth.grids.context import Context
from slth.jobs.models import Model, model_of
from slth.jobs.searching import SearchJob, find
from slth.jobs.standardising import Standardised
from slth.jobs.training import LINEAR, TrainJob, trained
from slth.networks.threads import threads_for
from slth.rng import WeightLaw
from slth.searches import GemMiner, SearchResult, fine_tune
from slth.searches.sanity import shuffled_masks
from slth.studies.trained_targets import data_of
from slth.trainable import IMP
from slth.training import Examples, Recipe, split

_LAW = WeightLaw("normal")
_OPTIONS: dict[str, dict[str, Any]] = {name: {"allocation": "erk"} for name in ("random", "magnitude")}


def early_pruning(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Find masks by a method, train what they keep from its random values, and measure it; a row for each check.

    All methods have the same random network, examples (a tenth is held out) and recipe of training. A check trains the
    masks shuffled within layers, or over other random weights. Iterative magnitude pruning trains once a level before.
    """
    data, model = data_of(cell["data"], context), model_of(cell["model"])
    recipe = replace(LINEAR, epochs=cell["epochs"])
    with threads_for(0):
        if cell["method"] == "imp":
            return _behind_training(cell, data, model, recipe, seed)
        return _before_training(cell, data, model, recipe, seed)


def _behind_training(
    cell: Mapping[str, Any], data: DataSet, model: Model, recipe: Recipe, seed: int
) -> list[dict[str, Any]]:
    """Return the rows of the last level of iterative magnitude pruning and of its branches."""
    method = IMP(rate=cell["rate"], density=cell["density"], branches=["shuffled", "reinitialised"])
    rows = trained(TrainJob(model, method, recipe, _LAW, seed=seed, limit=cell["examples"]), data).rows
    kinds = {"ticket": "found", "shuffled": "shuffled", "reinitialised": "redrawn"}
    return [
        {"kind": kinds[row["kind"]], "kept": row["kept"], "total": row["total"], "accuracy": row["accuracy"]}
        for row in rows
        if row["level"] == method.count
    ]


def _before_training(
    cell: Mapping[str, Any], data: DataSet, model: Model, recipe: Recipe, seed: int
) -> list[dict[str, Any]]:
    """Return the rows of masks that were found in the random network, as published: what has a flag is kept."""
    options = {"density": cell["density"], **_OPTIONS.get(cell["method"], {})}
    job = SearchJob(model, cell["method"], options, law=_LAW, seed=seed, limit=cell["examples"])
    found = find(job, data).result
    inputs = Standardised.of(data, model.input_shape(data), limit=cell["examples"])
    examples, test = split(inputs.examples("train"), job.held_out, seed=seed)[0], inputs.examples("test")
    if cell["method"] == "gem-miner":
        found = replace(found, ticket=fine_tune(
            found, examples, recipe=replace(recipe, epochs=0), masks=GemMiner().unfrozen(found)
        ).start)  # fmt: skip
    ticket = found.ticket
    kinds = {
        "found": ticket,
        "shuffled": replace(ticket, mask=shuffled_masks(ticket, 1)),
        "redrawn": replace(ticket, seed=(ticket.seed + 1) % 2**64),
    }
    return [
        {
            "kind": kind,
            "kept": one.mask.kept,
            "total": one.mask.total,
            "accuracy": _trained(replace(found, ticket=one), examples, test, recipe, seed),
        }
        for kind, one in kinds.items()
    ]


def _trained(found: SearchResult, examples: Examples, test: Examples, recipe: Recipe, seed: int) -> float:
    """Return the test accuracy of what a ticket keeps, trained."""
    return fine_tune(found, examples, recipe=recipe, seed=seed).evaluate(test).accuracy or 0.0
