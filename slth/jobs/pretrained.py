"""Masks over weights that were trained elsewhere: searched, written, and measured beside magnitude pruning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slth.data.data_set import DataSet
from slth.jobs.methods import method_of
from slth.jobs.models import Model, made
from slth.jobs.searching import JOURNAL
from slth.jobs.standardising import Standardised
from slth.networks.given import instance
from slth.networks.own import load_weights
from slth.resources import Progress
from slth.searches import EdgePopup, mask_pretrained
from slth.searches.journal import discard
from slth.searches.pretrained import NATURE
from slth.training import Examples, Recipe, evaluate, split
from slth.training.checkpoint import described

MASKS_NAME = "masks.safetensors"


@dataclass(frozen=True)
class PretrainedJob:
    """A network with trained weights in a file, and how masks over them are searched by a selection.

    Inputs are standardised as those of other searches, or the data set's numbers as they are: as in the training.
    """

    model: Model
    weights: Path
    recipe: Recipe
    options: Mapping[str, Any]
    standardised: bool = True
    held_out: float = 0.1
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None


def run_pretrained(
    job: PretrainedJob, data: DataSet, folder: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Search, in the folder as far as it was searched there before, write the masks, and return what was measured."""
    module, shape = made(job.model, data, job.seed), job.model.input_shape(data)
    load_weights(module, job.weights)
    inputs = Standardised.of(data, shape, limit=job.limit)
    if job.standardised:
        examples, test = inputs.examples("train"), inputs.examples("test")
    else:
        examples, test = (
            Examples(data.inputs(part, limit=job.limit), data.labels(part, limit=job.limit), shape=shape)
            for part in ("train", "test")
        )
    used, held = split(examples, job.held_out, seed=job.seed)
    method = instance(method_of("edge-popup", module, job.options)[0], EdgePopup, "method", "use edge-popup")
    place = folder / JOURNAL
    found = mask_pretrained(
        module, used, method, recipe=job.recipe, validation=held, seed=job.seed, device=job.device, folder=place,
        progress=progress,
    )  # fmt: skip
    first = mask_pretrained(module, used, replace(method, anneal=None), recipe=replace(job.recipe, epochs=0))
    folder.mkdir(parents=True, exist_ok=True)
    found.save(folder / MASKS_NAME)
    discard(place)
    kept, total = (sum(getattr(one, count) for one in found.density.values()) for count in ("kept", "total"))
    return {
        "nature": NATURE,
        "method": described(method),
        "recipe": described(job.recipe),
        "model": job.model.name,
        "data": data.name,
        "weights": str(job.weights),
        "normalisation": inputs.describe() if job.standardised else None,
        "accuracy": found.evaluate(test).accuracy,
        "magnitude_accuracy": first.evaluate(test).accuracy,
        "dense_accuracy": evaluate(module, test).accuracy,
        "density": kept / total,
        "kept": kept,
        "total": total,
        "layers": [{"name": name, "kept": one.kept, "total": one.total} for name, one in found.density.items()],
        "epochs": job.recipe.epochs,
        "seconds": found.trace[-1].seconds if found.trace else 0.0,
        "masks": str(folder / MASKS_NAME),
    }
