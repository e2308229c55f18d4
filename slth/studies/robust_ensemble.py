"""Calibration of robust ensembles beside ensembles of means, single tickets and trained networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import fmean
from typing import Any

from slth.grids.context import Context
from slth.jobs.ensembles import EnsembleJob, FoundEnsembles, corrupted, find_ensembles, told
from slth.jobs.methods import recipe_of
from slth.jobs.models import model_of
from slth.networks.threads import threads_for
from slth.studies.trained_targets import data_of
from slth.training import Cosine, Examples

BINS, SEVERITIES = 10, (1, 3, 5)
HELD_OUT = 0.2
_MEASURES = (
    "accuracy", "confidence", "wrong_confidence", "negative_log_likelihood", "brier", "ece", "ece_mass", "ece_debiased",
    "temperature", "ece_scaled", "negative_log_likelihood_scaled", "multiply_adds",
)  # fmt: skip
_COLUMNS = ("kind", "bin", "examples_in_bin", "severity", "against", *_MEASURES, "auroc", "member_wrong_confidence")
_ONCE = ("tested", "kept", "total", "seconds")


def robust_ensemble(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Search and train all on the same examples: a row for each, and for each of its bins or shifts.

    A fifth of the training examples is held out, for temperatures alone; measures are of the whole test set. The cell's
    ``regime`` is a name for its examples, epochs and rate. With ``shifts``, another data set, there are in the place of
    bins rows for confidence against its test images, and for severities 1, 3 and 5, in the mean over all corruptions.
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
        rows = list(_measured(found, test))
        if "shifts" in cell:
            rows += _shifted(found, test, cell["shifts"], context)
        else:
            rows += _bins(found, test)
    columns = dict.fromkeys((*_COLUMNS, *_ONCE))
    return [columns | row for row in rows]


def _measured(found: FoundEnsembles, test: Examples) -> Iterator[dict[str, Any]]:
    measured = list(found.measured(test))
    total = next(iter(found.robust.ensemble.tickets)).mask.total
    for name, one in found.compared.items():
        (row,) = (row for row in measured if row["kind"] == name)
        wrong = [row["wrong_confidence"] for row in measured if row["kind"] == f"{name} member"]
        yield {
            "kind": name,
            **{key: row[key] for key in _MEASURES},
            "member_wrong_confidence": None if None in wrong or not wrong else fmean(wrong),
            "tested": len(test),
            "kept": round(row["density"] * total),
            "total": total,
            "seconds": one.seconds,
        }


def _bins(found: FoundEnsembles, test: Examples) -> Iterator[dict[str, Any]]:
    for name in found.compared:
        for number, one in enumerate(found.predictions(name, test).reliability(bins=BINS)):
            counts = {"examples_in_bin": one.examples, "confidence": one.confidence, "accuracy": one.accuracy}
            yield {"kind": name, "bin": number, **counts}


def _shifted(found: FoundEnsembles, test: Examples, other: str, context: Context) -> Iterator[dict[str, Any]]:
    strange = replace(found.inputs, data=data_of(other, context), limit=None).examples("test")
    for name, one in told(found, test, strange).items():
        yield {"kind": name, "against": other, "auroc": one["auroc"]}
    rows = list(corrupted(found, severities=SEVERITIES, whole=True))
    for name in found.compared:
        for severity in SEVERITIES:
            own = [row for row in rows if (row["kind"], row["severity"]) == (name, severity)]
            means = {key: fmean(row[key] for row in own) for key in ("accuracy", "ece", "auroc")}
            yield {"kind": name, "severity": severity, **means}
