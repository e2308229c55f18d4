"""Two lists of bare values, for n where a key has no room for its subset and for what packed keys leave open.

Keys use all of their bits for the value. The walk then yields the smallest |d| alone; a second walk lists the pairs
that attain it (or come within the rounding window of it), and the subset behind each half sum is found by solving
that half again, which costs the square root of the first walk.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import kernel
from slth.kernels.fixed_point import key_shift, to_key, to_keys
from slth.kernels.sums import sort_subset_sums
from slth.kernels.two_list import (
    BLOCK,
    DECIDED,
    KEY_BITS,
    ONE,
    UNDECIDED,
    pairs_within,
    prepare,
    shift_sums,
    unpack,
    walk,
)

SIZE_BITS = 8  # so that 100 times the constant below stays within KEY_BITS
DIRECT = 13  # halves up to here are searched one subset after the other


@kernel
def subset_sums(keys, sums):
    """sums[bits] = sum of the keys whose bit is set."""
    sums[0] = 0
    length = 1
    for key in keys:
        for k in range(length):
            sums[length + k] = sums[k] + key
        length *= 2


@kernel
def matches(sums, value, shift, base, identities, found):
    """Note base | position << shift for each sum that is the value, while there is room; returns how many by now."""
    for position in range(len(sums)):
        if sums[position] == value:
            if found < len(identities):
                identities[found] = base | (np.int64(position) << shift)
            found += 1
    return found


@kernel
def subsets_with_sum(keys, value, identities):
    """Write the subsets (as bits) whose keys add up to value; counts on, without writing, when the output is full."""
    m = len(keys)
    if m <= DIRECT:
        sums = np.empty(1 << m, np.int64)
        subset_sums(keys, sums)
        return matches(sums, value, 0, np.int64(0), identities, 0)
    split = m // 2
    low, low_sorted = _both_orders(keys[:split])
    high, high_sorted = _both_orders(keys[split:])
    found = 0
    i, j = 0, len(high) - 1
    while i < len(low) and j >= 0:
        total = low_sorted[i] + high_sorted[j]
        if total < value:
            i += 1
        elif total > value:
            j -= 1
        else:
            a, b = low_sorted[i], high_sorted[j]
            for x in range(len(low)):
                if low[x] == a and found <= len(identities):
                    found = matches(high, b, split, np.int64(x), identities, found)
            while i < len(low) and low_sorted[i] == a:
                i += 1
            while j >= 0 and high_sorted[j] == b:
                j -= 1
            if found > len(identities):
                break
    return found


@kernel
def _both_orders(keys):
    """All sums by their subset, and sorted."""
    by_subset = np.empty(1 << len(keys), np.int64)
    increasing = np.empty(1 << len(keys), np.int64)
    subset_sums(keys, by_subset)
    sort_subset_sums(keys, np.int64(0), increasing)
    return by_subset, increasing


@kernel
def wide_keys(values, largest_target, sized, keys):
    """Fill keys; returns (scale exponent, whether nothing was rounded, what was added to each key).

    For subsets of one size a constant is added to every key: it leaves their order alone, and puts those of any other
    size further from the goal (size times the constant, added to that of the target) than any of this size can be.
    """
    bits = KEY_BITS - SIZE_BITS if sized else KEY_BITS
    shift = key_shift(values, largest_target, bits)
    exact = to_keys(values, shift, keys)
    apart = np.int64(0)
    if sized:
        apart = (np.int64(2) << np.int64(bits)) + np.int64(4 * len(values))
        for i in range(len(keys)):
            keys[i] += apart
    return shift, exact, apart


@kernel
def decide_wide(keys, goal, exact, a, b, d, subset):
    """Write the best subset from prepared lists; says whether it is proved to be the optimum."""
    n = len(keys)
    split = n // 2
    length_a = 1 << split
    length_b = 1 << (n - split)
    above, below = walk(a, length_a, b, length_b, 0, length_a + length_b - 1, d)
    best = np.int64(min(above, below + ONE))
    first = np.empty(1, np.int64)
    second = np.empty(1, np.int64)
    window = 0 if exact else n + 1
    found = pairs_within(a, length_a, b, length_b, best + window, first, second)
    low = np.empty(1, np.int64)
    high = np.empty(1, np.int64)
    low_count = subsets_with_sum(keys[:split], a[first[0]], low)
    high_count = subsets_with_sum(keys[split:], b[second[0] + 1] + goal, high)
    unpack(low[0], subset[:split])
    unpack(high[0], subset[split:])
    unique = found == 1 and low_count == 1 and high_count == 1
    return DECIDED if exact or unique else UNDECIDED


@kernel
def best_subset_wide(values, targets, size, largest_target, subsets, decided):
    """Solve every row, for any size (-1) or one, with 60-bit values; a shared list is sorted once, and shifted.

    Takes 2**(n/2 + 4) bytes.
    """
    n = values.shape[1]
    split = n // 2
    shared = values.shape[0] == 1
    keys = np.empty(n, np.int64)
    a = np.empty((1 << split) + 1, np.int64)
    b = np.empty((1 << (n - split)) + 1, np.int64)
    base = np.empty(len(b) if shared else 0, np.int64)
    d = np.empty(4 * BLOCK, np.int64)
    shift = apart = np.int64(0)
    exact = True
    for row in range(len(targets)):
        if row == 0 or not shared:
            shift, exact, apart = wide_keys(
                values[row], largest_target if shared else abs(targets[row]), size >= 0, keys
            )
        goal, goal_exact = to_key(targets[row], shift)
        goal += size * apart  # nothing is added where any size is taken
        if shared:
            if row == 0:
                prepare(keys, np.int64(0), a, base)
            shift_sums(base, -goal, b)
        else:
            prepare(keys, -goal, a, b)
        decided[row] = decide_wide(keys, goal, exact & goal_exact, a, b, d, subsets[row])
