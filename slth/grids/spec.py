"""What an experiment is: a task, a grid, replicates and a seed, read from TOML and named by the hash of its meaning."""

from __future__ import annotations

import hashlib
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
from slth.grids.toml_files import TomlFile, read_toml

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

MOST_ITEMS = 10**7
"""Replicates of cells in one run: some hours of nothing but book-keeping."""

LONGEST_NAME = 200
"""Bytes of a name, which names a folder."""

SEEDS = 2**64
_MEANING = 1  # raised when the same specification comes to mean something else


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A grid of cells, each computed ``replicates`` times by one task."""

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
        """Whether an item is one of this experiment's."""
        return 0 <= replicate < self.replicates and cell in self.cells

    def items(self) -> Iterator[tuple[Cell, int]]:
        """Give cells and replicates, one replicate of every cell after the other, so that a part is fair to all."""
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
    """Rebuild an experiment from :meth:`Experiment.document`."""
    rest = {key: value for key, value in document.items() if key != "grid"}
    return Experiment(**rest, grids=tuple(document["grid"]))


def read_experiment(
    path: Path, studies: Mapping[str, Study], *, full: bool = False, seed: int | None = None
) -> Experiment:
    """Read and check a specification."""
    file = read_toml("spec", path, KEYS)
    task = file.task(studies)
    default = path.resolve().parent.name if path.name == "spec.toml" else path.stem
    name = file.document.get("name", default)
    _check_name(file, name)
    head = {"name": name, "task": task, "seed": file.document.get("seed", 0) if seed is None else seed}
    keys = studies[task].keys
    small = _experiment(file.part(full=False), head, keys)
    if "full" not in file.document:
        return small
    larger = _experiment(file.part(full=True), head, keys)  # a mistake in it is better found now, asked for or not
    return larger if full else small


def item_seed(seed: int, cell: Cell, replicate: int) -> int:
    """Give the seed of one replicate of one cell, from 0 to 2^64 - 1.

    It depends on nothing else, and not on the place of the cell in the grid: a grid may grow and keep what is computed.
    """
    digest = hashlib.sha256(canonical([seed, cell, replicate]).encode()).digest()
    return int.from_bytes(digest[:8], "little")


def _experiment(file: TomlFile, head: Mapping[str, Any], keys: Mapping[str, Key]) -> Experiment:
    """Check what a specification says about cells, and make an experiment of it."""
    fixed = file.document.get("fixed", {})
    grids = _grids(file, file.document.get("grid", {}), fixed)
    for grid in grids:
        check_cells(file, head["task"], keys, grid, fixed)
    try:
        return Experiment(
            **head,
            description=file.document.get("description", ""),
            replicates=file.document.get("replicates", 1),
            grids=grids,
            fixed=fixed,
        )
    except ArgumentError as problem:
        rule = f"has {problem.argument} = {problem.value!r}, which {problem.rule}"
        raise file.wrong(rule, problem.remedy) from problem


def _check_name(file: TomlFile, name: str) -> None:
    """A name becomes a folder's."""
    if not name or name in {".", ".."} or "/" in name or "\\" in name or not name.isprintable():
        raise file.wrong(f"has the name {name!r:.80}", "give a name that can be a folder's")
    if len(name.encode()) > LONGEST_NAME:
        raise file.wrong(f"has a name of {len(name.encode())} bytes", f"give one of at most {LONGEST_NAME}")


def _grids(file: TomlFile, grid: Any, fixed: Cell) -> tuple[Grid, ...]:
    """One table, or a list of tables, each a column to its values."""
    tables = [grid] if isinstance(grid, dict) else grid
    if not tables:
        raise file.wrong("has an empty list of grids", "write [grid], or [[grid]] for several")
    for table in tables:
        if not isinstance(table, dict):
            raise file.wrong(f"has a {type(table).__name__} in its list of grids", "write [[grid]] tables")
        for key in file.lists(table):
            if key in fixed:
                raise file.wrong(f"has {key!r} both in its grid and in [fixed]", "remove one of the two")
    return tuple(tables)
