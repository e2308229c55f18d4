"""The walk of four lists through the value range, slice by slice, on several threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

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
    seek,
)
from slth.resources import Progress, worker_pool
from slth.subset_sum.ranking import Keys

CHUNKS = 32  # stretches of the value range: fixed, so that the answer does not depend on the number of threads
SHARED_FROM = 1 << 20  # sums; below, one chunk is finished before a second thread could help
FILL = 0.8  # of a slice's capacity is aimed at: a slice that does not fit is emitted again


class Side(NamedTuple):
    """Two lists of increasing, distinct keys, whose pairwise sums are one half of the problem."""

    first: Keys
    second: Keys

    @property
    def pairs(self) -> int:
        return len(self.first) * len(self.second)

    @property
    def least(self) -> int:
        return int(self.first[0]) + int(self.second[0])

    @property
    def greatest(self) -> int:
        return int(self.first[-1]) + int(self.second[-1])


@dataclass(frozen=True)
class Walk:
    """What to look for: all pairs of sums of the two sides whose gap is at most the smallest gap + window."""

    sides: tuple[Side, Side]
    window: int  # how much a gap of keys may differ from the true one, twice
    distinct: bool  # keys are exact: one pair for each difference is enough
    stop: int  # a gap with which the search may end; -1 for none
    slice_size: int  # sums of one side that are held and sorted at a time, for each thread
    room: int  # the most pairs noted


class Found(NamedTuple):
    """The result of a walk: sums within the window of the best gap, and what is missing from them."""

    best: int  # smallest gap; UNSEEN if none was met
    pairs: list[tuple[int, int]]  # nearest first
    dropped: int  # smallest gap of a pair for which there was no room; UNSEEN if there was always room
    stopped: bool  # ended at a gap <= stop
    interrupted: bool
    sums: int
    slices: int


@dataclass
class _Shared:
    """What the threads tell each other; a lost update only costs time, so no lock is needed."""

    best: int = int(UNSEEN)
    stopped_by: int = CHUNKS + 1  # chunks after this one, in order, need not go on
    cancelled: bool = False
    done: dict[int, int] = field(default_factory=dict)
    slices: dict[int, int] = field(default_factory=dict)


def walk_slices(walk: Walk, *, threads: int, progress: Progress | None = None) -> Found:
    """Walk through the whole range of sums on `threads` threads."""
    bounds = _bounds(walk)
    chunks = list(pairwise(bounds))
    # From the middle outwards: sums are densest there, so a tolerance is met, and a small gap known, soonest.
    chunks.sort(key=lambda chunk: abs(chunk[0] + chunk[1] - bounds[0] - bounds[-1]))
    total = sum(side.pairs for side in walk.sides)
    shared = _Shared()
    futures: list[Future[tuple[Keys, Keys, Keys]]] = []
    with worker_pool(threads) as pool:
        try:
            futures = [pool.submit(_walk_chunk, walk, *chunk, k, shared) for k, chunk in enumerate(chunks)]
            pending = set(futures)
            while pending:
                _, pending = wait(pending, timeout=0.25, return_when=FIRST_COMPLETED)
                if progress:
                    progress("four lists", min(sum(list(shared.done.values())), total), total)
        except KeyboardInterrupt:
            shared.cancelled = True
        finally:
            if any(not future.done() for future in futures):
                shared.cancelled = True
    results = [future.result() for future in futures if not future.cancelled()]
    return _gathered(results, walk, shared)


def _gathered(results: Sequence[tuple[Keys, Keys, Keys]], walk: Walk, shared: _Shared) -> Found:
    stopped_by = next((k for k, (state, _, _) in enumerate(results) if state[BEST] <= walk.stop), None)
    if stopped_by is not None:
        # Chunks before it, in order, were finished; those after it may or may not have been reached: left out.
        results = results[stopped_by : stopped_by + 1]
    best = min((int(state[BEST]) for state, _, _ in results), default=int(UNSEEN))
    dropped = min((int(state[DROPPED]) for state, _, _ in results), default=int(UNSEEN))
    xs, ys = (np.concatenate([np.empty(0, np.int64), *(result[k] for result in results)]) for k in (1, 2))
    gaps = np.abs(xs - ys)
    near = gaps <= best + walk.window
    pairs = np.unique(np.stack([gaps[near], xs[near], ys[near]], axis=1), axis=0)  # sorted: nearest first
    if len(pairs) > walk.room:
        dropped = min(dropped, int(pairs[walk.room, 0]))
    return Found(
        best=best,
        pairs=[(int(x), int(y)) for _, x, y in pairs[: walk.room].tolist()],
        dropped=dropped,
        stopped=stopped_by is not None,
        interrupted=shared.cancelled and stopped_by is None,
        sums=sum(shared.done.values()),
        slices=sum(shared.slices.values()),
    )


def _bounds(walk: Walk) -> list[int]:
    """Cut the range of keys where both sides have sums into chunks of about equally many sums."""
    low = max(side.least for side in walk.sides)
    top = max(low, min(side.greatest for side in walk.sides) + 1)
    # Above `top` one side alone goes on: of it only the first sums can be near to the other's last.
    pointers = [np.empty(len(side.first), np.int64) for side in walk.sides]
    for side, pointer in zip(walk.sides, pointers, strict=True):
        seek(side.first, side.second, top, pointer)
    after = min(int(next_sum(*side, pointer)) for side, pointer in zip(walk.sides, pointers, strict=True))
    high = top if after == NOTHING else after + walk.window + 1

    def below(bound: int) -> int:
        return sum(int(seek(*side, bound, pointer)) for side, pointer in zip(walk.sides, pointers, strict=True))

    start, count = below(low), below(high) - below(low)
    bounds = [low]
    for k in range(1, CHUNKS if count >= SHARED_FROM else 1):
        a, b = bounds[-1], high
        while b - a > 1 + (high - low) // 2**20:
            middle = (a + b) // 2
            a, b = (middle, b) if below(middle) - start < count * k // CHUNKS else (a, middle)
        if bounds[-1] < b < high:
            bounds.append(b)
    return [*bounds, high]


def _walk_chunk(walk: Walk, low: int, high: int, order: int, shared: _Shared) -> tuple[Keys, Keys, Keys]:
    """Walk through the keys low <= key < high; returns the state and the pairs that were noted."""
    state = np.array([UNSEEN, 0, UNSEEN, UNSEEN], np.int64)
    noted = np.empty(walk.room, np.int64), np.empty(walk.room, np.int64)
    rows = max(len(side.first) for side in walk.sides)
    # A slice of one key has at most one sum a row, so with this room it always fits.
    capacity = max(walk.slice_size, rows) + walk.window + 1
    slices = [_SideSlices(side, low, capacity, walk.window) for side in walk.sides]
    width = max(1, (high - low) // (1 + sum(side.pairs for side in walk.sides) // capacity))
    while low < high and not shared.cancelled and shared.stopped_by > order:
        bound = min(high, low + width)
        if not all(part.fill(bound) for part in slices):
            width = max(1, width // 4)
            continue
        xs, ys = (part.sorted() for part in slices)
        compare(xs, ys, walk.window, walk.distinct, max(shared.best, walk.stop), state, *noted)
        shared.best = min(shared.best, int(state[BEST]))
        fresh = [part.move(walk.window) for part in slices]
        shared.done[order] = shared.done.get(order, 0) + sum(fresh)
        shared.slices[order] = shared.slices.get(order, 0) + 1
        if state[BEST] <= walk.stop:
            shared.stopped_by = min(shared.stopped_by, order)
            break
        low = bound
        if max(fresh) * 16 < capacity:  # perhaps a gap in the range: continue where the next sum is
            low = max(low, min(part.next() for part in slices))
        width = max(1, int(width * min(4.0, max(0.25, FILL * capacity / max(1, *fresh)))))
    count = int(state[COUNT])
    return state, noted[0][:count].copy(), noted[1][:count].copy()


class _SideSlices:
    """The slices of one side in turn: a buffer, whose front holds what the slice before left, and the row pointers."""

    def __init__(self, side: Side, low: int, capacity: int, window: int) -> None:
        self.side = side
        self.buffer = np.empty(capacity, np.int64)
        self.pointers, self.moved = np.empty(len(side.first), np.int64), np.empty(len(side.first), np.int64)
        seek(*side, low, self.pointers)
        self.kept = int(last_sums(*side, self.pointers, window, self.buffer))
        self.end = self.kept

    def fill(self, bound: int) -> bool:
        """Emit the sums up to `bound`; false if they do not fit."""
        self.end = int(emit_slice(*self.side, self.pointers, bound, self.moved, self.buffer, self.kept))
        return self.end >= 0

    def sorted(self) -> Keys:
        slice_ = self.buffer[: self.end]
        slice_.sort()
        return slice_

    def move(self, window: int) -> int:
        """Accept the slice: keep its last sums and move the pointers; returns how many sums were new."""
        fresh = self.end - self.kept
        self.kept = int(keep_last(self.buffer, self.end, window, self.buffer))
        self.pointers, self.moved = self.moved, self.pointers
        return fresh

    def next(self) -> int:
        return int(next_sum(*self.side, self.pointers))
