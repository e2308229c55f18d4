"""The first subset found within a tolerance, looking at as few values as possible."""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

MOST_VALUES = 13  # 2**13 doubles stay in the first-level cache; beyond, two lists are cheaper
ROUNDING = 1e-13  # the sums below are plain float64: what they call within is checked again, exactly, by the caller


@inline_kernel
def extend(sums, length, value):
    """sums[length:2 length] = sums[:length] + value; returns the smallest new |sum|."""
    best = np.inf
    for k in range(length):
        new = sums[k] + value
        sums[length + k] = new
        best = min(best, abs(new))
    return best


@kernel
def first_subset_within(values, targets, tolerance, subsets, found):
    """For each row, the subset of the fewest leading values that comes within the tolerance; found[r] = 0 if none."""
    n = min(values.shape[1], MOST_VALUES)
    sums = np.empty(1 << n, np.float64)
    for row in range(len(targets)):
        sums[0] = -targets[row]
        magnitude = abs(targets[row])
        best = magnitude
        length = 1
        used = 0
        while used < n and not best <= tolerance - ROUNDING * magnitude:
            magnitude += abs(values[row, used])
            best = extend(sums, length, values[row, used])
            length *= 2
            used += 1
        found[row] = best <= tolerance - ROUNDING * magnitude
        if found[row]:
            identity = length - 1
            while abs(sums[identity]) != best:
                identity -= 1
            for i in range(used):
                subsets[row, i] = (identity >> i) & 1
