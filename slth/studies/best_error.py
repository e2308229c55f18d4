"""How near the best of all 2^n subset sums comes to one target, and whether the prediction knew it beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum import Status, solve_batch
from slth.subset_sum.laws import law_named
from slth.subset_sum.prediction import ErrorPrediction, predict_errors

LEVELS = (50, 90, 99)


def best_error(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Solve independent instances to optimality and report quantiles of ``min over S of |sum of S - target|``."""
    n, instances = cell["n"], cell["instances"]
    values = law_named(cell["law"]).sample(Stream(seed, "best-error.values"), instances * n).reshape(instances, n)
    targets = np.full(instances, float(cell["target"]))
    solved = solve_batch(values, targets, threads=context.threads)
    assert np.all(solved.status == Status.OPTIMAL), "the quantiles are those of optima"
    predicted = predict_errors(values, targets)
    return [
        {f"error_{level}": float(np.quantile(solved.errors, level / 100)) for level in LEVELS}
        | {
            "saddlepoint_99": _quantile(predict_errors(values, targets, density="saddlepoint"), 0.99),
            "successes": int(np.sum(solved.errors <= predicted.median)),
            "trials": instances,
        }
    ]


def _quantile(predicted: ErrorPrediction, level: float) -> float:
    """The error that an instance picked at random stays below with this probability."""
    ceiling = float(np.max(predicted.ceiling))

    def excess(log_error: float) -> float:
        return float(np.mean(np.exp(-np.exp(predicted.log_rate + log_error)))) - (1.0 - level)

    high = np.log(ceiling) if ceiling > 0.0 else -np.inf
    if ceiling == 0.0 or excess(high) >= 0.0:
        return ceiling
    return float(np.exp(brentq(excess, -np.max(predicted.log_rate) - 40.0, high, xtol=1e-10)))
