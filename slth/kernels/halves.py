"""Two halves of some integer vectors: subsets of a size from either, until two of them add up to a sum in a box.

Subsets stand in colexicographic order, in which those of the first m values come first: a subset is its place in that
order. Sums of the first half are kept in a table by the cell of a grid that they fall into, whose cells are as large as
the box, so that two cells a coordinate hold whatever completes a sum of the second half.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

MIX = np.int64(0x5851F42D4C957F2D)


@inline_kernel
def begin(chosen, sums, vectors):
    """The first subset: sums[i] is that of its vectors from number i on."""
    for i in range(len(chosen)):
        chosen[i] = i
    add_up(chosen, sums, vectors, len(chosen) - 1)


@inline_kernel
def add_up(chosen, sums, vectors, last):
    """Make the sums again from number `last` down."""
    for i in range(last, -1, -1):
        for c in range(sums.shape[1]):
            sums[i, c] = sums[i + 1, c] + vectors[chosen[i], c]


@inline_kernel
def advance(chosen, sums, vectors):
    """Go on to the next subset; False behind the last."""
    size = len(chosen)
    i = 0
    while i < size and chosen[i] + 1 == (chosen[i + 1] if i + 1 < size else len(vectors)):
        i += 1
    if i == size:
        return False
    chosen[i] += 1
    for k in range(i):
        chosen[k] = k
    add_up(chosen, sums, vectors, i)
    return True


@inline_kernel
def mixed(slot, cell):
    """One more coordinate's cell taken into a slot's number."""
    slot = (slot ^ cell) * MIX
    return slot ^ (slot >> 31)


@inline_kernel
def completes(total, other, low, high):
    """Whether two sums add up to one in the box."""
    for c in range(len(total)):
        both = total[c] + other[c]
        if both < low[c] or both > high[c]:
            return False
    return True


@kernel
def tabulate(vectors, size, wide, totals, heads, following):
    """Keep the sums of the first subsets of a size; returns how many there were.

    Shapes: vectors int64[m, d]; wide int64[d]; totals int64[most, d]; heads int32[power of two]; following int32[most].
    """
    chosen = np.empty(size, np.int64)
    sums = np.zeros((size + 1, vectors.shape[1]), np.int64)
    begin(chosen, sums, vectors)
    heads[:] = -1
    count = 0
    more = True
    while more and count < len(totals):
        slot = np.int64(0)
        for c in range(len(wide)):
            totals[count, c] = sums[0, c]
            slot = mixed(slot, sums[0, c] if wide[c] == 1 else sums[0, c] // wide[c])
        slot &= len(heads) - 1
        following[count] = heads[slot]
        heads[slot] = count
        count += 1
        more = advance(chosen, sums, vectors)
    return count


@kernel
def complete(vectors, size, low, high, most, totals, heads, following):
    """Look for a tabulated sum that completes one of the first subsets of a size; their two places, or -1.

    Shapes: as :func:`tabulate`; low, high int64[d].
    """
    d = vectors.shape[1]
    chosen = np.empty(size, np.int64)
    sums = np.zeros((size + 1, d), np.int64)
    begin(chosen, sums, vectors)
    count = 0
    more = True
    while more and count < most:
        for corner in range(1 << d):
            slot = np.int64(0)
            own = True
            for c in range(d):
                wide = high[c] - low[c] + 1
                cell = low[c] - sums[0, c] if wide == 1 else (low[c] - sums[0, c]) // wide
                if corner >> c & 1:
                    own &= wide > 1 and cell * wide != low[c] - sums[0, c]
                    cell += 1
                slot = mixed(slot, cell)
            if not own:
                continue
            at = heads[slot & (len(heads) - 1)]
            while at >= 0:
                if completes(sums[0], totals[at], low, high):
                    return at, count
                at = following[at]
        count += 1
        more = advance(chosen, sums, vectors)
    return -1, count


@kernel
def settle(vectors, target, wanted, fixed):
    """Choose vectors one by one, of all that come nearest to leaving the others' average, until so many are chosen.

    Shapes: vectors float64[n, d], in units of their deviation; target float64[d], what all of `size` should add up to;
    wanted: how many to choose, and the size; fixed bool[n] is written.
    """
    n, d = vectors.shape
    left = target.copy()
    rest = np.zeros(d)
    for i in range(n):
        for c in range(d):
            rest[c] += vectors[i, c]
    for step in range(wanted[0]):
        nearest = np.inf
        best = -1
        for i in range(n):
            if fixed[i]:
                continue
            apart = 0.0
            for c in range(d):
                gap = left[c] - vectors[i, c] - (wanted[1] - step - 1) * (rest[c] / (n - step))
                apart = max(apart, abs(gap))
            if apart < nearest:
                nearest = apart
                best = i
        fixed[best] = True
        for c in range(d):
            left[c] -= vectors[best, c]
            rest[c] -= vectors[best, c]
