"""Sorted sums of integers of any length, and how many pairs of two lists add up to something in a range.

A number is a row of digits to the base 2**62, the first digit the highest and signed, the others not negative: rows are
compared as they are read, and two of them are added with carries.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

DIGIT = 62  # bits


@inline_kernel
def add(first, second, out):
    """Write first + second to out."""
    carry = np.int64(0)
    for c in range(len(out) - 1, 0, -1):
        total = first[c] + second[c] + carry
        carry = total >> DIGIT
        out[c] = total - (carry << DIGIT)
    out[0] = first[0] + second[0] + carry


@inline_kernel
def compare(first, second):
    """Negative, 0 or positive as first is below, equal to or above second."""
    for c in range(len(first)):
        if first[c] != second[c]:
            return np.int64(1) if first[c] > second[c] else np.int64(-1)
    return np.int64(0)


@kernel
def merge_shifted(first, second, shift, out):
    """Write the rows of `first` and those of `second` + shift, each of them sorted, as one sorted list.

    Shapes: first int64[N, digits]; second int64[M, digits]; shift int64[digits]; out int64[N + M, digits].
    """
    digits = len(shift)
    moved = np.empty(digits, np.int64)
    i = 0
    j = 0
    if len(second) > 0:
        add(second[0], shift, moved)
    for k in range(len(out)):
        if j == len(second) or (i < len(first) and compare(first[i], moved) <= 0):
            for c in range(digits):
                out[k, c] = first[i, c]
            i += 1
        else:
            for c in range(digits):
                out[k, c] = moved[c]
            j += 1
            if j < len(second):
                add(second[j], shift, moved)


@kernel
def count_between(lows, sums, start, width):
    """How many pairs have low + start <= sum <= low + start + width, for two sorted lists.

    Shapes: lows int64[N, digits]; sums int64[M, digits]; start, width int64[digits].
    """
    low = np.empty(len(width), np.int64)
    high = np.empty(len(width), np.int64)
    below = 0
    reached = 0
    count = 0
    for i in range(len(lows)):
        add(lows[i], start, low)
        while below < len(sums) and compare(sums[below], low) < 0:
            below += 1
        add(low, width, high)
        while reached < len(sums) and compare(sums[reached], high) <= 0:
            reached += 1
        count += reached - below
    return count
