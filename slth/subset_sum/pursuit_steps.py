"""What a pursuit asks to be computed, so that the same pursuit runs on processors and on accelerators.

A pursuit is a generator: it yields a :class:`Descent` or :class:`Walks` and is sent the answer. :func:`drive` answers
at once with the compiled kernels; an accelerator gathers what many pursuits ask at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from slth.arrays import Bools, Floats, Singles, frozen
from slth.kernels.pursuit import EXPONENTIALS, Candidates, Schedule, anneal, descend, exponentials, gram
from slth.resources import worker_pool

Norm: TypeAlias = Literal["l2", "max"]

SWEEPS = 25  # over the window at each temperature
REACH = 12.0  # what a flip may cost, in temperatures, for the candidates up to it to be tried: e^-12 is never
HOTTEST, COLDEST = 100.0, 0.3  # |x|^2 in temperatures: above hardly anything moves, below it moves to no effect


@dataclass(frozen=True, eq=False)
class Descent:
    """The best flips of some candidates, one after the other, for as long as they bring the residual down.

    Shapes: rows float64[m, D]; chosen bool[m]; residual float64[D].
    """

    rows: Floats
    chosen: Bools
    residual: Floats
    count: int
    least: int
    most: int
    limit: int


@dataclass(frozen=True, eq=False)
class Descended:
    """The subset bool[m] after a descent, its residual float64[D], the count, and the flips made."""

    chosen: Bools
    residual: Floats
    count: int
    flips: int


@dataclass(frozen=True, eq=False)
class Window:
    """What all walks share: candidates by increasing length, on a scale on which all numbers are below 1."""

    rows: Floats  # [M, D]
    residual: Floats  # [D]: the target of this window
    price: float  # of one candidate too many or too few, in temperatures; 0 where any number may be chosen
    norm: Norm  # in which walks are compared

    @cached_property
    def columns(self) -> Floats:
        """float64[D, M]."""
        return np.ascontiguousarray(self.rows.T)

    @cached_property
    def squares(self) -> Singles:
        """|x|^2 as float32[M], not falling."""
        squares = np.zeros(len(self.rows), np.float32)
        for column in self.columns.astype(np.float32):
            squares += column * column  # in the order of the Gram matrix, whose diagonal this is
        return np.maximum.accumulate(squares)  # rounding may have put neighbours out of order

    @cached_property
    def pairs(self) -> Singles:
        """The Gram matrix float32[M, M]."""
        pairs = np.empty((len(self.rows), len(self.rows)), np.float32)
        gram(self.columns.astype(np.float32), pairs)
        return pairs

    def error(self, chosen: Bools, norm: Norm) -> float:
        """The norm of what a subset leaves."""
        return distance(self.residual - self.rows[chosen].sum(axis=0), norm)


@dataclass(frozen=True, eq=False)
class Walks:
    """Annealing walks over one window; each differs by its number alone.

    Shapes: start bool[M]; temperatures float64[L].
    """

    window: Window
    places: range
    start: Bools
    temperatures: Floats
    tolerance: float


@dataclass(frozen=True)
class Annealed:
    """A subset of a window: bool[M], the norm of what it leaves of the residual, and the flips made."""

    chosen: Bools
    error: float
    flips: int


Request: TypeAlias = Descent | Walks
Answer: TypeAlias = Descended | list[Annealed]
_T = TypeVar("_T")
Steps: TypeAlias = Generator[Request, Answer, _T]
"""A pursuit that ends with a _T."""

Serve: TypeAlias = Callable[[Sequence[Request]], Sequence[Answer]]
"""Who answers many at the same time, in their order."""


def distance(residual: Floats, norm: Norm) -> float:
    """The norm of a residual, float64[D]."""
    if norm == "max":
        return float(np.max(np.abs(residual), initial=0.0))
    return math.sqrt(math.fsum((residual * residual).tolist()))


def drive(steps: Steps[_T], *, threads: int = 1) -> _T:
    """Run a pursuit to its end with the compiled kernels."""
    try:
        request = next(steps)
        while True:
            request = steps.send(answer(request, threads))
    except StopIteration as end:
        value: _T = end.value
        return value


def drive_together(
    many: Sequence[Steps[_T]],
    serve: Serve,
    *,
    threads: int = 1,
    finished: Callable[[int], None] | None = None,
) -> list[_T]:
    """Run pursuits to their ends in step: what all of them ask is served at the same time."""
    results: dict[int, _T] = {}

    def advance(number: int, answered: Answer | None) -> Request | None:
        try:
            return next(many[number]) if answered is None else many[number].send(answered)
        except StopIteration as end:
            results[number] = end.value
            return None

    with worker_pool(threads) as pool:
        waiting = dict(zip(range(len(many)), pool.map(advance, range(len(many)), [None] * len(many)), strict=True))
        while True:
            waiting = {number: request for number, request in waiting.items() if request is not None}
            if finished:
                finished(len(results))
            if not waiting:
                return [results[number] for number in range(len(many))]
            answers = serve([request for request in waiting.values() if request is not None])
            waiting = dict(zip(waiting, pool.map(advance, waiting, answers), strict=True))


def answer(request: Request, threads: int) -> Answer:
    """Answer one request with the compiled kernels."""
    if isinstance(request, Descent):
        return _descended(request)
    walks = request
    _ = walks.window.pairs, walks.window.squares  # before threads ask for them
    if threads == 1 or len(walks.places) == 1:
        return _until(walks, map(partial(_walk, walks), walks.places))
    with worker_pool(threads) as pool:
        return _until(walks, pool.map(partial(_walk, walks), walks.places))


def _until(walks: Walks, found: Iterator[Annealed]) -> list[Annealed]:
    """What was found up to the first that is near enough."""
    kept = []
    for walked in found:
        kept.append(walked)
        if walked.error <= walks.tolerance:
            break
    return kept


def _descended(asked: Descent) -> Descended:
    rows, chosen, residual = asked.rows, asked.chosen.copy(), asked.residual.copy()
    squares = np.einsum("ij,ij->i", rows, rows)
    columns = np.ascontiguousarray(rows.T)
    flips, count = descend(rows, columns, squares, chosen, residual, asked.count, asked.least, asked.most, asked.limit)
    return Descended(chosen, residual, int(count), int(flips))


def _walk(walks: Walks, place: int) -> Annealed:
    window, chosen = walks.window, walks.start.copy()
    candidates = Candidates(window.rows, window.columns, window.pairs, window.squares, window.residual)
    schedule = Schedule(walks.temperatures, SWEEPS, HOTTEST, REACH, COLDEST, window.price)
    flips = anneal(candidates, schedule, np.uint64(place), _table(), chosen)
    return Annealed(chosen, window.error(chosen, window.norm), int(flips))


@cache
def _table() -> Singles:
    table = np.empty(EXPONENTIALS, np.float32)
    exponentials(table)
    return frozen(table)
