"""All sums of half the vectors, in trees that know what is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slth.arrays import Floats
from slth.kernels.vector import LEAF, grow, nearest, pairs_within
from slth.resources import Progress, run_slices
from slth.subset_sum.ranking import Keys, chunk_bounds
from slth.subset_sum.vector_keys import Grid

BY_THREADS_FROM = 1 << 13  # sums from which more than one thread is worth its start
SLICES = 64  # parts that a search is cut into: some milliseconds each
FEW = 64  # pairs that a part of a search makes room for at first
LABEL = "vector sums"


@dataclass(frozen=True)
class Kind:
    """Equal vectors among the values: one vector, and the bits of those that equal it."""

    keys: Keys
    bits: list[int]


@dataclass(frozen=True)
class Forest:
    """Sums of subsets of some vectors, in one tree, or in one for each size of subset."""

    points: Keys  # [N, d]: the sums
    ids: Keys  # [N]: their subsets, a bit for each value of the instance
    tree: tuple[Keys, Keys, Keys, Floats]  # points, boxes, spans, widths
    roots: dict[int, int]  # by the size of the subsets; by 0 alone where sizes do not matter

    def nodes_below(self, root: int, levels: int) -> list[int]:
        """The nodes so many levels below a root, or the leaves where it is not as high."""
        height = int(self.tree[2][root, 2])
        if levels == 0 or height == 0:
            return [root]
        children = root + 1, root + (1 << height)
        return [node for child in children for node in self.nodes_below(child, levels - 1)]


def kinds_of(values: Floats, grid: Grid, *, sized: bool) -> tuple[list[Kind], list[Kind]]:
    """Two halves with about equally many sums; equal vectors stay together, because which of them is taken is all one.

    Zero vectors are left out, unless they count for the size.
    """
    together: dict[tuple[float, ...], list[int]] = {}
    for i, row in enumerate((values + 0.0).tolist()):
        together.setdefault(tuple(row), []).append(i)
    if not sized:
        together = {row: bits for row, bits in together.items() if any(row)}
    kinds = [Kind(grid.keys[bits[0]], bits) for bits in together.values()]
    reach = [float((np.abs(kind.keys) * grid.weights).max()) for kind in kinds]
    order = sorted(range(len(kinds)), key=lambda k: (-len(kinds[k].bits), -reach[k]))
    halves: tuple[list[Kind], list[Kind]] = ([], [])
    sums = [1, 1]
    for k in order:
        half = int(sums[1] < sums[0])
        halves[half].append(kinds[k])
        sums[half] *= len(kinds[k].bits) + 1
    return halves


def plant(
    kinds: Sequence[Kind], weights: Floats, *, sign: int, sized: bool, threads: int, progress: Progress | None = None
) -> Forest:
    """All sums of the vectors times the sign, in trees."""
    d = len(weights)
    points, ids, sizes = np.zeros((1, d), np.int64), np.zeros(1, np.int64), np.zeros(1, np.int16)
    for kind in kinds:
        masks = np.cumsum([0, *(1 << bit for bit in kind.bits)])
        points = np.concatenate([points + count * sign * kind.keys for count in range(len(masks))])
        ids = np.concatenate([ids | mask for mask in masks])
        if sized:
            sizes = np.concatenate([sizes + np.int16(count) for count in range(len(masks))])
    starts = {0: (0, len(points))}
    if sized:
        order = np.argsort(sizes, kind="stable")
        points, ids = points[order], ids[order]
        stops = np.cumsum(np.bincount(sizes)).tolist()
        starts = {size: span for size, span in enumerate(zip([0, *stops], stops, strict=False)) if span[0] < span[1]}
    heights = {size: _height(stop - start) for size, (start, stop) in starts.items()}
    nodes = sum((2 << height) - 1 for height in heights.values())
    tree = (points, np.empty((nodes, 2, d), np.int64), np.empty((nodes, 3), np.int64), np.empty(nodes))
    roots, node = {}, 0
    for size, (start, stop) in starts.items():
        roots[size] = node
        tree[2][node] = start, stop, heights[size]
        node += (2 << heights[size]) - 1
    forest = Forest(points, ids, tree, roots)
    _grow_all(forest, weights, threads=threads, progress=progress)
    return forest


def _height(points: int) -> int:
    return max(0, (-(-points // LEAF) - 1).bit_length())


def _grow_all(forest: Forest, weights: Floats, *, threads: int, progress: Progress | None) -> None:
    """The uppermost levels on this thread, what is below on all of them."""
    points, boxes, spans, widths = forest.tree
    levels = 0 if len(points) < BY_THREADS_FROM else 4
    below = []
    for root in forest.roots.values():
        height = int(spans[root, 2])
        if levels and height >= levels:
            grow(points, forest.ids, root, levels, boxes, spans, widths, weights)
            below += forest.nodes_below(root, levels)
        else:
            below.append(root)

    def work(start: int, stop: int) -> None:
        for node in below[start:stop]:
            grow(points, forest.ids, node, 64, boxes, spans, widths, weights)

    bounds = chunk_bounds(len(below), -(-len(below) // (SLICES if levels else 1)))
    run_slices(work, bounds, threads=threads if levels else 1, progress=progress, label=LABEL)


@dataclass(frozen=True)
class Pair:
    """Two forests, whose sums are to add up to a goal."""

    first: Forest
    second: Forest
    weights: Floats
    squared: bool

    def tasks(self, size: int | None) -> Keys:
        """Pairs of nodes below which all pairs of the right sizes lie, those of most pairs first."""
        if size is None:
            roots = [(0, 0)]
        else:
            roots = [
                (root, self.second.roots[size - own])
                for own, root in self.first.roots.items()
                if size - own in self.second.roots
            ]
            roots.sort(key=lambda pair: -int(self.first.tree[2][pair[0], 2] + self.second.tree[2][pair[1], 2]))
        large = len(self.first.points) >= BY_THREADS_FROM
        cut = (SLICES // len(roots)).bit_length() if large else 0
        pairs = [(node, other) for root, other in roots for node in self.first.nodes_below(root, cut)]
        return np.array(pairs, np.int64).reshape(-1, 2)

    def subsets(self, pairs: Keys) -> list[tuple[int, int]]:
        """Subsets of the first and of the second half, as bits, for positions of points."""
        return list(zip(self.first.ids[pairs[:, 0]].tolist(), self.second.ids[pairs[:, 1]].tolist(), strict=True))

    def nearest(
        self, goal: Keys, tasks: Keys, *, enough: float, threads: int, progress: Progress | None
    ) -> tuple[float, Keys, bool]:
        """The least distance by keys, the positions of a pair that has it, int64[1, 2], and whether it was interrupted.

        Stops at a distance that is not above `enough`.
        """
        own, found = np.full(len(tasks), np.inf), np.zeros((len(tasks), 2), np.int64)
        best = np.full(1, np.inf)

        def work(start: int, stop: int) -> None:
            own[start] = nearest(
                self.first.tree, self.second.tree, goal, tasks, start, stop, self.weights, self.squared,
                enough, best, found[start],
            )  # fmt: skip

        large = len(self.first.points) >= BY_THREADS_FROM
        bounds = chunk_bounds(len(tasks), -(-len(tasks) // (SLICES if large else 1)))
        interrupted = False
        try:
            run_slices(work, bounds, threads=threads if large else 1, progress=progress, label=LABEL)
        except KeyboardInterrupt:
            interrupted = True
        winner = int(np.argmin(own))
        return float(own[winner]), found[winner : winner + 1], interrupted

    def within(self, goal: Keys, tasks: Keys, limit: float, *, room: int, threads: int = 1) -> tuple[Keys, bool]:
        """Positions of pairs not further apart than the limit, int64[count, 2], and whether these are all.

        The same for any number of threads: those of the first tasks come first.
        """
        parts: dict[int, Keys] = {}

        def work(start: int, stop: int) -> None:
            pairs = np.empty((min(room, FEW), 2), np.int64)
            count = self._within(goal, tasks[start:stop], limit, pairs)
            if count > len(pairs) and room > FEW:
                pairs = np.empty((room, 2), np.int64)
                count = self._within(goal, tasks[start:stop], limit, pairs)
            parts[start] = pairs[:count].copy()
            overfull.append(count > room)

        overfull: list[bool] = []
        large = threads > 1 and len(self.first.points) >= BY_THREADS_FROM
        run_slices(work, chunk_bounds(len(tasks), -(-len(tasks) // (SLICES if large else 1))), threads=threads)
        pairs = np.concatenate([parts[start] for start in sorted(parts)])
        return pairs[:room], len(pairs) <= room and not any(overfull)

    def _within(self, goal: Keys, tasks: Keys, limit: float, pairs: Keys) -> int:
        return int(
            pairs_within(self.first.tree, self.second.tree, goal, tasks, self.weights, self.squared, limit, pairs)
        )
