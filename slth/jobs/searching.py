"""A search from start to end: a ticket found, written, read back into a fresh module, and measured on the test set."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from slth.data.data_set import DataSet
from slth.errors import TicketError
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks import LayerRule, Selection, Structure, apply_ticket, outputs_of
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import RECIPE, Baseline, Scale, SearchResult, prune, sanity_checks, search
from slth.searches.journal import discard
from slth.tickets import load_ticket
from slth.tickets.ticket import Family
from slth.training import Recipe, evaluate, split

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


@dataclass(frozen=True)
class BaselineJob:
    """A random network, and how a mask of it is chosen without training; no examples are held out."""

    model: Model
    method: Baseline
    density: float | Mapping[str, float]
    allocation: str | LayerRule | None = None
    structure: Structure | None = None
    law: WeightLaw | None = None
    scale: Scale = "kaiming"
    family: Family = "strong"
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None
    checks: int = 3


def run_search(job: SearchJob, data: DataSet, folder: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Search, write the ticket, apply what was read to a fresh module, and return what was measured."""
    standardised = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    train, held = standardised.examples("train"), None
    if job.held_out:
        train, held = split(train, job.held_out, seed=job.seed)
    keep: Literal["last", "best"] = "last" if held is None else "best"
    found = search(
        made(job.model, data, job.seed), train, job.method, recipe=job.recipe, validation=held, keep=keep, law=job.law,
        scale=job.scale, seed=job.seed, device=job.device, folder=folder / JOURNAL, progress=progress,
    )  # fmt: skip
    summary = _measured(job, data, found, standardised, folder)
    discard(folder / JOURNAL)
    return summary


def run_baseline(job: BaselineJob, data: DataSet, folder: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Choose a mask without training, and go on as :func:`run_search`, with the same summary."""
    standardised = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    module = made(job.model, data, job.seed).to(job.device)
    begin = time.perf_counter()
    found = prune(
        module, standardised.examples("train"), job.method, density=job.density, allocation=job.allocation,
        structure=job.structure, law=job.law, scale=job.scale, family=job.family, seed=job.seed, progress=progress,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    return {**_measured(job, data, found, standardised, folder), "seconds": seconds}


def _measured(
    job: SearchJob | BaselineJob, data: DataSet, found: SearchResult, standardised: Standardised, folder: Path
) -> dict[str, Any]:
    """Write the ticket that was found, read it back, and return what was measured on the test set."""
    folder.mkdir(parents=True, exist_ok=True)
    path, test = folder / TICKET_NAME, standardised.examples("test")
    found.ticket.save(path)
    ticket = load_ticket(path)
    fresh = apply_ticket(made(job.model, data, job.seed), ticket).eval()
    read, written = (outputs_of(module, test.inputs[:_READ_BACK]) for module in (fresh, found.module.cpu()))
    if not np.array_equal(read, written):
        raise TicketError(f"{path}: gives other outputs than the ticket that was written")
    measured = evaluate(fresh, test)
    chosen = found.trace[found.epoch - 1].validation if found.epoch else None
    checks = sanity_checks(found, test, repetitions=job.checks) if job.checks else None
    statistics = ticket.statistics()
    return {
        "seed": ticket.seed,
        "family": ticket.family,
        "model": job.model.name,
        "data": data.name,
        "accuracy": measured.accuracy,
        "validation_accuracy": chosen.accuracy if chosen else None,
        "epoch": found.epoch,
        "epochs": job.recipe.epochs if isinstance(job, SearchJob) else found.epoch,
        "density": statistics.density,
        "kept": statistics.kept,
        "total": statistics.open_positions,
        "law": ticket.law.describe(),
        "normalisation": standardised.describe(),
        "ticket": str(path),
        "ticket_bytes": path.stat().st_size,
        "entropy_bound_bytes": statistics.entropy_bound_bits / 8.0,
        "seconds": found.trace[-1].seconds if found.trace else 0.0,
        "sanity": None if checks is None else {
            "shuffled": list(checks.shuffled), "redrawn": list(checks.redrawn), "random": list(checks.random),
            **({} if checks.inverted is None else {"inverted": [checks.inverted]}),
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
