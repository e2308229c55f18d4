"""What every engine offers."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

from slth.errors import ArgumentError
from slth.grids.work import Finished, Item

PINNED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Variables of a worker's environment that say how many threads libraries start."""


class Engine(Protocol):
    """Computes items somewhere."""

    @property
    def name(self) -> str:
        """As on the command line."""

    def compute(self, items: Iterable[Item]) -> Generator[Finished, None, None]:
        """Yield each item as it is finished, in any order; closing the iterator stops the rest.

        Items are taken a few ahead of what is computed: there may be millions.
        """


def check_jobs(jobs: int | None) -> None:
    """Refuse numbers of workers below 1."""
    if jobs is not None and jobs < 1:
        raise ArgumentError("jobs", jobs, "must be at least 1", "leave it out for one worker for each core")
