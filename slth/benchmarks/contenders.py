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
    """Somebody who does a cell's work."""

    name: str
    run: Callable[[], Mapping[str, Any]]
    instances: int = 1
    warm_up: bool = True
    replicates: int | None = None


Task = Callable[[Cell, int], Sequence[Contender]]
