"""Exact subset sum by meeting in the middle, for batches of instances.

The values are split into two halves, A with the sorted subset sums of one, B with those of the other, shifted by minus
the target. A walk from (smallest of A, largest of B) that moves up in A where the sum d is negative and down in B
otherwise meets, on either side of zero, the pair closest to it. The d along the walk are stored and reduced afterwards:
the reduction is then a plain loop that the compiler vectorises, and the walk runs in four stretches at once, as the
merges do.

Keys are rounded where the values do not fit. Rounding moves every d by at most (n + 1) / 2 units, so the true optimum
is among the pairs within n + 1 units of the smallest |d|; an instance with more than one such pair is returned as
undecided, for the caller to rank those pairs exactly. Every pair so close, on the walk or not, shows in `pairs_within`.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel
from slth.kernels.fixed_point import key_shift, to_key, to_keys
from slth.kernels.sums import sort_subset_sums

ONE = np.uint64(1)
FAR = np.int64(1) << np.int64(62)  # sentinel key: beyond every sum, and no sum with it overflows
KEY_BITS = 60
LARGEST = np.uint64(0xFFFFFFFFFFFFFFFF)
BLOCK = 256  # steps of each of the four stretches between two reductions

DECIDED = np.uint8(0)
UNDECIDED = np.uint8(1)


@inline_kernel
def walk_start(a, a_length, b, b_length, steps):
    """How many elements of A the walk has passed after so many steps."""
    low = np.uint64(0)
    if steps > b_length:
        low = steps - b_length
    high = min(steps, a_length)
    while low < high:
        middle = (low + high) >> ONE
        if a[middle] + b[b_length - steps + middle + ONE] < 0:
            low = middle + ONE
        else:
            high = middle
    return low


@inline_kernel
def walk_block(a, b, i0, i1, i2, i3, j0, j1, j2, j3, steps, d):
    """Four stretches of the walk, `steps` each; d[4k + r] is stretch r at step k."""
    for step in range(steps):
        d0, d1, d2, d3 = a[i0] + b[j0], a[i1] + b[j1], a[i2] + b[j2], a[i3] + b[j3]
        d[step] = d0
        d[step + steps] = d1
        d[step + steps + steps] = d2
        d[step + steps + steps + steps] = d3
        n0, n1, n2, n3 = d0 < 0, d1 < 0, d2 < 0, d3 < 0
        i0 += np.uint64(n0)
        i1 += np.uint64(n1)
        i2 += np.uint64(n2)
        i3 += np.uint64(n3)
        j0 -= np.uint64(not n0)
        j1 -= np.uint64(not n1)
        j2 -= np.uint64(not n2)
        j3 -= np.uint64(not n3)
    return i0, i1, i2, i3, j0, j1, j2, j3


@inline_kernel
def nearest(d, length, above, below):
    """Lower `above` to the smallest d >= 0 and `below` to the smallest -1 - d for d < 0."""
    for k in range(length):
        above = min(above, np.uint64(d[k]))
        below = min(below, np.uint64(~d[k]))
    return above, below


@kernel
def walk(a, a_length, b, b_length, start, stop, d):
    """Reduce steps start..stop of the walk; a[a_length] and b[0] hold sentinels, d is scratch for 4 BLOCK keys."""
    na = np.uint64(a_length)
    nb = np.uint64(b_length)
    above = LARGEST
    below = LARGEST
    s0 = np.uint64(start)
    quarter = (np.uint64(stop) - s0) >> np.uint64(2)
    s1 = s0 + quarter
    s2 = s1 + quarter
    s3 = s2 + quarter
    i0 = walk_start(a, na, b, nb, s0)
    i1 = walk_start(a, na, b, nb, s1)
    i2 = walk_start(a, na, b, nb, s2)
    i3 = walk_start(a, na, b, nb, s3)
    j0, j1, j2, j3 = nb - (s0 - i0), nb - (s1 - i1), nb - (s2 - i2), nb - (s3 - i3)
    left = quarter
    while left > 0:
        steps = min(left, np.uint64(BLOCK))
        i0, i1, i2, i3, j0, j1, j2, j3 = walk_block(a, b, i0, i1, i2, i3, j0, j1, j2, j3, steps, d)
        above, below = nearest(d, 4 * steps, above, below)
        left -= steps
    for _ in range(s3 + quarter, np.uint64(stop)):
        d3 = a[i3] + b[j3]
        above = min(above, np.uint64(d3))
        below = min(below, np.uint64(~d3))
        i3 += np.uint64(d3 < 0)
        j3 -= np.uint64(d3 >= 0)
    return above, below


@kernel
def pairs_within(a, a_length, b, b_length, limit, first, second):
    """Positions (i, j) of the pairs with |a[i] + b[j + 1]| <= limit, one for every two distinct sums.

    Counts on, for a while, when the outputs are full.
    """
    found = 0
    high = b_length  # b[1..high] may still be too large
    for i in range(a_length):
        if i > 0 and a[i] == a[i - 1]:
            continue
        while high > 0 and a[i] + b[high] > limit:
            high -= 1
        j = high
        while j > 0 and a[i] + b[j] >= -limit:
            if j == high or b[j] != b[j + 1]:
                if found < len(first):
                    first[found] = i
                    second[found] = j - 1
                found += 1
                if found > len(first):
                    return found
            j -= 1
        if found > len(first):
            break
    return found


@kernel
def prepare(keys, origin, a, b):
    """Sorted sums of both halves with their sentinels; b starts from `origin`."""
    split = len(keys) // 2
    sort_subset_sums(keys[:split], np.int64(0), a)
    a[1 << split] = FAR
    b[0] = -FAR
    sort_subset_sums(keys[split:], origin, b[1:])


@inline_kernel
def shift_sums(base, origin, b):
    """Write base + origin, with the sentinel in its place again."""
    for k in range(1, len(base)):
        b[k] = base[k] + origin
    b[0] = -FAR


@kernel
def unpack(identity, subset):
    """Write the bits of identity as booleans."""
    for i in range(len(subset)):
        subset[i] = (identity >> i) & 1


@inline_kernel
def count_within(d, length, limit):
    """How many |d| <= limit."""
    count = 0
    width = np.uint64(2 * limit)
    for k in range(length):
        count += np.uint64(d[k] + limit) <= width
    return count


@inline_kernel
def has_close_neighbour(sums, length, key, gap):
    """Whether another element of sums[:length] lies within gap of the element `key`."""
    low = 0
    high = length - 1
    while low < high:
        middle = (low + high) >> 1
        if sums[middle] < key:
            low = middle + 1
        else:
            high = middle
    return (low > 0 and key - sums[low - 1] <= gap) or (low + 1 < length and sums[low + 1] - key <= gap)


@inline_kernel
def walk_all(a, a_length, b, b_length, d):
    """The whole walk with every d kept: for short lists, whose d stay in cache."""
    na = np.uint64(a_length)
    nb = np.uint64(b_length)
    total = na + nb - ONE
    quarter = total >> np.uint64(2)
    s2 = quarter + quarter
    s3 = s2 + quarter
    i0 = np.uint64(0)
    i1 = walk_start(a, na, b, nb, quarter)
    i2 = walk_start(a, na, b, nb, s2)
    i3 = walk_start(a, na, b, nb, s3)
    j0, j1, j2, j3 = nb, nb - (quarter - i1), nb - (s2 - i2), nb - (s3 - i3)
    i0, i1, i2, i3, j0, j1, j2, j3 = walk_block(a, b, i0, i1, i2, i3, j0, j1, j2, j3, quarter, d)
    for step in range(s3 + quarter, total):
        d3 = a[i3] + b[j3]
        d[step] = d3
        i3 += np.uint64(d3 < 0)
        j3 -= np.uint64(d3 >= 0)
    return total


@inline_kernel
def packed_keys(values, largest_target, keys):
    """Fill keys with value << n | 1 << i; returns (scale exponent, whether nothing was rounded)."""
    n = len(values)
    shift = key_shift(values, largest_target, KEY_BITS - n)
    exact = to_keys(values, shift, keys)
    for i in range(n):
        keys[i] = (keys[i] << n) | (np.int64(1) << i)
    return shift, exact


@inline_kernel
def decide(keys, origin, exact, a, b, d):
    """The best subset's bits, and whether it is proved to be the optimum, from prepared lists."""
    n = len(keys)
    split = n // 2
    total = walk_all(a, 1 << split, b, 1 << (n - split), d)
    above, below = nearest(d, total, LARGEST, LARGEST)
    error_above = above >> np.uint64(n)
    error_below = (below >> np.uint64(n)) + ONE
    mask = (np.int64(1) << n) - 1
    identity = np.int64(above) & mask if error_above <= error_below else (~np.int64(below)) & mask
    if exact:
        return identity, DECIDED
    gap = np.int64(n + 3) << n
    limit = (np.int64(min(error_above, error_below)) << n) + gap
    if count_within(d, total, limit) > 1:
        return identity, UNDECIDED
    # A pair off the walk is as close only if it shares an element with the best pair and the other is its neighbour.
    low_key = np.int64(0)
    high_key = origin
    for i in range(n):
        if (identity >> i) & 1:
            if i < split:
                low_key += keys[i]
            else:
                high_key += keys[i]
    if has_close_neighbour(a, 1 << split, low_key, gap) or has_close_neighbour(b[1:], 1 << (n - split), high_key, gap):
        return identity, UNDECIDED
    return identity, DECIDED


@kernel
def best_subset_packed(values, targets, largest_target, subsets, decided):
    """Solve values[r], targets[r] for every row, with packed keys; a shared list is sorted once, and shifted."""
    n = values.shape[1]
    split = n // 2
    shared = values.shape[0] == 1
    keys = np.empty(n, np.int64)
    a = np.empty((1 << split) + 1, np.int64)
    b = np.empty((1 << (n - split)) + 1, np.int64)
    base = np.empty(len(b) if shared else 0, np.int64)
    d = np.empty((1 << split) + (1 << (n - split)), np.int64)
    shift = np.int64(0)
    exact = True
    for row in range(len(targets)):
        if row == 0 or not shared:
            shift, exact = packed_keys(values[row], largest_target if shared else abs(targets[row]), keys)
        goal, goal_exact = to_key(targets[row], shift)
        origin = -(goal << n)
        if shared:
            if row == 0:
                prepare(keys, np.int64(0), a, base)
            shift_sums(base, origin, b)
        else:
            prepare(keys, origin, a, b)
        identity, decided[row] = decide(keys, origin, exact & goal_exact, a, b, d)
        unpack(identity, subsets[row])
