"""One instance at a time: two lists shared between threads, with every near pair ranked exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from slth.kernels.fixed_size import COUNT_BITS, best_distance, prepare_groups, sized_keys, sized_pairs_within
from slth.kernels.sums import merge_upper_half, reflect_lower_half
from slth.kernels.two_list import BLOCK, FAR, pairs_within, walk
from slth.kernels.wide_list import subsets_with_sum, wide_keys
from slth.subset_sum.instance import Floats
from slth.subset_sum.ranking import MOST_CANDIDATES, Keys, Ranking, chunk_bounds, rank
from slth.subset_sum.resources import worker_pool
from slth.subset_sum.status import Status

SHARED_FROM = 1 << 17  # lists below this are merged by one thread: a hand-over costs more than it saves


def solve_large(values: Floats, target: float, *, size: int | None = None, threads: int = 1) -> Ranking:
    """The optimum of one instance by two lists of 2**(n/2) sums, as shared work of `threads` threads."""
    with worker_pool(threads) as pool:
        if size is None:
            return _any_size(values, target, pool, threads)
        return _fixed_size(values, target, size)


@dataclass(frozen=True)
class _Lists:
    """Sorted sums of both halves: `low` ends and `high` begins with a sentinel; `high` starts from -target."""

    low: Keys
    high: Keys

    @property
    def lengths(self) -> tuple[int, int]:
        return len(self.low) - 1, len(self.high) - 1


def _any_size(values: Floats, target: float, pool: ThreadPoolExecutor, threads: int) -> Ranking:
    n = len(values)
    split = n // 2
    keys = np.empty(n, np.int64)
    shift, goal, exact = wide_keys(values, target, keys)
    lists = _Lists(np.empty((1 << split) + 1, np.int64), np.empty((1 << (n - split)) + 1, np.int64))
    lists.low[-1], lists.high[0] = FAR, -FAR
    _sort_sums(keys[:split], 0, lists.low, pool, threads)
    _sort_sums(keys[split:], -goal, lists.high[1:], pool, threads)
    best = _walk(lists, pool, threads)
    window = 0 if exact else n + 1
    first, second = np.empty(MOST_CANDIDATES, np.int64), np.empty(MOST_CANDIDATES, np.int64)
    if exact:
        first, second = first[:1], second[:1]
    a, b = lists.lengths
    found = pairs_within(lists.low, a, lists.high, b, best + window, first, second)
    kept = min(found, len(first))
    pairs = [
        (int(lists.low[i]), int(lists.high[j + 1]) + goal) for i, j in zip(first[:kept], second[:kept], strict=True)
    ]
    near = _Near(keys, pairs, found, best, shift)
    return _any_of(near) if exact else _best_of(near, values, target, None)


@dataclass(frozen=True)
class _Near:
    """The pairs of half sums that came close, and in which units."""

    keys: Keys
    pairs: list[tuple[int, int]]
    found: int
    best: int
    shift: int


def _any_of(near: _Near) -> Ranking:
    """With exact keys equal keys are equal sums, so the first subset behind the first pair is an optimum."""
    split = len(near.keys) // 2
    out = np.empty(1, np.int64)
    identity = 0
    for half, total, place in zip((near.keys[:split], near.keys[split:]), near.pairs[0], (0, split), strict=True):
        subsets_with_sum(half, total, out)
        identity |= int(out[0]) << place
    return Ranking(identity, 0.0, Status.OPTIMAL)


def _best_of(near: _Near, values: Floats, target: float, size: int | None) -> Ranking:
    """With rounded keys every subset behind every near pair is ranked in integers."""
    complete = near.found <= len(near.pairs)
    floor = near.best - (len(values) + 1) / 2
    return rank(
        values, target, near.keys, near.pairs, complete=complete, floor_units=floor, shift=near.shift, size=size
    )


def _fixed_size(values: Floats, target: float, size: int) -> Ranking:
    n = len(values)
    split = n // 2
    keys = np.empty(n, np.int64)
    shift, goal, exact = sized_keys(values, target, size, keys)
    low = np.empty((1 << split) + split + 1, np.int64)
    high = np.empty((1 << (n - split)) + n - split + 1, np.int64)
    low_offsets, high_offsets = np.empty(split + 2, np.int64), np.empty(n - split + 2, np.int64)
    prepare_groups(keys, goal, low, low_offsets, high, high_offsets)
    best = best_distance(n, size, low, low_offsets, high, high_offsets, np.empty(4 * BLOCK, np.int64))
    window = 0 if exact else (n + 1) << COUNT_BITS
    room = 1 if exact else MOST_CANDIDATES
    first, second = np.empty(room, np.int64), np.empty(room, np.int64)
    found = sized_pairs_within(n, size, low, low_offsets, high, high_offsets, best + window, first, second)
    kept = min(found, room)
    pairs = [(int(a), int(b) + goal) for a, b in zip(first[:kept], second[:kept], strict=True)]
    near = _Near(keys, pairs, found, best >> COUNT_BITS, shift)
    return _any_of(near) if exact else _best_of(near, values, target, size)


def _sort_sums(keys: Keys, origin: int, sums: Keys, pool: ThreadPoolExecutor, threads: int) -> None:
    """Sorted subset sums, each doubling split between the threads once it is long enough."""
    sums[0] = origin
    length, total = 1, 2 * origin
    for key in keys.tolist():
        total += key
        parts = threads if length >= SHARED_FROM else 1
        bounds = chunk_bounds(length, -(-length // parts))
        for kernel, last in ((merge_upper_half, key), (reflect_lower_half, total)):
            part = partial(kernel, sums, length, last)
            if parts == 1:
                part(0, length)
            else:
                list(pool.map(part, bounds[:-1], bounds[1:]))
        length *= 2


def _walk(lists: _Lists, pool: ThreadPoolExecutor, threads: int) -> int:
    """The smallest |d|, the walk cut into one stretch per thread."""
    a, b = lists.lengths
    steps = a + b - 1
    bounds = chunk_bounds(steps, -(-steps // threads))

    def stretch(start: int, stop: int) -> int:
        above, below = walk(lists.low, a, lists.high, b, start, stop, np.empty(4 * BLOCK, np.int64))
        return min(int(above), int(below) + 1)

    return min(pool.map(stretch, bounds[:-1], bounds[1:]))
