r"""Slopes of rows that are carried back through units, improved by gradient steps in float32.

A row's bound is attained at certain values of all symbols. By a slope it grows as that unit's z there exceeds the z of
the point where its own maximum is attained, so one pass back and one pass forward give the gradient by all slopes
(:mod:`slth.certificates.symbols`); the steps are Adam's (D. P. Kingma and J. Ba, 2015). The passes are compiled for the
processor here, and batches of tensors in :mod:`slth.certificates.tensor_slopes`. Nothing of this need be exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slth.kernels.slopes import attained, step, through

_RATE, _DECAY, _MEMORY, _LONG_MEMORY = 0.1, 0.97, 0.8, 0.95
AT_MOST = 0.1
"""Share of what a relaxation can add at most, beside what it adds at one point."""


Numbers: TypeAlias = NDArray[Any]
"""Of float64, or of float32 in gradient steps."""


class Singles(NamedTuple):
    """What gradient steps take of units, in float32, the numbers of each row or the same for all.

    Shapes: ranges [4, 1 or rows, n], the ends of values and of moves; chord [1 or rows, n]; target, difference
    [n, symbols]; lost [2, 1 or rows, n], the most that a value and a difference lose.
    """

    ranges: Numbers
    chord: Numbers
    target: Numbers
    difference: Numbers
    lost: Numbers


@dataclass(frozen=True, eq=False)
class Link:
    """Some units on the way of rows; ``slopes`` and ``gaps`` are improved in place.

    Shapes: slopes, strides float32[3, rows, n]; gaps float32[rows, n], what each unit adds by being relaxed.
    """

    first: int
    singles: Singles
    slopes: Numbers
    strides: Numbers
    gaps: Numbers

    @property
    def count(self) -> int:
        """Number of units."""
        return int(self.gaps.shape[1])


@dataclass(frozen=True, eq=False)
class Chain:
    """Rows of coefficients on symbols, and the units through which they are carried back, the first one first.

    Shapes: rows float32[rows, symbols]; lower, upper float32[symbols].
    """

    rows: Numbers
    lower: Numbers
    upper: Numbers
    links: list[Link]


Improve: TypeAlias = Callable[[Chain, int], None]
"""What takes so many gradient steps on the slopes of a chain."""
ImproveMany: TypeAlias = Callable[[Sequence[Chain], int], None]
"""The same for several chains at a time."""


def rates(steps: int) -> list[float]:
    """Return the rate of each step, corrected for moments that begin at 0."""
    powers = range(1, steps + 1)
    return [
        _RATE * _DECAY ** (power - 1) * math.sqrt(1.0 - _LONG_MEMORY**power) / (1.0 - _MEMORY**power)
        for power in powers
    ]


MEMORIES = (_MEMORY, _LONG_MEMORY)
"""Shares of the moments that a step keeps."""


def improve(chain: Chain, steps: int) -> None:
    """Take gradient steps by compiled passes: per step, unit and row some 100 flops, besides four products."""
    moments = [np.zeros((2, *link.slopes.shape), np.float32) for link in chain.links]
    for rate in rates(steps):
        take_step(chain, moments, rate)


def take_step(chain: Chain, moments: list[Numbers], rate: float) -> None:
    """Take one step, given the moments of each link's gradients: float32[2, 3, rows, n]."""
    numbers = np.array([rate, *MEMORIES, AT_MOST], np.float32)
    rows, trail = chain.rows.copy(), list[tuple[bool, Numbers] | None]()
    for link in reversed(chain.links):
        own, middle, last = link.singles, link.first + link.count, link.first + 2 * link.count
        moved = bool(rows[:, middle:last].any())
        if not moved and not rows[:, link.first : middle].any():
            trail.append(None)
            continue
        out = np.empty((5, *link.gaps.shape), np.float32)
        through(rows, link.first, moved, own.ranges, own.chord, link.slopes, out)
        rows[:, : own.target.shape[1]] += out[1] @ own.target
        if moved:
            rows[:, : own.difference.shape[1]] += out[2] @ own.difference
        trail.append((moved, out))
    at = np.zeros_like(rows)
    attained(rows, chain.lower, chain.upper, at)
    for link, moment, passed in zip(chain.links, moments, reversed(trail), strict=True):
        if passed is None:
            at[:, link.first : link.first + 2 * link.count] = 0.0
            continue
        (moved, out), own = passed, link.singles
        values = at[:, : own.target.shape[1]] @ own.target.T
        moves = at[:, : own.difference.shape[1]] @ own.difference.T if moved else values
        step(
            rows, link.first, moved, values, moves, at,
            link.slopes, out, own.lost, moment, link.strides, link.gaps, numbers,
        )  # fmt: skip
