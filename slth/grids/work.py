"""The smallest piece of an experiment: one replicate of one cell, computed by a study, anywhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from slth.errors import printable
from slth.extensions import imported
from slth.grids.context import Context
from slth.grids.spec import Cell, canonical
from slth.grids.tables import check_counts

Key = tuple[str, int]
"""A cell's canonical JSON and a replicate: what an item is known by."""


@dataclass(frozen=True)
class Item:
    """What a worker receives."""

    task: str
    target: str
    cell: Cell
    replicate: int
    seed: int
    context: Context
    torch: bool = True

    @property
    def key(self) -> Key:
        """What the item is known by."""
        return canonical(self.cell), self.replicate


@dataclass(frozen=True)
class Finished:
    """What a worker hands back."""

    key: Key
    rows: tuple[dict[str, Any], ...] | None
    reason: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether there are no rows."""
        return self.rows is None


def work(item: Item) -> Finished:
    """Compute one item; whatever the study raises becomes a reason."""
    begin = time.perf_counter()
    try:
        study = imported(item.target, argument="task", name=item.task, folder=item.context.code)
        with pinned_threads(item.context.threads):
            found = study(item.cell, seed=item.seed, context=item.context)
            rows = tuple(_checked(row, item.cell) for row in _rows(found))
    except Exception as problem:  # one item may fail in any way; the run says so and goes on
        return failure(item, problem, seconds=time.perf_counter() - begin)
    return Finished(item.key, rows, seconds=time.perf_counter() - begin)


def work_pinned(item: Item) -> Finished:
    """Compute one item in a process whose environment does not pin torch's threads: load it where it is needed."""
    if item.torch:
        import_module("slth.networks.threads")  # studies load torch when they need it: too late to be pinned
    return work(item)


def failure(item: Item, problem: BaseException, *, seconds: float = 0.0) -> Finished:
    """Give the record of an item that failed."""
    return Finished(item.key, None, printable(f"{type(problem).__name__}: {problem}", most=1000), seconds)


@contextmanager
def pinned_threads(threads: int) -> Iterator[None]:
    """Let BLAS, OpenMP and torch use so many threads inside: other numbers of threads round otherwise."""
    with ExitStack() as stack:
        stack.enter_context(_controller(len(sys.modules)).limit(limits=threads))
        if "torch" in sys.modules:  # whoever has not loaded it does not pay for it
            from slth.networks.threads import torch_threads

            stack.enter_context(torch_threads(threads))
        yield


@cache
def _controller(modules: int) -> ThreadpoolController:
    """Look for thread pools again when modules have been loaded: looking takes milliseconds."""
    del modules
    return ThreadpoolController()


def _rows(found: Any) -> Iterable[Mapping[str, Any]]:
    """What a study returned, if it is rows."""
    if not isinstance(found, Iterable) or isinstance(found, Mapping | str | bytes):
        raise TypeError(f"the study returned a {type(found).__name__}: return a list of rows, each a dictionary")
    return found


def _checked(row: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """A row of plain values, none of which takes the place of an entry of the cell."""
    plain: dict[str, Any] = {}
    if not isinstance(row, Mapping):
        raise TypeError(f"the study returned a row that is a {type(row).__name__}: make each row a dictionary")
    for column, value in row.items():
        if not isinstance(column, str) or column == "replicate":
            raise TypeError(f"a study cannot return a column {column!r}")
        if column in cell:
            raise ValueError(f"the study returned a column {column!r}, which is an entry of the cell: rename it")
        plain[column] = _plain(column, value)
    try:
        check_counts(plain)
    except ValueError as problem:
        raise ValueError(f"the study returned {problem}") from problem
    return plain


def _plain(column: str, value: Any) -> float | int | str | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        value.encode()  # halves of characters can neither be written nor read
    if value is None or isinstance(value, int | float | str):
        return value
    raise TypeError(f"the study returned a {type(value).__name__} as {column}: give numbers, texts or None")
