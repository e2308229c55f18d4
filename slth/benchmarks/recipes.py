"""Benchmark tasks that run a published recipe of a search, and hold its accuracy against the published one."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.data.data_set import DataSet
from slth.data.datasets import load
from slth.errors import ArgumentError, DataError
from slth.jobs.models import model_of, with_activations
from slth.jobs.searching import SearchJob, find
from slth.jobs.tasks import find_tasks, means, told
from slth.networks import apply_ticket
from slth.networks.devices import resolve_device
from slth.rng import WeightLaw
from slth.training import CROP_AND_FLIP, SGD, Adam, Constant, Cosine, Recipe, RMSprop, StepDecay, evaluate


def _sgd(cell: Cell, weight_decay: float) -> SGD:
    return SGD(cell.get("momentum", 0.9), nesterov=cell.get("nesterov", False), weight_decay=weight_decay)


OPTIMIZERS: dict[str, Callable[[Cell, float], Any]] = {
    "sgd": _sgd,
    "adam": lambda cell, weight_decay: Adam(weight_decay=weight_decay),
    "rmsprop": lambda cell, weight_decay: RMSprop(weight_decay=weight_decay),
}
SCHEDULES: dict[str, Callable[[Cell], Any]] = {
    "cosine": lambda cell: Cosine(cell["rate"], per=cell.get("per", "epoch")),
    "constant": lambda cell: Constant(cell["rate"]),
    "exponential": lambda cell: StepDecay(cell["rate"], every=1, factor=cell["factor"]),
}


def device_and_data(cell: Cell) -> tuple[str, DataSet]:
    """Return where a cell is run and on what; a contender declines where either is missing."""
    try:
        return resolve_device(cell.get("device", "cpu")), load(cell["data"], data_dir=cell.get("data_dir"))
    except (ArgumentError, DataError) as refusal:
        raise Declined(str(refusal)) from None


def search_recipe(cell: Cell, seed: int) -> Sequence[Contender]:
    """Run a search from several seeds; its mean test accuracy stands beside the published one and its interval.

    A cell has method, model, data, epochs and rate; expected, within (both in percent) and source; where they differ
    from what is usual seeds, batch_size, schedule, optimizer, momentum, nesterov, weight_decay, augmented, activation,
    law, scale, held_out and limit; and as ``options`` a table of the method's own. With ``--out`` a run that was killed
    goes on where it was.
    """
    device, data = device_and_data(cell)
    job = _job(cell, device)
    seeds = range(seed, seed + cell.get("seeds", 3))

    def ours() -> Mapping[str, Any]:
        rows = []
        for each in seeds:
            folder = None if cell.get("folder") is None else cell["folder"] / f"{cell['model']}-{_words(cell)}-{each}"
            found = find(replace(job, seed=each), data, folder=folder)
            assert found.result.last is not None, "recipes train scores"
            last = apply_ticket(copy.deepcopy(found.result.module), found.result.last)
            rows.append(
                {
                    "accuracy": found.result.evaluate(found.test).accuracy or 0.0,
                    "last_accuracy": evaluate(last, found.test).accuracy or 0.0,
                    "density": found.result.ticket.mask.density,
                    "search_seconds": found.about["seconds"],
                }
            )
        return {**_means(rows), **_held(cell, [row["last_accuracy"] for row in rows])}

    return [Contender("slth", ours, len(seeds), warm_up=False, replicates=1)]


def _words(cell: Cell) -> str:
    """Return the method and its options as a part of a name: cells of one grid differ in them, and keep apart."""
    options = [f"{name}-{value}" for name, value in sorted(cell.get("options", {}).items())]
    return "-".join([cell["method"], *options])


def permuted_tasks(cell: Cell, seed: int) -> Sequence[Contender]:
    """Search a mask of one random network for each of many orders of the pixels, and tell tasks apart unlabelled.

    A cell is one of :func:`search_recipe` with the number of ``tasks``. A task is inferred from 128 test inputs
    together, and accuracy is that of the ticket of the task that was inferred.
    """
    device, data = device_and_data(cell)
    job = replace(_job(cell, device), held_out=0.0, seed=seed)

    def ours() -> Mapping[str, Any]:
        tickets = [found.result.ticket for found in find_tasks(job, data, cell["tasks"])]
        rows = told(job, data, tickets)
        mean = means(rows)
        held = _held(cell, [row["inferred_accuracy"] for row in rows])
        return {"accuracy": mean["inferred_accuracy"], "inferred": mean["inferred"], "density": mean["density"], **held}

    return [Contender("slth", ours, cell["tasks"], warm_up=False, replicates=1)]


def _job(cell: Cell, device: str) -> SearchJob:
    model = with_activations(model_of(cell["model"], cell.get("model_options")), cell.get("activation", "relu"))
    return SearchJob(
        model, cell["method"], cell.get("options", {}), _recipe(cell, device),
        WeightLaw(cell.get("law", "signed-constant")), cell.get("scale", "kaiming"), cell.get("held_out", 0.1),
        device=device, limit=cell.get("limit"),
    )  # fmt: skip


def _known(argument: str, name: str, table: Mapping[str, Any]) -> Any:
    if name not in table:
        raise ArgumentError(argument, name, "is not known", f"use {' or '.join(table)}")
    return table[name]


def _recipe(cell: Cell, device: str) -> Recipe:
    """Return how the scores are trained: by default cosine to 0, momentum 0.9, decay of the scores."""
    optimizer = _known("optimizer", cell.get("optimizer", "sgd"), OPTIMIZERS)
    return Recipe(
        epochs=cell["epochs"],
        batch_size=cell.get("batch_size", 128),
        schedule=_known("schedule", cell.get("schedule", "cosine"), SCHEDULES)(cell),
        optimizer=optimizer(cell, cell.get("weight_decay", 1e-4)),
        augmentation=CROP_AND_FLIP if cell.get("augmented", False) else (),
        bfloat16=cell.get("bfloat16", False),
        cuda_graphs=device != "cpu" and cell.get("cuda_graphs", True),
    )


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found = {name: statistics.fmean(row[name] for row in rows) for name in rows[0]}
    spread = statistics.stdev(row["last_accuracy"] for row in rows) if len(rows) > 1 else 0.0
    return {**found, "last_accuracy_deviation": spread}


def _held(cell: Cell, accuracies: Sequence[float]) -> dict[str, Any]:
    """Return the published accuracy, its interval, and whether ours lies in it or above; nothing where none is."""
    if "expected" not in cell:
        return {}
    low = (cell["expected"] - cell["within"]) / 100.0
    return {"lowest_expected": low, "holds": statistics.fmean(accuracies) >= low}
