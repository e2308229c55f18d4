"""Other people's solvers, measured beside ours in the same run, with every subset that they return summed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.benchmarks.contenders import Contender, Declined
from slth.grids.environment import version_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SolveOne = Callable[[Floats, float], tuple[Bools, bool]]
SCALE = 10**9  # CP-SAT takes integers: values times 1e9, rounded


def installed(module: str, extra: str) -> ModuleType:
    """Import a peer, or decline with the command that installs it."""
    try:
        return import_module(module)
    except ImportError:
        raise Declined(f"{module} is not installed: pip install 'slth[{extra}]'") from None


def titled(name: str, package: str) -> str:
    """A peer's name with its version."""
    return " ".join(filter(None, (name, version_of(package))))


def true_errors(values: Floats, subsets: npt.NDArray[np.bool_], targets: Floats) -> Floats:
    """|sum of the chosen values - target| of each row."""
    from slth.kernels.exact_sum import chosen_sums

    totals, errors = np.empty(len(targets)), np.empty(len(targets))
    chosen_sums(np.ascontiguousarray(values), np.ascontiguousarray(subsets), targets, totals, errors)
    return errors


def cp_sat_one(values: Floats, target: float) -> tuple[Bools, bool]:
    """OR-Tools CP-SAT, one worker, minimising |sum - target| in units of 1e-9: subset, and whether optimal."""
    cp_model = installed("ortools.sat.python.cp_model", "baselines")
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in values]
    scaled = [round(v * SCALE) for v in values.tolist()]
    reach = sum(map(abs, scaled)) + abs(round(target * SCALE)) + 1
    error = model.new_int_var(0, reach, "error")
    total = sum(c * v for c, v in zip(chosen, scaled, strict=True)) - round(target * SCALE)
    model.add(error >= total)
    model.add(error >= -total)
    model.minimize(error)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    return np.array([solver.boolean_value(c) for c in chosen]), bool(status == cp_model.OPTIMAL)


def milp_one(values: Floats, target: float) -> tuple[Bools, bool]:
    """scipy.optimize.milp (HiGHS), minimising t >= |sum - target|: the subset, and whether it says optimal."""
    from scipy.optimize import Bounds, LinearConstraint
    from scipy.optimize import milp as solve

    n = len(values)
    cost = np.zeros(n + 1)
    cost[-1] = 1.0
    above, below = np.append(values, -1.0), np.append(values, 1.0)
    answer = solve(
        cost,
        constraints=[LinearConstraint(above, -np.inf, target), LinearConstraint(below, target, np.inf)],
        integrality=np.append(np.ones(n), 0),
        bounds=Bounds(np.zeros(n + 1), np.append(np.ones(n), np.inf)),
    )
    if answer.x is None:
        return np.zeros(n, np.bool_), False
    return np.asarray(answer.x[:n] > 0.5), bool(answer.status == 0)


def numpy_one(values: Floats, target: float) -> tuple[Bools, bool]:
    """Meet in the middle in a dozen lines of numpy: sorted sums of one half, looked up by bisection."""
    split = len(values) // 2
    low, high = np.zeros(1), np.zeros(1)
    for v in values[:split]:
        low = np.concatenate([low, low + v])
    for v in values[split:]:
        high = np.concatenate([high, high + v])
    order = np.argsort(low)
    where = np.searchsorted(low[order], target - high)
    near = np.stack([np.clip(where - 1, 0, len(low) - 1), np.clip(where, 0, len(low) - 1)])
    distance = np.abs(low[order][near] + high - target)
    side, j = np.unravel_index(np.argmin(distance), distance.shape)
    bits = int(order[near[side, j]]) | (int(j) << split)
    return np.array([bits >> i & 1 for i in range(len(values))], np.bool_), True


@dataclass(frozen=True)
class Peer:
    """Somebody else's solver of one instance."""

    name: str
    package: str
    solve_one: SolveOne
    warm_up: bool = False

    @property
    def title(self) -> str:
        """Name and version."""
        return titled(self.name, self.package)

    def contender(self, values: Floats, targets: Floats, best: Floats, *, count: int) -> Contender:
        """Let it solve the first ``count`` of some instances, of which ``best`` are the least errors."""

        def run() -> Mapping[str, Any]:
            return _peer_run(self.solve_one, values[:count], targets[:count], best[:count])

        return Contender(self.title, run, count, warm_up=self.warm_up, replicates=None if self.warm_up else 1)


PEERS: dict[str, Peer] = {
    "cp_sat": Peer("OR-Tools CP-SAT", "ortools", cp_sat_one),
    "milp": Peer("scipy.optimize.milp", "scipy", milp_one),
    "numpy": Peer("numpy two lists", "numpy", numpy_one, warm_up=True),
}
"""Name in a benchmark's file to solver."""


def is_optimal(errors: Floats, best: Floats) -> Bools:
    """Whether errors are the least ones, up to what rounding leaves."""
    return np.asarray(errors <= best * (1 + 1e-9) + 1e-15)


def _peer_run(solve_one: SolveOne, values: Floats, targets: Floats, best: Floats) -> Mapping[str, Any]:
    """Solve one instance after the other; how often optimal was claimed, and how often that was true."""
    answers = [solve_one(row, float(target)) for row, target in zip(values, targets, strict=True)]
    errors = true_errors(values, np.array([subset for subset, _ in answers]), targets)
    claimed = np.array([claim for _, claim in answers])
    return {
        "median_error": float(np.median(errors)),
        "claimed_optimal": int(claimed.sum()),
        "truly_optimal": int(is_optimal(errors, best).sum()),
    }
