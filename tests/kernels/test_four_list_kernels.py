"""Slices of sums of two lists, against the whole table of sums."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels.four_list import (
    BEST,
    COUNT,
    DROPPED,
    NOTHING,
    UNSEEN,
    compare,
    emit_slice,
    keep_last,
    last_sums,
    next_sum,
    pairs_with_sum,
    seek,
)

keys = st.one_of(st.integers(-8, 8), st.integers(-(2**60), 2**60))
increasing = st.lists(keys, min_size=1, max_size=6, unique=True).map(lambda x: np.array(sorted(x), np.int64))


def table(first, second):
    return sorted(int(x) + int(y) for x in first for y in second)


@given(increasing, increasing, keys, st.integers(0, 2**61), st.integers(0, 40))
def test_a_slice_holds_the_sums_between_two_bounds_or_is_refused(first, second, low, width, capacity):
    sums = table(first, second)
    pointers, moved, out = np.empty(len(first), np.int64), np.empty(len(first), np.int64), np.empty(capacity, np.int64)
    assert seek(first, second, low, pointers) == sum(s < low for s in sums)
    inside = [s for s in sums if low <= s < low + width]
    end = emit_slice(first, second, pointers, low + width, moved, out, 0)
    if len(inside) > capacity:
        assert end == -1
    else:
        assert sorted(out[:end].tolist()) == inside
        again = np.empty_like(moved)
        seek(first, second, low + width, again)
        assert (moved == again).all()


@given(increasing, increasing, keys)
def test_next_sum_is_the_smallest_not_below(first, second, low):
    pointers = np.empty(len(first), np.int64)
    seek(first, second, low, pointers)
    expected = min((s for s in table(first, second) if s >= low), default=NOTHING)
    assert next_sum(first, second, pointers) == expected


@given(increasing, increasing, keys, st.integers(0, 9))
def test_last_sums_are_those_within_the_window_below_the_largest(first, second, low, window):
    pointers, out = np.empty(len(first), np.int64), np.empty(window + 1, np.int64)
    seek(first, second, low, pointers)
    below = [s for s in table(first, second) if s < low]
    expected = sorted({s for s in below if s >= max(below) - window})
    assert out[: last_sums(first, second, pointers, window, out)].tolist() == expected
    slice_ = np.array([*below, 0], np.int64)  # the same from a sorted slice, in place
    assert slice_[: keep_last(slice_, len(below), window, slice_)].tolist() == expected


small = st.lists(st.integers(-30, 30), max_size=12).map(lambda x: np.array(sorted(x), np.int64))


@given(small, small, st.integers(0, 6), st.integers(0, 20))
def test_compare_notes_every_pair_within_the_window_of_the_best(xs, ys, window, ceiling):
    state = np.array([UNSEEN, 0, UNSEEN, UNSEEN], np.int64)
    found = np.empty(1000, np.int64), np.empty(1000, np.int64)
    compare(xs, ys, window, False, ceiling, state, *found)
    gaps = {(x, y): abs(x - y) for x in xs.tolist() for y in ys.tolist()}
    best = min(gaps.values(), default=int(UNSEEN))
    noted = list(zip(*(column[: state[COUNT]].tolist() for column in found), strict=True))
    assert state[DROPPED] == UNSEEN
    assert len(set(noted)) == len(noted)
    if best <= ceiling + window:
        assert state[BEST] == best
    assert {pair for pair, gap in gaps.items() if gap <= min(best, ceiling) + window} <= set(noted)


@given(small, small)
def test_with_exact_keys_one_pair_of_each_best_difference_is_noted(xs, ys):
    state = np.array([UNSEEN, 0, UNSEEN, UNSEEN], np.int64)
    found = np.empty(16, np.int64), np.empty(16, np.int64)
    compare(xs, ys, 0, True, int(UNSEEN), state, *found)
    differences = {x - y for x in xs.tolist() for y in ys.tolist()}
    best = min(map(abs, differences), default=None)
    noted = [int(x - y) for x, y in zip(*(column[: state[COUNT]] for column in found), strict=True)]
    assert sorted(noted) == sorted(d for d in differences if abs(d) == best)


@given(small, small, st.integers(0, 6), st.integers(1, 5))
def test_what_does_not_fit_is_confessed(xs, ys, window, room):
    state = np.array([UNSEEN, 0, UNSEEN, UNSEEN], np.int64)
    found = np.empty(room, np.int64), np.empty(room, np.int64)
    compare(xs, ys, window, False, int(UNSEEN), state, *found)
    gaps = {(x, y): abs(x - y) for x in xs.tolist() for y in ys.tolist()}
    wanted = {pair for pair, gap in gaps.items() if gap <= min(gaps.values()) + window}
    noted = set(zip(*(column[: state[COUNT]].tolist() for column in found), strict=True))
    missing = wanted - noted
    assert not missing or state[DROPPED] <= min(gaps[pair] for pair in missing)


@given(increasing, increasing, st.integers(0, 3))
def test_every_pair_with_a_sum_is_listed_and_counted_beyond_the_room(first, second, room):
    total = int(first[0]) + int(second[-1])
    expected = {
        (i, j) for i in range(len(first)) for j in range(len(second)) if int(first[i]) + int(second[j]) == total
    }
    i, j = np.empty(40, np.int64), np.empty(40, np.int64)
    count = pairs_with_sum(first, second, total, i, j)
    assert set(zip(i[:count].tolist(), j[:count].tolist(), strict=True)) == expected
    assert pairs_with_sum(first, second, total, i[:room], j[:room]) == count
