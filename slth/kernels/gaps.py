"""Gaps between neighbours in a sorted list of subset sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slth.kernels._jit import kernel


@kernel
def widest_gap(sums: NDArray[np.int64], first: int, last: int) -> np.int64:
    """Largest ``sums[i + 1] - sums[i]`` over ``first <= i < last``; -1 if there is none."""
    widest = np.int64(-1)
    for i in range(first, last):
        widest = max(widest, sums[i + 1] - sums[i])
    return widest


@kernel
def gaps_of_width(sums: NDArray[np.int64], first: int, last: int, width: int, places: NDArray[np.int64]) -> int:
    """Write the first i with ``sums[i + 1] - sums[i] >= width`` into ``places``, int64[capacity]; count them all."""
    count = 0
    for i in range(first, last):
        if sums[i + 1] - sums[i] >= width:
            if count < places.size:
                places[count] = i
            count += 1
    return count


@kernel
def total_of_wide_gaps(sums: NDArray[np.int64], first: int, last: int, width: int) -> tuple[np.int64, np.int64]:
    """Sum and number of the gaps wider than ``width`` over ``first <= i < last``."""
    total, count = np.int64(0), np.int64(0)
    for i in range(first, last):
        gap = sums[i + 1] - sums[i]
        if gap > width:
            total += gap
            count += 1
    return total, count
