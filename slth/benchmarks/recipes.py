"""Benchmark tasks that run a published recipe of a search, and hold its accuracy against the published one."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.data.datasets import load
from slth.errors import ArgumentError, DataError
from slth.jobs.models import model_of
from slth.jobs.searching import SearchJob, find
from slth.networks import apply_ticket
from slth.networks.devices import resolve_device
from slth.rng import WeightLaw
from slth.training import CROP_AND_FLIP, SGD, Adam, Cosine, Recipe, evaluate

OPTIMIZERS = {"sgd": SGD, "adam": Adam}


def search_recipe(cell: Cell, seed: int) -> Sequence[Contender]:
    """Run a search from several seeds; its mean test accuracy stands beside the published one and its interval.

    A cell has method, model, data, epochs and rate; expected, within (both in percent) and source; where they differ
    from what is usual seeds, batch_size, optimizer, weight_decay, augmented, law, scale, held_out and limit; and as
    ``options`` a table of the method's own. With ``--out`` a run that was killed goes on where it was.
    """
    try:
        device = resolve_device(cell.get("device", "cpu"))
        data = load(cell["data"], data_dir=cell.get("data_dir"))
    except (ArgumentError, DataError) as refusal:
        raise Declined(str(refusal)) from None
    model, law = model_of(cell["model"], cell.get("model_options")), WeightLaw(cell.get("law", "signed-constant"))
    job = SearchJob(
        model, cell["method"], cell.get("options", {}), _recipe(cell, device), law,
        cell.get("scale", "kaiming"), cell.get("held_out", 0.1), device=device, limit=cell.get("limit"),
    )  # fmt: skip

    seeds = range(seed, seed + cell.get("seeds", 3))

    def ours() -> Mapping[str, Any]:
        rows = []
        for each in seeds:
            folder = None if cell.get("folder") is None else cell["folder"] / f"{cell['model']}-{each}"
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


def _recipe(cell: Cell, device: str) -> Recipe:
    """Return how the scores are trained: cosine to 0, momentum 0.9 where there is one, decay of the scores."""
    kind = cell.get("optimizer", "sgd")
    if kind not in OPTIMIZERS:
        raise ArgumentError("optimizer", kind, "is not known", f"use {' or '.join(OPTIMIZERS)}")
    return Recipe(
        epochs=cell["epochs"],
        batch_size=cell.get("batch_size", 128),
        schedule=Cosine(cell["rate"], per=cell.get("per", "epoch")),
        optimizer=OPTIMIZERS[kind](weight_decay=cell.get("weight_decay", 1e-4)),
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
