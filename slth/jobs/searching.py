"""A search from start to end: a ticket found, written, read back into a fresh module, and measured on the test set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from slth.data.data_set import DataSet
from slth.errors import TicketError
from slth.jobs.models import Model, made
from slth.networks import Selection, apply_ticket, outputs_of
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import RECIPE, Scale, sanity_checks, search
from slth.searches.journal import discard
from slth.tickets import load_ticket
from slth.training import Examples, Recipe, evaluate, split

TICKET_NAME, JOURNAL = "net.ticket", "search"
_READ_BACK = 64  # test inputs on which the ticket that was read must do the same as the one that was written


@dataclass(frozen=True)
class SearchJob:
    """A random network, and how its ticket is searched; a share of the training examples is held out to choose by."""

    model: Model
    method: Selection
    recipe: Recipe = RECIPE
    law: WeightLaw | None = None
    scale: Scale = "kaiming"
    held_out: float = 0.1
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None
    checks: int = 3


def run_search(job: SearchJob, data: DataSet, folder: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Search, write the ticket, apply what was read to a fresh module, and return what was measured."""
    shape = job.model.input_shape(data)
    mean, deviation = _mean_and_deviation(data.inputs("train", limit=job.limit), shape)
    train, test = (
        Examples(
            (data.inputs(part, limit=job.limit).reshape(-1, *shape) - mean) / deviation,
            data.labels(part, limit=job.limit),
        )
        for part in ("train", "test")
    )
    held: Examples | None = None
    if job.held_out:
        train, held = split(train, job.held_out, seed=job.seed)
    keep: Literal["last", "best"] = "last" if held is None else "best"
    found = search(
        made(job.model, data, job.seed), train, job.method, recipe=job.recipe, validation=held, keep=keep, law=job.law,
        scale=job.scale, seed=job.seed, device=job.device, folder=folder / JOURNAL, progress=progress,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / TICKET_NAME
    found.ticket.save(path)
    ticket = load_ticket(path)
    fresh = apply_ticket(made(job.model, data, job.seed), ticket).eval()
    read, written = (outputs_of(module, test.inputs[:_READ_BACK]) for module in (fresh, found.module))
    if not np.array_equal(read, written):
        raise TicketError(f"{path}: gives other outputs than the ticket that was written")
    measured = evaluate(fresh, test)
    chosen = found.trace[found.epoch - 1].validation if found.epoch else None
    checks = sanity_checks(found, test, repetitions=job.checks) if job.checks else None
    statistics = ticket.statistics()
    discard(folder / JOURNAL)
    return {
        "seed": ticket.seed,
        "family": ticket.family,
        "model": job.model.name,
        "data": data.name,
        "accuracy": measured.accuracy,
        "validation_accuracy": chosen.accuracy if chosen else None,
        "epoch": found.epoch,
        "epochs": job.recipe.epochs,
        "density": statistics.density,
        "kept": statistics.kept,
        "total": statistics.open_positions,
        "law": ticket.law.describe(),
        "normalisation": {"mean": mean.reshape(-1).tolist(), "deviation": deviation.reshape(-1).tolist()},
        "ticket": str(path),
        "ticket_bytes": path.stat().st_size,
        "entropy_bound_bytes": statistics.entropy_bound_bits / 8.0,
        "seconds": found.trace[-1].seconds if found.trace else 0.0,
        "sanity": None if checks is None else {
            "shuffled": list(checks.shuffled), "redrawn": list(checks.redrawn), "random": list(checks.random)
        },
        "layers": [{"name": name, "kept": one.kept, "total": one.total} for name, one in found.density.items()],
        "trace": [
            {
                "epoch": record.epoch,
                "loss": record.loss,
                "validation_accuracy": None if record.validation is None else record.validation.accuracy,
            }
            for record in found.trace
        ],
    }  # fmt: skip


def _mean_and_deviation(inputs: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both over the training examples, for each channel of images or for all numbers, as inputs are divided."""
    numbers = inputs.reshape(len(inputs), shape[0] if len(shape) > 1 else 1, -1).astype(np.float64)
    mean, deviation = numbers.mean(axis=(0, 2)), numbers.std(axis=(0, 2))
    deviation[deviation == 0.0] = 1.0
    to = (-1, *[1] * (len(shape) - 1))
    return mean.astype(np.float32).reshape(to), deviation.astype(np.float32).reshape(to)
