"""Benchmarks: a grid in a TOML file, contenders timed in the same run after a warm-up, one table.

A task is a function ``task(cell, seed) -> [ours, peer, ...]``: it prepares the work of one cell of the grid and hands
back contenders, ours first. The runner calls each once to warm up (compilation shows there, in a column of its own),
then ``replicates`` times for the clock. A contender that cannot take part raises :class:`Declined` and becomes a row
that says why: no cell disappears.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slth.benchmarks.contenders import Contender, Declined, Task
from slth.errors import ArgumentError, did_you_mean, printable
from slth.extensions import imported
from slth.grids.cells import Cells
from slth.grids.provenance import TABLE_NAME, write_provenance
from slth.grids.tables import columns_of, write_csv
from slth.grids.toml_files import read_toml

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]

TASKS: dict[str, str] = {
    "generate-weights": "slth.benchmarks.weights:generate_weights",
    "per-weight": "slth.benchmarks.published:per_weight",
    "ticket": "slth.benchmarks.tickets:ticket",
    "tickets": "slth.benchmarks.tickets:tickets",
    "ticket-certificate": "slth.benchmarks.tickets:ticket_certificate",
    "certificates-around": "slth.benchmarks.around:certificates_around",
    "vector-errors": "slth.benchmarks.vectors:vector_errors",
    "pursuit-device": "slth.benchmarks.vectors:pursuit_device",
    "vector-optima": "slth.benchmarks.vectors:vector_optima",
    "kernel-weights": "slth.benchmarks.published:kernel_weights",
    "exact-batch": "slth.benchmarks.solvers:exact_batch",
    "within-tolerance": "slth.benchmarks.solvers:within_tolerance",
    "large-instance": "slth.benchmarks.solvers:large_instance",
    "meeting": "slth.benchmarks.integers:meeting",
    "counting": "slth.benchmarks.integers:counting",
    "heuristics": "slth.benchmarks.solvers:heuristics",
    "accelerator": "slth.benchmarks.solvers:accelerator",
    "start-up": "slth.benchmarks.solvers:start_up",
    "data-diet": "slth.benchmarks.diets:data_diet",
    "search-recipe": "slth.benchmarks.recipes:search_recipe",
    "permuted-tasks": "slth.benchmarks.recipes:permuted_tasks",
    "search-step": "slth.benchmarks.searches:search_step",
}
"""Name in TOML to "module:function"; imported when it runs."""

KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "task": str,
    "seed": int,
    "replicates": int,
    "grid": dict,
    "peers": dict,
    "full": dict,
    "long": bool,
}
"""Keys of a benchmark's file."""

TIMING_COLUMNS = ("warm_up_seconds", "compile_seconds", "seconds", "seconds_per_instance", "ns_per_step", "ratio")
"""Columns that differ from run to run; all others depend on the cell and the seed alone."""


@dataclass(frozen=True)
class Benchmark:
    """One TOML file."""

    name: str
    description: str
    task: str
    seed: int
    replicates: int
    grid: dict[str, list[Any]]
    peers: dict[str, Any]
    digest: str = field(compare=False)
    long: bool = False
    """Hours on processors: it runs only where it is named."""

    def cells(self) -> Cells:
        """Give every choice of one value from each list of the grid, the last list fastest."""
        return Cells((self.grid,), {})


def read_benchmark(path: Path, *, full: bool = False) -> Benchmark:
    """Read and check a benchmark's TOML file."""
    file = read_toml("benchmark", path, KEYS).part(full=full)
    task, document = file.task(TASKS), file.document
    grid = file.lists(document.get("grid", {}))
    replicates = document.get("replicates", 3)
    if replicates < 1:
        raise file.wrong(f"has replicates = {replicates}", "measure at least once")
    return Benchmark(
        name=document.get("name", path.stem),
        description=document.get("description", ""),
        task=task,
        seed=document.get("seed", 0),
        replicates=replicates,
        grid=grid,
        peers=document.get("peers", {}),
        digest=hashlib.sha256(file.content).hexdigest(),
        long=document.get("long", False),
    )


def find_benchmarks(folder: Path, names: Sequence[str] = ()) -> list[Benchmark]:
    """Read the benchmarks of a folder, those with given names or all but the long ones."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ArgumentError("dir", str(folder), "holds no benchmark", "name the folder with the *.toml grids")
    if not names:
        return [benchmark for benchmark in map(read_benchmark, files) if not benchmark.long]
    by_stem = {file.stem: file for file in files}
    for name in names:
        if name not in by_stem:
            raise ArgumentError("name", name, "is not a benchmark", f"choose from {', '.join(by_stem)}")
    return [read_benchmark(by_stem[name]) for name in names]


def run_benchmark(
    benchmark: Benchmark,
    *,
    seed: int | None = None,
    limit: int | None = None,
    extra: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Run the cells of a benchmark and time their contenders."""
    if limit is not None and limit < 1:
        raise ArgumentError("limit", limit, "must be at least 1", "run at least one cell")
    cells = list(benchmark.cells())[:limit]
    task = resolve_task(benchmark.task)
    rows: list[Row] = []
    for done, cell in enumerate(cells):
        if progress is not None:
            progress(benchmark.name, done, len(cells))
        rows += _run_cell(task, cell, benchmark, benchmark.seed if seed is None else seed, extra or {})
    if progress is not None:
        progress(benchmark.name, len(cells), len(cells))
    columns = columns_of(rows, timing=TIMING_COLUMNS)
    return [{key: row.get(key) for key in columns} for row in rows]


def write_table(folder: Path, benchmark: Benchmark, rows: Sequence[Row], *, seed: int, full: bool = False) -> Path:
    """Write ``table.csv`` and ``provenance.json`` of a run."""
    write_csv(folder / TABLE_NAME, rows, list(rows[0]) if rows else [])
    about = {
        "benchmark": benchmark.name,
        "task": benchmark.task,
        "description": benchmark.description,
        "spec_sha256": benchmark.digest,
        "seed": seed,
        "grid": benchmark.grid,
        "full": full,
        "timing_columns": TIMING_COLUMNS,
    }
    write_provenance(folder, about)
    return folder / TABLE_NAME


def resolve_task(name: str) -> Task:
    """Import the function behind a task's name."""
    if name not in TASKS:
        raise ArgumentError("task", name, "is not a known task", did_you_mean(name, TASKS))
    task: Task = imported(TASKS[name], argument="task", name=name)
    return task


def _run_cell(
    task: Task, cell: Mapping[str, Any], benchmark: Benchmark, seed: int, extra: Mapping[str, Any]
) -> list[Row]:
    try:
        # What the grid says wins over what the call says of threads, device and data.
        contenders = task({**extra, "peers": benchmark.peers, **cell}, seed)
    except Declined as declined:
        return [{**cell, "contender": "slth", "status": "declined", "reason": str(declined)}]
    rows: list[Row] = []
    ours: float | None = None
    for contender in contenders:
        row = {**cell, "contender": contender.name, **_measure(contender, benchmark.replicates)}
        each = row.get("seconds_per_instance")
        if each is not None:
            ours = each if ours is None else ours
            row["ratio"] = each / ours if ours else None
        rows.append(row)
    return rows


def _measure(contender: Contender, replicates: int) -> Row:
    """Warm up, then time; what is raised becomes the row's status."""
    try:
        warm_up = _timed(contender)[0] if contender.warm_up else None
        runs = [_timed(contender) for _ in range(contender.replicates or replicates)]
    except Declined as declined:
        return {"status": "declined", "reason": str(declined), "instances": contender.instances}
    except Exception as problem:  # a peer may fail in its own way; the table says so and goes on
        reason = printable(f"{type(problem).__name__}: {problem}", most=1000)
        return {"status": "failed", "reason": reason, "instances": contender.instances}
    seconds = statistics.median(elapsed for elapsed, _ in runs)
    values = {key: value for key, value in runs[-1][1].items() if key != "seconds"}
    row: Row = {"status": "ok", "reason": "", "instances": contender.instances, "replicates": len(runs), **values}
    if warm_up is not None:
        row["warm_up_seconds"] = warm_up
        row["compile_seconds"] = max(0.0, warm_up - seconds)
    row["seconds"] = seconds
    row["seconds_per_instance"] = seconds / contender.instances
    if row.get("steps"):
        row["ns_per_step"] = 1e9 * seconds / row["steps"]
    return row


def _timed(contender: Contender) -> tuple[float, Mapping[str, Any]]:
    start = time.perf_counter()
    values = contender.run()
    elapsed = time.perf_counter() - start
    return float(values.get("seconds", elapsed)), values
