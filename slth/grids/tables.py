"""Tables of results as text: the order of their columns and how a value is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slth.errors import ResultsError
from slth.files import dumps, plain, write_text

Row = Mapping[str, Any]

_ANEW = "it was cut or edited, compute it again"


def is_timing(column: str) -> bool:
    """Whether a column holds times, which differ from run to run; all others depend on cell and seed alone."""
    return column.endswith("seconds")


def columns_of(rows: Sequence[Row], *, timing: Sequence[str] | None = None) -> list[str]:
    """Give the columns of some rows in the order in which they appear, those with times last."""
    columns = dict.fromkeys(key for row in rows for key in row)
    last = [key for key in columns if is_timing(key)] if timing is None else [key for key in timing if key in columns]
    return [key for key in columns if key not in last] + last


def csv_text(rows: Sequence[Row], columns: Sequence[str]) -> str:
    r"""Write rows as CSV; what a row lacks is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """Give a value as CSV holds it: nothing for None, JSON for lists."""
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        return dumps({"": value})[5:-1]
    return plain(value)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table as text."""
    rows: list[dict[str, str]] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file, strict=True)
            columns = next(reader, [])
            if not columns:
                raise ResultsError(f"{path} has no header: {_ANEW}")
            for cells in reader:
                if len(cells) != len(columns):
                    ragged = f"has {len(cells)} cells in line {reader.line_num} and {len(columns)} in its header"
                    raise ResultsError(f"{path} {ragged}: {_ANEW}")
                rows.append(dict(zip(columns, cells, strict=True)))
    except (csv.Error, UnicodeDecodeError) as problem:
        raise ResultsError(f"{path} is no table ({problem}): {_ANEW}") from problem
    return rows


def check_counts(row: Row) -> None:
    """Refuse successes without trials, and more successes than trials."""
    if ("successes" in row) != ("trials" in row):
        raise ValueError("successes or trials without the other")
    successes, trials = row.get("successes", 0), row.get("trials", 0)
    whole = all(isinstance(count, int | float) and float(count).is_integer() for count in (successes, trials))
    if not whole or not 0 <= successes <= trials:
        raise ValueError(f"{successes!r} successes in {trials!r} trials")


def write_csv(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write rows as :func:`csv_text`, the file whole or not at all."""
    write_text(path, csv_text(rows, columns))
