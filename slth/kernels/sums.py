"""All 2^m subset sums of m keys, in increasing order, by merging.

A *key* is an int64 fixed-point value, shifted left by a number of tag bits, whose low bits carry a tag that adds up
over a subset (one bit per value: the subset itself; a count: its size). One addition makes value and tag together, and
sorting keys sorts values.

Two facts halve the work. If L holds the sums of the first values, the sums with one more value x are the merge of L and
L + x. And the sums of any set of values are symmetric, L[k] + L[last - k] = total, so only the upper half is merged and
the lower one is written as its reflection. The upper half of the result lies beyond L, so the merge works in place; it
takes exactly len(L) steps, and in so many steps neither read position can leave L, so no bound is checked. Each step
waits for the load of the one before it, which is why four runs of the same merge proceed at once: where each starts is
found by bisection.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

ONE = np.uint64(1)
RUNS_FROM = 64  # below this length the four bisections cost more than they hide


@inline_kernel
def taken_from_first(sums, length, key, steps):
    """Of the `steps` largest elements of sums[:length] and sums[:length] + key, how many come from the former."""
    low = np.uint64(0)
    high = steps
    while low < high:
        middle = (low + high) >> ONE
        if sums[length - ONE - middle] > sums[length - (steps - middle)] + key:
            low = middle + ONE
        else:
            high = middle
    return low


@inline_kernel
def merge_down(sums, length, key, start, stop):
    """Write elements start..stop, counted from the largest, of the merge of sums[:length] and sums[:length] + key."""
    first = taken_from_first(sums, length, key, start)
    i = length - ONE - first
    j = length - ONE - (start - first)
    for step in range(start, stop):
        a = sums[i]
        b = sums[j] + key
        take = a > b
        sums[length + length - ONE - step] = a if take else b
        i -= np.uint64(take)
        j -= np.uint64(not take)


@kernel
def merge_upper_half(sums, length, key, start, stop):
    """Elements start..stop (counted from the largest; stop <= length) of the upper half, four runs at once."""
    n = np.uint64(length)
    s0 = np.uint64(start)
    span = np.uint64(stop) - s0
    quarter = span >> np.uint64(2)
    if span < np.uint64(RUNS_FROM):
        merge_down(sums, n, key, s0, np.uint64(stop))
        return
    s1 = s0 + quarter
    s2 = s1 + quarter
    s3 = s2 + quarter
    f0 = taken_from_first(sums, n, key, s0)
    f1 = taken_from_first(sums, n, key, s1)
    f2 = taken_from_first(sums, n, key, s2)
    f3 = taken_from_first(sums, n, key, s3)
    top = n - ONE
    i0, j0 = top - f0, top - (s0 - f0)
    i1, j1 = top - f1, top - (s1 - f1)
    i2, j2 = top - f2, top - (s2 - f2)
    i3, j3 = top - f3, top - (s3 - f3)
    k0 = n + n - ONE - s0
    k1 = k0 - quarter
    k2 = k1 - quarter
    k3 = k2 - quarter
    for step in range(quarter):
        a0, a1, a2, a3 = sums[i0], sums[i1], sums[i2], sums[i3]
        b0, b1, b2, b3 = sums[j0] + key, sums[j1] + key, sums[j2] + key, sums[j3] + key
        t0, t1, t2, t3 = a0 > b0, a1 > b1, a2 > b2, a3 > b3
        sums[k0 - step] = a0 if t0 else b0
        sums[k1 - step] = a1 if t1 else b1
        sums[k2 - step] = a2 if t2 else b2
        sums[k3 - step] = a3 if t3 else b3
        i0 -= np.uint64(t0)
        i1 -= np.uint64(t1)
        i2 -= np.uint64(t2)
        i3 -= np.uint64(t3)
        j0 -= np.uint64(not t0)
        j1 -= np.uint64(not t1)
        j2 -= np.uint64(not t2)
        j3 -= np.uint64(not t3)
    merge_down(sums, n, key, s3 + quarter, np.uint64(stop))


@kernel
def reflect_lower_half(sums, length, total, start, stop):
    """sums[k] = total - sums[2 length - 1 - k] for start <= k < stop."""
    last = np.uint64(2 * length - 1)
    for k in range(np.uint64(start), np.uint64(stop)):
        sums[k] = total - sums[last - k]


@kernel
def sort_subset_sums(keys, origin, sums):
    """Fill sums[:2**len(keys)] with the sorted values of origin + every subset sum of keys."""
    sums[0] = origin
    length = 1
    total = origin + origin
    for key in keys:
        total += key
        merge_upper_half(sums, length, key, 0, length)
        reflect_lower_half(sums, length, total, 0, length)
        length *= 2
