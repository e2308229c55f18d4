"""What an experiment is: a task, a grid, replicates and a seed, read from TOML and named by the hash of its meaning."""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError
from slth.grids.cells import Cell as Cell
from slth.grids.cells import Cells, Grid
from slth.grids.cells import canonical as canonical
from slth.grids.keys import Key, Study, check_cells
from slth.grids.tables import is_timing
from slth.grids.toml_files import Wrong, check_registered, read_toml, with_full, wrong_file

KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "task": str,
    "seed": int,
    "replicates": int,
    "grid": (dict, list),
    "fixed": dict,
    "full": dict,
}
"""Keys of a specification."""

RESERVED = ("replicate", "successes", "trials")
"""Columns of the table that a cell cannot have."""

MOST_ITEMS = 10**7
"""Replicates of cells in one run: some hours of nothing but book-keeping."""

LONGEST_NAME = 200
"""Bytes of a name, which names a folder."""

SEEDS = 2**64
_MEANING = 1  # raised when the same specification comes to mean something else


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A grid of cells, each computed ``replicates`` times by one task.

    Parameters
    ----------
    name, description, task : str
        The task is a key of the registry of studies, such as ``slth.studies.STUDIES``.
    seed : int
        From 0 to 2^64 - 1.
    replicates : int
        At least 1.
    grids : tuple of mappings
        Column to the list of its values. The cells are the union of the grids' products.
    fixed : mapping
        Handed to the task with every cell; no column of the table.

    Raises
    ------
    slth.errors.ArgumentError
        A number is out of range, a grid is impossible, two cells are the same, or there are more than
        :data:`MOST_ITEMS` items.

    Examples
    --------
    >>> experiment = Experiment(name="a", task="best-error", replicates=2, grids=({"n": [5, 6]},))
    >>> list(experiment.cells)
    [{'n': 5}, {'n': 6}]
    >>> len(list(experiment.items()))
    4
    """

    name: str
    task: str
    description: str = ""
    seed: int = 0
    replicates: int = 1
    grids: tuple[Grid, ...] = ({},)
    fixed: Cell = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Check the numbers and the cells."""
        object.__setattr__(self, "fixed", dict(self.fixed))
        if not 0 <= self.seed < SEEDS:
            raise ArgumentError("seed", self.seed, "must be from 0 to 2^64 - 1", "choose another seed")
        if self.replicates < 1:
            raise ArgumentError("replicates", self.replicates, "must be at least 1", "compute each cell at least once")
        if self.size > MOST_ITEMS:
            rule = f"is more cells times replicates than one run takes, {MOST_ITEMS:,}"
            raise ArgumentError("items", self.size, rule, "take fewer values or replicates, or write several files")
        if (cell := self.cells.repeated()) is not None:
            raise ArgumentError("grid", cell, "is a cell that comes twice", "remove one of the two")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of the grid, in order."""
        return tuple(dict.fromkeys(key for grid in self.grids for key in grid))

    @cached_property
    def cells(self) -> Cells:
        """Every choice of one value from each list of a grid, the last list fastest, with what is fixed."""
        return Cells(self.grids, self.fixed)

    @property
    def size(self) -> int:
        """How many items there are."""
        return self.cells.number * self.replicates

    def holds(self, cell: Cell, replicate: int) -> bool:
        """Whether an item is one of this experiment's.

        Parameters
        ----------
        cell : mapping
        replicate : int

        Returns
        -------
        bool
        """
        return 0 <= replicate < self.replicates and cell in self.cells

    def items(self) -> Iterator[tuple[Cell, int]]:
        """Give cells and replicates: first one replicate of every cell, then the next, so that a part is fair to all.

        Yields
        ------
        tuple
            The cell and the replicate.
        """
        for replicate in range(self.replicates):
            for cell in self.cells:
                yield cell, replicate

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON of what the results depend on.

        That is a mapping with the task, the seed, the replicates, the columns and the list of cells: not the name, not
        the description, not how the grid is written.
        """
        rest = {
            "meaning": _MEANING,
            "task": self.task,
            "seed": self.seed,
            "replicates": self.replicates,
            "columns": list(self.columns),
        }
        content = hashlib.sha256(b'{"cells":[')  # the first of the keys; the list is never held as a whole
        for number, cell in enumerate(self.cells):
            content.update(f"{',' if number else ''}{canonical(cell)}".encode())
        content.update(f"],{canonical(rest)[1:]}".encode())
        return content.hexdigest()

    def document(self) -> dict[str, Any]:
        """Give the experiment as what JSON has; :func:`from_document` reads it."""
        return {
            "name": self.name,
            "description": self.description,
            "task": self.task,
            "seed": self.seed,
            "replicates": self.replicates,
            "grid": [dict(grid) for grid in self.grids],
            "fixed": dict(self.fixed),
        }


def from_document(document: Mapping[str, Any]) -> Experiment:
    """Rebuild an experiment from :meth:`Experiment.document`.

    Parameters
    ----------
    document : mapping

    Returns
    -------
    Experiment
    """
    rest = {key: value for key, value in document.items() if key != "grid"}
    return Experiment(**rest, grids=tuple(document["grid"]))


def read_experiment(
    path: Path, studies: Mapping[str, Study], *, full: bool = False, seed: int | None = None
) -> Experiment:
    """Read and check a specification.

    Parameters
    ----------
    path : Path
        A TOML file with ``task`` and perhaps ``name``, ``description``, ``seed``, ``replicates``, ``[grid]`` or several
        ``[[grid]]``, ``[fixed]`` and ``[full]``.
    studies : mapping
        What a task can be: its name to its function and the keys that it reads.
    full : bool
        Whether ``[full]`` replaces replicates, grid and fixed.
    seed : int, optional
        Instead of the file's.

    Returns
    -------
    Experiment
        Named after its file, or its folder where the file is ``spec.toml``, unless it names itself.

    Raises
    ------
    slth.errors.ArgumentError
        The file is not TOML; a key or the task is unknown; the grid is impossible.
    """
    wrong = wrong_file("spec", path)
    document, _ = read_toml("spec", path, KEYS)
    task = check_registered(wrong, document, studies)
    default = path.resolve().parent.name if path.name == "spec.toml" else path.stem
    name = document.get("name", default)
    _check_name(wrong, name)
    head = {"name": name, "task": task, "seed": document.get("seed", 0) if seed is None else seed}
    keys = studies[task].keys
    small = _experiment(wrong, with_full(wrong, document, KEYS, full=False), head, keys)
    if "full" not in document:
        return small

    def wrong_in_full(rule: str, remedy: str) -> ArgumentError:
        return wrong(f"{rule} (as [full] has it)", remedy)

    # Also where it is not asked for: a mistake in it is better found now.
    larger = _experiment(wrong_in_full, with_full(wrong, document, KEYS, full=True), head, keys)
    return larger if full else small


def item_seed(seed: int, cell: Cell, replicate: int) -> int:
    """Give the seed of one replicate of one cell, from 0 to 2^64 - 1.

    It depends on nothing else, and not on the place of the cell in the grid: a grid may grow and keep what is computed.

    Parameters
    ----------
    seed : int
        The experiment's.
    cell : mapping
    replicate : int

    Returns
    -------
    int
        The first 8 bytes, little-endian, of the sha256 of the canonical JSON of the three.

    Examples
    --------
    >>> item_seed(0, {"n": 5, "law": "uniform"}, 0) == item_seed(0, {"law": "uniform", "n": 5}, 0)
    True
    """
    digest = hashlib.sha256(canonical([seed, cell, replicate]).encode()).digest()
    return int.from_bytes(digest[:8], "little")


def _experiment(
    wrong: Wrong, document: Mapping[str, Any], head: Mapping[str, Any], keys: Mapping[str, Key]
) -> Experiment:
    """Check what a specification says about cells, and make an experiment of it."""
    fixed = document.get("fixed", {})
    for key, value in fixed.items():
        _check_column(wrong, f"fixed value {key!r}", key, value)
    grids = _grids(wrong, document.get("grid", {}), fixed)
    try:
        experiment = Experiment(
            **head,
            description=document.get("description", ""),
            replicates=document.get("replicates", 1),
            grids=grids,
            fixed=fixed,
        )
    except ArgumentError as problem:
        raise wrong(f"has {problem.argument} = {problem.value!r}, which {problem.rule}", problem.remedy) from problem
    for grid in grids:
        check_cells(wrong, experiment.task, keys, grid, fixed)
    return experiment


def _check_name(wrong: Wrong, name: str) -> None:
    """A name becomes a folder's."""
    if not name or name in {".", ".."} or "/" in name or "\\" in name or not name.isprintable():
        raise wrong(f"has the name {name!r:.80}", "give a name that can be a folder's")
    if len(name.encode()) > LONGEST_NAME:
        raise wrong(f"has a name of {len(name.encode())} bytes", f"give one of at most {LONGEST_NAME}")


def _grids(wrong: Wrong, grid: Any, fixed: Cell) -> tuple[Grid, ...]:
    """One table, or a list of tables, each a column to its values."""
    tables = [grid] if isinstance(grid, dict) else grid
    if not tables:
        raise wrong("has an empty list of grids", "write [grid], or [[grid]] for several")
    for table in tables:
        if not isinstance(table, dict):
            raise wrong(f"has a {type(table).__name__} in its list of grids", "write [[grid]] tables")
        for key, values in table.items():
            if key in fixed:
                raise wrong(f"has {key!r} both in its grid and in [fixed]", "remove one of the two")
            if not isinstance(values, list) or not values:
                raise wrong(f"has a grid entry {key!r} that is not a list with something in it", "write [value, ...]")
            for value in values:
                _check_column(wrong, f"grid entry {key!r}", key, value)
    return tuple(tables)


def _check_column(wrong: Wrong, what: str, key: str, value: Any) -> None:
    if key in RESERVED:
        raise wrong(f"has a {what}, a column that every table has", "name it otherwise")
    if is_timing(key):
        raise wrong(f"has a {what}, and columns that end in seconds hold measured times", "name it otherwise")
    _check_value(wrong, what, value)


def _check_value(wrong: Wrong, what: str, value: Any) -> None:
    """Texts, truth values, finite numbers, and lists of these: what has one JSON form."""
    if isinstance(value, list):
        for part in value:
            _check_value(wrong, what, part)
    elif isinstance(value, dict | datetime.date | datetime.time):
        raise wrong(
            f"has a {type(value).__name__} in the {what}", "write numbers, texts, truth values or lists of them"
        )
    elif isinstance(value, float) and not math.isfinite(value):
        raise wrong(f"has {value} in the {what}", "write finite numbers")
