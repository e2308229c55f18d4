"""A search from start to end: a ticket found, written, read back into a fresh module, and measured on the test set."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slth.data.data_set import DataSet
from slth.errors import ArgumentError, TicketError
from slth.jobs.methods import law_of, method_of, recipe_of
from slth.jobs.models import Model, made
from slth.jobs.record import SearchRecord
from slth.jobs.standardising import Standardised
from slth.jobs.training import LINEAR
from slth.networks import apply_ticket, outputs_of
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches import Baseline, GemMiner, Scale, SearchResult, fine_tune, prune, sanity_checks, search
from slth.searches.fine_tuning import FINE_TUNING
from slth.searches.journal import dense, discard
from slth.tickets import load_ticket
from slth.training import CrossEntropy, Examples, Recipe, ReverseKL, TrainingRun, evaluate, imitation, split
from slth.training.checkpoint import described
from slth.training.ranks import Ranks
from slth.training.tensorboard import write_tensorboard
from slth.training.tokens import check_tokens

if TYPE_CHECKING:
    from torch import nn

TICKET_NAME, TUNED_NAME, JOURNAL = "net.ticket", "fine-tuned.safetensors", "search"
_READ_BACK = 64  # test inputs on which the ticket that was read must do the same as the one that was written


@dataclass(frozen=True)
class SearchJob:
    """A random network, and how its ticket is found: by scores that are trained, or by a baseline that trains none.

    ``options`` are the method's, in words or numbers. A share of the training examples is held out to choose by.
    With ``distil`` the scores learn the outputs of a dense network that is trained first, in the place of labels.
    Behind the search the kept weights are trained for the epochs of ``fine_tuning``, apart from the ticket.
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
    distil: bool = False
    fine_tuning: int = 0


@dataclass(frozen=True, eq=False)
class Found:
    """What a job found by which method, on which examples, and how."""

    result: SearchResult
    method: object
    train: Examples
    test: Examples
    about: Mapping[str, Any]


def find(job: SearchJob, data: DataSet, *, folder: Path | None = None, progress: Progress | None = None) -> Found:
    """Search; in a folder, if one is given, as far as it was searched there before."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    examples, test = inputs.examples("train"), inputs.examples("test")
    module = made(job.model, data, job.seed)
    method, others = method_of(job.method, module, job.options)
    recipe = job.recipe or recipe_of(job.method, flat=job.model.flat, options=job.options, examples=len(examples))
    about: dict[str, Any] = {
        "method": job.method,
        "options": {"method": described(method), **described(others)},
        "scale": job.scale,
        "distilled": None,
    }
    about["normalisation"] = inputs.describe()
    weights: dict[str, Any] = {
        "law": job.law or law_of(job.method),
        "scale": job.scale,
        "seed": job.seed,
        "progress": progress,
    }
    if isinstance(method, Baseline):
        if job.distil:
            rule = f"is of a search that trains scores, and {job.method} trains nothing"
            raise ArgumentError("distil", job.distil, rule, "leave it out")
        begin = time.perf_counter()
        result = prune(module.to(job.device), examples, method, **others, **weights)
        about |= {"recipe": None, "epochs": len(result.trace), "seconds": time.perf_counter() - begin}
        return Found(result, method, examples, test, about)
    used, held = split(examples, job.held_out, seed=job.seed) if job.held_out else (examples, None)
    learned, chosen_by = used, held
    if job.distil:
        teacher = _dense(job, data, used, folder, progress)
        learned, chosen_by = imitation(teacher, used), held and imitation(teacher, held)
        recipe = replace(recipe, loss=ReverseKL())
        about["distilled"] = {"dense_accuracy": evaluate(teacher, test).accuracy}
    result = search(
        module, learned, method, recipe=recipe, validation=chosen_by, keep="last" if held is None else "best",
        device=job.device, folder=folder, **weights,
    )  # fmt: skip
    seconds = result.trace[-1].seconds if result.trace else 0.0
    about |= {"recipe": described(recipe), "epochs": recipe.epochs, "seconds": seconds}
    # What was distilled is measured by labels, as all are.
    return Found(replace(result, loss=CrossEntropy()) if job.distil else result, method, used, test, about)


def _dense(
    job: SearchJob, data: DataSet, examples: Examples, folder: Path | None, progress: Progress | None
) -> nn.Module:
    """Train a network without masks, as trainable tickets' dense levels are, and return it on the CPU."""
    module = made(job.model, data, job.seed)
    recipe = LINEAR if job.model.flat else job.model.recipe(data)
    check_tokens(module, recipe, examples, None)
    run = TrainingRun(module, examples, recipe, seed=job.seed, device=job.device)
    for record in dense(run, folder, progress):
        if progress is not None:
            progress("training", record.epoch, recipe.epochs)
    return module.cpu().eval()


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
    summary["fine_tuned"] = _fine_tuned(found, job, folder / TUNED_NAME, progress) if job.fine_tuning else None
    if first:
        discard(folder / JOURNAL)
    scores = {name: tensor.cpu().double().numpy() for name, tensor in found.result.scores.items()}
    masks = {name: array.astype(np.int64) for name, array in found.result.ticket.mask.arrays.items()}
    return SearchRecord(summary, scores, masks, data.shape)


def _fine_tuned(found: Found, job: SearchJob, path: Path, progress: Progress | None) -> dict[str, Any]:
    """Train the kept weights, of Gem-Miner all that were not frozen out, write them, and return what they do."""
    result, method = found.result, found.method
    masks = method.unfrozen(result) if isinstance(method, GemMiner) else None
    recipe = replace(FINE_TUNING, epochs=job.fine_tuning)
    tuned = fine_tune(
        result, found.train, recipe=recipe, masks=masks, seed=job.seed, device=job.device, progress=progress
    )
    if Ranks.here().first:
        tuned.save(path)
    kept = tuned.start.statistics()
    return {
        "nature": "trained weights: no strong ticket",
        "recipe": described(recipe),
        "epochs": recipe.epochs,
        "accuracy": tuned.evaluate(found.test).accuracy,
        "density": kept.density,
        "kept": kept.kept,
        "weights": str(path),
    }


def checked(found: SearchResult, test: Examples, repetitions: int) -> dict[str, list[float]] | None:
    """Return the accuracies of each sanity check, by its name; None where none is asked for."""
    if not repetitions:
        return None
    checks = sanity_checks(found, test, repetitions=repetitions)
    inverted = {} if checks.inverted is None else {"inverted": [checks.inverted]}
    random = {"redrawn": list(checks.redrawn), "random": list(checks.random)}
    return {"shuffled": list(checks.shuffled), **random, **inverted}


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
        "random_parameters": statistics.random_parameters,
        "law": ticket.law.describe(),
        "reading": ticket.mask.reading,
        "candidates": ticket.mask.candidates,
        "ticket": str(path),
        "ticket_bytes": path.stat().st_size,
        "entropy_bound_bytes": statistics.entropy_bound_bits / 8.0,
        "sanity": checked(found, test, job.checks),
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
