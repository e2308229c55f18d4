"""Error and time of differencing, of greedy and of an exact solver on the same instances."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum import Differencing, Greedy, Solver, TwoList, solve
from slth.subset_sum.elementary_laws import Uniform

EXACT_UP_TO = 46  # the list of two lists stays in cache; beyond, minutes
WARM_UP = 64  # values of the solve that is not timed: it loads what is compiled


def differencing(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Solve the same instances, values uniform on [-1, 1], by each solver that takes so many values."""
    n, instances, target = cell["n"], cell["instances"], float(cell["target"])
    stream, law = Stream(seed, "differencing.values"), Uniform(-1.0, 1.0)
    solvers: dict[str, Solver] = {
        "greedy": Greedy(passes=0, polish=0),
        "greedy and exchanges": Greedy(),
        "differencing": Differencing(),
    }
    if n <= min(cell["exact_up_to"], EXACT_UP_TO):
        solvers["exact"] = TwoList()
    rows: list[dict[str, Any]] = []
    for name, solver in solvers.items():
        solve(law.sample(stream, min(n, WARM_UP)), target, solver=solver, threads=context.threads)
        errors, seconds = np.empty(instances), np.empty(instances)
        for instance in range(instances):
            values = law.sample(stream, n, instance * n)
            begin = time.perf_counter()
            errors[instance] = solve(values, target, solver=solver, threads=context.threads).error
            seconds[instance] = time.perf_counter() - begin
        row = {"solver": name, "median_error": float(np.median(errors)), "mean_error": math.fsum(errors) / instances}
        rows.append(row | {"solve_seconds": float(np.median(seconds))})
    return rows
