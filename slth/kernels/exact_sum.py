"""The correctly rounded sum of chosen values, as math.fsum gives it."""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel


@inline_kernel
def add_exactly(partials, count, x):
    """Add x to a sum held as non-overlapping doubles of increasing size; returns their new number."""
    kept = 0
    for i in range(count):
        y = partials[i]
        if abs(x) < abs(y):
            x, y = y, x
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            partials[kept] = low
            kept += 1
        x = high
    partials[kept] = x
    return kept + 1


@inline_kernel
def round_once(partials, count):
    """The double nearest to the sum of the partials, ties to even."""
    i = count - 1
    high = partials[i]
    low = 0.0
    while i > 0:
        x = high
        i -= 1
        y = partials[i]
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    # The remainder was exactly half a unit and what is left decides the tie.
    if i > 0 and ((low < 0.0 and partials[i - 1] < 0.0) or (low > 0.0 and partials[i - 1] > 0.0)):
        y = low * 2.0
        x = high + y
        if y == x - high:
            high = x
    return high


@kernel
def chosen_sums(values, subsets, targets, totals, errors):
    """totals[r] = fsum(chosen values) and errors[r] = |fsum(chosen values, -target)|; values may hold a single row."""
    n = values.shape[1]
    shared = values.shape[0] == 1
    partials = np.empty(n + 2, np.float64)
    for row in range(len(targets)):
        source = 0 if shared else row
        count = 0
        for i in range(n):
            if subsets[row, i]:
                count = add_exactly(partials, count, values[source, i])
        totals[row] = round_once(partials, count) if count > 0 else 0.0
        count = add_exactly(partials, count, -targets[row])
        errors[row] = abs(round_once(partials, count))
