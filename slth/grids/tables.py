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
    """Whether a column holds times, which differ from run to run; all others depend on cell and seed alone.

    Parameters
    ----------
    column : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_timing("solve_seconds"), is_timing("error")
    (True, False)
    """
    return column.endswith("seconds")


def columns_of(rows: Sequence[Row], *, timing: Sequence[str] | None = None) -> list[str]:
    """Give the columns of some rows in the order in which they appear, those with times last.

    Parameters
    ----------
    rows : sequence of mappings
    timing : sequence of str, optional
        The columns with times, in their order; those that :func:`is_timing` knows by default.

    Returns
    -------
    list of str

    Examples
    --------
    >>> columns_of([{"n": 1, "seconds": 0.1}, {"n": 2, "error": 0.5}])
    ['n', 'error', 'seconds']
    """
    columns = dict.fromkeys(key for row in rows for key in row)
    last = [key for key in columns if is_timing(key)] if timing is None else [key for key in timing if key in columns]
    return [key for key in columns if key not in last] + last


def csv_text(rows: Sequence[Row], columns: Sequence[str]) -> str:
    r"""Write rows as CSV; what a row lacks is empty.

    Parameters
    ----------
    rows : sequence of mappings
    columns : sequence of str

    Returns
    -------
    str

    Examples
    --------
    >>> csv_text([{"n": 1, "error": 0.5}, {"n": 2}], ["n", "error"])
    'n,error\n1,0.5\n2,\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """Give a value as CSV holds it: nothing for None, JSON for lists.

    Parameters
    ----------
    value : object

    Returns
    -------
    object

    Examples
    --------
    >>> csv_cell([500, 10]), csv_cell(None), csv_cell(0.1)
    ('[500, 10]', '', 0.1)
    """
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        return dumps({"": value})[5:-1]
    return plain(value)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table as text.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of dict

    Raises
    ------
    slth.errors.ResultsError
        It has no header, or a line with more or fewer cells than the header: it was cut or edited.
    OSError
    """
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
    """Refuse successes without trials, and more successes than trials.

    Parameters
    ----------
    row : mapping

    Raises
    ------
    ValueError
        It has one of ``successes`` and ``trials`` alone, or they are not whole numbers with
        0 <= successes <= trials.

    Examples
    --------
    >>> check_counts({"successes": 3, "trials": 2})
    Traceback (most recent call last):
        ...
    ValueError: 3 successes in 2 trials
    """
    if ("successes" in row) != ("trials" in row):
        raise ValueError("successes or trials without the other")
    successes, trials = row.get("successes", 0), row.get("trials", 0)
    whole = all(isinstance(count, int | float) and float(count).is_integer() for count in (successes, trials))
    if not whole or not 0 <= successes <= trials:
        raise ValueError(f"{successes!r} successes in {trials!r} trials")


def write_csv(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write rows as :func:`csv_text`, the file whole or not at all.

    Parameters
    ----------
    path : Path
    rows : sequence of mappings
    columns : sequence of str

    Raises
    ------
    OSError
    """
    write_text(path, csv_text(rows, columns))
