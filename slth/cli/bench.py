"""``slth bench``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out, check_unclaimed
from slth.cli.endings import UsageError
from slth.cli.options import COMMON, Common, DataDir, Device, Jobs
from slth.cli.outcome import Outcome, table_of
from slth.cli.places import data_folders, repository_folder
from slth.cli.progress import progress
from slth.errors import ArgumentError, printable

HIDDEN = ("reason", "replicates", "warm_up_seconds")
"""Columns of the file that a person does not need on the screen."""

ALWAYS = ("contender", "status", "seconds", "ratio")
"""Columns that stay even where they are the same in all rows."""


def bench(
    *names: Annotated[str, Parameter(help="Grids, by the names of their files.")],
    dir: Annotated[Path | None, Parameter(name="--dir", help="Folder with TOML files of grids.")] = None,  # noqa: A002
    limit: Annotated[int | None, Parameter(help="Run at most so many cells of each grid.")] = None,
    data_dir: DataDir = None,
    jobs: Jobs = None,
    device: Device = "cpu",
    common: Common = COMMON,
) -> Outcome:
    """Run benchmark grids; peers are measured in the same run, after a warm-up.

    Without names all run but those that take hours on processors (published recipes of searches). With --out, searches
    go on where they were stopped.

    The grid's own seed is used unless --seed is given. Writes NAME/table.csv and NAME/provenance.json below --out; a
    folder with those of another call or seed is refused.
    """
    from slth.benchmarks.runner import find_benchmarks, run_benchmark, write_table
    from slth.grids.provenance import PROVENANCE_NAME, TABLE_FILES

    folder = dir or repository_folder("benchmarks", "*.toml")
    if folder is None:
        raise UsageError("this installation came without grids: name a folder of grids with --dir")
    benchmarks = find_benchmarks(folder, names)
    seed = common.seed or None  # 0, the default, leaves the choice to the grid
    seeds = {benchmark.name: benchmark.seed if seed is None else seed for benchmark in benchmarks}
    command = _command(names, dir=dir, limit=limit, device=None if device == "cpu" else device, seed=common.seed)
    if common.out is not None:
        for benchmark in benchmarks:
            check_out(common.out / benchmark.name, TABLE_FILES)
        check_unclaimed(common.out, command)
        for name, own in seeds.items():
            _check_seed(common.out / name / PROVENANCE_NAME, own)
    extra: dict[str, Any] = {"data_dir": data_folders(data_dir), "threads": jobs, "device": device}
    tables: dict[str, list[dict[str, Any]]] = {}
    with progress(common) as report:
        for benchmark in benchmarks:
            folder = None if common.out is None else common.out / benchmark.name / "searches"
            given = {**extra, "folder": folder}
            rows = run_benchmark(benchmark, seed=seed, limit=limit, extra=given, progress=report)
            tables[benchmark.name] = rows
            if common.out is not None:
                write_table(common.out / benchmark.name, benchmark, rows, seed=seeds[benchmark.name])
    failed = sum(row.get("status") == "failed" for rows in tables.values() for row in rows)
    data = {
        "failed": failed,
        "seeds": seeds,
        "command": command,
        "table": [{"benchmark": name, **row} for name, rows in tables.items() for row in rows],
    }

    def show() -> list[RenderableType]:
        return [_table(benchmark.name, benchmark.description, tables[benchmark.name]) for benchmark in benchmarks]

    return Outcome("bench", common, data, show, exit_code=int(failed > 0))


def _command(names: tuple[str, ...], **options: Any) -> str:
    """Return what to type to measure the same again."""
    given = [word for key, value in options.items() if value is not None for word in (f"--{key}", str(value))]
    return shlex.join(["slth", "bench", *names, *given])


def _check_seed(provenance: Path, seed: int) -> None:
    """Refuse to write over a table of another seed, as a call leaves it that was stopped before its summary."""
    try:
        before = json.loads(provenance.read_bytes())["seed"]
    except (OSError, ValueError, TypeError, KeyError):
        return
    if before != seed:
        rule = f"holds a table of seed {before}, which seed {seed} would write over"
        raise ArgumentError("out", str(provenance.parent), rule, "name another folder with --out, or remove that one")


def _table(name: str, description: str, rows: list[dict[str, Any]]) -> Table:
    """One row each, with what is the same in all rows said once, below."""
    columns = [key for key in (rows[0] if rows else {}) if key not in HIDDEN]
    constant = [key for key in columns if len(rows) > 1 and len({_cell(row.get(key)) for row in rows}) == 1]
    shown = [key for key in columns if key not in constant or key in ALWAYS]
    caption = ", ".join(f"{key} {_cell(rows[0][key])}" for key in constant if key not in ALWAYS) if rows else ""
    title = f"{name}: {description}" if description else name
    lines = [[_cell(row.get(key), exact=False) for key in shown] for row in rows]
    for row, line in zip(rows, lines, strict=True):
        if row.get("status") != "ok":
            line[shown.index("status")] += f" ({row.get('reason')})"
    table = table_of(lines, [key.replace("_", " ") for key in shown], title=title)
    table.caption, table.caption_justify = printable(f"in all rows: {caption}") if caption else None, "left"
    return table


def _cell(value: Any, *, exact: bool = True) -> Any:
    """Lists as texts, and numbers in four digits."""
    if isinstance(value, float):
        return f"{value:.4g}" if exact else float(f"{value:.4g}")
    return ",".join(map(str, value)) if isinstance(value, list) else value
