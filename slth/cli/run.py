"""``slth run``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators
from rich.console import RenderableType

from slth.cli.checks import check_file, check_out
from slth.cli.engines import WORK, Work, kept_if_interrupted, say_why_items_failed
from slth.cli.options import FLAG, Common
from slth.cli.outcome import Outcome, json_name, key_value_table
from slth.cli.progress import note, progress
from slth.cli.tasks import list_tasks
from slth.errors import ArgumentError, ResultsError

if TYPE_CHECKING:
    from slth.grids.results import ResultTable
    from slth.grids.spec import Experiment

RUNS = Path("runs")
PARTIAL = 3
SEED = Parameter(
    validator=validators.Number(gte=0, lt=2**64), show_default=False, help="Instead of the specification's own."
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SpecCommon(Common):
    """What every verb takes; the seed is the specification's unless another is given."""

    # A number from where the specification is read on.
    seed: Annotated[int | None, SEED] = None  # type: ignore[assignment]


SPEC_COMMON = SpecCommon()


def run(
    spec: Annotated[Path | None, Parameter(help="TOML file with task, grid and fixed values.")] = None,
    /,
    *,
    tasks: Annotated[
        bool, Parameter(help="List the tasks, or what the one named takes, and compute nothing.", **FLAG)
    ] = False,
    limit: Annotated[int | None, Parameter(help="Compute at most so many items.")] = None,
    dry_run: Annotated[bool, Parameter(help="Say what there is to do, and compute nothing.", **FLAG)] = False,
    work: Work = WORK,
    common: SpecCommon = SPEC_COMMON,
) -> Outcome:
    """Compute a grid of Monte-Carlo experiments; interrupted at any moment, the same command goes on.

    The specification's own seed is used unless --seed is given. Writes results.sqlite, table.csv and provenance.json to
    --out, runs/NAME by default. Exit code 1 where items failed or results are damaged, which --repair computes again, 3
    where --limit left some for later.
    """
    from slth import studies
    from slth.grids.provenance import TABLE_FILES
    from slth.grids.run import run_experiment
    from slth.grids.spec import read_experiment

    if tasks:
        return list_tasks(None if spec is None else str(spec), common)
    if spec is None:
        raise ArgumentError("spec", None, "is missing", "name a TOML file; `slth run --tasks` lists what it may say")
    check_file("spec", spec)
    experiment = read_experiment(spec, studies.STUDIES, full=work.full, seed=common.seed)
    folder = common.out or RUNS / experiment.name
    common = replace(common, out=folder, seed=experiment.seed)
    how = work.computation(limit=limit)
    if work.full and experiment == read_experiment(spec, studies.STUDIES, seed=common.seed):
        note(common, f"{spec} has no larger grid: --full changes nothing")
    left_aside = _left_aside(experiment, folder) if work.resume else 0
    if left_aside:
        note(common, f"{experiment.name}: {left_aside} finished items of cells that left the grid are kept aside")
    if dry_run:
        return _plan(experiment, folder, how.engine, left_aside, replace(common, out=None))
    check_out(folder, (*TABLE_FILES, json_name("run")))
    with kept_if_interrupted(common, f" in {folder}"), progress(common) as report:
        result = run_experiment(experiment, folder, studies.STUDIES, how, progress=report)
    table = result.table
    say_why_items_failed(common, experiment.name, table)
    data = {**_counts(table), "kept": result.kept, "seed": experiment.seed, "table": result.path}

    def show() -> list[RenderableType]:
        return [key_value_table(data, title=title_of(experiment))]

    return Outcome("run", common, data, show, exit_code=exit_code(table))


def exit_code(table: ResultTable) -> int:
    """1 where items failed, 3 where some are left for later, 0 where all is done."""
    if table.failed:
        return 1
    return PARTIAL if table.missing else 0


def _left_aside(experiment: Experiment, folder: Path) -> int:
    """How many finished items of an earlier form of the specification the table will be without."""
    from slth.grids.store import RESULTS_NAME, read_progress

    try:
        before = read_progress(folder / RESULTS_NAME)
    except ResultsError:  # there is none, or it is damaged, which the run itself says
        return 0
    same = (before.experiment.task, before.experiment.seed) == (experiment.task, experiment.seed)
    return before.left_aside(experiment) if same else 0


def _counts(table: ResultTable) -> dict[str, Any]:
    return {
        "cells": len(table.experiment.cells),
        "items": table.done + table.failed + table.missing,
        "done": table.done,
        "failed": table.failed,
        "missing": table.missing,
        "left_aside": table.left_aside,
        "reasons": dict(table.reasons),
    }


def title_of(experiment: Experiment) -> str:
    """Name and description."""
    return f"{experiment.name}: {experiment.description}" if experiment.description else experiment.name


def _plan(experiment: Experiment, folder: Path, engine: Any, left_aside: int, common: Common) -> Outcome:
    """What would be computed, without computing it."""
    from slth.grids.engines import Slurm
    from slth.grids.results import result_table
    from slth.grids.store import RESULTS_NAME, read_store

    place = folder / RESULTS_NAME
    done = result_table(experiment, read_store(place).items).done if place.exists() else 0
    data: dict[str, Any] = {
        "cells": len(experiment.cells),
        "items": experiment.size,
        "done": done,
        "left_aside": left_aside,
        "seed": experiment.seed,
        "spec_sha256": experiment.digest,
        "engine": engine.name,
        "job_script": engine.job_script() if isinstance(engine, Slurm) else None,
    }

    def show() -> list[RenderableType]:
        script = [] if data["job_script"] is None else ["", data["job_script"]]
        rest = {key: value for key, value in data.items() if key != "job_script"}
        return [key_value_table(rest, title=title_of(experiment)), *script]

    return Outcome("run", common, data, show)
