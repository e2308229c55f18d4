"""Two lists for subsets of exactly k values.

Each key carries a count of one in its low bits, so a sum knows how many values made it. A sorted list is dealt out, in
order, into one sorted group per count; group i of A is then walked against group k - i of B. The target is shifted
along with the count k, so that the counts of a matching pair cancel.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel
from slth.kernels.fixed_point import key_shift, to_key, to_keys
from slth.kernels.sums import sort_subset_sums
from slth.kernels.two_list import BLOCK, DECIDED, FAR, KEY_BITS, LARGEST, ONE, UNDECIDED, pairs_within, unpack, walk
from slth.kernels.wide_list import subsets_with_sum

COUNT_BITS = 6


@kernel
def sized_keys(values, largest_target, keys):
    """Fill keys with value << 6 | 1; returns (scale exponent, whether nothing was rounded)."""
    shift = key_shift(values, largest_target, KEY_BITS - COUNT_BITS)
    exact = to_keys(values, shift, keys)
    for i in range(len(keys)):
        keys[i] = (keys[i] << COUNT_BITS) | 1
    return shift, exact


@kernel
def sized_goal(target, size, shift):
    """The key that a subset of `size` values with sum `target` has, and whether nothing was rounded."""
    goal, exact = to_key(target, shift)
    return (goal << COUNT_BITS) | np.int64(size), exact


@kernel
def deal(sums, members, groups, offsets, origin, sentinel_first):
    """Deal sorted sums into groups by count, one sentinel each; group c starts at offsets[c]."""
    counts = np.zeros(members + 1, np.int64)
    mask = np.int64((1 << COUNT_BITS) - 1)
    for value in sums:
        counts[value & mask] += 1
    position = 0
    for c in range(members + 1):
        offsets[c] = position
        position += counts[c] + 1
    offsets[members + 1] = position
    cursor = offsets[: members + 1].copy()
    if sentinel_first:
        for c in range(members + 1):
            groups[cursor[c]] = -FAR
            cursor[c] += 1
    else:
        for c in range(members + 1):
            groups[offsets[c + 1] - 1] = FAR
    for value in sums:
        c = value & mask
        groups[cursor[c]] = value + origin
        cursor[c] += 1


@inline_kernel
def group(groups, offsets, c):
    """The slice of group c, with its sentinel."""
    return groups[offsets[c] : offsets[c + 1]]


@kernel
def prepare_groups(keys, goal, a, a_offsets, b, b_offsets):
    """Both halves, sorted and dealt; b is shifted by minus the goal."""
    split = len(keys) // 2
    scratch = np.empty(1 << (len(keys) - split), np.int64)
    low = scratch[: 1 << split]
    sort_subset_sums(keys[:split], np.int64(0), low)
    deal(low, split, a, a_offsets, np.int64(0), False)
    sort_subset_sums(keys[split:], np.int64(0), scratch)
    deal(scratch, len(keys) - split, b, b_offsets, -goal, True)


@kernel
def best_distance(n, size, a, a_offsets, b, b_offsets, d):
    """The smallest |d| over all pairs of groups whose counts add up to size."""
    split = n // 2
    above = LARGEST
    below = LARGEST
    for i in range(max(0, size - (n - split)), min(split, size) + 1):
        first = group(a, a_offsets, i)
        second = group(b, b_offsets, size - i)
        up, down = walk(first, len(first) - 1, second, len(second) - 1, 0, len(first) + len(second) - 3, d)
        above = min(above, up)
        below = min(below, down)
    return np.int64(min(above, below + ONE))


@kernel
def sized_pairs_within(n, size, a, a_offsets, b, b_offsets, limit, low_sums, high_sums):
    """The pairs of sums with |d| <= limit; counts on when the outputs are full."""
    split = n // 2
    found = 0
    room = len(low_sums)
    i_out = np.empty(room, np.int64)
    j_out = np.empty(room, np.int64)
    for i in range(max(0, size - (n - split)), min(split, size) + 1):
        first = group(a, a_offsets, i)
        second = group(b, b_offsets, size - i)
        new = pairs_within(first, len(first) - 1, second, len(second) - 1, limit, i_out, j_out)
        for k in range(min(new, room)):
            if found < room:
                low_sums[found] = first[i_out[k]]
                high_sums[found] = second[j_out[k] + 1]
            found += 1
        if found > room or new > room:
            return room + 1
    return found


@kernel
def decide_sized(keys, size, goal, exact, a, a_offsets, b, b_offsets, d, subset):
    """Write the best subset of exactly `size` values from prepared groups; says whether it is proved optimal."""
    n = len(keys)
    split = n // 2
    best = best_distance(n, size, a, a_offsets, b, b_offsets, d)
    window = np.int64(0) if exact else np.int64(n + 1) << COUNT_BITS
    first = np.empty(1, np.int64)
    second = np.empty(1, np.int64)
    found = sized_pairs_within(n, size, a, a_offsets, b, b_offsets, best + window, first, second)
    low = np.empty(1, np.int64)
    high = np.empty(1, np.int64)
    low_count = subsets_with_sum(keys[:split], first[0], low)
    high_count = subsets_with_sum(keys[split:], second[0] + goal, high)
    unpack(low[0], subset[:split])
    unpack(high[0], subset[split:])
    unique = found == 1 and low_count == 1 and high_count == 1
    return DECIDED if exact or unique else UNDECIDED


@kernel
def shift_groups(base, offsets, goal, shifted):
    """Write base - goal, with the sentinels in their places again."""
    for k in range(len(base)):
        shifted[k] = base[k] - goal
    for c in range(len(offsets) - 1):
        shifted[offsets[c]] = -FAR


@kernel
def best_subset_sized(values, targets, size, largest_target, subsets, decided):
    """Solve every row for exactly `size` values (memory 2**(n/2 + 5) bytes); a shared row is sorted once."""
    n = values.shape[1]
    split = n // 2
    shared = values.shape[0] == 1
    keys = np.empty(n, np.int64)
    a = np.empty((1 << split) + split + 1, np.int64)
    base = np.empty((1 << (n - split)) + (n - split) + 1, np.int64)
    b = np.empty(len(base), np.int64)
    a_offsets = np.empty(split + 2, np.int64)
    b_offsets = np.empty(n - split + 2, np.int64)
    d = np.empty(4 * BLOCK, np.int64)
    shift = np.int64(0)
    exact = True
    for row in range(len(targets)):
        if row == 0 or not shared:
            largest = largest_target if shared else abs(targets[row])
            shift, exact = sized_keys(values[row], largest, keys)
            prepare_groups(keys, np.int64(0), a, a_offsets, base, b_offsets)
        goal, goal_exact = sized_goal(targets[row], size, shift)
        shift_groups(base, b_offsets, goal, b)
        decided[row] = decide_sized(keys, size, goal, exact & goal_exact, a, a_offsets, b, b_offsets, d, subsets[row])
