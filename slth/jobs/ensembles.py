"""Robust ensembles from start to end: searched, written to one file, read back, and compared by calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from slth.data.data_set import DataSet
from slth.errors import ArgumentError, TicketError
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks import outputs_of
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import EdgePopup, Scale
from slth.searches.journal import discard
from slth.trainable import Predictions, RobustEnsemble, corrupt, detection, load_ensemble
from slth.trainable.robust_ensemble import EnsembleResult
from slth.trainable.shift import Corruption
from slth.training import Examples, Recipe, split
from slth.training.checkpoint import described

if TYPE_CHECKING:
    from torch import nn

TICKET_NAME, JOURNAL = "ensemble.ticket", "members"
_READ_BACK = 64  # test inputs on which the file that was read must do the same as the ensemble that was written


@dataclass(frozen=True)
class EnsembleJob:
    """A random network, and how its ensemble is searched; ``density`` is that of the whole ensemble.

    Beside it, unless they are left out, an ensemble of ordinary means and a single ticket, both of the same density.
    """

    model: Model
    density: float
    kl_weights: Sequence[float]
    recipe: Recipe
    detached: bool = False
    decay: bool = True
    by: Literal["logits", "probabilities"] = "logits"
    keep: Literal["last", "best"] = "last"
    law: WeightLaw | None = None
    scale: Scale = "kept"
    held_out: float = 0.1
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None
    baselines: bool = True

    def methods(self) -> dict[str, RobustEnsemble]:
        """Return what is searched, the robust ensemble first."""
        count = len(self.kl_weights)
        if not 0.0 < self.density <= count:
            rule = f"must lie in (0, {count}], the sum over {count} members"
            raise ArgumentError("density", self.density, rule, "use 0.3: members of 0.1 each")
        robust = RobustEnsemble(
            self.kl_weights, EdgePopup(self.density / count), decay=self.decay, detached=self.detached, by=self.by
        )
        if not self.baselines:
            return {"robust": robust}
        whole = {"single": replace(robust, kl_weights=(math.inf,), method=EdgePopup(self.density))}
        plain = {"plain": replace(robust, kl_weights=(math.inf,) * count)}
        return {"robust": robust, **(plain if count > 1 else {}), **(whole if self.density <= 1.0 else {})}


@dataclass(frozen=True, eq=False)
class FoundEnsembles:
    """What a job found, on which examples; by the names of the methods."""

    methods: Mapping[str, RobustEnsemble]
    results: Mapping[str, EnsembleResult]
    inputs: Standardised
    held: Examples

    def predictions(self, test: Examples) -> dict[str, tuple[Predictions, Predictions]]:
        """Return what each ensemble predicts of the examples that are held out, and of others."""
        return {name: (one.predictions(self.held), one.predictions(test)) for name, one in self.results.items()}


def find_ensembles(
    job: EnsembleJob, data: DataSet, *, folder: Path | None = None, progress: Progress | None = None
) -> FoundEnsembles:
    """Search the ensembles; in a folder, if one is given, as far as they were searched there before."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    train, held = split(inputs.examples("train"), job.held_out, seed=job.seed)
    module, methods = made(job.model, data, job.seed), job.methods()
    results = {
        name: method.train(
            module, train, recipe=job.recipe, validation=held, keep=job.keep, law=job.law, scale=job.scale,
            seed=job.seed, device=job.device, folder=None if folder is None else folder / name,
            progress=_named(progress, name),
        )
        for name, method in methods.items()
    }  # fmt: skip
    return FoundEnsembles(methods, results, inputs, held)


def run_ensembles(
    job: EnsembleJob, data: DataSet, folder: Path, *, against: DataSet | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Search the ensembles, write the robust one, and return what was measured of each.

    ``against`` is another data set of the same shape, whose test examples are to be told from the data's.
    """
    if against is not None and against.shape != data.shape:
        rule = f"has inputs of shape {list(against.shape)}"
        raise ArgumentError("against", against.name, rule, f"name one of shape {list(data.shape)}")
    found = find_ensembles(job, data, folder=folder / JOURNAL, progress=progress)
    inputs, results = found.inputs, found.results
    test = inputs.examples("test")
    path = folder / TICKET_NAME
    _write(results["robust"], made(job.model, data, job.seed), path, test)
    rows = [row for name in results for row in _rows(name, found, test)]
    told = {} if against is None else _told(results, test, replace(inputs, data=against).examples("test"))
    summary = {
        "model": job.model.name,
        "data": data.name,
        "seed": job.seed,
        "method": described(found.methods["robust"]),
        "recipe": described(job.recipe),
        "normalisation": inputs.describe(),
        "accuracy": rows[0]["accuracy"],
        "ece": rows[0]["ece"],
        "density": results["robust"].density,
        "ensembles": rows,
        "corruptions": _corruptions(results, inputs) if len(data.shape) == 3 else [],
        "against": None if against is None else {"data": against.name, **told},
        "ticket": str(path),
        "ticket_bytes": path.stat().st_size,
        "separate_bytes": sum(len(one.to_bytes()) for one in results["robust"].ensemble.tickets),
        "seconds": sum(member.trace[-1].seconds for one in results.values() for member in one.members if member.trace),
    }
    _discard(folder / JOURNAL)
    return summary


def _write(found: EnsembleResult, module: nn.Module, path: Path, test: Examples) -> None:
    """Write the ensemble's file, and read it back into copies of the module."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found.ensemble.save(path)
    back = load_ensemble(path, by=found.ensemble.by).to_module(module)
    read, written = (outputs_of(one, test.inputs[:_READ_BACK]) for one in (back, found.module.cpu()))
    if not np.array_equal(read, written):
        raise TicketError(f"{path}: gives other outputs than the ensemble that was written")


def _rows(name: str, found: FoundEnsembles, test: Examples) -> list[dict[str, Any]]:
    """Return the measures of an ensemble, and of its members where there are several."""
    result, weights = found.results[name], found.methods[name].kl_weights
    ensemble = row_of(name, result.density, result.predictions(found.held), result.predictions(test))
    if len(result.members) == 1:
        return [ensemble]
    measured = zip(result.member_predictions(found.held), result.member_predictions(test), strict=True)
    rows = [
        row_of(f"{name} member", ticket.mask.density, *both)
        for ticket, both in zip(result.ensemble.tickets, measured, strict=True)
    ]
    finite = [one if math.isfinite(one) else None for one in weights]
    return [ensemble, *({**row, "kl_weight": one} for row, one in zip(rows, finite, strict=True))]


def row_of(name: str, density: float, held: Predictions, test: Predictions) -> dict[str, Any]:
    """Return the measures on the test set, and those behind a temperature fitted on held-out examples."""
    temperature = held.temperature()
    scaled = test.scaled(temperature)
    return {
        "kind": name,
        "density": density,
        **test.summary(),
        "temperature": temperature,
        "ece_scaled": scaled.calibration_error(),
        "negative_log_likelihood_scaled": scaled.negative_log_likelihood,
    }


def _corruptions(found: Mapping[str, EnsembleResult], inputs: Standardised) -> list[dict[str, Any]]:
    """Return accuracy and calibration under each corruption of each severity."""
    images = inputs.data.inputs("test", limit=inputs.limit).reshape(-1, *inputs.data.shape)
    labels = inputs.data.labels("test", limit=inputs.limit)
    rows = []
    for kind in get_args(Corruption):
        for severity in (1, 2, 3, 4, 5):
            worse = corrupt(images, kind, severity).reshape(-1, *inputs.shape).numpy()
            examples = Examples((worse - inputs.mean) / inputs.deviation, labels)
            for name, one in found.items():
                measured = one.predictions(examples)
                row = {"corruption": kind, "severity": severity, "kind": name, "accuracy": measured.accuracy}
                rows.append({**row, "ece": measured.calibration_error()})
    return rows


def _told(found: Mapping[str, EnsembleResult], test: Examples, strange: Examples) -> dict[str, Any]:
    """Return how well the confidence of each ensemble tells test examples from those of other data."""
    unlabelled = Examples(strange.inputs, np.zeros(len(strange), np.int64))
    return {
        name: described(detection(one.predictions(test).confidences, one.predictions(unlabelled).confidences))
        for name, one in found.items()
    }


def _named(progress: Progress | None, name: str) -> Progress | None:
    """Return what is told of one of several ensembles."""
    return None if progress is None else lambda label, done, total: progress(f"{name}, {label}", done, total)


def _discard(folder: Path) -> None:
    """Remove the journals of members that are searched."""
    for name in sorted(folder.iterdir()) if folder.is_dir() else []:
        for member in sorted(name.iterdir()) if name.is_dir() else []:
            discard(member)
        discard(name)
    discard(folder)
