"""Tickets on a data diet: subsets of several sizes to begin on, and what of the network they begin is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slth.grids.context import Context
from slth.jobs.data_diet import DietJob, run_diet
from slth.jobs.models import Model, model_of
from slth.networks.threads import threads_for
from slth.studies.trained_targets import data_of
from slth.training import SGD, Cosine, Recipe


def subset_size(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Begin one network on subsets by EL2N, as many examples of each class, and prune it level by level on all.

    A row has the test accuracy of a way and level, and of the way the share of training examples that are linearly mode
    connected where pruning begins.
    """
    data, model = data_of(cell["data"], context), network_of(cell)
    job = DietJob(
        model, recipe_of(cell), "el2n", cell["ways"], cell["size"], cell["steps"], cell["levels"], cell["rate"],
        cell["runs"], cell["score_epochs"], balanced=True, connected=True, held_out=0.0, seed=seed,
        limit=cell["examples"],
    )  # fmt: skip
    with threads_for(0):
        found = run_diet(job, data)
    return [{**row, **found["connectivity"][row["way"]]} for row in found["rows"]]


def network_of(cell: Mapping[str, Any]) -> Model:
    """Return the model of a cell, which may have normalised batches, or see images averaged over 2 x 2 pixels."""
    return model_of(cell["model"], dict.fromkeys(cell.get("model_options", ()), True))


def recipe_of(cell: Mapping[str, Any]) -> Recipe:
    """Return the training of a cell: momentum 0.9, weight decay 1e-4, a cosine."""
    return Recipe(
        epochs=cell["epochs"],
        batch_size=cell["batch_size"],
        schedule=Cosine(cell["learning_rate"]),
        optimizer=SGD(weight_decay=1e-4),
        drop_last=True,
    )
