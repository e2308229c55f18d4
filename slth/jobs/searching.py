"""A search from start to end: a ticket found, written, read back into a fresh module, and measured on the test set."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slth.data.data_set import DataSet
from slth.errors import TicketError
from slth.jobs.methods import law_of, method_of, recipe_of
from slth.jobs.models import Model, made
from slth.jobs.record import SearchRecord
from slth.jobs.standardising import Standardised
from slth.networks import apply_ticket, outputs_of
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import Baseline, Scale, SearchResult, prune, sanity_checks, search
from slth.searches.journal import discard
from slth.tickets import load_ticket
from slth.training import Examples, Recipe, evaluate, split
from slth.training.checkpoint import described
from slth.training.ranks import Ranks
from slth.training.tensorboard import write_tensorboard

TICKET_NAME, JOURNAL = "net.ticket", "search"
_READ_BACK = 64  # test inputs on which the ticket that was read must do the same as the one that was written


@dataclass(frozen=True)
class SearchJob:
    """A random network, and how its ticket is found: by scores that are trained, or by a baseline that trains none.

    ``options`` are the method's, in words or numbers. A share of the training examples is held out to choose by.
    """

    model: Model
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    law: WeightLaw | None = None
    scale: Scale = "kaiming"
    held_out: float = 0.1
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None
    checks: int = 3


@dataclass(frozen=True, eq=False)
class Found:
    """What a job found, on which examples, and how."""

    result: SearchResult
    test: Examples
    about: Mapping[str, Any]


def find(job: SearchJob, data: DataSet, *, folder: Path | None = None, progress: Progress | None = None) -> Found:
    """Search; in a folder, if one is given, as far as it was searched there before."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    train, test = inputs.examples("train"), inputs.examples("test")
    module = made(job.model, data, job.seed)
    method, others = method_of(job.method, module, job.options)
    recipe = job.recipe or recipe_of(job.method, flat=job.model.flat, options=job.options, examples=len(train))
    about: dict[str, Any] = {
        "method": job.method,
        "options": {"method": described(method), **described(others)},
        "scale": job.scale,
    }
    about["normalisation"] = inputs.describe()
    weights: dict[str, Any] = {
        "law": job.law or law_of(job.method),
        "scale": job.scale,
        "seed": job.seed,
        "progress": progress,
    }
    if isinstance(method, Baseline):
        begin = time.perf_counter()
        result = prune(module.to(job.device), train, method, **others, **weights)
        epochs, seconds = len(result.trace), time.perf_counter() - begin
        return Found(result, test, {**about, "recipe": None, "epochs": epochs, "seconds": seconds})
    train, held = split(train, job.held_out, seed=job.seed) if job.held_out else (train, None)
    keep: Any = "last" if held is None else "best"
    result = search(
        module, train, method, recipe=recipe, validation=held, keep=keep, device=job.device, folder=folder, **weights
    )
    seconds = result.trace[-1].seconds if result.trace else 0.0
    return Found(result, test, {**about, "recipe": described(recipe), "epochs": recipe.epochs, "seconds": seconds})


def run_search(
    job: SearchJob, data: DataSet, folder: Path, *, tensorboard: Path | None = None, progress: Progress | None = None
) -> SearchRecord:
    """Search, write the ticket, apply what was read to a fresh module, and return what was measured.

    The trace goes to a folder for TensorBoard too, if there is one.
    """
    found = find(job, data, folder=folder / JOURNAL, progress=progress)
    first = Ranks.here().first
    if tensorboard is not None and first:
        write_tensorboard({"": found.result.trace}, tensorboard)
    summary = {**found.about, **_written(found.result, job, data, folder / TICKET_NAME, found.test)}
    if first:
        discard(folder / JOURNAL)
    scores = {name: tensor.cpu().double().numpy() for name, tensor in found.result.scores.items()}
    masks = {name: array.astype(np.int64) for name, array in found.result.ticket.mask.arrays.items()}
    return SearchRecord(summary, scores, masks, data.shape)


def _written(found: SearchResult, job: SearchJob, data: DataSet, path: Path, test: Examples) -> dict[str, Any]:
    """Write the ticket, read it back into a fresh module, and return what that does."""
    ranks = Ranks.here()
    if ranks.first:
        path.parent.mkdir(parents=True, exist_ok=True)
        found.ticket.save(path)
    ranks.wait()
    ticket = load_ticket(path)
    fresh = apply_ticket(made(job.model, data, job.seed), ticket).eval()
    read, written = (outputs_of(module, test.inputs[:_READ_BACK]) for module in (fresh, found.module.cpu()))
    if not np.array_equal(read, written):
        raise TicketError(f"{path}: gives other outputs than the ticket that was written")
    chosen = found.trace[found.epoch - 1].validation if found.epoch else None
    checks = sanity_checks(found, test, repetitions=job.checks) if job.checks else None
    statistics = ticket.statistics()
    return {
        "seed": ticket.seed,
        "family": ticket.family,
        "model": job.model.name,
        "data": data.name,
        "accuracy": evaluate(fresh, test).accuracy,
        "last_accuracy": None if found.last is None else evaluate(apply_ticket(fresh, found.last), test).accuracy,
        "validation_accuracy": chosen.accuracy if chosen else None,
        "epoch": found.epoch,
        "density": statistics.density,
        "kept": statistics.kept,
        "total": statistics.open_positions,
        "law": ticket.law.describe(),
        "reading": ticket.mask.reading,
        "candidates": ticket.mask.candidates,
        "ticket": str(path),
        "ticket_bytes": path.stat().st_size,
        "entropy_bound_bytes": statistics.entropy_bound_bits / 8.0,
        "sanity": None if checks is None else {
            "shuffled": list(checks.shuffled), "redrawn": list(checks.redrawn), "random": list(checks.random),
            **({} if checks.inverted is None else {"inverted": [checks.inverted]}),
        },
        "layers": [{"name": name, "kept": one.kept, "total": one.total} for name, one in found.density.items()],
        "trace": [
            {
                "epoch": record.epoch,
                "loss": record.loss,
                "density": record.density,
                "validation_accuracy": None if record.validation is None else record.validation.accuracy,
            }
            for record in found.trace
        ],
    }  # fmt: skip
