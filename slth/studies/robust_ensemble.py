"""Calibration of robust ensembles beside ensembles of ordinary means and single tickets of the same density."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slth.grids.context import Context
from slth.jobs.ensembles import EnsembleJob, find_ensembles, row_of
from slth.jobs.methods import recipe_of
from slth.jobs.models import model_of
from slth.networks.threads import threads_for
from slth.studies.trained_targets import data_of
from slth.training import Cosine

BINS = 10
HELD_OUT = 0.2


def robust_ensemble(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Search all three on the same examples with the same random weights: a row for each, and for each of its bins.

    A fifth of the training examples is held out, for temperatures alone; measures are of the whole test set. The cell's
    ``regime`` is a name for its examples, epochs and rate.
    """
    data, model = data_of(cell["data"], context), model_of(cell["model"])
    recipe = replace(recipe_of("edge-popup", flat=model.flat), epochs=cell["epochs"], schedule=Cosine(cell["rate"]))
    weights = [float(word) for word in cell["kl_weights"].split(",")]
    job = EnsembleJob(
        model, cell["density"], weights, recipe, scale=cell["scale"], held_out=HELD_OUT, seed=seed,
        limit=cell["examples"],
    )  # fmt: skip
    with threads_for(0):
        found = find_ensembles(job, data)
        test = replace(found.inputs, limit=None).examples("test")
        rows = []
        for name, (held, predicted) in found.predictions(test).items():
            members = found.results[name].members
            row = row_of(name, found.results[name].density, held, predicted)
            del row["reliability"], row["density"], row["examples"]  # entries of the cell are no columns
            tickets = [one.ticket.mask for one in members]
            row |= {"tested": len(test), "kept": sum(one.kept for one in tickets), "total": tickets[0].total}
            row["seconds"] = sum(one.trace[-1].seconds for one in members)
            rows.append(row)
            for number, one in enumerate(predicted.reliability(bins=BINS)):
                counts = {"examples_in_bin": one.examples, "confidence": one.confidence, "accuracy": one.accuracy}
                rows.append(dict.fromkeys(row) | {"kind": name, "bin": number} | counts)
    return [{"bin": None, "examples_in_bin": None} | row for row in rows]
