"""``slth results show`` and ``slth results export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, key_value_table, table_of
from slth.cli.run import RUNS, title_of
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.grids.results import ResultTable

Format = Literal["csv", "md", "latex", "json", "parquet"]


def show(run: str, /, *, confidence: float = 0.95, common: Common = COMMON) -> Outcome:
    """Show a run by cell: rates with their intervals, medians and 10 % and 90 % quantiles; also while it goes on.

    Nothing is written, but for the JSON that --out receives. Exit code 2 where RUN names no results file of slth, 1
    where that file is damaged.
    """
    from slth.grids.summary import summarize

    table = _read(run)
    rows = summarize(table, confidence=confidence)
    data: dict[str, Any] = {**_about(table), "confidence": confidence, "table": rows}

    def see() -> list[RenderableType]:
        return [_table(table, rows), key_value_table(_about(table))]

    return Outcome("results show", common, data, see)


def export(
    run: str,
    /,
    *,
    to: Format,
    by_cell: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    common: Common = COMMON,
) -> Outcome:
    """Write the table of a run as a file for other programs or for a paper, into --out or the run's folder.

    Writes NAME.FORMAT, or NAME-by-cell.FORMAT; a file of that name is replaced. Exit codes as `slth results show`.
    """
    from slth.grids.export import ENDINGS, export_rows
    from slth.grids.summary import summarize
    from slth.grids.tables import columns_of

    table = _read(run)
    rows = summarize(table) if by_cell else list(table.rows)
    columns = columns_of(rows) if by_cell else table.columns
    name = f"{table.experiment.name}{'-by-cell' if by_cell else ''}.{ENDINGS.get(to, to)}"
    folder = common.out or _place(run).parent
    check_out(folder, [name])
    path = folder / name
    export_rows(path, rows, columns, to=to, title=table.experiment.description)
    data = {**_about(table), "format": to, "rows": len(rows), "file": path}

    def see() -> list[RenderableType]:
        return [str(path)]

    return Outcome("results export", common, data, see)


def _place(run: str) -> Path:
    """The results file of the run that is meant: by a path, or a name below runs/."""
    from slth.grids.store import RESULTS_NAME, is_results_file

    places = [place for place in (Path(run), RUNS / run) if place.exists()]
    for place in places:
        file = place / RESULTS_NAME if place.is_dir() else place
        if is_results_file(file):
            return file
    rule = "is not a results file of slth, nor a folder with one" if places else "is no run"
    raise ArgumentError("run", run, rule, "name its folder, its results.sqlite, or its name below runs/")


def _read(run: str) -> ResultTable:
    from slth.grids.results import read_results

    return read_results(_place(run))[0]


def _about(table: ResultTable) -> dict[str, Any]:
    return {
        "name": table.experiment.name,
        "cells": len(table.experiment.cells),
        "done": table.done,
        "failed": table.failed,
        "missing": table.missing,
        "seed": table.experiment.seed,
    }


def _table(table: ResultTable, rows: list[dict[str, Any]]) -> Table:
    from slth.grids.export import DIGITS
    from slth.grids.tables import columns_of

    def cell(value: Any) -> Any:
        return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value

    columns = columns_of(rows)
    return table_of(
        ([cell(row.get(column)) for column in columns] for row in rows), columns, title=title_of(table.experiment)
    )
