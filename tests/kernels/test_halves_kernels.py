"""Subsets of halves, the table of their sums and what completes them, against itertools."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from slth.kernels.halves import complete, settle, tabulate


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
        count, *table = tabulated(first, 3, high - low + 1, 100)
        place, seen = complete(second, 2, low, high, 100, *table)
        sums = table[0][:count]
        others = np.array([second[list(chosen)].sum(axis=0) for chosen in colexicographic(8, 2)])
        inside = ((sums[:, None] + others >= low) & (sums[:, None] + others <= high)).all(axis=2)
        assert (place >= 0) == inside.any()
        if place >= 0:
            assert inside[place, seen]
            found += 1
    assert 0 < found < 60


def test_what_is_settled_leaves_the_average_of_the_rest():
    vectors = np.random.default_rng(0).normal(size=(80, 2)) + 3.0
    target = 40 * vectors.mean(axis=0) + 1.0
    fixed = np.zeros(80, np.bool_)
    settle(vectors, target, np.array([28, 40]), fixed)
    assert fixed.sum() == 28
    left = target - vectors[fixed].sum(axis=0) - 12 * vectors[~fixed].mean(axis=0)
    assert np.abs(left).max() < 0.5  # sums of twelve deviate by 3.5
