"""A subset whose sum is near enough in each coordinate, where coordinates have tolerances of their own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from slth.arrays import Bools, Floats
from slth.errors import ResourceError
from slth.subset_sum.choice import EFFORTS, choose
from slth.subset_sum.dyadic import Outcome
from slth.subset_sum.halves import RandomHalves, aim_at, hit, promised
from slth.subset_sum.instance import SubsetSumInstance
from slth.subset_sum.listing import nearest_first
from slth.subset_sum.solver import Rows, Task, fill_rows
from slth.subset_sum.status import Status
from slth.subset_sum.vector_pursuit import Pursuit

STRICTER = 10  # powers of two by which a coordinate without a tolerance counts more than the one with the smallest
HEAVIEST = 200  # powers of two that a coordinate may count more than another


def within_each(instance: SubsetSumInstance, tolerances: Floats, task: Task) -> tuple[str, Rows]:
    """Who answered, and the answer: within the tolerances where a subset is found that is, else the nearest known.

    First halves that meet in the box, where it promises a subset; then all sums near it, where these can be searched,
    which finds one or proves that there is none; then the pursuit of vectors in units of their tolerances.
    """
    aim = aim_at(instance.values, task.targets[0], tolerance=tolerances, size=task.size, norm="max")
    found = hit(replace(task, tolerance=float(tolerances.max())), aim, promised(aim, EFFORTS))
    if found is not None:
        return repr(RandomHalves()), _one(task, found)
    try:
        nearest = next(nearest_first(instance), None)
    except ResourceError:
        return _weighted(tolerances, task)
    if nearest is not None:
        work = {"reason": "the nearest of all subsets that are within the tolerances"}
        return nearest.solver, _one(task, Outcome(nearest.subset, 0.0, Status.WITHIN_TOLERANCE, work))
    plain = replace(task, tolerance=0.0)
    solver, _ = choose(plain)
    rows = solver.run(plain)
    rows.work["reason"] = "no subset is within the tolerances: proved"
    return repr(solver), rows


def off_by(subset: Bools, values: Floats, target: Floats) -> Floats:
    """How far each coordinate of the sum is from the target, rounded once: float64[d]."""
    columns = zip(values[subset].T.tolist(), target.tolist(), strict=True)
    return np.array([abs(math.fsum([*column, -goal])) for column, goal in columns])


def _one(task: Task, found: Outcome) -> Rows:
    return fill_rows(replace(task, progress=None), lambda _: found, label="coordinates")


def _weighted(tolerances: Floats, task: Task) -> tuple[str, Rows]:
    """The pursuit in coordinates that are multiplied by powers of two, so that they have nearly equal tolerances."""
    exponents = np.frexp(np.where(tolerances > 0.0, tolerances, tolerances[tolerances > 0.0].min()))[1]
    exponents = exponents - STRICTER * (tolerances == 0.0)
    shifts = np.minimum(exponents.max() - exponents, HEAVIEST)
    with np.errstate(over="ignore"):
        scaled = replace(
            task, values=np.ldexp(task.values, shifts), targets=np.ldexp(task.targets, shifts), tolerance=0.0
        )
        if not np.isfinite(np.abs(scaled.values).sum() + np.abs(scaled.targets).sum()):
            scaled = replace(task, tolerance=0.0)
    rows = Pursuit().run(scaled)
    rows.work["reason"] = f"n = {task.n} vectors of d = {task.d} coordinates are beyond exact reach"
    within = bool((off_by(rows.subsets[0], task.values[0], task.targets[0]) <= tolerances).all())
    if rows.status[0] != Status.INTERRUPTED:
        rows.status[0] = Status.WITHIN_TOLERANCE if within else Status.HEURISTIC
    return repr(Pursuit()), rows
