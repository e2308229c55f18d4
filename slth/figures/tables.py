"""Tables of the paper figures: whether they are there and current, and how they are computed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from slth import studies
from slth.benchmarks import runner as benchmarks
from slth.errors import ResultsError, SlthError
from slth.grids.results import result_table, write_results
from slth.grids.run import Computation, Progress, run_experiment
from slth.grids.spec import Experiment, read_experiment
from slth.grids.store import RESULTS_NAME, read_store

SPEC_NAME = "spec.toml"


def describe_spec(spec: Path) -> Mapping[str, Any]:
    """Give what a figure's specification says, unchecked; empty where it cannot be read."""
    try:
        return tomllib.loads(spec.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}


def is_current(spec: Path, provenance: Mapping[str, Any]) -> bool:
    """Whether a table was computed from its specification as it is now."""
    full = bool(provenance.get("full"))
    try:
        if _is_benchmark(spec):
            digest = benchmarks.read_benchmark(spec, full=full).digest
        else:
            digest = read_experiment(spec, studies.STUDIES, full=full).digest
    except SlthError:
        return False
    return bool(digest == provenance["spec_sha256"])


def compute_table(folder: Path, scratch: Path, how: Computation, *, progress: Progress | None = None) -> Path:
    """Compute the table of a figure and write it with its provenance, when all of it is there."""
    spec = folder / SPEC_NAME
    if _is_benchmark(spec):
        return _compute_benchmark(spec, how, progress)
    experiment = read_experiment(spec, studies.STUDIES, full=how.full)
    how = replace(how, resume=how.resume and _unfinished(experiment, scratch, how))
    result = run_experiment(experiment, scratch, studies.STUDIES, how, progress=progress)
    table = result.table
    if not table.complete:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in list(table.reasons.items())[:3])
        raise ResultsError(
            f"{experiment.name}: {table.failed} of {table.done + table.failed} items failed ({reasons}): "
            "what is finished is kept; mend that and run the same command again"
        )
    return write_results(folder, table, full=how.full)


def _is_benchmark(spec: Path) -> bool:
    return describe_spec(spec).get("task") in benchmarks.TASKS


def _unfinished(experiment: Experiment, scratch: Path, how: Computation) -> bool:
    """Whether the scratch folder holds a part of this experiment that it makes sense to go on with."""
    if how.repair or not (scratch / RESULTS_NAME).exists():
        return True
    stored = read_store(scratch / RESULTS_NAME)
    if (stored.experiment.task, stored.experiment.seed) != (experiment.task, experiment.seed):
        return False
    return not result_table(experiment, stored.items).complete


def _compute_benchmark(spec: Path, how: Computation, progress: Progress | None) -> Path:
    benchmark = benchmarks.read_benchmark(spec, full=how.full)
    context = how.context
    jobs = getattr(how.engine, "jobs", None)
    extra = {"data_dir": context.folders, "threads": jobs, "device": context.device}
    rows = benchmarks.run_benchmark(benchmark, extra=extra, progress=progress)
    failed = [row for row in rows if row.get("status") == "failed"]
    if failed:
        raise ResultsError(f"{benchmark.name}: {len(failed)} of {len(rows)} rows failed ({failed[0].get('reason')})")
    return benchmarks.write_table(spec.parent, benchmark, rows, seed=benchmark.seed, full=how.full)
