"""Exact subset sum by two sorted lists, n <= 50."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from slth.arrays import Bools, Floats, Indices
from slth.kernels.exact_sum import chosen_sums
from slth.kernels.tolerance import MOST_VALUES, first_subset_within
from slth.kernels.two_list import best_subset_packed
from slth.kernels.wide_list import best_subset_wide
from slth.resources import run_slices
from slth.subset_sum.four_list import four_lists
from slth.subset_sum.large_two_list import solve_each, solve_large
from slth.subset_sum.ranking import Ranking, bits_to_bools, chunk_bounds
from slth.subset_sum.solution import error_of
from slth.subset_sum.solver import Rows, Task, Traits
from slth.subset_sum.status import Status

MOST = 50
PACKED_UP_TO = 24  # beyond, a key has too few bits for its value beside its subset
BATCHED_UP_TO = 32  # beyond, one instance is work enough for all threads
STEPS_A_SLICE = 4e7  # merge and walk steps between two reports of progress
# Leading values tried, one after the other, when a tolerance is given: steps of 2^1.5, so all stages cost half as much
# again as the last.
STAGES = tuple(range(15, MOST, 3))


@dataclass(frozen=True)
class TwoList:
    """Meet in the middle: all sums of each half, sorted, walked against each other.

    About 2^(a+1) + 2^(b+1) merge steps and 2^a + 2^b walk steps for halves a + b = n, and 2^(n/2 + 4) bytes; half of
    the merge steps are a reflection. Exact for the rational numbers that the doubles are: what rounded keys cannot
    tell apart is ranked in integers. The method is that of E. Horowitz and S. Sahni, 1974 (unverified).

    Examples
    --------
    >>> slth.solve([3.0, 5.0, 7.0], 9.0, solver=slth.TwoList()).error
    1.0
    """

    traits: ClassVar[Traits] = Traits.EXACT | Traits.FIXED_SIZE | Traits.EARLY_STOP | Traits.BATCHED

    def decline(self, n: int, size: int | None) -> str | None:
        """Up to 50 values, of any size."""
        return f"is more than the {MOST} values that TwoList takes: {_elsewhere(n, size)}" if n > MOST else None

    def memory(self, n: int, size: int | None, count: int, threads: int) -> int:
        """Two lists of 2**(n/2) keys, for each thread where instances run side by side."""
        del size
        lists = (1 << (n // 2)) + (1 << (n - n // 2))
        side_by_side = min(threads, count) if n <= BATCHED_UP_TO else 1
        return side_by_side * lists * 8 + count * (n + 17) + (1 << 20)

    def run(self, task: Task) -> Rows:
        """Solve every row: to the tolerance where one is given, to the optimum otherwise."""
        rows = Rows.empty(len(task.targets), task.n)
        rows.work["steps_per_instance"] = 3 * ((1 << task.n // 2) + (1 << (task.n - task.n // 2)))
        left = np.arange(len(task.targets))
        if task.tolerance > 0.0:
            left = _stop_early(task, rows)
            rows.work["solved_to_the_optimum"] = len(left)
        if len(left):
            _optimum(task, rows, left, task.n)
        return rows


def _elsewhere(n: int, size: int | None) -> str:
    if size is not None:
        return "use Greedy(), or fewer values"
    return "use FourList()" if n <= 64 else "use Greedy(), Differencing(), or Lattice() for integers"


def _stop_early(task: Task, rows: Rows) -> Indices:
    """Try ever more leading values; returns the rows that need them all."""
    left = np.arange(len(task.targets))
    if task.size is None:
        left = _few_values(task, rows)
    for stage in STAGES:
        if not len(left) or stage >= task.n:
            break
        if stage <= MOST_VALUES or (task.size or 0) > stage:
            continue
        _optimum(task, rows, left, stage)
        left = left[_errors(task, rows, left) > task.tolerance]
    solved = np.ones(len(task.targets), np.bool_)
    solved[left] = False
    rows.status[solved] = Status.WITHIN_TOLERANCE
    rows.lower_bounds[:] = 0.0
    return left


def _few_values(task: Task, rows: Rows) -> Indices:
    """Rows that no subset of the first few values brings within the tolerance."""
    count = len(task.targets)
    found = np.zeros(count, np.uint8)

    def work(start: int, stop: int) -> None:
        values = task.values[start:stop]
        if task.values.shape[0] == 1:
            values = np.broadcast_to(task.values[:, :MOST_VALUES], (stop - start, min(task.n, MOST_VALUES))).copy()
        first_subset_within(
            values, task.targets[start:stop], task.tolerance, rows.subsets[start:stop], found[start:stop]
        )

    run_slices(work, chunk_bounds(count, 1 << 16), threads=task.threads, progress=task.progress, label="subset sums")
    everything = np.arange(count)
    misses = (found == 0) | (_errors(task, rows, everything) > task.tolerance)
    left: Indices = everything[misses]
    return left


def _errors(task: Task, rows: Rows, indices: Indices) -> Floats:
    totals, errors = np.empty(len(indices)), np.empty(len(indices))
    everything = len(indices) == len(task.targets)
    values = task.values if everything else task.rows(indices)
    subsets = rows.subsets if everything else rows.subsets[indices]
    chosen_sums(values, subsets, task.targets[indices], totals, errors)
    return errors


def _optimum(task: Task, rows: Rows, indices: Indices, n: int) -> None:
    """The optimum over the first n values of the given rows."""
    whole = len(indices) == len(task.targets) and n == task.n
    values = task.values if whole else task.rows(indices, n)
    # A target beyond every sum has the optimum of any other such target; a nearer one leaves the keys more digits.
    with np.errstate(over="ignore"):
        reach = 2.0 * np.abs(values).sum(axis=1)
    targets = np.clip(task.targets[indices], -reach, reach)
    subsets = np.zeros((len(indices), n), np.bool_)
    undecided = np.ones(len(indices), np.uint8)
    if n <= BATCHED_UP_TO:
        _in_batches(values, targets, task, subsets, undecided)
    again = np.flatnonzero(undecided)
    rows.status[indices] = Status.OPTIMAL
    for done, (k, ranking) in enumerate(_one_by_one(values, targets, again, task), start=1):
        subsets[k] = bits_to_bools(ranking.identity, n)
        rows.status[indices[k]] = ranking.status
        rows.lower_bounds[indices[k]] = ranking.lower_bound
        if task.progress and n > BATCHED_UP_TO:
            task.progress("subset sums", done, len(again))
    rows.subsets[indices, :n] = subsets
    rows.subsets[indices, n:] = False
    rows.work["ranked_in_integers"] = rows.work.get("ranked_in_integers", 0) + (len(again) if n <= BATCHED_UP_TO else 0)


def _one_by_one(values: Floats, targets: Floats, indices: Indices, task: Task) -> Iterator[tuple[int, Ranking]]:
    """Each of the given rows on all threads; a shared list of values is sorted once."""
    if not len(indices):
        return
    shared = values.shape[0] == 1
    if shared:
        rankings = solve_each(values[0], targets[indices].tolist(), size=task.size, threads=task.threads)
    else:
        rankings = (
            solve_large(values[k], float(targets[k]), size=task.size, threads=task.threads) for k in indices.tolist()
        )
    for k, ranking in zip(indices.tolist(), rankings, strict=True):
        if ranking.status == Status.OPTIMAL:
            yield k, ranking
        else:
            own = values[0 if shared else k]
            yield k, _by_four_lists(own, float(targets[k]), ranking, task)


def _by_four_lists(values: Floats, target: float, ranking: Ranking, task: Task) -> Ranking:
    """What four lists make of an instance that two leave open: their keys are finer, and are ranked otherwise."""
    four = four_lists(values, target, size=task.size, threads=task.threads)
    identity = sum(1 << i for i in np.flatnonzero(four.subset).tolist())
    if four.status == Status.OPTIMAL:
        return Ranking(identity, four.lower_bound, Status.OPTIMAL)
    errors = [
        error_of(values[chosen], target, "max")
        for chosen in (four.subset, bits_to_bools(ranking.identity, len(values)))
    ]
    nearer = identity if errors[0] < errors[1] else ranking.identity
    return Ranking(nearer, max(ranking.lower_bound, four.lower_bound), Status.WITHIN_ROUNDING)


def _in_batches(values: Floats, targets: Floats, task: Task, subsets: Bools, undecided: npt.NDArray[np.uint8]) -> None:
    """Fill subsets and undecided by the batched kernels, slices of rows on each thread."""
    n = values.shape[1]
    shared = values.shape[0] == 1
    largest = float(np.abs(targets).max())

    def work(start: int, stop: int) -> None:
        own, goals = values if shared else values[start:stop], targets[start:stop]
        answer = (subsets[start:stop], undecided[start:stop])
        size = -1 if task.size is None else task.size
        if size >= 0 or n > PACKED_UP_TO:
            best_subset_wide(own, goals, size, largest, *answer)
        else:
            best_subset_packed(own, goals, largest, *answer)
            again = np.flatnonzero(answer[1])  # what packed keys leave open, wider ones may decide
            better, still = np.zeros((len(again), n), np.bool_), np.zeros(len(again), np.uint8)
            best_subset_wide(own if shared else own[again], goals[again], size, largest, better, still)
            answer[0][again], answer[1][again] = better, still

    steps = 3.0 * ((1 << n // 2) + (1 << (n - n // 2)))
    per_slice = min(int(STEPS_A_SLICE / steps) + 1, -(-len(targets) // task.threads))
    run_slices(
        work, chunk_bounds(len(targets), per_slice), threads=task.threads, progress=task.progress, label="subset sums"
    )
