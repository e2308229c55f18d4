"""Runs an experiment: what the store lacks is computed by an engine, and the table is written when it ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from slth.errors import ArgumentError, did_you_mean
from slth.experiments import studies
from slth.experiments.context import Context
from slth.experiments.engines import Engine, Loky
from slth.experiments.results import ResultTable, result_table, write_results
from slth.experiments.spec import Experiment, item_seed
from slth.experiments.store import Store
from slth.experiments.work import Item

Progress = Callable[[str, int, int], None]

CACHE_NAME = "cache"
"""Folder of a run for what several of its cells need."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Parameters
    ----------
    table : ResultTable
    path : Path
        Of ``table.csv``.
    kept : int
        Items that an earlier run had finished.
    """

    table: ResultTable
    path: Path
    kept: int


def run_experiment(
    experiment: Experiment,
    folder: Path,
    *,
    engine: Engine | None = None,
    limit: int | None = None,
    resume: bool = True,
    context: Context | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Compute what is missing of an experiment and write its table.

    Interrupted at any moment, it keeps every committed item, and the same call goes on from there. Items that failed
    are tried again.

    Parameters
    ----------
    experiment : Experiment
    folder : Path
        Receives ``results.sqlite``, ``table.csv`` and ``provenance.json``; created where missing.
    engine : Engine, optional
        Processes on this machine by default.
    limit : int, optional
        At most so many items now.
    resume : bool
        Whether what an earlier run finished is kept; otherwise its file is renamed.
    context : Context, optional
        Where data are; ``folder/cache`` is its cache unless it names one.
    full : bool
        Whether the larger grid was asked for; for the provenance.
    progress : callable, optional
        Called with (name, items done, items in all).

    Returns
    -------
    RunResult

    Raises
    ------
    slth.errors.ArgumentError
        The limit is below 1; the folder holds results of another task or seed.
    slth.errors.ResultsError
        Another process writes to the run; its file is corrupt or foreign; the disk is full.
    slth.errors.EngineError
        The workers are gone or cannot be started.
    """
    if limit is not None and limit < 1:
        raise ArgumentError("limit", limit, "must be at least 1", "compute at least one item")
    engine = engine or Loky()
    with Store(folder, experiment, resume=resume) as store:
        if not resume:
            shutil.rmtree(folder / CACHE_NAME, ignore_errors=True)
        done = {key for key, failed in store.finished().items() if not failed}
        items = _items(experiment, _in_this_run(context or Context(), folder))
        waiting = [item for item in items if item.key not in done]
        kept = total = len(items)
        kept -= len(waiting)
        _compute(store, engine, list(islice(waiting, limit)), experiment.name, kept, total, progress)
        store.commit()
        table = result_table(experiment, store.items())
        return RunResult(table, write_results(folder, table, full=full), kept)


def _compute(
    store: Store, engine: Engine, items: list[Item], name: str, kept: int, total: int, progress: Progress | None
) -> None:
    report = progress or (lambda *_: None)
    report(name, kept, total)
    if not items:
        return
    with closing(engine.compute(items)) as stream:
        for number, finished in enumerate(stream, start=kept + 1):
            store.add(finished)
            report(name, number, total)


def _items(experiment: Experiment, context: Context) -> list[Item]:
    """All items of an experiment, each with the seed that belongs to it."""
    if experiment.task not in studies.STUDIES:
        raise ArgumentError("task", experiment.task, "is not a study", did_you_mean(experiment.task, studies.STUDIES))
    target = studies.STUDIES[experiment.task]
    return [
        Item(experiment.task, target, cell, replicate, item_seed(experiment.seed, cell, replicate), context)
        for cell, replicate in experiment.items()
    ]


def _in_this_run(context: Context, folder: Path) -> Context:
    """The context with a cache, and with paths that mean the same in other processes."""
    cache = (context.cache or folder / CACHE_NAME).resolve()
    return replace(context, cache=cache, folders=tuple(place.resolve() for place in context.folders))
