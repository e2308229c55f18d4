"""Two halves of some integer vectors: subsets of a size from either, until two of them add up to a sum in a box.

Subsets stand in colexicographic order, in which those of the first m values come first: a subset is its place in that
order. Sums of the first half are kept in a table by the cell of a grid that they fall into, whose cells are as large as
the box, so that two cells a coordinate hold whatever completes a sum of the second half. Those are 2**d cells, and
a wide box has many sums in each: looks at coordinates of cells and sums are counted, and end at a number that is given.
"""

from __future__ import annotations

import math

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

EXACT_INTEGERS = 2.0**53
LONGEST_SUM = 2.0**62
MIX = np.int64(0x5851F42D4C957F2D)
MOST_WIDE = 8  # coordinates with two cells by which sums are kept: 256 cells are looked at for one of them


@kernel
def groups(vectors, size, most):
    """The sums of the first `most` subsets of a size, as groups of one list of sums: of its leading part, and a vector.

    Subsets with last value m are those of one value less among the first m values, each with it. So the list is that
    of the sums of one value less, and group k is its first lengths[k] sums, each with moves[k].

    Shapes: vectors int64[n, d], n >= size; sums int64[m, d]; moves int64[k, d]; lengths int64[k].
    """
    n, d = vectors.shape
    if size == 0:
        return np.zeros((1, d), np.int64), np.zeros((1, d), np.int64), np.ones(1, np.int64)
    count = np.zeros((size + 1, n + 1), np.int64)  # of the subsets of j of the first m values, or `most`
    count[0, :] = 1
    for j in range(1, size + 1):
        for m in range(n):
            count[j, m + 1] = min(most, count[j, m] + count[j - 1, m])
    used = n
    while used > size and count[size, used - 1] >= most:
        used -= 1
    sums = np.zeros((1, d), np.int64)
    for j in range(1, size):
        longer = np.empty((count[j, used - size + j], d), np.int64)
        at = 0
        for m in range(j - 1, used - size + j):
            for i in range(min(count[j - 1, m], len(longer) - at)):
                for c in range(d):
                    longer[at, c] = sums[i, c] + vectors[m, c]
                at += 1
        sums = longer
    return sums, vectors[size - 1 :], count[size - 1, size - 1 : n]


@inline_kernel
def mixed(slot, cell):
    """One more coordinate's cell taken into a slot's number."""
    slot = (slot ^ cell) * MIX
    return slot ^ (slot >> 31)


@kernel
def cells_of(low, high):
    """How many integers a cell holds in each coordinate; 0 where sums are not kept by it, since enough others are wide.

    Shapes: low, high int64[d]; the result int64[d].
    """
    cells = high - low + 1
    many = 0
    for c in range(len(cells)):
        if cells[c] > 1:
            many += 1
            if many > MOST_WIDE:
                cells[c] = 0
    return cells


@inline_kernel
def cell_of(total, wide):
    """The cell of a sum; 0 where sums are not kept by it."""
    return total if wide == 1 else (total // wide if wide else 0)


@kernel
def tabulate(vectors, size, wide, totals, heads, following):
    """Keep the sums of the first subsets of a size; returns how many there were.

    Shapes: vectors int64[m, d]; wide int64[d]; totals int64[most, d]; heads int32[power of two]; following int32[most].
    """
    sums, moves, lengths = groups(vectors, size, len(totals))
    heads[:] = -1
    count = 0
    for k in range(len(moves)):
        for i in range(min(lengths[k], len(totals) - count)):
            slot = np.int64(0)
            for c in range(len(wide)):
                total = sums[i, c] + moves[k, c]
                totals[count, c] = total
                slot = mixed(slot, cell_of(total, wide[c]))
            slot &= len(heads) - 1
            following[count] = heads[slot]
            heads[slot] = count
            count += 1
    return count


@kernel
def complete(vectors, size, low, high, wide, most, looks, totals, heads, following):
    """Look for a tabulated sum that completes one of the first subsets of a size; their two places, or -1.

    With them the looks that are left of those that were given.

    Shapes: as :func:`tabulate`; low, high int64[d].
    """
    d = len(low)
    sums, moves, lengths = groups(vectors, size, most)
    least, turn = np.empty(d, np.int64), np.zeros(d, np.int64)
    corners = 1  # a bit for each coordinate in which what completes may lie in two cells
    for c in range(d):
        if wide[c] > 1:
            turn[c] = corners
            corners *= 2
    count = 0
    for k in range(len(moves)):
        for i in range(min(lengths[k], most - count)):
            for corner in range(corners):  # whose bits are coordinates in which the second cell is looked at
                slot = np.int64(0)
                own = True
                for c in range(d):
                    least[c] = low[c] - sums[i, c] - moves[k, c]
                    cell = cell_of(least[c], wide[c])
                    if corner & turn[c]:
                        own &= cell * wide[c] != least[c]
                        cell += 1
                    slot = mixed(slot, cell)
                at = heads[slot & (len(heads) - 1)] if own else -1
                while at >= 0:
                    inside = True
                    for c in range(d):
                        inside &= least[c] <= totals[at, c] <= least[c] + (high[c] - low[c])
                    if inside:
                        return at, count, looks
                    looks -= d
                    at = following[at]
            count += 1
            looks -= corners * d
            if looks < 0:
                return -1, count, looks
    return -1, count, looks


@inline_kernel
def binomial(n, size):
    """The number of subsets of a size; 0 of more values than there are."""
    number = 1
    for k in range(size):
        number = number * (n - k) // (k + 1)
    return number


@kernel
def subset_at(place, members):
    """Write the subset at a place of the colexicographic order, its last value last."""
    for left in range(len(members), 0, -1):
        member = left - 1
        while binomial(member + 1, left) <= place:
            member += 1
        members[left - 1] = member
        place -= binomial(member, left)


@kernel
def join(rows, order, own, other, low, high, most, looks, members):
    """Find two subsets whose sums add up to one in the box; if they are found, how many sums were made, looks left.

    One is of `own` rows at even places of the order, one of `other` rows at odd places; the first `most` of either are
    looked at, with about so many looks.

    Shapes: rows int64[n, d]; order int64[n]; low, high int64[d]; members int64[own + other] is written: their rows.
    """
    size = 2
    while size < 2 * most:
        size *= 2
    totals, heads = np.empty((most, rows.shape[1]), np.int64), np.empty(size, np.int32)
    following = np.empty(most, np.int32)
    first, second = order[::2], order[1::2]
    wide = cells_of(low, high)
    kept = tabulate(rows[first], own, wide, totals, heads, following)
    at, seen, looks = complete(rows[second], other, low, high, wide, most, looks, totals, heads, following)
    if at < 0:
        return False, kept + seen, looks
    subset_at(at, members[:own])
    subset_at(seen, members[own:])
    members[:own] = first[members[:own]]
    members[own:] = second[members[own:]]
    return True, kept + seen, looks


@inline_kernel
def unit_of(deviation):
    """The unit of a coordinate, also where all are equal."""
    return deviation if deviation > 0.0 else 1.0


@kernel
def nearest_first(rows, deviation, low, high, size, fixed):
    """Rows, but the fixed ones, by how far they are from the average of `size` of them with a sum in the box.

    Shapes: as :func:`settle`.
    """
    places = np.flatnonzero(~fixed)
    away = np.zeros(len(places))
    for c in range(rows.shape[1]):
        unit = unit_of(deviation[c])
        average = 0.5 * (low[c] + high[c]) / max(size, 1)
        for k in range(len(places)):
            away[k] = max(away[k], abs(rows[places[k], c] - average) / unit)
    return places[np.argsort(away, kind="mergesort")]


@kernel
def settle(rows, deviation, low, high, wanted, size, fixed):
    """Choose rows one by one, of all that come nearest to leaving the others' average, until so many are chosen.

    Returns their sum.

    Shapes: rows int64[n, d]; deviation float64[d], in which coordinates are measured; low, high int64[d], the box for
    the sum of all of `size`; fixed bool[n] is written.
    """
    n, d = rows.shape
    vectors, left, rest, share = np.empty((n, d)), np.empty(d), np.zeros(d), np.empty(d)
    for c in range(d):
        unit = unit_of(deviation[c])
        left[c] = 0.5 * (low[c] + high[c]) / unit
        for i in range(n):
            vectors[i, c] = rows[i, c] / unit
            rest[c] += vectors[i, c]
    total = np.zeros(d, np.int64)
    for step in range(wanted):
        for c in range(d):
            share[c] = (size - step - 1) * (rest[c] / (n - step))
        nearest = np.inf
        best = -1
        for i in range(n):
            apart = 0.0
            for c in range(d):
                apart = max(apart, abs(left[c] - vectors[i, c] - share[c]))
            if apart < nearest:
                nearest = apart
                best = i
        fixed[best] = True
        for c in range(d):
            total[c] += rows[best, c]
            left[c] -= vectors[best, c]
            rest[c] -= vectors[best, c]
            vectors[best, c] = np.inf  # it is not chosen again
    return total


@kernel
def likeliest(mean, deviation, low, high, subsets, share, first, last):
    """The size of which most subsets have a sum in the box, by the normal law, among those from first to last.

    With it: log2 of that number, and of the number of subsets for one of them.

    Shapes: mean, deviation float64[d], of the values; low, high int64[d]; subsets float64[n + 1], log2 of the number of
    subsets of each size; share float64[n + 1], the deviation of their sums for one of the values.
    """
    best, most, wide_by = first, -np.inf, np.inf
    for size in range(first, last + 1):
        away = 0.0
        spread = 0.0
        for c in range(len(mean)):
            of_sums = deviation[c] * share[size] + 1e-9
            gap = (0.5 * (low[c] + high[c]) - size * mean[c]) / of_sums
            away += gap * gap
            spread += math.log2(max(1.0, math.sqrt(2.0 * math.pi) * of_sums / (high[c] - low[c] + 1)))
        expected = subsets[size] - spread - away / math.log(4.0)
        if expected > most:
            best, most, wide_by = size, expected, spread
    return best, most, wide_by


@kernel
def whole_columns(values, rows, steps):
    """Write values that are integers below 2**53 as multiples of the largest step of their column.

    The step of another column is called 0, as that of a column whose sums would not fit 64 bits.

    Shapes: values float64[n, d]; rows int64[n, d]; steps int64[d].
    """
    n, d = values.shape
    for c in range(d):
        step = 0
        reach = 0.0
        whole = True
        for i in range(n):
            value = values[i, c]
            reach += abs(value)
            whole &= abs(value) < EXACT_INTEGERS and value == np.rint(value) and reach < LONGEST_SUM
            if not whole:
                break
            rows[i, c] = np.int64(value)
            one = abs(rows[i, c])
            while one:
                step, one = one, step % one
        if whole and step > 1:
            for i in range(n):
                rows[i, c] //= step
        steps[c] = max(step, 1) if whole else 0
