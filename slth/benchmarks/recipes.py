"""Benchmark tasks that run a published recipe of a search, and hold its accuracy against the published one."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.data.data_set import DataSet
from slth.data.datasets import load
from slth.errors import ArgumentError, DataError
from slth.jobs.methods import method_of
from slth.jobs.models import Model, made, model_of
from slth.jobs.searching import SearchJob, find
from slth.jobs.standardising import Standardised
from slth.networks import apply_ticket
from slth.networks.activations import ACTIVATIONS, activated
from slth.networks.devices import resolve_device
from slth.rng import Stream, WeightLaw
from slth.searches import Superposition, search
from slth.training import CROP_AND_FLIP, SGD, Adam, Constant, Cosine, Examples, Recipe, RMSprop, StepDecay, evaluate

_ASKED = 128  # test inputs by which a task is told


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
    model, law = _model(cell), WeightLaw(cell.get("law", "signed-constant"))
    job = SearchJob(
        model, cell["method"], cell.get("options", {}), _recipe(cell, device), law,
        cell.get("scale", "kaiming"), cell.get("held_out", 0.1), device=device, limit=cell.get("limit"),
    )  # fmt: skip

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
    model, law = _model(cell), WeightLaw(cell.get("law", "signed-constant"))
    orders = [
        np.argsort(Stream(seed, f"permuted/{task}").raw(0, data.features), kind="stable")
        for task in range(cell["tasks"])
    ]

    def ours() -> Mapping[str, Any]:
        module, inputs = made(model, data, seed), Standardised.of(data, (data.features,), limit=cell.get("limit"))
        method: Any = method_of(cell["method"], module, cell.get("options", {}))[0]
        found = [
            search(
                module, _reordered(inputs.examples("train"), order), method, recipe=_recipe(cell, device), law=law,
                seed=seed, device=device,
            )
            for order in orders
        ]  # fmt: skip
        several = Superposition([one.ticket for one in found])
        tests = [_reordered(inputs.examples("test"), order) for order in orders]
        inferred = [several.infer(module, one.inputs[:_ASKED]) for one in tests]
        accuracies = [found[task].evaluate(test).accuracy or 0.0 for task, test in zip(inferred, tests, strict=True)]
        return {
            "accuracy": statistics.fmean(accuracies),
            "inferred": statistics.fmean(task == number for number, task in enumerate(inferred)),
            "density": statistics.fmean(one.ticket.mask.density for one in found),
            **_held(cell, accuracies),
        }

    return [Contender("slth", ours, len(orders), warm_up=False, replicates=1)]


def _reordered(examples: Examples, order: Any) -> Examples:
    return Examples(examples.inputs[:, order], examples.targets)


def _model(cell: Cell) -> Model:
    """Return the model of a cell, with the activation that it names in the place of ReLU."""
    model, name = model_of(cell["model"], cell.get("model_options")), cell.get("activation", "relu")
    _known("activation", name, ACTIVATIONS)
    make = model.make
    return replace(model, make=lambda *given, **options: activated(make(*given, **options), name))


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
