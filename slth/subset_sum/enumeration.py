"""Every subset that is left: exact for any n where a fixed size, or few values, leave few."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.resources import Progress
from slth.subset_sum.dyadic import Outcome, float_below
from slth.subset_sum.solver import Rows, Task, Traits, as_vectors, fill_rows
from slth.subset_sum.status import Status
from slth.subset_sum.vector_keys import exact_vectors

MOST_SUBSETS = 1 << 24  # measured: less than a second
RANKED_AT_ONCE = 1 << 14
LABEL = "subsets"


def subsets_left(n: int, size: int | None) -> int | None:
    """How many subsets there are, C(n, size) or 2^n; None where they are more than can be enumerated."""
    if size is None:
        return 1 << n if n <= MOST_SUBSETS.bit_length() - 1 else None
    count = 1
    for taken in range(min(size, n - size)):
        count = count * (n - taken) // (taken + 1)
        if count > MOST_SUBSETS:
            return None
    return count


@dataclass(frozen=True)
class Enumeration:
    """All subsets in turn, for numbers and vectors of any d: exact where C(n, size), or 2**n, is at most 2**24.

    Examples
    --------
    >>> slth.solve([3.0, 5.0, 7.0], 9.0, size=2, solver=slth.Enumeration()).error
    1.0
    """

    traits: ClassVar[Traits] = Traits.EXACT | Traits.VECTOR | Traits.FIXED_SIZE

    def decline(self, n: int, size: int | None, d: int = 1) -> str | None:
        """As many subsets as take about a second."""
        other = "Pursuit() or None" if d > 1 else "Greedy() or None"
        many = subsets_left(n, size) is None
        return f"leaves more than the 2**24 subsets that Enumeration takes: use {other}" if many else None

    def memory(self, n: int, size: int | None, count: int, threads: int, d: int = 1) -> int:
        """The sums of all but the last value, and of the subsets with one last value."""
        del threads
        return 40 * d * min(subsets_left(n, size) or MOST_SUBSETS, 1 << 62) + count * (n + 17) + 400 * n * d

    def run(self, task: Task) -> Rows:
        """Solve one row after the other; an interruption ends the batch with the rows answered so far."""
        values, targets = as_vectors(task)
        squared = task.norm == "l2" and task.d > 1
        inner = task.progress if len(targets) == 1 else None

        def solve_one(k: int) -> Outcome:
            search = _Search(values[min(k, len(values) - 1)], targets[k], squared=squared)
            return search.outcome(range(task.n + 1) if task.size is None else [task.size], inner)

        return fill_rows(task, solve_one, label=LABEL)


class _Search:
    """The best subset so far, known exactly.

    Sums are made in float64, each wrong by `slack` at most, and those that come within twice the slack of the nearest
    are made again in integers: the optimum is among them. They stand in the order of their last values (colexicographic
    order), in which the subsets of the first m values come first.
    """

    def __init__(self, values: Floats, target: Floats, *, squared: bool) -> None:
        exact = exact_vectors(values, target[None])
        self.integers, self.goal, self.exponent = np.array(exact.values, object), exact.goals[0], exact.exponent
        self.squared, (self.n, self.d) = squared, values.shape
        self.best: tuple[int, Bools] | None = None
        reach = int(np.abs(self.integers).sum(axis=0).max()) + max(map(abs, self.goal))
        self.small = self.d * reach * reach < 1 << 50 if squared else reach < 1 << 52  # sums of doubles are exact then
        self.unit = 1 if self.small else 1 << (reach.bit_length())
        self.numbers = np.array([[x / self.unit for x in row] for row in exact.values]).T.copy()

    def outcome(self, sizes: range | list[int], progress: Progress | None) -> Outcome:
        """The optimum over all sizes, or the best by the time of an interruption."""
        status, seen = Status.OPTIMAL, 0
        try:
            for size in sizes:
                seen += self._search(size, progress)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
            if self.best is None:
                raise
        assert self.best is not None, "0 <= size <= n leaves at least one subset"
        least, subset = self.best
        # Only the error of an optimum is its bound, and that is computed from the subset.
        bound = 0.0 if self.squared else float_below(least * Fraction(2) ** self.exponent)
        return Outcome(subset, bound if status == Status.OPTIMAL else 0.0, status, {"subsets": seen})

    def _search(self, size: int, progress: Progress | None) -> int:
        """Look at all subsets of one size, or at what they leave out."""
        out = 2 * size > self.n
        k = self.n - size if out else size
        goal = [int(t) - g if out else g for t, g in zip(self.integers.sum(axis=0), self.goal, strict=True)]
        aim = np.array([[g / self.unit] for g in goal])
        slack = 0.0 if self.small else (k + 1) ** 2 * 2.0**-50 * (self.d + 3) ** 2
        nearest = math.inf
        for start, last, sums in self._sums(k):
            apart = np.abs(sums - aim)
            near = np.sqrt((apart * apart).sum(axis=0)) if self.squared else apart.max(axis=0)
            least = float(near.min())
            if least <= nearest + 2.0 * slack:
                nearest = min(nearest, least)
                # Equal exact distances are equally good; rounded ones are all looked at.
                places = near.argmin(keepdims=True) if self.small else np.flatnonzero(near <= nearest + 2.0 * slack)
                self._rank(start + places, k, goal, out=out)
            if progress:
                progress(LABEL, last, self.n)
        return math.comb(self.n, k)

    def _sums(self, k: int) -> Iterator[tuple[int, int, Floats]]:
        """Sums [d, m] of k values in stretches: the place of the first, the last value, the sums."""
        if k < 2:
            yield 0, self.n, self.numbers if k else np.zeros((self.d, 1))
            return
        level = self.numbers
        for j in range(2, k):
            parts = [level[:, : math.comb(m, j - 1)] + self.numbers[:, m : m + 1] for m in range(j - 1, self.n)]
            level = np.concatenate(parts, axis=1)
        for m in range(k - 1, self.n):
            yield math.comb(m, k), m + 1, level[:, : math.comb(m, k - 1)] + self.numbers[:, m : m + 1]

    def _rank(self, places: Indices, k: int, goal: list[int], *, out: bool) -> None:
        """Compare the subsets at some places of the order in exact integers."""
        tables = [np.array([math.comb(m, j) for m in range(self.n + 1)]) for j in range(1, k + 1)]
        for begin in range(0, len(places), RANKED_AT_ONCE):
            rest = places[begin : begin + RANKED_AT_ONCE]
            items = np.empty((len(rest), k), np.int64)
            for j in range(k, 0, -1):
                items[:, j - 1] = np.searchsorted(tables[j - 1], rest, "right") - 1
                rest = rest - tables[j - 1][items[:, j - 1]]
            gaps = np.abs(self.integers[items].sum(axis=1) - np.array(goal, object))
            apart = (gaps * gaps).sum(axis=1) if self.squared else gaps.max(axis=1)
            at = int(apart.argmin())
            if self.best is None or apart[at] < self.best[0]:
                subset = np.full(self.n, out)
                subset[items[at]] = not out
                self.best = int(apart[at]), subset
