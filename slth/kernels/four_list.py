"""Four lists: all sums of two sorted lists, one slice of the value range at a time, in memory of the lists alone.

The sums first[i] + second[j] of two lists of length m are m^2 numbers, too many to keep. Each row i meets a slice
[bound, next bound) of the value range in one run of j, so a pointer per row, moved from slice to slice, produces the
slice; a slice that fits the cache is sorted there (by the caller, whose sort uses vector instructions) and compared
with the same slice of the other two lists. Compared with the two priority queues of Schroeppel and Shamir, which cost a
heap step with a cache miss for every sum, the work a sum is a few sequential writes.

Names: a *row* is an element of the first list; `pointers[i]` counts the elements of the second list whose sum with row
i lies below the current bound.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import kernel

NOTHING = np.int64(2**63 - 1)  # no sum left
UNSEEN = np.int64(2**62)  # a gap larger than any two keys have

BEST, COUNT, DROPPED, CLEARED = 0, 1, 2, 3  # fields of the state of a comparison


@kernel
def seek(first, second, bound, pointers):
    """Set every pointer to `bound`; returns the number of sums below it."""
    below = np.int64(0)
    j = len(second)
    for i in range(len(first)):
        rest = bound - first[i]
        while j > 0 and second[j - 1] >= rest:
            j -= 1
        pointers[i] = j
        below += j
    return below


@kernel
def emit_slice(first, second, pointers, bound, moved, out, start):
    """Append the sums from the pointers up to `bound` to out[start:]; returns the new end, or -1 if they do not fit.

    The pointers themselves stay, so that a slice that did not fit can be tried again with a lower bound; `moved`
    receives those of the next slice.
    """
    used = start
    capacity = len(out)
    length = len(second)
    for i in range(len(first)):
        row = first[i]
        rest = bound - row
        j = pointers[i]
        while j < length and second[j] < rest:
            if used == capacity:
                return np.int64(-1)
            out[used] = row + second[j]
            used += 1
            j += 1
        moved[i] = j
    return used


@kernel
def next_sum(first, second, pointers):
    """The smallest sum at or above the pointers, or NOTHING."""
    smallest = NOTHING
    for i in range(len(first)):
        if pointers[i] < len(second):
            smallest = min(smallest, first[i] + second[pointers[i]])
    return smallest


@kernel
def last_sums(first, second, pointers, window, out):
    """The distinct sums below the pointers that lie within `window` of the largest of them, increasing; their number.

    These are all that a later slice can still need: a key y above is compared with the largest key x below it, so
    the best gap is at most y - x from then on, and a key of less than x - window is more than best + window away.
    """
    largest = -NOTHING
    for i in range(len(first)):
        if pointers[i] > 0:
            largest = max(largest, first[i] + second[pointers[i] - 1])
    if largest == -NOTHING:
        return 0
    present = np.zeros(window + 1, np.bool_)
    for i in range(len(first)):
        j = pointers[i] - 1
        while j >= 0 and first[i] + second[j] >= largest - window:
            present[largest - first[i] - second[j]] = True
            j -= 1
    count = 0
    for back in range(window, -1, -1):
        if present[back]:
            out[count] = largest - back
            count += 1
    return count


@kernel
def keep_last(keys, end, window, out):
    """The same choice from a sorted slice keys[:end]; out may be the front of keys."""
    if end == 0:
        return 0
    largest = keys[end - 1]
    start = end - 1
    while start > 0 and keys[start - 1] >= largest - window:
        start -= 1
    count = 0
    for k in range(start, end):
        key = keys[k]
        if count == 0 or out[count - 1] != key:
            out[count] = key
            count += 1
    return count


@kernel
def offer(x, y, window, distinct, state, found_x, found_y):
    """Note a pair of keys whose gap is at most best + window; a full table is first cleared of what is now too far.

    CLEARED is the best gap at the last clearing: while it stands, clearing again would free nothing.
    """
    gap = abs(x - y)
    state[BEST] = min(state[BEST], gap)
    if state[BEST] < state[CLEARED] and (state[COUNT] == len(found_x) or distinct):
        state[CLEARED] = state[BEST]
        kept = 0
        for k in range(state[COUNT]):
            if abs(found_x[k] - found_y[k]) <= state[BEST] + window:
                found_x[kept] = found_x[k]
                found_y[kept] = found_y[k]
                kept += 1
        state[COUNT] = kept
    if distinct:
        for k in range(state[COUNT]):
            if found_x[k] - found_y[k] == x - y:
                return
    if state[COUNT] == len(found_x):
        state[DROPPED] = min(state[DROPPED], gap)
        return
    found_x[state[COUNT]] = x
    found_y[state[COUNT]] = y
    state[COUNT] += 1


@kernel
def compare(xs, ys, window, distinct, ceiling, state, found_x, found_y):
    """Note every pair of two sorted slices with |x - y| <= min(best, ceiling) + window, best being updated on the way.

    The walk consumes the smaller of the two current keys and looks upwards from it, so every pair is met once. With
    `distinct` (keys are exact, so pairs of equal difference are equal) one pair a difference is enough.
    """
    i = j = 0
    limit = min(state[BEST], ceiling) + window
    while i < len(xs) and j < len(ys):
        gap = xs[i] - ys[j]
        if abs(gap) <= limit:
            if gap <= 0:
                if i == 0 or xs[i] != xs[i - 1]:
                    for k in range(j, len(ys)):
                        if ys[k] - xs[i] > limit:
                            break
                        if k == j or ys[k] != ys[k - 1]:
                            offer(xs[i], ys[k], window, distinct, state, found_x, found_y)
                            limit = min(state[BEST], ceiling) + window
            elif j == 0 or ys[j] != ys[j - 1]:
                for k in range(i, len(xs)):
                    if xs[k] - ys[j] > limit:
                        break
                    if k == i or xs[k] != xs[k - 1]:
                        offer(xs[k], ys[j], window, distinct, state, found_x, found_y)
                        limit = min(state[BEST], ceiling) + window
        step = np.int64(gap <= 0)
        i += step
        j += 1 - step


@kernel
def pairs_with_sum(first, second, total, found_i, found_j):
    """Write the positions (i, j) with first[i] + second[j] == total; counts on, without writing, when full."""
    count = 0
    end = len(second)
    for i in range(len(first)):
        rest = total - first[i]
        while end > 0 and second[end - 1] > rest:
            end -= 1
        j = end - 1
        while j >= 0 and second[j] == rest:
            if count < len(found_i):
                found_i[count] = i
                found_j[count] = j
            count += 1
            j -= 1
    return count
