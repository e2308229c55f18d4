"""``slth bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli.app import data_folders
from slth.cli.options import COMMON, Common, DataDir, Device, Jobs
from slth.cli.outcome import Outcome, number
from slth.cli.progress import progress

HIDDEN = ("reason", "replicates", "warm_up_seconds")
"""Columns of the file that a person does not need on the screen."""


def bench(
    *names: str,
    dir: Annotated[Path, Parameter(name="--dir")] = Path("benchmarks"),  # noqa: A002
    limit: int | None = None,
    data_dir: DataDir = None,
    jobs: Jobs = None,
    device: Device = "cpu",
    common: Common = COMMON,
) -> Outcome:
    """Run benchmark grids; peers are measured in the same run, after a warm-up.

    The grid's own seed is used unless --seed is given. Writes NAME/table.csv and NAME/provenance.json below --out.

    Parameters
    ----------
    names
        Benchmarks by file name; all of the folder by default.
    dir
        Folder with the *.toml grids.
    limit
        At most so many cells of each grid.
    """
    from slth.experiments.benchmarks import find_benchmarks, run_benchmark, write_table

    benchmarks = find_benchmarks(dir, names)
    seed = common.seed or None
    extra: dict[str, Any] = {"data_dir": data_folders(data_dir), "threads": jobs, "device": device}
    tables: dict[str, list[dict[str, Any]]] = {}
    with progress(common) as report:
        for benchmark in benchmarks:
            rows = run_benchmark(benchmark, seed=seed, limit=limit, extra=extra, progress=report)
            tables[benchmark.name] = rows
            if common.out is not None:
                used = benchmark.seed if seed is None else seed
                write_table(common.out / benchmark.name, benchmark, rows, seed=used)
    failed = sum(row.get("status") == "failed" for rows in tables.values() for row in rows)
    data = {"failed": failed, "table": [{"benchmark": name, **row} for name, rows in tables.items() for row in rows]}

    def show() -> list[RenderableType]:
        return [_table(benchmark.name, benchmark.description, tables[benchmark.name]) for benchmark in benchmarks]

    return Outcome("bench", common, data, show, exit_code=int(failed > 0))


def _table(name: str, description: str, rows: list[dict[str, Any]]) -> Table:
    columns = [key for key in (rows[0] if rows else {}) if key not in HIDDEN]
    title = f"{name}: {description}" if description else name
    table = Table(*columns, box=None, title=title, title_justify="left", title_style="bold")
    for row in rows:
        cells = [_cell(row.get(key)) for key in columns]
        if row.get("status") != "ok" and "status" in columns:
            cells[columns.index("status")] += f" ({row.get('reason')})"
        table.add_row(*cells)
    return table


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, float) else str(value)
