"""One list of values at a time: two lists shared between threads, with every near pair ranked exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from slth.arrays import Floats
from slth.kernels.fixed_point import to_key
from slth.kernels.sums import merge_upper_half, reflect_lower_half
from slth.kernels.two_list import BLOCK, FAR, pairs_within, walk
from slth.kernels.wide_list import subsets_with_sum, wide_keys
from slth.resources import worker_pool
from slth.subset_sum.ranking import MOST_CANDIDATES, Keys, Ranking, chunk_bounds, rank
from slth.subset_sum.status import Status

SHARED_FROM = 1 << 17  # lists below this are merged by one thread: a hand-over costs more than it saves
Pairs = tuple[list[tuple[int, int]], int]


def solve_large(values: Floats, target: float, *, size: int | None = None, threads: int = 1) -> Ranking:
    """The optimum of one instance by two lists of 2**(n/2) sums, as shared work of `threads` threads."""
    return next(solve_each(values, [target], size=size, threads=threads))


def solve_each(values: Floats, targets: Sequence[float], *, size: int | None = None, threads: int) -> Iterator[Ranking]:
    """The optimum of each target over one list of values, whose sums are sorted once."""
    n = len(values)
    largest = max(map(abs, targets))
    with worker_pool(threads) as pool:
        lists = _Lists(values, largest, size, pool, threads)
        for target in targets:
            goal, exact = lists.move_to(target)
            best = lists.smallest_distance()
            window = 0 if exact else n + 1
            pairs, found = lists.pairs(best + window, 1 if exact else MOST_CANDIDATES)
            pairs = [(low, high + goal) for low, high in pairs]
            if exact:
                yield _any_of(lists.keys, pairs[0])
            else:
                complete, floor = found <= len(pairs), best - (n + 1) / 2
                yield rank(
                    values,
                    target,
                    lists.keys,
                    pairs,
                    complete=complete,
                    floor_units=floor,
                    shift=lists.shift,
                    size=size,
                )


class _Lists:
    """Sorted sums of both halves, the upper one's less the target; `low` ends and `high` begins with a sentinel."""

    def __init__(
        self, values: Floats, largest: float, size: int | None, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        n, split = len(values), len(values) // 2
        self.keys = np.empty(n, np.int64)
        self.shift, self._exact, apart = wide_keys(values, largest, size is not None, self.keys)
        self._of_size = (size or 0) * apart
        self._low, self._high = np.empty((1 << split) + 1, np.int64), np.empty((1 << (n - split)) + 1, np.int64)
        self._goal = 0
        self._pool, self._threads = pool, threads
        self._low[-1] = FAR
        self._sort(self.keys[:split], self._low)
        self._sort(self.keys[split:], self._high[1:])

    def move_to(self, target: float) -> tuple[int, bool]:
        """Aim at a target; returns its key, and whether neither it nor the values were rounded."""
        goal, exact = to_key(target, self.shift)
        goal += self._of_size
        self._high += self._goal - goal
        self._high[0] = -FAR
        self._goal = goal
        return goal, self._exact and exact

    def smallest_distance(self) -> int:
        """The smallest distance of any pair, in key units."""
        a, b = len(self._low) - 1, len(self._high) - 1
        steps = a + b - 1
        bounds = chunk_bounds(steps, -(-steps // self._threads))

        def stretch(start: int, stop: int) -> int:
            above, below = walk(self._low, a, self._high, b, start, stop, np.empty(4 * BLOCK, np.int64))
            return min(int(above), int(below) + 1)

        return min(self._pool.map(stretch, bounds[:-1], bounds[1:]))

    def pairs(self, limit: int, room: int) -> Pairs:
        """At most `room` pairs of sums within the limit, and how many there are (or more than room)."""
        first, second = np.empty(room, np.int64), np.empty(room, np.int64)
        found = pairs_within(self._low, len(self._low) - 1, self._high, len(self._high) - 1, limit, first, second)
        kept = slice(0, min(found, room))
        return list(zip(self._low[first[kept]].tolist(), self._high[second[kept] + 1].tolist(), strict=True)), found

    def _sort(self, keys: Keys, sums: Keys) -> None:
        """Sorted subset sums, each doubling split between the threads once it is long enough."""
        sums[0] = 0
        length, total = 1, 0
        for key in keys.tolist():
            total += key
            parts = self._threads if length >= SHARED_FROM else 1
            bounds = chunk_bounds(length, -(-length // parts))
            for kernel, last in ((merge_upper_half, key), (reflect_lower_half, total)):
                part = partial(kernel, sums, length, last)
                if parts == 1:
                    part(0, length)
                else:
                    list(self._pool.map(part, bounds[:-1], bounds[1:]))
            length *= 2


def _any_of(keys: Keys, pair: tuple[int, int]) -> Ranking:
    """With exact keys equal keys are equal sums, so the first subset behind the first pair is an optimum."""
    split = len(keys) // 2
    out = np.empty(1, np.int64)
    identity = 0
    for half, total, place in zip((keys[:split], keys[split:]), pair, (0, split), strict=True):
        subsets_with_sum(half, total, out)
        identity |= int(out[0]) << place
    return Ranking(identity, 0.0, Status.OPTIMAL)
