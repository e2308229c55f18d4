"""The walk through slices against the whole table of sums of both sides."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.subset_sum.slices import Side, Walk, walk_slices

small_keys = st.integers(-12, 12)
keys = st.one_of(
    small_keys, st.sampled_from([0, 1000, -1000, 10**17]).flatmap(lambda c: small_keys.map(lambda k: c + k))
)
lists = st.lists(keys, min_size=1, max_size=6, unique=True).map(lambda x: np.array(sorted(x), np.int64))
sides = st.builds(Side, lists, lists)


def sums_of(side: Side) -> set[int]:
    return {int(x) + int(y) for x in side.first for y in side.second}


@given(sides, sides, st.integers(0, 5), st.sampled_from([1, 4, 100]), st.integers(1, 2))
def test_every_pair_within_the_window_is_found(one, two, window, slice_size, threads):
    walk = Walk((one, two), window, distinct=False, stop=-1, slice_size=slice_size, room=1000)
    found = walk_slices(walk, threads=threads)
    gaps = {(x, y): abs(x - y) for x in sums_of(one) for y in sums_of(two)}
    best = min(gaps.values())
    assert found.best == best
    assert sorted(found.pairs) == sorted(pair for pair, gap in gaps.items() if gap <= best + window)
    assert not found.stopped
    assert not found.interrupted


@given(sides, sides, st.sampled_from([1, 4, 100]))
def test_exact_keys_give_every_best_difference_once(one, two, slice_size):
    found = walk_slices(Walk((one, two), 0, distinct=True, stop=-1, slice_size=slice_size, room=16), threads=1)
    differences = {x - y for x in sums_of(one) for y in sums_of(two)}
    best = min(map(abs, differences))
    assert {x - y for x, y in found.pairs} == {d for d in differences if abs(d) == best}


@given(sides, sides, st.integers(0, 2000))
def test_it_stops_at_a_gap_that_is_good_enough(one, two, stop):
    found = walk_slices(Walk((one, two), 0, distinct=True, stop=stop, slice_size=4, room=16), threads=1)
    best = min(abs(x - y) for x in sums_of(one) for y in sums_of(two))
    assert found.stopped == (best <= stop)
    assert found.best <= max(best, stop)


def test_a_long_walk_is_cut_into_chunks_that_miss_nothing():
    rng = np.random.default_rng(2)
    draw = [np.unique(rng.integers(0, 2**40, 1100)) for _ in range(4)]
    one, two = Side(draw[0], draw[1]), Side(draw[2], draw[3])
    seen = []
    found = walk_slices(
        Walk((one, two), 3, distinct=False, stop=-1, slice_size=5000, room=1000),
        threads=2,
        progress=lambda *report: seen.append(report),
    )
    low, high = (np.sort(np.add.outer(side.first, side.second).ravel()) for side in (one, two))
    above = np.searchsorted(high, low).clip(1, len(high) - 1)
    assert found.best == min(np.abs(low - high[above]).min(), np.abs(low - high[above - 1]).min())
    assert found.slices > 32
    assert seen[-1][0] == "four lists"
