"""Other people's solvers, measured beside ours in the same run, with every subset that they return summed again."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.experiments.benchmarks import Contender, Declined

Floats = npt.NDArray[np.float64]
SCALE = 10**9  # CP-SAT takes integers: values times 1e9, rounded


def installed(module: str, extra: str) -> ModuleType:
    """Import a peer, or decline with the command that installs it."""
    try:
        return import_module(module)
    except ImportError:
        raise Declined(f"{module} is not installed: pip install 'slth[{extra}]'") from None


def titled(name: str, package: str) -> str:
    """A peer's name with its version."""
    try:
        return f"{name} {version(package)}"
    except PackageNotFoundError:
        return name


def true_errors(values: Floats, subsets: npt.NDArray[np.bool_], targets: Floats) -> Floats:
    """|sum of the chosen values - target| of each row."""
    from slth.kernels.exact_sum import chosen_sums

    totals, errors = np.empty(len(targets)), np.empty(len(targets))
    chosen_sums(np.ascontiguousarray(values), np.ascontiguousarray(subsets), targets, totals, errors)
    return errors


def cp_sat(values: Floats, targets: Floats, best: Floats, *, count: int) -> Contender:
    """OR-Tools CP-SAT, one worker, minimising |sum - target| in units of 1e-9."""

    def solve_one(cp_model: ModuleType, row: Floats, target: float) -> tuple[npt.NDArray[np.bool_], bool]:
        model = cp_model.CpModel()
        chosen = [model.new_bool_var("") for _ in row]
        scaled = [round(v * SCALE) for v in row.tolist()]
        reach = sum(map(abs, scaled)) + abs(round(target * SCALE)) + 1
        error = model.new_int_var(0, reach, "error")
        total = sum(c * v for c, v in zip(chosen, scaled, strict=True)) - round(target * SCALE)
        model.add(error >= total)
        model.add(error >= -total)
        model.minimize(error)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        status = solver.solve(model)
        return np.array([solver.boolean_value(c) for c in chosen]), status == cp_model.OPTIMAL

    def run() -> Mapping[str, Any]:
        cp_model = installed("ortools.sat.python.cp_model", "baselines")
        return _peer_run(lambda v, t: solve_one(cp_model, v, t), values[:count], targets[:count], best[:count])

    return Contender(titled("OR-Tools CP-SAT", "ortools"), run, count, warm_up=False, replicates=1)


def milp(values: Floats, targets: Floats, best: Floats, *, count: int) -> Contender:
    """scipy.optimize.milp (HiGHS), minimising t >= |sum - target|."""

    def solve_one(row: Floats, target: float) -> tuple[npt.NDArray[np.bool_], bool]:
        from scipy.optimize import Bounds, LinearConstraint
        from scipy.optimize import milp as solve

        n = len(row)
        cost = np.zeros(n + 1)
        cost[-1] = 1.0
        above, below = np.append(row, -1.0), np.append(row, 1.0)
        answer = solve(
            cost,
            constraints=[LinearConstraint(above, -np.inf, target), LinearConstraint(below, target, np.inf)],
            integrality=np.append(np.ones(n), 0),
            bounds=Bounds(np.zeros(n + 1), np.append(np.ones(n), np.inf)),
        )
        if answer.x is None:
            return np.zeros(n, np.bool_), False
        return answer.x[:n] > 0.5, answer.status == 0

    def run() -> Mapping[str, Any]:
        return _peer_run(solve_one, values[:count], targets[:count], best[:count])

    return Contender(titled("scipy.optimize.milp", "scipy"), run, count, warm_up=False, replicates=1)


def numpy_two_list(values: Floats, targets: Floats, best: Floats, *, count: int) -> Contender:
    """Meet in the middle in a dozen lines of numpy: sorted sums of one half, looked up by bisection."""

    def solve_one(row: Floats, target: float) -> tuple[npt.NDArray[np.bool_], bool]:
        split = len(row) // 2
        low, high = np.zeros(1), np.zeros(1)
        for v in row[:split]:
            low = np.concatenate([low, low + v])
        for v in row[split:]:
            high = np.concatenate([high, high + v])
        order = np.argsort(low)
        where = np.searchsorted(low[order], target - high)
        near = np.stack([np.clip(where - 1, 0, len(low) - 1), np.clip(where, 0, len(low) - 1)])
        distance = np.abs(low[order][near] + high - target)
        side, j = np.unravel_index(np.argmin(distance), distance.shape)
        bits = int(order[near[side, j]]) | (int(j) << split)
        return np.array([bits >> i & 1 for i in range(len(row))], np.bool_), True

    def run() -> Mapping[str, Any]:
        return _peer_run(solve_one, values[:count], targets[:count], best[:count])

    return Contender(titled("numpy two lists", "numpy"), run, count, replicates=1)


def _peer_run(solve_one: Any, values: Floats, targets: Floats, best: Floats) -> Mapping[str, Any]:
    """Solve one instance after the other; how often optimal was claimed, and how often that was true."""
    answers = [solve_one(row, float(target)) for row, target in zip(values, targets, strict=True)]
    errors = true_errors(values, np.array([subset for subset, _ in answers]), targets)
    claimed = np.array([claim for _, claim in answers])
    return {
        "median_error": float(np.median(errors)),
        "claimed_optimal": int(claimed.sum()),
        "truly_optimal": int((errors <= best * (1 + 1e-9) + 1e-15).sum()),
    }
