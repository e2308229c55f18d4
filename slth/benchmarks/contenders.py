"""Who takes part in a benchmark, and who declines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from slth.errors import SlthError

Cell: TypeAlias = Mapping[str, Any]
"""One choice from a grid, with what the call says of threads, device and data."""


class Declined(SlthError):  # noqa: N818 - nothing went wrong
    """A contender does not take part in this cell, for the reason that the message gives."""


@dataclass(frozen=True)
class Contender:
    """Somebody who does a cell's work.

    Parameters
    ----------
    name : str
        ``slth`` for ours, else the peer's name and version.
    run : callable
        Does the work once and returns value columns. Three of them mean something to the runner: ``steps`` and
        ``bytes`` of the cost model (the first gives ``ns_per_step``), and ``seconds`` where the contender measures
        itself better than a clock around the call can.
    instances : int
        How many units of work one call does; ratios compare seconds for one.
    warm_up : bool
        Whether a call before the measured ones makes sense.
    replicates : int or None
        Measured calls, where the benchmark's own number is too many.
    """

    name: str
    run: Callable[[], Mapping[str, Any]]
    instances: int = 1
    warm_up: bool = True
    replicates: int | None = None


Task = Callable[[Cell, int], Sequence[Contender]]
