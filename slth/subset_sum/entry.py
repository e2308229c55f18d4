"""The two functions that users call: one instance, or many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from slth.arrays import Floats, finite_array
from slth.errors import ArgumentError, ResourceError, SlthError
from slth.resources import Progress, granted, reporter, require_memory, thread_count
from slth.subset_sum.choice import Choice, choose, memory_of, refusal_of, solver_named, try_first
from slth.subset_sum.each_coordinate import within_each
from slth.subset_sum.halves import RandomHalves, rows_of
from slth.subset_sum.instance import (
    SubsetSumInstance,
    as_norm,
    as_size,
    as_tolerance,
    check_has_values,
    check_sum_is_finite,
)
from slth.subset_sum.rescue import improve
from slth.subset_sum.solution import BatchSolution, SubsetSumSolution, certified_batch
from slth.subset_sum.solver import Rows, Solver, Task, Traits
from slth.subset_sum.status import Status

ArrayLike = npt.ArrayLike

BY_HALVES = repr(RandomHalves())
MET = "halves of the values met in a sum that ends the search"
LEFT = "interrupted at a first look at halves of the values"


def solve(
    values: ArrayLike,
    target: float | ArrayLike,
    *,
    tolerance: float | ArrayLike = 0.0,
    size: int | None = None,
    norm: str = "max",
    solver: Solver | None = None,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> SubsetSumSolution:
    """Find the subset of the values whose sum is closest to the target.

    Minimises norm(sum_{i in S} values[i] - target) over subsets S (over those with abs(S) = size, if given).

    Parameters
    ----------
    values : array_like, float64[n] or float64[n, d]
        Candidates, numbers or vectors: finite, n >= 1. Exactness refers to the rational numbers that these doubles are.
    target : float, or array_like, float64[d]
        What the sum should be.
    tolerance : float, or array_like, float64[d], default 0.0
        Stop as soon as the error is at most this; 0.0 searches for the optimum. Of vectors also one for each
        coordinate: stop as soon as each is off by at most its own (0.0: by nothing). Where no subset is found, the
        answer is the nearest known, and ``solution.work["reason"]`` says whether there is none.
    size : int or None
        Choose exactly so many values.
    norm : {"max", "l2"}
        How the error of vectors is measured, and what tolerance and optimal refer to: the largest difference of a
        coordinate, or the root of the sum of their squares. In one dimension both are the absolute value.
    solver : Solver or None
        ``TwoList()``, ``FourList()``, ``Enumeration()``, ``Greedy()``, ``Differencing()``, ``Lattice()``, of vectors
        ``VectorTwoList()``, ``Enumeration()``, ``Pursuit()``, and of both ``RandomHalves()``; None picks by n, d, size,
        tolerance and memory, after a look at random halves where a subset is likely to be met that ends the search;
        ``solution.work["reason"]`` says why.
    device : {"cpu", "cuda", "auto"} or str
        Where to run; anything but the CPU takes up to 40 numbers without a size, and vectors by pursuit.
    threads : int or None
        Worker threads; None for one per core.
    progress : callable or bool, optional
        True for a line on stderr; or called as progress(label, done, total).

    Returns
    -------
    SubsetSumSolution
        The subset with its exactly re-summed error, a proved lower bound on the error, and a status.

    Raises
    ------
    ArgumentError
        For input that breaks a rule; ResourceError where the chosen solver would not fit into memory.

    Examples
    --------
    >>> slth.solve([0.31, -0.7, 0.52, 0.11], 0.4).subset.tolist()
    [True, False, False, True]
    >>> slth.solve([[3.0, 1.0], [5.0, 0.0], [7.0, 2.0]], [9.0, 3.0]).subset.tolist()
    [True, False, True]
    """
    instance = SubsetSumInstance(values, target, tolerance, size, norm)  # type: ignore[arg-type]
    tolerance = instance.tolerance
    task = Task(
        instance.values[None, :],
        np.array([instance.target]),
        tolerance=tolerance if isinstance(tolerance, float) else float(tolerance.max()),
        size=instance.size,
        threads=thread_count(threads),
        progress=reporter(progress),
        norm=instance.norm,
    )
    if isinstance(tolerance, float):
        who, rows = _run(task, solver=solver, device=device)
    else:
        _check_own_choice(tolerance, solver, device)
        who, rows = within_each(instance, tolerance, task)
    bound, status = float(rows.lower_bounds[0]), Status(int(rows.status[0]))
    solution = SubsetSumSolution(instance, rows.subsets[0], bound, status, who, rows.work)
    if solution.status == Status.WITHIN_TOLERANCE:
        _hold_to(task.tolerance, who, solution.error)
    return solution


def solve_batch(
    values: ArrayLike,
    targets: ArrayLike,
    *,
    tolerance: float = 0.0,
    size: int | None = None,
    norm: str = "max",
    solver: Solver | None = None,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> BatchSolution:
    """Solve many instances of the same n, sharing the work between threads.

    Parameters
    ----------
    values : array_like, float64[B, n] or float64[n]; of vectors float64[B, n, d] or float64[n, d]
        One list of candidates for each target, or one list for all of them (sorted once).
    targets : array_like, float64[B]; of vectors float64[B, d]
        What the sums should be; their axes tell a shared list of vectors from B lists of numbers.
    tolerance, size, norm, solver, device, threads, progress
        As in :func:`solve`, for every row.

    Returns
    -------
    BatchSolution
        Subsets bool[B, n], totals, exactly re-summed errors, proved lower bounds, and a status for each row.

    Raises
    ------
    ArgumentError
        For input that breaks a rule; ResourceError where the chosen solver would not fit into memory.

    Examples
    --------
    >>> import numpy as np, slth
    >>> rows = slth.solve_batch(np.array([[1.0, 2.0, 4.0], [1.0, 3.0, 9.0]]), [5.0, 11.0])
    >>> rows.errors.tolist()
    [0.0, 1.0]
    """
    matrix, goals = _rows_of(values, targets)
    n = matrix.shape[1]
    task = Task(
        matrix,
        goals,
        as_tolerance(tolerance),
        as_size(size, n),
        thread_count(threads),
        reporter(progress),
        as_norm(norm),
    )
    if len(goals) == 0:
        who, rows = "none", Rows.empty(0, n)
    else:
        check_sum_is_finite(matrix, goals, vectors=goals.ndim == 2)
        who, rows = _run(task, solver=solver, device=device)
    batch = certified_batch(
        matrix, goals, rows.subsets, rows.lower_bounds, rows.status, solver=who, work=rows.work, norm=task.norm
    )
    if task.size is not None and (batch.subsets.sum(axis=1) != task.size).any():
        raise SlthError(f"solver {who} chose another number of values than size={task.size}: please report this")
    _hold_to(task.tolerance, who, batch.errors[batch.status == Status.WITHIN_TOLERANCE].max(initial=0.0))
    return batch


def _check_own_choice(tolerances: Floats, solver: Solver | None, device: str) -> None:
    """A solver knows one tolerance."""
    for argument, given, left_out in (("solver", solver, solver is None), ("device", device, device == "cpu")):
        if not left_out:
            rule = f"takes one tolerance, not one for each of {len(tolerances)} coordinates"
            raise ArgumentError(argument, given, rule, f"leave {argument} out, or pass one number as tolerance")


def _rows_of(values: ArrayLike, targets: ArrayLike) -> tuple[Floats, Floats]:
    """Values with an axis for rows, of length 1 where all targets share them, and the targets."""
    given = finite_array(values, "values", axes=(1, 2, 3))
    goals = finite_array(targets, "targets", axes=(1, 2))
    vectors = goals.ndim == 2
    if given.ndim not in ((2, 3) if vectors else (1, 2)):
        rule = f"has the wrong number of dimensions for targets of shape {goals.shape}"
        remedy = "pass targets [B, d] with values [B, n, d] or [n, d], targets [B] with values [B, n] or [n]"
        raise ArgumentError("values", f"array of shape {given.shape}", rule, remedy)
    check_has_values(given.shape, vectors=vectors, row=" a row")
    shared = given.ndim == goals.ndim
    if not shared and len(given) != len(goals):
        raise ArgumentError(
            "targets",
            f"array of shape {goals.shape}",
            f"must hold one target for each of the {len(given)} rows of values",
            f"pass values of shape {'[n, d]' if vectors else '[n]'} to share one list between all targets",
        )
    if vectors and given.shape[-1] != goals.shape[1]:
        rule = f"must hold one number for each of the {given.shape[-1]} coordinates of the values"
        raise ArgumentError("targets", f"array of shape {goals.shape}", rule, "pass targets of shape [B, d]")
    return (given[None] if shared else given), goals


def _run(task: Task, *, solver: Solver | str | None, device: str) -> tuple[str, Rows]:
    """Choose where and by whom, check that it fits, and solve."""
    if task.values.ndim == 3 and task.d == 1:  # vectors of one coordinate are numbers
        task = replace(task, values=task.values[..., 0], targets=task.targets[:, 0])
    if isinstance(solver, str):
        solver = solver_named(solver)
    if not isinstance(device, str) or device != "cpu":  # torch is loaded only when it is asked for
        from slth.subset_sum.on_device import run_on

        where = run_on(task, device=device, solver=solver)
        if where is not None:
            return where
    if solver is None:
        return _run_by_default(task)
    if isinstance(solver, type) or not isinstance(solver, Solver):
        raise ArgumentError("solver", solver, "is not a solver", "pass TwoList(), FourList(), Greedy(), ... or None")
    return _run_by(solver, "asked for", task, by_default=False)


def _run_by_default(task: Task) -> tuple[str, Rows]:
    """A look at halves, where it is worth one, and what that leaves open by the solver of choice."""
    choice = Choice(task)
    first = try_first(task, choice)
    if first is None:
        return _run_by(*choice.made, task, by_default=True)
    left = np.flatnonzero(first.claim(Status.HEURISTIC))
    if not len(left):
        first.work["reason"] = LEFT if first.claim(Status.INTERRUPTED).any() else MET
        return BY_HALVES, first
    part = task if len(left) == len(task.targets) else rows_of(task, left)
    who, rows = _run_by(*choice.made, part, by_default=True)
    return who, first.filled(left, rows)


def _run_by(solver: Solver, reason: str, task: Task, *, by_default: bool) -> tuple[str, Rows]:
    """Check that it fits, and solve."""
    _check(solver, task)
    rows = solver.run(task)
    improve(task, rows, by=solver, by_default=by_default)
    rows.work["reason"] = reason
    return repr(solver), rows


def _hold_to(tolerance: float, who: str, error: float) -> None:
    """Whoever answered kept to the tolerance, where that is claimed; solutions themselves hold to the size."""
    if error > tolerance:
        raise SlthError(f"solver {who} called within tolerance={tolerance} what is not: please report this")


def _check(solver: Solver, task: Task) -> None:
    """Refuse before any memory is taken."""
    if task.d > 1 and Traits.VECTOR not in solver.traits:
        rule = f"takes numbers, not vectors of {task.d} coordinates"
        raise ArgumentError("solver", solver, rule, "use VectorTwoList() for few values, Pursuit() for many, or None")
    refusal = refusal_of(solver, task)
    if refusal is not None:
        rule, _, remedy = refusal.partition(": ")
        argument, value = ("n", task.n) if "values" in rule or task.size is None else ("size", task.size)
        if "coordinates" in rule:
            argument, value = "d", task.d
        raise ResourceError(argument, value, rule, remedy)
    needed = memory_of(solver, task)
    if not granted(needed):
        fits, _ = choose(task)
        remedy = f"use {fits!r}" if repr(fits) != repr(solver) else "use fewer values or fewer rows at a time"
        require_memory(needed, "n", remedy, value=task.n)
