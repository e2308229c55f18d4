"""Sorted subset sums: against doubling and sorting, and by the symmetry that the kernel itself relies on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.sums import merge_upper_half, reflect_lower_half, sort_subset_sums
from slth.kernels.wide_list import subset_sums, subsets_with_sum

key_lists = st.lists(st.integers(-(2**40), 2**40) | st.integers(-2, 2), min_size=0, max_size=9)


def doubled(keys, origin=0):
    sums = [origin]
    for key in keys:
        sums = sums + [s + key for s in sums]
    return np.array(sums)


@given(key_lists, st.integers(-(2**40), 2**40))
def test_sums_are_the_sorted_doubling(keys, origin):
    out = np.empty(2 ** len(keys), np.int64)
    sort_subset_sums(np.array(keys, np.int64), origin, out)
    np.testing.assert_array_equal(out, np.sort(doubled(keys, origin)))


@pytest.mark.parametrize("m", [10, 13, 16])
def test_long_lists_are_sorted_and_symmetric(m):
    keys = np.random.default_rng(m).integers(-(2**45), 2**45, m)
    out = np.empty(2**m, np.int64)
    sort_subset_sums(keys, np.int64(0), out)
    assert (np.diff(out) >= 0).all()
    np.testing.assert_array_equal(out + out[::-1], keys.sum())
    np.testing.assert_array_equal(out, np.sort(doubled(keys)))


@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_a_merge_cut_anywhere_is_the_whole_merge(parts, seed, ties):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 3, 8) if ties else rng.integers(-(2**30), 2**30, 8)
    whole = np.empty(512, np.int64)
    sort_subset_sums(keys, np.int64(0), whole)
    cut = whole.copy()
    extra = int(rng.integers(-(2**30), 2**30))
    bounds = [0, *sorted(rng.integers(0, 257, parts - 1).tolist()), 256]
    for start, stop in pairwise(bounds):
        merge_upper_half(cut, 256, extra, start, stop)
    for start, stop in pairwise(bounds):
        reflect_lower_half(cut, 256, int(keys.sum()) + extra, start, stop)
    np.testing.assert_array_equal(cut, np.sort(doubled([*keys.tolist(), extra])))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=16), st.data())
def test_every_subset_behind_a_sum_is_found(keys, data):
    sums = np.empty(2 ** len(keys), np.int64)
    array = np.array(keys, np.int64)
    subset_sums(array, sums)
    value = data.draw(st.sampled_from(sorted(set(sums.tolist()))))
    out = np.empty(len(sums), np.int64)
    count = subsets_with_sum(array, value, out)
    np.testing.assert_array_equal(np.sort(out[:count]), np.flatnonzero(sums == value))
