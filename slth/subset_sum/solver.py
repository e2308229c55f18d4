"""What a solver is: a frozen value with traits, asked for rows of instances."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from slth.arrays import Bools, Floats, Indices
from slth.resources import Progress
from slth.subset_sum.dyadic import Outcome
from slth.subset_sum.status import Status


class Traits(enum.Flag):
    """What a solver can do; the lists of solvers that tests and the automatic choice use are computed from it."""

    NONE = 0
    EXACT = enum.auto()
    FIXED_SIZE = enum.auto()
    EARLY_STOP = enum.auto()
    BATCHED = enum.auto()
    VECTOR = enum.auto()


@dataclass(frozen=True)
class Task:
    """Rows to solve: values float64[B, n], or float64[1, n] shared by all targets float64[B].

    Solvers of vectors also take values float64[B or 1, n, d] with targets float64[B, d]; the norm is how they measure.
    """

    values: Floats
    targets: Floats
    tolerance: float = 0.0
    size: int | None = None
    threads: int = 1
    progress: Progress | None = None
    norm: str = "max"

    @property
    def d(self) -> int:
        """Coordinates of each value; 1 for numbers."""
        return int(self.values.shape[2]) if self.values.ndim == 3 else 1

    @property
    def n(self) -> int:
        """Values in each instance."""
        return int(self.values.shape[1])

    @property
    def shared(self) -> bool:
        """Whether all targets share one list of values."""
        return self.values.shape[0] == 1 and len(self.targets) > 1

    def row(self, index: int) -> Floats:
        """The values of one instance."""
        row: Floats = self.values[0 if self.values.shape[0] == 1 else index]
        return row

    def rows(self, indices: Indices, leading: int | None = None) -> Floats:
        """The values of some instances, contiguous, at most `leading` of each."""
        chosen = self.values if self.values.shape[0] == 1 else self.values[indices]
        return np.ascontiguousarray(chosen[:, :leading])


@dataclass
class Rows:
    """Answers being filled in, one row an instance."""

    subsets: Bools
    lower_bounds: Floats
    status: npt.NDArray[np.uint8]
    work: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def empty(cls, count: int, n: int) -> Rows:
        """No values chosen, nothing proved."""
        return cls(np.zeros((count, n), np.bool_), np.zeros(count), np.full(count, int(Status.HEURISTIC), np.uint8))

    def claim(self, status: Status) -> Bools:
        """Which rows claim so much; numbers are compared, for numpy takes long over a member of an enumeration."""
        claimed: Bools = self.status == int(status)
        return claimed

    def filled(self, places: Indices, rows: Rows) -> Rows:
        """These answers, with others in some places, and with the others' record of work."""
        for name in ("subsets", "lower_bounds", "status"):
            getattr(self, name)[places] = getattr(rows, name)
        return Rows(self.subsets, self.lower_bounds, self.status, rows.work)


@runtime_checkable
class Solver(Protocol):
    """A subset-sum solver: a frozen dataclass with these members; nothing needs to be subclassed."""

    @property
    def traits(self) -> Traits:
        """What it can do."""

    def decline(self, n: int, size: int | None) -> str | None:
        """Why it does not take instances of this shape, as "<rule>: <way out>", or None."""

    def memory(self, n: int, size: int | None, count: int, threads: int) -> int:
        """Bytes of working memory that it will take."""

    def run(self, task: Task) -> Rows:
        """Solve every row."""


@runtime_checkable
class VectorSolver(Solver, Protocol):
    """A solver with the trait VECTOR: it is told how many coordinates the values have, and takes one as well."""

    def decline(self, n: int, size: int | None, d: int = 1) -> str | None:
        """Why it does not take instances of this shape, as "<rule>: <way out>", or None."""

    def memory(self, n: int, size: int | None, count: int, threads: int, d: int = 1) -> int:
        """Bytes of working memory that it will take."""


def as_vectors(task: Task) -> tuple[Floats, Floats]:
    """Values [B or 1, n, d] and targets [B, d] of a task, also where it is one of numbers."""
    values = task.values if task.values.ndim == 3 else task.values[..., None]
    return values, task.targets if task.targets.ndim == 2 else task.targets[:, None]


def fill_rows(task: Task, solve_one: Callable[[int], Outcome], *, label: str) -> Rows:
    """Solve row after row; an interruption ends the batch with the rows answered so far."""
    count = len(task.targets)
    rows = Rows.empty(count, task.n)
    done = 0
    try:
        for k in range(count):
            outcome = solve_one(k)
            rows.subsets[k], rows.lower_bounds[k], rows.status[k] = outcome.subset, outcome.lower_bound, outcome.status
            done = k + 1
            if k == 0:
                rows.work.update(outcome.work)
            if outcome.status == Status.INTERRUPTED:
                break
            if task.progress and count > 1:
                task.progress(label, done, count)
    except KeyboardInterrupt:
        pass  # what was not reached says so below
    if done < count:
        rows.status[done:] = Status.INTERRUPTED
        rows.subsets[done:, : task.size or 0] = True
    return rows
