"""Exact subset sum of small lists of vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np

from slth.arrays import Floats
from slth.resources import Progress
from slth.subset_sum.dyadic import Outcome, float_below
from slth.subset_sum.ranking import bits_to_bools
from slth.subset_sum.solver import Rows, Task, Traits, as_vectors, fill_rows
from slth.subset_sum.status import Status
from slth.subset_sum.vector_forest import LABEL, Pair, kinds_of, plant
from slth.subset_sum.vector_keys import (
    ExactVectors,
    Goal,
    Grid,
    Row,
    distance,
    exact_vectors,
    extremes,
    floor_of,
    is_exact,
    least_error,
    limit_for,
    make_grid,
    place,
    shifts_for,
    window,
)

MOST = 44
MOST_COORDINATES = 8
MOST_CANDIDATES = 1 << 16
UNPROVED = 1 << 10  # pairs ranked when there are too many for a proof
STAGES = (12, 18, 24, 28, 32, 36)  # leading values tried, one after the other, when a tolerance is given


@dataclass(frozen=True)
class VectorTwoList:
    """Meet in the middle for vectors: all sums of each half in a tree, and the nearest pair of points of the two.

    Takes n <= 44 vectors of d <= 8 coordinates. Exact for the rational numbers that the doubles are, in the norm that
    was asked for: what rounded keys cannot tell apart is ranked in integers. About 2**(n/2) steps where d is small;
    more where the coordinates are so many that no sum comes near the target.

    Examples
    --------
    >>> slth.solve([[3.0, 1.0], [5.0, 0.0], [7.0, 2.0]], [9.0, 3.0], solver=slth.VectorTwoList()).error
    1.0
    """

    traits: ClassVar[Traits] = Traits.EXACT | Traits.VECTOR | Traits.FIXED_SIZE | Traits.EARLY_STOP

    def decline(self, n: int, size: int | None, d: int = 1) -> str | None:
        """Up to 44 values of up to 8 coordinates."""
        del size
        if d > MOST_COORDINATES:
            return f"is more than the {MOST_COORDINATES} coordinates that VectorTwoList takes: use Pursuit()"
        other = "Pursuit()" if d > 1 else "TwoList(), FourList() or Greedy()"
        return f"is more than the {MOST} values that VectorTwoList takes: use {other}" if n > MOST else None

    def memory(self, n: int, size: int | None, count: int, threads: int, d: int = 1) -> int:
        """Sums, subsets and boxes of both halves, and a copy of one half's sums while they are made."""
        del threads
        sums = 1 << -(-n // 2)
        made = sums * (8 * d + 8) * (2 if size is None else 3)
        boxes = sums // 2 * (16 * d + 32)
        return 2 * (sums * (8 * d + 8) + boxes) + made + count * (n + 17) + (4 << 20)

    def run(self, task: Task) -> Rows:
        """Solve one row after the other, each on all threads; an interruption ends the batch with the rows so far."""
        values, targets = as_vectors(task)
        shared = _Search.of(values[0], targets, task) if task.shared else None

        def solve_one(k: int) -> Outcome:
            return (shared or _Search.of(values[min(k, len(values) - 1)], targets[k : k + 1], task)).solve(
                k if shared else 0
            )

        return fill_rows(task, solve_one, label=LABEL)


def descend(values: list[Row], goal: Row, *, size: int | None, squared: bool) -> int:
    """A subset, as bits, that no flip of one value (with a size: no exchange of two) brings nearer to the goal."""
    bits = 0 if size is None else (1 << size) - 1
    total = [sum(row[c] for row in values[: size or 0]) for c in range(len(goal))]
    nearest = distance(total, goal, squared=squared)
    while True:
        here = nearest
        for flip in _flips(bits, len(values), sized=size is not None):
            moved = _moved(total, values, flip, bits)
            apart = distance(moved, goal, squared=squared)
            if apart < nearest:
                nearest, best, best_total = apart, flip, moved
        if nearest == here:
            return bits
        bits, total = bits ^ sum(1 << i for i in best), best_total


def _flips(bits: int, n: int, *, sized: bool) -> list[tuple[int, ...]]:
    """Single values, or pairs of one that is in and one that is out."""
    if not sized:
        return [(i,) for i in range(n)]
    return [(i, j) for i in range(n) for j in range(i) if (bits >> i ^ bits >> j) & 1]


def _moved(total: Row, values: list[Row], flip: tuple[int, ...], bits: int) -> Row:
    """The sum after some values have changed sides."""
    return [t + sum(values[i][c] * (1 - 2 * (bits >> i & 1)) for i in flip) for c, t in enumerate(total)]


@dataclass
class _Search:
    """A list of vectors with its targets; the trees of its sums are kept from one target to the next."""

    values: Floats
    exact: ExactVectors
    size: int | None
    squared: bool
    tolerance: float
    threads: int
    progress: Progress | None
    planted: dict[tuple[int, ...], tuple[Grid, Pair]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Floats, targets: Floats, task: Task) -> _Search:
        inner = task.progress if len(task.targets) == 1 else None
        squared = task.norm == "l2" and values.shape[1] > 1
        exact = exact_vectors(values, targets)
        return cls(values, exact, task.size, squared, task.tolerance, task.threads, inner)

    def solve(self, k: int) -> Outcome:
        """The optimum for target number k, or the first subset found within the tolerance."""
        try:
            if self.tolerance > 0.0:
                for stage in [*(s for s in STAGES if max(self.size or 0, 1) < s < len(self.values)), len(self.values)]:
                    early = self._first_within(k, stage)
                    if early is not None:
                        return early
            return self._optimum(k)
        except KeyboardInterrupt:
            return self._interrupted(k, [])

    def _interrupted(self, k: int, seen: list[tuple[int, int]]) -> Outcome:
        """The best subset so far, or a quick heuristic's, whichever is nearer."""
        quick = descend(self.exact.values, self.exact.goals[k], size=self.size, squared=self.squared)
        return self._outcome(self._best([*seen, (quick, 0)], self.exact.goals[k]), Status.INTERRUPTED)

    def _lists(self, goal: Row, n: int) -> tuple[Grid, Pair, Goal]:
        shifts = shifts_for(self.exact.values[:n], goal)
        found = self.planted.get((n, *shifts))
        if found is None:
            self.planted.clear()  # one pair of lists at a time: they are large
            grid = make_grid(self.exact.values[:n], shifts)
            sized = self.size is not None
            halves = kinds_of(self.values[:n], grid, sized=sized)
            first, second = (
                plant(half, grid.weights, sign=sign, sized=sized, threads=self.threads, progress=self.progress)
                for half, sign in zip(halves, (1, -1), strict=True)
            )
            found = self.planted[n, *shifts] = grid, Pair(first, second, grid.weights, self.squared)
        return *found, place(found[0], goal)

    def _first_within(self, k: int, n: int) -> Outcome | None:
        """The first subset of n leading values that is seen to be within the tolerance."""
        grid, pair, goal = self._lists(self.exact.goals[k], n)
        allowed = Fraction(self.tolerance) / Fraction(2) ** (self.exact.exponent + grid.top)
        limit = limit_for(goal, allowed, squared=self.squared)
        if limit < 0.0:
            return None
        pairs, _ = pair.within(goal.keys, pair.tasks(self.size), limit, room=1)
        return self._outcome(sum(pair.subsets(pairs)[0]), Status.WITHIN_TOLERANCE) if len(pairs) else None

    def _optimum(self, k: int) -> Outcome:
        """The optimum, with proof if few enough subsets come within the rounding of the best."""
        grid, pair, goal = self._lists(self.exact.goals[k], len(self.values))
        tasks = pair.tasks(self.size)
        enough = 0.0 if not any(goal.slips) else -1.0
        least, place_of_it, interrupted = pair.nearest(
            goal.keys, tasks, enough=enough, threads=self.threads, progress=self.progress
        )
        if interrupted:
            return self._interrupted(k, pair.subsets(place_of_it) if np.isfinite(least) else [])
        if is_exact(goal, least, squared=self.squared):
            # All pairs so near are equally near: the first in an order that does not depend on threads.
            pairs, _ = pair.within(goal.keys, tasks, least, room=1, threads=self.threads)
            return self._outcome(sum(pair.subsets(pairs)[0]), Status.OPTIMAL)
        limit = window(goal, least, squared=self.squared)
        pairs, complete = pair.within(goal.keys, tasks, limit, room=MOST_CANDIDATES, threads=self.threads)
        if complete:
            best = self._best(pair.subsets(pairs), self.exact.goals[k])
            return self._outcome(best, Status.OPTIMAL, ranked=len(pairs))
        near, _ = pair.within(goal.keys, tasks, least, room=UNPROVED)
        return self._undecided(k, pair.subsets(near), least_error(goal, least, squared=self.squared), grid.top)

    def _undecided(self, k: int, near: list[tuple[int, int]], least: Fraction, top: int) -> Outcome:
        """The best of some, which may yet be shown to be the optimum by each coordinate on its own."""
        values, goal = self.exact.values, self.exact.goals[k]
        best = self._best([*near, *extremes(values, goal, self.size)], goal)
        floor = floor_of(values, goal, self.size, squared=self.squared)
        if distance(self._exact_sums([best])[best], goal, squared=self.squared) == floor:
            return self._outcome(best, Status.OPTIMAL, ranked=len(near))
        bound = least * Fraction(2) ** (self.exact.exponent + top)
        return self._outcome(best, Status.WITHIN_ROUNDING, bound=bound, ranked=len(near))

    def _best(self, candidates: list[tuple[int, int]], goal: Row) -> int:
        """The subset, as bits, whose exact distance from the goal is smallest."""
        sums = [self._exact_sums(subset[half] for subset in candidates) for half in (0, 1)]

        def apart(subset: tuple[int, int]) -> int:
            total = [x + y for x, y in zip(sums[0][subset[0]], sums[1][subset[1]], strict=True)]
            return distance(total, goal, squared=self.squared)

        first, second = min(candidates, key=apart)
        return first + second

    def _exact_sums(self, subsets: Iterable[int]) -> dict[int, Row]:
        sums = {}
        for bits in set(subsets):
            chosen = [row for i, row in enumerate(self.exact.values) if bits >> i & 1]
            sums[bits] = [sum(row[c] for row in chosen) for c in range(self.values.shape[1])]
        return sums

    def _outcome(self, bits: int, status: Status, *, bound: Fraction = Fraction(0), ranked: int = 0) -> Outcome:
        work = {"steps_per_half": 1 << -(-len(self.values) // 2), "ranked_in_integers": ranked}
        return Outcome(bits_to_bools(bits, len(self.values)), float_below(bound), status, work)
