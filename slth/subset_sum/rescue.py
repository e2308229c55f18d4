"""What the cheap heuristics may add where no optimum is proved."""

from __future__ import annotations

import numpy as np

from slth.subset_sum.greedy import greedy_swaps
from slth.subset_sum.halves import rows_of
from slth.subset_sum.solution import sums_and_errors
from slth.subset_sum.solver import Rows, Solver, Task
from slth.subset_sum.solvers import Differencing, Greedy
from slth.subset_sum.status import Status
from slth.subset_sum.vector_pursuit import Pursuit


def improve(task: Task, rows: Rows, *, by: Solver, by_default: bool) -> None:
    """Keep what a heuristic finds in rows that rounding left open; and, by default, in those of another heuristic.

    So no solver of the package that takes a moment beats the default.
    """
    unproved = rows.claim(Status.WITHIN_ROUNDING)
    left = np.flatnonzero(unproved | (by_default & rows.claim(Status.HEURISTIC)))
    if not len(left) or rows.claim(Status.INTERRUPTED).any():
        return
    part = rows_of(task, left)
    subsets = rows.subsets[left]
    errors = sums_and_errors(part.values, subsets, part.targets, task.norm)[1]
    others: tuple[Solver, ...] = (Pursuit(),) if task.d > 1 else (Greedy(), Differencing())
    try:
        tries = []
        for other in others:
            if other != by and not other.decline(task.n, task.size):
                found = other.run(part)
                if found.claim(Status.INTERRUPTED).any():
                    raise KeyboardInterrupt
                tries.append(found.subsets)
        if task.d == 1 and unproved.any():
            own = [
                greedy_swaps(part.row(k), float(part.targets[k]), size=task.size, start=subsets[k]).subset
                for k in range(len(left))
            ]
            tries.append(np.array(own))
    except KeyboardInterrupt:
        rows.status[left] = Status.INTERRUPTED
        return
    for chosen in tries:
        apart = sums_and_errors(part.values, chosen, part.targets, task.norm)[1]
        better = apart < errors
        subsets[better], errors[better] = chosen[better], apart[better]
    rows.subsets[left] = subsets
    if task.tolerance > 0.0:
        rows.status[left[errors <= task.tolerance]] = Status.WITHIN_TOLERANCE
