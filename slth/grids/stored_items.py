"""What the rows of a results file hold, and what is refused of a file that somebody, or a disk, has changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slth.errors import ArgumentError, printable
from slth.grids.spec import Experiment, canonical, from_document
from slth.grids.tables import check_counts
from slth.grids.work import Finished

_HALF_A_PAIR = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def as_record(of: Experiment, finished: Finished) -> Sequence[Any]:
    """Give an item as the columns cell, replicate, rows, reason, seconds and checksum."""
    rows = None if finished.rows is None else json.dumps(finished.rows, separators=(",", ":"))
    columns = (*finished.key, rows, finished.reason, float(finished.seconds))
    return (*columns, checksum(of, columns))


def from_record(of: Experiment, record: Sequence[Any]) -> Finished:
    """Rebuild an item from its columns, of which each has to be the one that was written for this task and seed."""
    *columns, stored = record
    cell, replicate, rows, reason, seconds = columns
    what = f"replicate {printable(replicate)} of the cell {printable(cell)}"
    if stored != checksum(of, columns):
        raise ValueError(f"{what} is damaged, its checksum is another")
    try:
        known = load_json(cell)
        found = [] if rows is None else load_json(rows)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{what} holds no JSON ({problem})") from problem
    if not isinstance(known, dict) or canonical(known) != cell:
        raise ValueError(f"{what} is not what slth writes")
    if not (isinstance(found, list) and all(isinstance(row, dict) for row in found)):
        raise ValueError(f"{what} holds no list of rows")
    for row in found:
        _check_row(what, row)
    return Finished((cell, replicate), None if rows is None else tuple(found), reason, seconds)


def checksum(of: Experiment, columns: Sequence[Any]) -> str:
    """sha256 of an item's columns, and of the task and the seed, so that no other run's row is taken for it."""
    return hashlib.sha256(repr((of.task, of.seed, *columns)).encode("utf-8", "backslashreplace")).hexdigest()


def load_json(text: str) -> Any:
    """Read JSON that may have come from anywhere: nested too deeply, or with halves of characters, it is refused."""
    try:
        found = json.loads(text)
    except RecursionError as problem:
        raise ValueError("it is nested too deeply") from problem
    if _HALF_A_PAIR.search(text):
        json.dumps(found, ensure_ascii=False).encode()
    return found


def about_record(experiment: Experiment, version: str, writer: str) -> Mapping[str, str]:
    """Give what a results file says of itself."""
    about = {"experiment": canonical(experiment.document()), "slth": version, "writer": writer}
    return {**about, "checksum": _about_checksum(about)}


def experiment_of(about: Mapping[str, Any]) -> Experiment:
    """Rebuild the experiment that a results file says it belongs to."""
    for key in ("experiment", "slth", "writer"):
        if not isinstance(about.get(key), str):
            raise ValueError(f"it does not say its {key}")
    if about.get("checksum") != _about_checksum(about):
        raise ValueError("what it says of its experiment is damaged, the checksum is another")
    try:
        experiment = from_document(load_json(about["experiment"]))
        texts = (experiment.name, experiment.description, experiment.task)
        columns, counts = experiment.columns, (experiment.replicates, experiment.seed)
    except (ArgumentError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        raise ValueError(f"its experiment cannot be read ({printable(problem)})") from problem
    if not all(isinstance(text, str) for text in (*texts, *columns)) or not all(
        isinstance(count, int) for count in counts
    ):
        raise ValueError("its experiment cannot be read (a name or a number is of another type)")
    return experiment


def _about_checksum(about: Mapping[str, str]) -> str:
    return hashlib.sha256(repr([about[key] for key in ("experiment", "slth", "writer")]).encode()).hexdigest()


def _check_row(what: str, row: Mapping[str, Any]) -> None:
    """Refuse what no study may return."""
    for column, value in row.items():
        if value is not None and not isinstance(value, int | float | str):
            raise ValueError(f"{what} holds a {type(value).__name__} as {printable(column)}")
    try:
        check_counts(row)
    except ValueError as problem:
        raise ValueError(f"{what} holds {printable(problem)}") from problem
