"""Runs an experiment: what the store lacks is computed by an engine, and the table is written when it ends."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

from slth.errors import ArgumentError, did_you_mean
from slth.extensions import is_place
from slth.grids.context import Context
from slth.grids.engines import Engine, Loky
from slth.grids.keys import Study
from slth.grids.provenance import TABLE_FILES
from slth.grids.results import ResultTable, result_table, write_results
from slth.grids.spec import Experiment, item_seed
from slth.grids.store import Store
from slth.grids.work import Item, Key

Progress = Callable[[str, int, int], None]

CACHE_NAME = "cache"
"""Folder of a run for what several of its cells need."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    table: ResultTable
    path: Path
    kept: int


@dataclass(frozen=True, kw_only=True)
class Computation:
    """How an experiment is to be computed."""

    engine: Engine = field(default_factory=Loky)
    context: Context = field(default_factory=Context)
    full: bool = False
    limit: int | None = None
    resume: bool = True
    repair: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.limit is not None and self.limit < 1:
            raise ArgumentError("limit", self.limit, "must be at least 1", "compute at least one item")
        if self.repair and not self.resume:
            raise ArgumentError("repair", self.repair, "keeps what --no-resume begins anew", "leave one of the two out")


def run_experiment(
    experiment: Experiment,
    folder: Path,
    studies: Mapping[str, Study],
    how: Computation | None = None,
    *,
    progress: Progress | None = None,
) -> RunResult:
    """Compute what is missing of an experiment and write its table.

    Interrupted at any moment, it keeps every committed item, and the same call goes on from there. Items that failed
    are tried again, after those that never were. A results file that is damaged is refused; with ``repair`` it is set
    aside, and what of it is damaged is computed again.
    """
    how = how or Computation()
    study = _study(experiment, studies)
    with Store(folder, experiment, resume=how.resume, repair=how.repair) as store:
        if not how.resume:
            shutil.rmtree(folder / CACHE_NAME, ignore_errors=True)
            _set_table_aside(folder)
        found = store.finished()
        kept = sum(
            not failed and experiment.holds(json.loads(cell), replicate) for (cell, replicate), failed in found.items()
        )
        waiting = _waiting(experiment, study, found, _in_this_run(how.context, folder, experiment.task))
        _compute(store, how.engine, islice(waiting, how.limit), kept, progress)
        store.commit()
        table = result_table(experiment, store.items())
        return RunResult(table, write_results(folder, table, full=how.full), kept)


def _compute(store: Store, engine: Engine, items: Iterator[Item], kept: int, progress: Progress | None) -> None:
    report, name, total = progress or (lambda *_: None), store.experiment.name, store.experiment.size
    report(name, kept, total)
    first = next(items, None)
    if first is None:  # no worker is started for nothing
        return
    with closing(engine.compute(chain([first], items))) as stream:
        for number, finished in enumerate(stream, start=kept + 1):
            store.add(finished)
            report(name, number, total)


def _study(experiment: Experiment, studies: Mapping[str, Study]) -> Study:
    if experiment.task not in studies:
        raise ArgumentError("task", experiment.task, "is not a study", did_you_mean(experiment.task, studies))
    return studies[experiment.task]


def _waiting(experiment: Experiment, study: Study, found: Mapping[Key, bool], context: Context) -> Iterator[Item]:
    """The items without rows, made one by one: first those never tried, lest a limit spends all on what must fail."""
    for before in (None, True) if any(found.values()) else (None,):
        for cell, replicate in experiment.items():
            seed = item_seed(experiment.seed, cell, replicate)
            item = Item(experiment.task, study.target, cell, replicate, seed, context, study.torch)
            if found.get(item.key) is before:
                yield item


def _set_table_aside(folder: Path) -> None:
    """Rename an earlier run's table and its provenance, as the store does with its file."""
    number = 1
    while any(os.path.lexists(_numbered(folder / name, number)) for name in TABLE_FILES):
        number += 1
    for name in TABLE_FILES:
        if (folder / name).is_file():
            (folder / name).rename(_numbered(folder / name, number))


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def _in_this_run(context: Context, folder: Path, task: str) -> Context:
    """The context with a cache, and with paths that mean the same in other processes."""
    cache = (context.cache or folder / CACHE_NAME).resolve()
    code = Path.cwd() if context.code is None and is_place(task) else context.code
    return replace(context, cache=cache, folders=tuple(place.resolve() for place in context.folders), code=code)
