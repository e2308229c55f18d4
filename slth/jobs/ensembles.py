"""Robust ensembles from start to end: searched, written to one file, read back, and compared by calibration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from slth.data.data_set import DataSet
from slth.errors import ArgumentError, TicketError
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.jobs.trained_baselines import TRAINED, Compared, TrainedBaselines, named
from slth.jobs.training import recipe_of
from slth.networks import maskable, multiply_adds, outputs_of, prunable_weights
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import EdgePopup, Scale
from slth.trainable import IMP, Predictions, RobustEnsemble, corrupt, detection, load_ensemble
from slth.trainable.robust_ensemble import EnsembleResult
from slth.trainable.shift import Corruption
from slth.training import Examples, Recipe, split
from slth.training.checkpoint import described

if TYPE_CHECKING:
    from torch import nn

TICKET_NAME, JOURNAL = "ensemble.ticket", "members"
BASELINES = ("plain", "single", *TRAINED)
_READ_BACK = 64  # test inputs on which the file that was read must do the same as the ensemble that was written


@dataclass(frozen=True)
class EnsembleJob:
    """A random network, and how its ensemble is searched; ``density`` is that of the whole ensemble.

    Beside it those ``baselines`` that there can be: an ensemble of ordinary means (plain) and a single ticket, both of
    the same density; a dense network, the same trained with mixup, its largest weights of the same density, and as many
    dense networks as members, so narrow that they cost no more multiply-adds (deep). ``training`` is how the latter are
    trained: unless it is given, as trainable tickets of the model are, in as many epochs as a member is searched.
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
    baselines: Sequence[str] = BASELINES
    training: Recipe | None = None

    def methods(self) -> dict[str, RobustEnsemble]:
        """Return what is searched, the robust ensemble first."""
        count = len(self.kl_weights)
        if not 0.0 < self.density <= count:
            rule = f"must lie in (0, {count}], the sum over {count} members"
            raise ArgumentError("density", self.density, rule, "use 0.3: members of 0.1 each")
        unknown = [name for name in self.baselines if name not in BASELINES]
        if unknown:
            raise ArgumentError("baselines", unknown[0], "is no baseline", f"use some of {', '.join(BASELINES)}")
        robust = RobustEnsemble(
            self.kl_weights, EdgePopup(self.density / count), decay=self.decay, detached=self.detached, by=self.by
        )
        others: dict[str, RobustEnsemble] = {}
        if count > 1:
            others["plain"] = replace(robust, kl_weights=(math.inf,) * count)
        if self.density <= 1.0:
            others["single"] = replace(robust, kl_weights=(math.inf,), method=EdgePopup(self.density))
        return {"robust": robust, **{name: one for name, one in others.items() if name in self.baselines}}

    def trained_by(self) -> Recipe:
        """Return how baselines are trained."""
        own = self.recipe
        return self.training or replace(
            recipe_of(self.model, IMP()), epochs=own.epochs, normalisation=own.normalisation, bfloat16=own.bfloat16,
            cuda_graphs=own.cuda_graphs, compiled=own.compiled,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class FoundEnsembles:
    """What a job found and trained, by the names of its methods, and on which examples."""

    methods: Mapping[str, RobustEnsemble]
    robust: EnsembleResult
    compared: Mapping[str, Compared]
    inputs: Standardised
    held: Examples
    recipe: Recipe

    def predictions(self, name: str, examples: Examples) -> Predictions:
        """Return what an ensemble or network predicts."""
        return Predictions.of(self.compared[name].module, examples.normalised(self.recipe.normalisation))

    def measured(self, test: Examples, *, members: bool = True) -> Iterator[dict[str, Any]]:
        """Yield a row of measures for each ensemble or network, and behind it for each of several members."""
        total = prunable_weights(self.robust.module.members[0])
        held, test = (one.normalised(self.recipe.normalisation) for one in (self.held, test))
        for name, one in self.compared.items():
            networks: list[tuple[str, nn.Module]] = [(name, one.module)]
            if members and len(one.module.members) > 1:
                networks += [(f"{name} member", member) for member in one.module.members]
            weights = [None, *(self.methods[name].kl_weights if name in self.methods else [])]
            for number, (kind, network) in enumerate(networks):
                row = row_of(kind, Predictions.of(network, held), Predictions.of(network, test))
                row["density"] = kept_weights(network) / total
                row["multiply_adds"] = multiply_adds(network, test.inputs[:1])
                weight = weights[number] if number < len(weights) else None
                yield row if number == 0 else {**row, "kl_weight": weight if weight != math.inf else None}


def find_ensembles(
    job: EnsembleJob, data: DataSet, *, folder: Path | None = None, progress: Progress | None = None
) -> FoundEnsembles:
    """Search the ensembles and train the baselines; in a folder, if one is given, as far as that was not done there."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    examples, held = split(inputs.examples("train"), job.held_out, seed=job.seed)
    module, methods = made(job.model, data, job.seed), job.methods()
    results = {
        name: method.train(
            module, examples, recipe=job.recipe, validation=held, keep=job.keep, law=job.law, scale=job.scale,
            seed=job.seed, device=job.device, folder=None if folder is None else folder / name,
            progress=named(progress, name),
        )
        for name, method in methods.items()
    }  # fmt: skip
    compared = {name: Compared(one.module, _seconds(one)) for name, one in results.items()}
    robust = results["robust"]
    baselines = TrainedBaselines(
        job.model, data, examples, job.trained_by(), job.density, len(job.kl_weights),
        multiply_adds(robust.module, held.inputs[:1]), job.seed, job.device, folder, progress,
    )  # fmt: skip
    for name in job.baselines:
        found = baselines.trained(name) if name in TRAINED else None
        if found is not None:
            compared[name] = found
    return FoundEnsembles(methods, robust, compared, inputs, held, job.recipe)


def run_ensembles(
    job: EnsembleJob, data: DataSet, folder: Path, *, against: DataSet | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Search the ensembles, write the robust one, and return what was measured of each and of the baselines.

    ``against`` is another data set of the same shape, whose test examples are to be told from the data's.
    """
    if against is not None and against.shape != data.shape:
        rule = f"has inputs of shape {list(against.shape)}"
        raise ArgumentError("against", against.name, rule, f"name one of shape {list(data.shape)}")
    found = find_ensembles(job, data, folder=folder / JOURNAL, progress=progress)
    inputs, test = found.inputs, found.inputs.examples("test")
    path = folder / TICKET_NAME
    _write(found.robust, made(job.model, data, job.seed), path, test)
    rows = list(found.measured(test))
    images = len(data.shape) == 3
    strange = None if against is None else replace(inputs, data=against).examples("test")
    return {
        "model": job.model.name,
        "data": data.name,
        "seed": job.seed,
        "method": described(found.methods["robust"]),
        "recipe": described(job.recipe),
        "baselines_recipe": described(job.trained_by()),
        "normalisation": inputs.describe(),
        "accuracy": rows[0]["accuracy"],
        "ece": rows[0]["ece"],
        "density": found.robust.density,
        "ensembles": rows,
        "corruptions": list(corrupted(found)) if images else [],
        "against": None if strange is None or against is None else {"data": against.name, **told(found, test, strange)},
        "ticket": str(path),
        "ticket_bytes": path.stat().st_size,
        "separate_bytes": sum(len(one.to_bytes()) for one in found.robust.ensemble.tickets),
        "seconds": sum(one.seconds for one in found.compared.values()),
    }


def _write(found: EnsembleResult, module: nn.Module, path: Path, test: Examples) -> None:
    """Write the ensemble's file, and read it back into copies of the module."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found.ensemble.save(path)
    back = load_ensemble(path).to_module(module)
    read, written = (outputs_of(one, test.inputs[:_READ_BACK]) for one in (back, found.module.cpu()))
    if not np.array_equal(read, written):
        raise TicketError(f"{path}: gives other outputs than the ensemble that was written")


def row_of(name: str, held: Predictions, test: Predictions) -> dict[str, Any]:
    """Return the measures on the test set, and those behind a temperature fitted on held-out examples."""
    temperature = held.temperature()
    scaled = test.scaled(temperature)
    return {
        "kind": name,
        **test.summary(),
        "temperature": temperature,
        "ece_scaled": scaled.calibration_error(),
        "negative_log_likelihood_scaled": scaled.negative_log_likelihood,
    }


def corrupted(
    found: FoundEnsembles, *, severities: Sequence[int] = (1, 2, 3, 4, 5), whole: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield what is measured under each corruption of each severity: calibration, and how it is told by confidence.

    ``whole`` takes all test images, however few were measured.
    """
    inputs = found.inputs
    limit = None if whole else inputs.limit
    images = inputs.data.inputs("test", limit=limit).reshape(-1, *inputs.data.shape)
    labels = inputs.data.labels("test", limit=limit)

    def examples(given: NDArray[Any]) -> Examples:
        return Examples((given.reshape(-1, *inputs.shape) - inputs.mean) / inputs.deviation, labels)

    clean = {name: found.predictions(name, examples(images)).confidences for name in found.compared}
    for kind in get_args(Corruption):
        for severity in severities:
            worse = examples(corrupt(images, kind, severity).numpy())
            for name in found.compared:
                measured = found.predictions(name, worse)
                yield {
                    "corruption": kind,
                    "severity": severity,
                    "kind": name,
                    "accuracy": measured.accuracy,
                    "ece": measured.calibration_error(),
                    "auroc": detection(clean[name], measured.confidences).auroc,
                }


def told(found: FoundEnsembles, test: Examples, strange: Examples) -> dict[str, Any]:
    """Return how well the confidence of each ensemble or network tells test examples from those of other data."""
    unlabelled = Examples(strange.inputs, np.zeros(len(strange), np.int64))
    return {
        name: described(detection(*(found.predictions(name, one).confidences for one in (test, unlabelled))))
        for name in found.compared
    }


def kept_weights(module: nn.Module) -> int:
    """Return how many of the weights that masks are for are not zero."""
    named = dict(module.named_parameters())
    return sum(int((named[name] != 0).sum()) for name in maskable(module))


def _seconds(result: EnsembleResult) -> float:
    return sum(member.trace[-1].seconds for member in result.members if member.trace)
