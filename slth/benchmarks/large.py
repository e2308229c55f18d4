"""One large instance in this process: seconds, and peak memory above that of a small solve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.benchmarks.peers import PEERS, is_optimal, true_errors
from slth.rng import Stream
from slth.subset_sum import solve
from slth.subset_sum.choice import solver_named
from slth.subset_sum.laws import Uniform, law_named

Floats = npt.NDArray[np.float64]


def sample(law: str, n: int, count: int, seed: int) -> tuple[Floats, Floats]:
    """Values [count, n] of a law, and targets uniform in (-1/2, 1/2)."""
    values = law_named(law).sample(Stream(seed, "benchmark.values"), count * n).reshape(count, n)
    return values, Uniform(-0.5, 0.5).sample(Stream(seed, "benchmark.targets"), count)


def measure(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Solve the instance of a cell with its solver, ours or a peer's, whose subset is summed again."""
    name, law = cell["solver"], cell["law"]
    samples, targets = sample(law, cell["n"], 1, cell["seed"])
    values = samples[0]
    target = float(np.floor(values.sum() / 2)) if law.startswith("integers") else float(targets[0])
    if name not in PEERS:
        answer, cost = _measured(lambda some: solve(some, target, solver=solver_named(name)), values, small=20)
        return {**cost, "error": answer.error, "claimed_optimal": int(answer.status == 0)}
    (subset, claimed), cost = _measured(lambda some: PEERS[name].solve_one(some, target), values, small=10)
    error = true_errors(samples, subset[None], np.array([target]))
    truly = is_optimal(error, np.array([solve(values, target).error]))
    return {
        **cost,
        "error": float(error[0]),
        "claimed_optimal": int(claimed),
        "truly_optimal": int(truly[0]),
    }


def _measured(run: Callable[[Floats], Any], values: Floats, *, small: int) -> tuple[Any, dict[str, Any]]:
    """An answer and its cost, after a small solve that loads and compiles."""
    run(values[:small])
    before, start = _peak(), time.perf_counter()
    answer = run(values)
    seconds = time.perf_counter() - start
    peak = _peak()
    return answer, {"seconds": seconds, "peak_mib": round(peak / 1024), "added_mib": round((peak - before) / 1024)}


def _peak() -> int:
    import resource  # not everywhere; nobody else needs it

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
