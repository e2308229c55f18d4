"""The machine's own limit for a chain of dependent loads, to hold the merges against."""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import kernel


@kernel
def chase(following, steps):
    """Follow four chains through an array of positions for so many steps in all; returns where they end."""
    i0, i1, i2, i3 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    for _ in range(steps // 4):
        i0 = np.uint64(following[i0])
        i1 = np.uint64(following[i1])
        i2 = np.uint64(following[i2])
        i3 = np.uint64(following[i3])
    return i0 + i1 + i2 + i3
