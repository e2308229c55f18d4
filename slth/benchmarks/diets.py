"""Benchmark task that prunes by magnitude behind first steps on a subset, beside what is published of each subset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slth.benchmarks.contenders import Cell, Contender
from slth.benchmarks.recipes import device_and_data
from slth.jobs.data_diet import DietJob, run_diet
from slth.jobs.models import model_of
from slth.training import CROP_AND_FLIP, SGD, MultiStep, Recipe


def data_diet(cell: Cell, seed: int) -> Sequence[Contender]:
    """Prune level by level from a network that began on some of the examples; the last level stands beside the paper.

    A cell has model, data, epochs, rate, milestones (in epochs), ``way`` (easy, hard, random, all, none), size and
    steps of the beginning, levels; ``expected``, in percent by way at the last level, within and source; where they
    differ from what is usual runs, score_epochs, batch_size, weight_decay, augmented, held_out and limit. With
    ``--out`` a run that was killed goes on level by level.
    """
    device, data = device_and_data(cell)
    way = cell["way"]
    job = DietJob(
        model_of(cell["model"], cell.get("model_options")), _recipe(cell, device), "el2n", (way,), cell["size"],
        cell["steps"], cell["levels"], runs=cell.get("runs", 10), score_epochs=cell.get("score_epochs", 20),
        held_out=cell.get("held_out", 0.0), seed=seed, device=device, limit=cell.get("limit"),
    )  # fmt: skip

    def ours() -> Mapping[str, Any]:
        with TemporaryDirectory() as aside:
            folder = Path(aside) if cell.get("folder") is None else cell["folder"]
            rows = run_diet(job, data, folder / f"{cell['model']}-{way}-{seed}")["rows"]
        found = {f"level_{row['level']}": row["accuracy"] for row in rows}
        low = (cell["expected"][way] - cell["within"]) / 100.0 if "expected" in cell else None
        held = {} if low is None else {"lowest_expected": low, "holds": rows[-1]["accuracy"] >= low}
        return {"way": way, "density": rows[-1]["density"], **found, **held}

    return [Contender("slth", ours, 1, warm_up=False, replicates=1)]


def _recipe(cell: Cell, device: str) -> Recipe:
    """Return how each level is trained."""
    return Recipe(
        epochs=cell["epochs"],
        batch_size=cell.get("batch_size", 128),
        schedule=MultiStep(cell["rate"], milestones=cell["milestones"], factor=0.1),
        optimizer=SGD(weight_decay=cell.get("weight_decay", 1e-4)),
        augmentation=CROP_AND_FLIP if cell.get("augmented", False) else (),
        drop_last=True,
        bfloat16=device != "cpu" and cell.get("bfloat16", True),
        cuda_graphs=device != "cpu" and cell.get("cuda_graphs", True),
    )
