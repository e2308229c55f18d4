"""What each search reaches at each density, and what is left of that under its sanity checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slth.grids.context import Context
from slth.jobs.methods import recipe_of
from slth.jobs.models import model_of
from slth.jobs.searching import SearchJob, find
from slth.networks.threads import threads_for
from slth.searches import sanity_checks
from slth.studies.trained_targets import data_of


def search_accuracy(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Find a ticket in a random network, measure it on the test set, and check what its accuracy owes to its mask.

    A search is trained by its usual recipe for so many epochs, and its mask is that of the epoch which was best on a
    tenth of the training examples; baselines train nothing.
    """
    data, model = data_of(cell["data"], context), model_of(cell["model"])
    given = {name: cell[name] for name in ("density", "scope", "allocation") if name in cell}
    recipe = replace(recipe_of(cell["method"], flat=model.flat, options=given), epochs=cell["epochs"])
    job = SearchJob(model, cell["method"], given, recipe, seed=seed, limit=cell["examples"])
    with threads_for(0):
        found = find(job, data)
        checks = sanity_checks(found.result, found.test, repetitions=1)
    return [
        {
            "accuracy": checks.ticket,
            "kept": found.result.ticket.mask.kept,
            "total": found.result.ticket.mask.total,
            "epoch": found.result.epoch,
            "shuffled": checks.shuffled[0],
            "redrawn": checks.redrawn[0],
            "random": checks.random[0],
            "inverted": checks.inverted,
            "seconds": found.about["seconds"],
        }
    ]
