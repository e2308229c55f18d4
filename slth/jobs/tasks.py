"""Many tasks on one random network: a ticket for each order of the inputs' numbers, and how well the task is told."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.arrays import whole
from slth.data.data_set import DataSet
from slth.errors import ArgumentError
from slth.jobs.models import made
from slth.jobs.searching import JOURNAL, Found, SearchJob, checked, find
from slth.jobs.standardising import Standardised
from slth.networks import apply_ticket
from slth.resources import Progress
from slth.rng import Stream
from slth.searches import Superposition
from slth.searches.journal import discard
from slth.tickets import Ticket, joined, load_ticket, members
from slth.tickets.members import MOST
from slth.training import evaluate
from slth.training.ranks import Ranks

ASKED = 128
"""Test inputs by which a task is told."""


def order(seed: int, task: int, features: int) -> NDArray[np.int64]:
    """Return the order in which a task has the numbers of an input, by the stream of its name."""
    return np.argsort(Stream(seed, f"permuted/{task}").raw(0, features), kind="stable").astype(np.int64)


def reordered(data: DataSet, places: NDArray[np.int64]) -> DataSet:
    """Return a data set with the numbers of all inputs in another order."""
    return replace(data, train_inputs=data.train_inputs[:, places], test_inputs=data.test_inputs[:, places])


def find_tasks(
    job: SearchJob, data: DataSet, tasks: int, *, folder: Path | None = None, progress: Progress | None = None
) -> Iterator[Found]:
    """Search task by task on one random network; in a folder, as far as they were searched there before."""
    whole(tasks, "tasks", 2, remedy="use 5: each has a mask of its own")
    if any(getattr(part, "running_mean", None) is not None for part in made(job.model, data, job.seed).modules()):
        rule = "keeps running statistics, which would differ from task to task"
        raise ArgumentError("model", job.model.name, rule, "use a model without them, such as lenet-300-100")
    for task in range(tasks):
        own = reordered(data, order(job.seed, task, data.features))
        place = None if folder is None else folder / str(task)
        yield find(job, own, folder=place, progress=_named(progress, f"task {task + 1} of {tasks}"))


def _named(progress: Progress | None, name: str) -> Progress | None:
    return None if progress is None else lambda _, done, total: progress(name, done, total)


def told(job: SearchJob, data: DataSet, tickets: Sequence[Ticket]) -> list[dict[str, Any]]:
    """Return for each task its ticket's accuracy, which task is inferred, and the accuracy of that one's ticket.

    A task is inferred from the first test inputs together, without their labels.
    """
    module, several, rows = made(job.model, data, job.seed), Superposition(tickets), []
    for task, ticket in enumerate(tickets):
        own = reordered(data, order(job.seed, task, data.features))
        test = Standardised.of(own, job.model.input_shape(data), limit=job.limit).examples("test")
        inferred = several.infer(module, test.inputs[:ASKED])
        given, guessed = (evaluate(apply_ticket(module, tickets[one]), test).accuracy for one in (task, inferred))
        rows.append(
            {
                "task": task,
                "accuracy": given,
                "inferred_task": inferred,
                "inferred_accuracy": guessed,
                "density": ticket.mask.density,
            }
        )
    return rows


def means(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return what the tasks have on average, and the share of those that were inferred rightly."""
    mean = {key: statistics.fmean(row[key] for row in rows) for key in ("accuracy", "inferred_accuracy", "density")}
    return {**mean, "inferred": statistics.fmean(row["inferred_task"] == row["task"] for row in rows)}


def run_tasks(
    job: SearchJob, data: DataSet, folder: Path, tasks: int, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Search, write the tickets, and return what those that were read back do, and their sanity checks."""
    tickets, checks, about, seconds = [], [], {}, 0.0
    for found in find_tasks(job, data, tasks, folder=folder / JOURNAL, progress=progress):
        tickets.append(found.result.ticket)
        checks.append(checked(found.result, found.test, job.checks))
        about, seconds = dict(found.about), seconds + found.about["seconds"]
    files, ranks = _files(tickets), Ranks.here()
    paths = [folder / f"tasks-{number}.ticket" for number in range(len(files))]
    if ranks.first:
        for path, ticket in zip(paths, files, strict=True):
            ticket.save(path)
    ranks.wait()
    read = [one for path in paths for one in members(load_ticket(path))]
    rows = [{**row, "sanity": one} for row, one in zip(told(job, data, read), checks, strict=True)]
    if ranks.first:
        for task in range(tasks):
            discard(folder / JOURNAL / str(task))
        if (folder / JOURNAL).is_dir():
            (folder / JOURNAL).rmdir()
    return {
        **about,
        "seconds": seconds,
        "family": tickets[0].family,
        "model": job.model.name,
        "data": data.name,
        "law": tickets[0].law.describe(),
        **means(rows),
        "asked": ASKED,
        "tasks": rows,
        "tickets": [{"path": str(path), "bytes": path.stat().st_size} for path in paths],
    }


def _files(tickets: Sequence[Ticket]) -> list[Ticket]:
    """Return the tickets joined to as few as can be; each for itself where masks or gains have no common file."""
    try:
        return [joined(tickets[first : first + MOST]) for first in range(0, len(tickets), MOST)]
    except ArgumentError:
        return list(tickets)
