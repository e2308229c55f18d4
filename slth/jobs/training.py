"""Trainable tickets from start to end: levels trained, measured on the test set, and written with their masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slth.data.data_set import DataSet
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import Scale
from slth.trainable import TrainableMethod, TrainResult, train
from slth.training import Adam, Constant, Examples, Recipe, split
from slth.training.checkpoint import described
from slth.training.ranks import Ranks
from slth.training.tensorboard import write_tensorboard

TICKET_NAME, MASKS_NAME, LEVELS = "net.ticket", "masks.safetensors", "levels"
LINEAR = Recipe(epochs=20, batch_size=60, schedule=Constant(1.2e-3), optimizer=Adam(fused=True))
"""How networks of linear layers are trained: rate and batches of Frankle and Carbin's LeNet-300-100."""


@dataclass(frozen=True)
class TrainJob:
    """A network, and a trainable method for it; a share of the training examples is held out and measured.

    Without a law the model has its own first weights, and no ticket can be written.
    """

    model: Model
    method: TrainableMethod
    recipe: Recipe | None = None
    law: WeightLaw | None = None
    scale: Scale = "kaiming"
    held_out: float = 0.1
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None


def recipe_of(model: Model, method: TrainableMethod) -> Recipe:
    """Return how levels are trained unless it is said otherwise."""
    return LINEAR if model.flat else method.usual


@dataclass(frozen=True, eq=False)
class Trained:
    """What a job trained, measured on the test set: a row for each level and branch; and how."""

    result: TrainResult
    rows: list[dict[str, Any]]
    about: Mapping[str, Any]


def trained(job: TrainJob, data: DataSet, *, folder: Path | None = None, progress: Progress | None = None) -> Trained:
    """Train the levels; in a folder, if one is given, as far as they were not trained there before."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    examples, test = inputs.examples("train"), inputs.examples("test")
    used, held = split(examples, job.held_out, seed=job.seed) if job.held_out else (examples, None)
    recipe = job.recipe or recipe_of(job.model, job.method)
    result = train(
        made(job.model, data, job.seed), used, job.method, recipe=recipe, validation=held, law=job.law,
        scale=job.scale, seed=job.seed, device=job.device, folder=folder, progress=progress,
    )  # fmt: skip
    about = {
        "model": job.model.name,
        "data": data.name,
        "seed": job.seed,
        "family": "trainable",
        "method": described(job.method),
        "recipe": described(recipe),
        "law": None if job.law is None else job.law.describe(),
        "scale": job.scale if job.law is not None else None,
        "normalisation": inputs.describe(),
        "seconds": sum(level.trace[-1].seconds for level in result.levels if level.trace),
    }
    return Trained(result, _rows(result, test), about)


def run_training(
    job: TrainJob, data: DataSet, folder: Path, *, tensorboard: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Train the levels, as far as they were not in the folder, write the last masks, and return what was measured.

    The traces go to a folder for TensorBoard too, if there is one, each as a run of its own.
    """
    found = trained(job, data, folder=folder / LEVELS, progress=progress)
    result, first = found.result, Ranks.here().first
    if tensorboard is not None and first:
        write_tensorboard({f"{one.number}-{one.kind}": one.trace for one in result.levels}, tensorboard)
    last = found.rows[result.levels.index(result.level())]
    is_sparse = last["kept"] < last["total"]
    if is_sparse and first:
        result.save_masks(folder / MASKS_NAME)
    if is_sparse and result.source is not None and first:
        result.ticket().save(folder / TICKET_NAME)
    return {
        **found.about,
        "kind": last["kind"],
        "accuracy": last["accuracy"],
        "density": last["density"],
        "dense_accuracy": found.rows[0]["accuracy"],
        "levels": found.rows,
        "masks": str(folder / MASKS_NAME) if is_sparse else None,
        "ticket": str(folder / TICKET_NAME) if is_sparse and result.source is not None else None,
    }


def _rows(result: TrainResult, test: Examples) -> list[dict[str, Any]]:
    """Return the table with the densities of the layers."""
    rows: list[dict[str, Any]] = []
    for level, row in zip(result.levels, result.rows(test), strict=True):
        layers: Mapping[str, float] = {name: one.density for name, one in level.layers.items()}
        rows.append({**row, "layers": layers})
    return rows
