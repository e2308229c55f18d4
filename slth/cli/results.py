"""``slth results ls``, ``slth results show`` and ``slth results export``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out
from slth.cli.options import COMMON, FLAG, Common
from slth.cli.outcome import LONGEST, Outcome, cell, key_value_table, table_of
from slth.cli.progress import note
from slth.cli.run import RUNS, title_of
from slth.errors import ArgumentError, ResultsError, printable

if TYPE_CHECKING:
    from slth.grids.results import ResultTable

Format = Literal["csv", "md", "latex", "json", "parquet"]
WHERE = Annotated[
    tuple[str, ...], Parameter(negative="", help="Rows that meet it, as n>=10 or law=uniform; several times for all.")
]
Run = Annotated[str, Parameter(help="Its name below runs/, its folder or its results.sqlite.")]

MOST_SHOWN, FIRST = 60, 20
"""Lines of a table that are all shown, and how many of a longer one, behind a summary of it."""
_BESIDE = ("replicates", "successes", "trials")
_ENDS = ("_q10", "_q90")
"""Columns that make way for others where a line is full, behind medians and rates."""


def ls(folder: Annotated[Path, Parameter(help="Where to look.")] = RUNS, /, *, common: Common = COMMON) -> Outcome:
    """Runs below a folder: what each computes and how far it is."""
    from slth.grids.store import RESULTS_NAME, read_progress

    rows: list[dict[str, Any]] = []
    for place in sorted(folder.rglob(RESULTS_NAME)):
        row: dict[str, Any] = {"run": str(place.parent.relative_to(folder) if folder == RUNS else place.parent)}
        try:
            run = read_progress(place)
        except ResultsError as problem:
            rows.append({**row, "problem": printable(problem)})
            continue
        experiment, done, failed = run.experiment, run.done, run.failed
        rows.append(
            {
                **row,
                "task": experiment.task,
                "cells": len(experiment.cells),
                "done": done,
                "failed": failed,
                "missing": experiment.size - done - failed,
                "seed": experiment.seed,
                "description": experiment.description,
            }
        )

    def see() -> list[RenderableType]:
        if not rows:
            return [f"no run below {folder}: `slth run SPEC.toml` makes one"]
        headings = ("run", "task", "cells", "done", "failed", "missing", "seed")
        lines = [[row.get(name) for name in headings] for row in rows if "problem" not in row]
        told = [f"{row['run']}: {row['problem']}" for row in rows if "problem" in row]
        return [*([table_of(lines, headings)] if lines else []), *told]

    return Outcome("results ls", common, {"runs": rows}, see)


def show(
    run: Run,
    /,
    *,
    columns: Annotated[str | None, Parameter(help="Columns to show, with commas; all that fit by default.")] = None,
    where: WHERE = (),
    sort: Annotated[str | None, Parameter(help="Column to sort by, -COLUMN from the largest.")] = None,
    limit: Annotated[int | None, Parameter(help="At most so many lines.")] = None,
    confidence: Annotated[float, Parameter(help="Of the intervals.")] = 0.95,
    common: Common = COMMON,
) -> Outcome:
    """Show a run by cell: rates with their intervals, medians and 10 % and 90 % quantiles; also while it goes on.

    What is the same in all lines is said once. A long table has a summary and its first lines, unless --limit is given.
    Nothing is written, but for the JSON that --out receives. Exit code 2 where RUN names no results file of slth, 1
    where that file is damaged.
    """
    from slth.grids.selection import check_column, rows_sorted, rows_where
    from slth.grids.summary import summarize
    from slth.grids.tables import columns_of

    if limit is not None and limit < 1:
        raise ArgumentError("limit", limit, "must be at least 1", "leave it out for all")
    table = read_run(run)
    every = summarize(table, confidence=confidence)
    known = columns_of(every)
    rows: Sequence[Mapping[str, Any]] = rows_where(every, where, known)
    if sort is not None:
        rows = rows_sorted(rows, sort, known)
    wanted = [check_column("columns", name.strip(), known) for name in columns.split(",")] if columns else known
    lines = [{name: row[name] for name in wanted if name in row} for row in rows[:limit]]
    counts = {"lines": len(lines), "of": len(every)}
    data: dict[str, Any] = {**about(table), "confidence": confidence, **counts, "table": lines}

    def see() -> list[RenderableType]:
        head = title_of(table.experiment)
        shown = _views(lines, wanted, head, all_columns=columns is not None, cut=limit is None)
        return [*shown, "", _state(table, counts)]

    return Outcome("results show", common, data, see)


def export(
    run: Run,
    /,
    *,
    to: Annotated[Format, Parameter(help="What is written.")],
    by_cell: Annotated[bool, Parameter(help="A line for each cell, in the place of one for each row.", **FLAG)] = False,
    common: Common = COMMON,
) -> Outcome:
    """Write the table of a run as a file for other programs or for a paper, into --out or the run's folder.

    Writes NAME.FORMAT, or NAME-by-cell.FORMAT; a file of that name is replaced. Says on stderr where the run is not
    finished. Exit codes as `slth results show`.
    """
    from slth.grids.export import ENDINGS, export_rows
    from slth.grids.summary import summarize
    from slth.grids.tables import columns_of

    table = read_run(run)
    rows = summarize(table) if by_cell else list(table.rows)
    columns = columns_of(rows) if by_cell else table.columns
    name = f"{table.experiment.name}{'-by-cell' if by_cell else ''}.{ENDINGS.get(to, to)}"
    folder = common.out or place_of(run).parent
    check_out(folder, [name])
    path = folder / name
    export_rows(path, rows, columns, to=to, title=table.experiment.description)
    if not table.complete:
        note(common, f"unfinished: {path.name} holds {table.done} of {table.experiment.size} items{_rest(table)}")
    data = {**about(table), "complete": table.complete, "format": to, "rows": len(rows), "file": path}

    def see() -> list[RenderableType]:
        return [str(path)]

    return Outcome("results export", common, data, see)


def place_of(run: str) -> Path:
    """The results file of the run that is meant: by a path, or a name below runs/."""
    from slth.grids.store import RESULTS_NAME, is_results_file

    places = [place for place in (Path(run), RUNS / run) if place.exists()]
    for place in places:
        file = place / RESULTS_NAME if place.is_dir() else place
        if is_results_file(file):
            return file
    rule = "is not a results file of slth, nor a folder with one" if places else "is no run"
    raise ArgumentError("run", run, rule, "name its folder, its results.sqlite, or its name below runs/")


def read_run(run: str) -> ResultTable:
    """The table of a run as it is now."""
    from slth.grids.results import read_results

    return read_results(place_of(run))[0]


def about(table: ResultTable) -> dict[str, Any]:
    """How far a run is."""
    return {
        "name": table.experiment.name,
        "cells": len(table.experiment.cells),
        "done": table.done,
        "failed": table.failed,
        "missing": table.missing,
        "seed": table.experiment.seed,
    }


def _state(table: ResultTable, counts: Mapping[str, int]) -> RenderableType:
    of = f"{counts['lines']} of {counts['of']}" if counts["lines"] < counts["of"] else str(counts["of"])
    known = about(table)
    return key_value_table({"lines": of, **{name: known[name] for name in ("done", "failed", "missing", "seed")}})


def _rest(table: ResultTable) -> str:
    """What keeps a run from being complete."""
    said = [f"{table.failed} failed"] * bool(table.failed) + [f"{table.missing} missing"] * bool(table.missing)
    return f" ({', '.join(said)}): run the same specification again to go on"


def _views(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str, *, all_columns: bool, cut: bool
) -> list[RenderableType]:
    """The table, as wide as the terminal, with what had to be left out named below it."""
    from slth.grids.selection import common_to_all, described

    shown: list[RenderableType] = [printable(title, most=LONGEST), ""]
    same = {} if all_columns else common_to_all(rows, columns)
    if same:
        shown += [key_value_table({name: _short(value) for name, value in same.items()}), ""]
    varying = [name for name in columns if name not in same]
    first = rows[:FIRST] if cut and len(rows) > MOST_SHOWN else rows
    if len(first) < len(rows):
        lines = [[_short(value) for value in line.values()] for line in described(rows, varying)]
        width = max(map(len, lines))
        headings = ("column", "lines", "different", "least", "median", "largest")[:width]
        shown += [table_of((line + [None] * (width - len(line)) for line in lines), headings), ""]
    fitting = varying if all_columns else _that_fit(first, varying)
    body = [[_short(row.get(name)) for name in fitting] for row in first]
    shown.append(table_of(body, fitting))
    if len(first) < len(rows):
        shown += ["", f"the first {len(first)} of {len(rows)} lines: --limit, --where, --sort choose others"]
    if hidden := [name for name in varying if name not in fitting]:
        shown += ["", f"not shown, for want of room: {', '.join(map(printable, hidden))}; --columns names any"]
    return shown


def _that_fit(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """As many columns as a line of the terminal has room for; ends of intervals and counts make way first."""

    def rank(name: str) -> int:
        return 2 * name.endswith(_ENDS) or name in _BESIDE

    left = shutil.get_terminal_size().columns
    kept: set[str] = set()
    for name in sorted(columns, key=rank):
        width = 2 + max(len(printable(name)), *(len(cell(_short(row.get(name)))) for row in rows), 0)
        if width <= left or not kept:
            left -= width
            kept.add(name)
    return [name for name in columns if name in kept]


def _short(value: Any) -> Any:
    from slth.grids.export import DIGITS

    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
