"""What the rows of a results file hold, and what is refused of a file that somebody has edited."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slth.errors import ArgumentError
from slth.grids.spec import Experiment, from_document
from slth.grids.tables import check_counts
from slth.grids.work import Finished


def as_record(finished: Finished) -> Sequence[Any]:
    """Give an item as the columns cell, replicate, rows, reason and seconds."""
    rows = None if finished.rows is None else json.dumps(finished.rows, separators=(",", ":"))
    return (*finished.key, rows, finished.reason, finished.seconds)


def from_record(cell: Any, replicate: Any, rows: Any, reason: Any, seconds: Any) -> Finished:
    """Rebuild an item from its columns."""
    what = f"replicate {replicate} of the cell {cell}"
    if not (isinstance(cell, str) and isinstance(replicate, int) and isinstance(reason, str)):
        raise ValueError(f"{what} is not what slth writes")
    if not isinstance(seconds, int | float):
        raise ValueError(f"{what} took {seconds!r} seconds")
    if rows is None:
        return Finished((cell, replicate), None, reason, seconds)
    try:
        found = json.loads(rows)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{what} holds rows that are no JSON") from problem
    if not isinstance(found, list):
        raise ValueError(f"{what} holds no list of rows")
    for row in found:
        if not isinstance(row, dict):
            raise ValueError(f"{what} holds a row that is no set of columns")
        _check_row(what, row)
    return Finished((cell, replicate), tuple(found), reason, seconds)


def experiment_of(about: Mapping[str, Any]) -> Experiment:
    """Rebuild the experiment that a results file says it belongs to."""
    for key in ("experiment", "slth"):
        if not isinstance(about.get(key), str):
            raise ValueError(f"it does not say its {key}")
    try:
        experiment = from_document(json.loads(about["experiment"]))
        texts = (experiment.name, experiment.description, experiment.task)
        columns, counts = experiment.columns, (experiment.replicates, experiment.seed)
    except (ArgumentError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        raise ValueError(f"its experiment cannot be read ({' '.join(str(problem).split())})") from problem
    if not all(isinstance(text, str) for text in (*texts, *columns)) or not all(
        isinstance(count, int) for count in counts
    ):
        raise ValueError("its experiment cannot be read (a name or a number is of another type)")
    return experiment


def _check_row(what: str, row: Mapping[str, Any]) -> None:
    """Refuse what no study may return."""
    for column, value in row.items():
        if value is not None and not isinstance(value, int | float | str):
            raise ValueError(f"{what} holds a {type(value).__name__} as {column}")
    try:
        check_counts(row)
    except ValueError as problem:
        raise ValueError(f"{what} holds {problem}") from problem
