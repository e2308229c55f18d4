"""The errors of a layer's weights as random subset sum predicts them: before anything is drawn, and afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from slth.arrays import Floats
from slth.constructions.layout import Work
from slth.rng import WeightLaw
from slth.subset_sum.prediction import candidates_for_error
from slth.tickets.pair import Pair


def candidates_needed(work: Work, gain: float, tolerance: float, failure: float, law: WeightLaw) -> int:
    """Return the fewest candidates with which the layer's largest weight misses ``tolerance`` as rarely as asked.

    Every second unit of a rectified pair is usable on average, and each has two units for one candidate.
    """
    target, error = float(np.abs(work.slices).max()) / gain, tolerance / gain
    if target <= error:
        return 1
    if not isinstance(work.layer, Pair):
        return candidates_for_error(law.second_moment, target, error, failure)
    square = law.second_moment**2
    if not work.layer.rectified:
        return candidates_for_error(square, target, error, failure)
    return (candidates_for_error(square, target, error, failure, usable=0.5) + 1) // 2


def predicted_errors(log_rates: Floats, ceilings: Floats) -> tuple[float, float]:
    """Return the medians of the largest and of a single error, each weight searched to its optimum.

    Shapes: log_rates float64[instances]; ceilings float64[instances].
    """
    if not log_rates.size:
        return 0.0, 0.0

    with np.errstate(over="ignore"):
        rates = np.exp(log_rates)

    def misses(log_error: float) -> Floats:
        error = math.exp(log_error)
        with np.errstate(over="ignore", under="ignore"):
            return np.where(error < ceilings, np.exp(-rates * error), 0.0)

    def largest_misses(log_error: float) -> float:
        missing = misses(log_error)
        return 1.0 - math.exp(float(np.log1p(-missing).sum())) if missing.max() < 1.0 else 1.0

    highest = math.log(max(float(ceilings.max()), 1.0)) + 60.0  # nothing misses by more than its ceiling
    return _half(largest_misses, highest), _half(lambda log_error: float(misses(log_error).mean()), highest)


def expected_counts(log_rates: Floats, ceilings: Floats, edges: Floats) -> Floats:
    """Expected number of errors between each two edges: a sum of exponential laws, each cut off at its ceiling.

    Shapes: log_rates float64[weights]; ceilings float64[weights]; edges float64[bins + 1]; result float64[bins].
    """
    with np.errstate(over="ignore"):
        rates = np.exp(log_rates)
    with np.errstate(invalid="ignore", under="ignore"):
        beyond = [float(np.exp(-rates * edge)[ceilings > edge].sum()) for edge in edges]
    return -np.diff(np.array(beyond))


def _half(misses: Callable[[float], float], high: float) -> float:
    """Return the error that is missed with probability one half, found by its logarithm, of which high is enough."""
    low = -120.0
    if misses(low) <= 0.5:
        return math.exp(low)
    return math.exp(brentq(lambda log_error: misses(log_error) - 0.5, low, high, xtol=1e-5))
