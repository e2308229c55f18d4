"""A box that sums of subsets should lie in, in exact integers, and the trees that find the subsets whose sums do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from slth.kernels.vector_boxes import pairs_in_boxes
from slth.subset_sum.instance import SubsetSumInstance
from slth.subset_sum.ranking import Keys
from slth.subset_sum.vector import VectorTwoList
from slth.subset_sum.vector_forest import Kind, Pair, plant
from slth.subset_sum.vector_keys import Row, exact_vectors, make_grid, shifts_for

MOST, MOST_COORDINATES = 50, 16  # of vectors: measured, minutes
FARTHEST = 1 << 62  # no difference of two sums of keys is as large


@dataclass(frozen=True)
class SumBox:
    """Integer vectors, and the lowest and highest that each coordinate of a sum may be."""

    rows: list[Row]
    low: Row
    high: Row

    @property
    def n(self) -> int:
        return len(self.rows)

    @property
    def d(self) -> int:
        return len(self.low)

    @property
    def empty(self) -> bool:
        return any(a > b for a, b in zip(self.low, self.high, strict=True))

    @property
    def divisors(self) -> Row:
        """What divides all values of each coordinate."""
        return [math.gcd(*(row[c] for row in self.rows)) or 1 for c in range(self.d)]

    def smallest(self) -> SumBox:
        """The same question with each coordinate divided by its divisor, and no wider than its sums."""
        columns, low, high = [], [], []
        for c, divisor in enumerate(self.divisors):
            column = [row[c] // divisor for row in self.rows]
            low.append(max(-(-self.low[c] // divisor), sum(x for x in column if x < 0) - 1))
            high.append(min(self.high[c] // divisor, sum(x for x in column if x > 0) + 1))
            columns.append(column)
        return SumBox([list(row) for row in zip(*columns, strict=True)], low, high)

    def left_out(self) -> SumBox:
        """The same question asked of the values that are not chosen."""
        totals = [sum(row[c] for row in self.rows) for c in range(self.d)]
        low = [t - h for t, h in zip(totals, self.high, strict=True)]
        return SumBox(self.rows, low, [t - a for t, a in zip(totals, self.low, strict=True)])


@dataclass(frozen=True)
class Exact:
    """An instance in integers: value = integer * 2**exponent, and how far each coordinate may be off."""

    rows: list[Row]
    goal: Row
    reach: Row
    exponent: int

    @classmethod
    def of(cls, instance: SubsetSumInstance) -> Exact:
        tolerances = np.broadcast_to(instance.tolerance, instance.d).tolist()
        values = instance.values.reshape(instance.n, instance.d)
        exact = exact_vectors(values, np.reshape(np.asarray(instance.target), (1, instance.d)))
        unit = Fraction(2) ** exact.exponent
        return cls(exact.values, exact.goals[0], [math.floor(Fraction(t) / unit) for t in tolerances], exact.exponent)

    def box(self, radius: int | None = None) -> SumBox:
        """Where sums are within the tolerances, and, if given, within a radius too; empty if that is negative."""
        reach = [r if radius is None else min(r, radius) for r in self.reach]
        low = [g - r for g, r in zip(self.goal, reach, strict=True)]
        return SumBox(self.rows, low, [g + r for g, r in zip(self.goal, reach, strict=True)])


def trees_take(n: int, d: int) -> bool:
    """Whether so many vectors are not too many for trees."""
    return n <= MOST and d <= MOST_COORDINATES


def memory_of_trees(n: int, d: int, *, sized: bool) -> int:
    """Bytes that the trees of both halves take."""
    return VectorTwoList().memory(n, 0 if sized else None, 1, 1, d)


class Trees:
    """All sums of the first and of the second half of some integer vectors, a tree for each half (for each size)."""

    def __init__(self, rows: list[Row], *, sized: bool) -> None:
        d, split = len(rows[0]), len(rows) // 2
        self.grid = make_grid(rows, shifts_for(rows, [0] * d))
        kinds = [Kind(key, [i]) for i, key in enumerate(self.grid.keys)]
        first, second = (
            plant(half, self.grid.weights, sign=sign, sized=sized, threads=1)
            for half, sign in ((kinds[:split], 1), (kinds[split:], -1))
        )
        self.pair = Pair(first, second, self.grid.weights, squared=False)

    @property
    def is_exact(self) -> bool:
        """Whether keys have all digits of the numbers."""
        return not any(self.grid.halves)

    def look(self, inner: SumBox | None, outer: SumBox, size: int | None, room: int) -> tuple[int, list[int], bool]:
        """How many subsets have sums in the inner box, and those that may lie in the outer one alone, as bits.

        Those within rounding of an edge are among the latter. If there are more than the room, and the last is False,
        the number is unfinished.
        """
        pairs = np.empty((room, 2), np.int64)
        certain = self._keys(outer if inner is None else inner, certainly=True)
        if inner is None:
            certain[:] = [[1], [0]]
        tasks = self.pair.tasks(size)
        count, listed = pairs_in_boxes(
            self.pair.first.tree, self.pair.second.tree, tasks, certain, self._keys(outer, certainly=False), pairs
        )
        return int(count), [a | b for a, b in self.pair.subsets(pairs[:listed])], bool(listed <= room)

    def _keys(self, box: SumBox, *, certainly: bool) -> Keys:
        """The least and greatest sums of keys of which the sums certainly, or possibly, lie in the box."""
        grid, bounds = self.grid, np.empty((2, box.d), np.int64)
        for c, (low, high) in enumerate(zip(box.low, box.high, strict=True)):
            slip = grid.halves[c] if certainly else -grid.halves[c]
            unit = Fraction(2) ** grid.shifts[c]
            ends = (low - grid.centres[c] + slip) / unit, (high - grid.centres[c] - slip) / unit
            bounds[0, c] = min(max(math.ceil(ends[0]), -FARTHEST), FARTHEST)
            bounds[1, c] = min(max(math.floor(ends[1]), -FARTHEST), FARTHEST)
        return bounds


def sum_of(rows: Sequence[Row], bits: int) -> Row:
    """The exact sum of the chosen vectors."""
    chosen = [row for i, row in enumerate(rows) if bits >> i & 1]
    return [sum(row[c] for row in chosen) for c in range(len(rows[0]))]


def in_box(box: SumBox, bits: int) -> bool:
    """Whether the chosen vectors' sum lies in a box."""
    total = sum_of(box.rows, bits)
    return all(a <= x <= b for a, x, b in zip(box.low, total, box.high, strict=True))
