"""Subsets of halves, the table of their sums and what completes them, against itertools."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from slth.kernels.halves import (
    cells_of,
    complete,
    join,
    likeliest,
    nearest_first,
    settle,
    subset_at,
    tabulate,
    whole_columns,
)

LOOKS = 1 << 40


def colexicographic(n, size):
    return sorted(itertools.combinations(range(n), size), key=lambda chosen: chosen[::-1])


def tabulated(vectors, size, wide, most):
    totals, following = np.empty((most, vectors.shape[1]), np.int64), np.empty(most, np.int32)
    heads = np.empty(2 << most.bit_length(), np.int32)
    count = tabulate(vectors, size, wide, totals, heads, following)
    return count, totals, heads, following


@pytest.mark.parametrize(("n", "size"), [(6, 0), (6, 1), (7, 3), (7, 7), (9, 4)])
def test_subsets_come_in_colexicographic_order_and_are_summed(n, size):
    vectors = np.random.default_rng(n).integers(-50, 50, (n, 3))
    count, totals, *_ = tabulated(vectors, size, np.ones(3, np.int64), 200)
    order = colexicographic(n, size)
    assert count == len(order) == math.comb(n, size)
    assert totals[:count].tolist() == [vectors[list(chosen)].sum(axis=0).tolist() for chosen in order]
    assert tabulated(vectors, size, np.ones(3, np.int64), 1)[0] == 1


@pytest.mark.parametrize("wide", [[0, 0], [0, 3], [5, 40], [1, 0]])
def test_a_pair_in_the_box_is_found_if_there_is_one(wide):
    rng = np.random.default_rng(sum(wide))
    found = 0
    for _ in range(60):
        first, second = rng.integers(-30, 30, (7, 2)), rng.integers(-30, 30, (8, 2))
        low = rng.integers(-70, 70, 2)
        high = low + wide
        cells = cells_of(low, high)
        count, *table = tabulated(first, 3, cells, 100)
        place, seen, left = complete(second, 2, low, high, cells, 100, LOOKS, *table)
        assert left <= LOOKS
        sums = table[0][:count]
        others = np.array([second[list(chosen)].sum(axis=0) for chosen in colexicographic(8, 2)])
        inside = ((sums[:, None] + others >= low) & (sums[:, None] + others <= high)).all(axis=2)
        assert (place >= 0) == inside.any()
        if place >= 0:
            assert inside[place, seen]
            found += 1
    assert 0 < found < 60


def test_looks_come_to_an_end():
    rng = np.random.default_rng(0)
    rows, order, members = rng.integers(-1000, 1000, (24, 9)), np.arange(24), np.empty(8, np.int64)
    low = np.full(9, 10**6)  # out of reach, in boxes so wide that many cells may hold what completes a sum
    found, seen, left = join(rows, order, 4, 4, low, low + 500, 400, 5000, members)
    assert not found
    assert seen < 400 + math.comb(12, 4)
    assert left < 0


def test_a_cell_holds_what_a_box_does_in_eight_coordinates_at_most():
    low, high = np.zeros(12, np.int64), np.arange(12)
    assert cells_of(low, high).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0]


def test_what_is_settled_leaves_the_average_of_the_rest():
    rows = np.rint(1000.0 * np.random.default_rng(0).normal(size=(80, 2)) + 3000.0).astype(np.int64)
    target = 40 * rows.mean(axis=0) + 1000.0
    fixed = np.zeros(80, np.bool_)
    low = target.astype(np.int64)
    total = settle(rows, rows.std(axis=0), low, low + 1, 28, 40, fixed)
    assert fixed.sum() == 28
    assert total.tolist() == rows[fixed].sum(axis=0).tolist()
    left = target - total - 12 * rows[~fixed].mean(axis=0)
    assert np.abs(left).max() < 500.0  # sums of twelve deviate by 3,500


def test_a_place_is_that_of_its_subset():
    for n, size in ((6, 0), (6, 1), (7, 3), (9, 6)):
        for place, chosen in enumerate(colexicographic(n, size)):
            members = np.empty(size, np.int64)
            subset_at(place, members)
            assert tuple(members) == chosen


@pytest.mark.parametrize(("own", "other"), [(0, 1), (1, 1), (2, 3)])
def test_two_subsets_are_joined_wherever_their_sums_are_in_the_box(own, other):
    rng = np.random.default_rng(own)
    joined = 0
    for _ in range(60):
        rows, order = rng.integers(-30, 30, (13, 2)), rng.permutation(13)[:11]
        low = (own + other) * rng.integers(-15, 15, 2)
        high = low + rng.integers(0, 20, 2)
        members = np.empty(own + other, np.int64)
        found, seen, left = join(rows, order, own, other, low, high, 100, LOOKS, members)
        assert left <= LOOKS
        halves = itertools.product(itertools.combinations(order[::2], own), itertools.combinations(order[1::2], other))
        sums = [rows[[*first, *second]].sum(axis=0) for first, second in halves]
        assert found == any(((low <= total) & (total <= high)).all() for total in sums)
        if found:
            total = rows[members].sum(axis=0)
            assert len(set(members.tolist())) == own + other
            assert set(members[:own].tolist()) <= set(order[::2].tolist())
            assert ((low <= total) & (total <= high)).all()
            joined += 1
        else:
            assert seen == math.comb(6, own) + math.comb(5, other)
    assert 0 < joined < 60


def test_the_nearest_to_an_average_come_first_and_what_is_fixed_is_left_out():
    rows = np.array([[10, 0], [4, 0], [6, 0], [5, 7], [5, 0], [90, 9]])
    fixed = np.array([False, False, False, False, True, False])
    low = np.array([10, 0])
    order = nearest_first(rows, np.array([1.0, 0.0]), low, low, 2, fixed)  # of equally near ones the first comes first
    assert order.tolist() == [1, 2, 0, 3, 5]


def test_the_likeliest_size_is_that_of_the_normal_law():
    mean, deviation, low, high = np.array([3.0, -1.0]), np.array([2.0, 4.0]), np.array([60, -30]), np.array([61, -28])
    n = 40
    subsets = np.array([math.log2(math.comb(n, k)) for k in range(n + 1)])
    share = np.array([math.sqrt(k * (n - k) / (n - 1)) for k in range(n + 1)])

    def expected(size):
        density = 1.0
        for c in range(2):
            sigma = deviation[c] * share[size]
            gap = (0.5 * (low[c] + high[c]) - size * mean[c]) / sigma
            density *= (high[c] - low[c] + 1) * math.exp(-0.5 * gap * gap) / (sigma * math.sqrt(2.0 * math.pi))
        return math.log2(math.comb(n, size) * density)

    best, most, spread = likeliest(mean, deviation, low, high, subsets, share, 1, n - 1)
    assert best == max(range(1, n), key=expected)
    assert most == pytest.approx(expected(best), abs=1e-6)
    assert likeliest(mean, deviation, low, high, subsets, share, 7, 7)[:2] == (7, pytest.approx(expected(7), abs=1e-6))
    assert 2.0**-spread == pytest.approx(6.0 / (2.0 * math.pi * 8.0 * share[best] ** 2))


def test_columns_of_integers_are_multiples_of_their_step_and_others_have_none():
    values = np.array([[6.0, 0.5, 0.0, 2.0**53, -4.0], [-9.0, 1.0, 0.0, 1.0, 2.0]])
    rows, steps = np.zeros((2, 5), np.int64), np.empty(5, np.int64)
    whole_columns(values, rows, steps)
    assert steps.tolist() == [3, 0, 1, 0, 2]
    assert rows[:, [0, 2, 4]].tolist() == [[2, 0, -2], [-3, 0, 1]]
    large, one = np.full((600, 1), 2.0**53 - 1.0), np.empty(1, np.int64)
    whole_columns(large, np.empty((600, 1), np.int64), one)
    assert one[0] == 0  # their sum would not fit 64 bits
