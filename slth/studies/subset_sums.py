"""Solvers on random instances: how near they come, how often within a tolerance, and in what time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum import Status, solve_batch
from slth.subset_sum.choice import solver_named
from slth.subset_sum.laws import law_named

LEVELS = (10, 50, 90)


def subset_sums(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Solve independent instances, of numbers or of vectors, for one target or for targets uniform on (-1, 1).

    Successes are answers within the tolerance; solvers may stop there, so that errors are small only where it is.
    """
    n, instances, shape = cell["n"], cell["instances"], (cell["dimension"],) if "dimension" in cell else ()
    size = int(np.prod(shape, dtype=int))
    drawn = law_named(cell["law"]).sample(Stream(seed, "subset-sums.values"), instances * n * size)
    values = drawn.reshape(instances, n, *shape)
    targets = 2.0 * Stream(seed, "subset-sums.targets").uniform(0, instances * size).reshape(instances, *shape) - 1.0
    if "target" in cell:
        targets = np.full_like(targets, float(cell["target"]))
    how = {
        "tolerance": cell["tolerance"],
        "size": cell.get("size"),
        "solver": solver_named(cell["solver"]) if "solver" in cell else None,
        "threads": context.threads,
    }
    solve_batch(values[:1], targets[:1], **how)  # compiles what is measured below
    begin = time.perf_counter()
    solved = solve_batch(values, targets, **how)
    seconds = time.perf_counter() - begin
    return [
        {f"error_{level}": float(np.quantile(solved.errors, level / 100)) for level in LEVELS}
        | {
            "optimal": int(np.sum(solved.status == Status.OPTIMAL)),
            "density": float(np.mean(solved.subsets)),
            "successes": int(np.sum(solved.errors <= cell["tolerance"])),
            "trials": instances,
            "seconds": seconds,
        }
    ]
