"""Sums of integer vectors as single numbers: coordinates and the number of chosen values as digits of one position."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from slth.subset_sum.sum_box import SumBox


class EncodedSums:
    """Positions from 0 for all sums of subsets: each value shifts them by the magnitude of its exponent.

    Negative exponents are those of values that are taken for granted, and shift where they are left out instead. Where
    sizes are asked for, that of the subset is the last digit.
    """

    def __init__(self, box: SumBox, sizes: Sequence[int] | None) -> None:
        rows = [row if sizes is None else [*row, 1] for row in box.rows]
        spans = [sum(abs(row[c]) for row in rows) for c in range(len(rows[0]))]
        self.sizes = sizes
        self.places = [math.prod(span + 1 for span in spans[:c]) for c in range(len(spans))]
        self.exponents = [self._place(row) for row in rows]
        self.start = sum(e for e in self.exponents if e < 0)
        self.lowest = [max(a, sum(min(row[c], 0) for row in rows)) for c, a in enumerate(box.low)]
        self.highest = [min(b, sum(max(row[c], 0) for row in rows)) for c, b in enumerate(box.high)]

    @property
    def stretches(self) -> int:
        """How many runs of positions make up the box, for each size."""
        return math.prod(max(0, b - a + 1) for a, b in zip(self.lowest[1:], self.highest[1:], strict=True))

    def ends(self) -> tuple[int, int]:
        """The first and last position in the box; nothing is between them where it is empty."""
        if any(b < a for a, b in zip(self.lowest, self.highest, strict=True)):
            return 0, -1
        sizes = self.sizes
        return self.position(self.lowest, min(sizes or [0])), self.position(self.highest, max(sizes or [0]))

    def position(self, total: Sequence[int], size: int | None) -> int:
        """Where a sum of so many values stands."""
        return self._place(total if self.sizes is None else [*total, size or 0]) - self.start

    def runs(self, size: int | None) -> Iterator[range]:
        """The stretches of positions whose sums, of so many values, lie in the box."""
        first = self.lowest[0], self.highest[0] + 1
        rest = [range(a, b + 1) for a, b in zip(self.lowest[1:], self.highest[1:], strict=True)]
        if first[0] < first[1] and self.stretches:  # a product of ranges holds them all
            for others in product(*rest):
                begin = self.position([first[0], *others], size)
                yield range(begin, begin + first[1] - first[0])

    def _place(self, digits: Sequence[int]) -> int:
        return sum(x * place for x, place in zip(digits, self.places, strict=True))
