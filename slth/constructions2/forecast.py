"""The errors of a layer's weights as random subset sum predicts them: before anything is drawn, and afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from slth.arrays import Floats
from slth.constructions2.layout import Work
from slth.rng import WeightLaw
from slth.subset_sum.prediction import candidates_for_error
from slth.tickets2.pair import Pair


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

    Parameters
    ----------
    log_rates : float64[instances]
        Logarithms of the rates of the exponential errors, in the unit of the weights.
    ceilings : float64[instances]
        Largest errors, those of the empty subset.

    Returns
    -------
    tuple of float
        The median of the largest of all errors, and the median of the error of one weight drawn from all.
    """
    if not log_rates.size:
        return 0.0, 0.0

    def misses(log_error: float) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            return np.where(math.exp(log_error) < ceilings, np.exp(-np.exp(log_rates + log_error)), 0.0)

    def largest_misses(log_error: float) -> float:
        missing = misses(log_error)
        return 1.0 - math.exp(float(np.log1p(-missing).sum())) if missing.max() < 1.0 else 1.0

    return _half(largest_misses), _half(lambda log_error: float(misses(log_error).mean()))


def expected_counts(log_rates: Floats, ceilings: Floats, edges: Floats) -> Floats:
    """Expected number of errors between each two edges: a sum of exponential laws, each cut off at its ceiling.

    Parameters
    ----------
    log_rates : float64[weights]
    ceilings : float64[weights]
        Absolute values of the weights: the error of the empty subset, which no best error exceeds.
    edges : float64[bins + 1]
        Increasing.

    Returns
    -------
    float64[bins]

    Examples
    --------
    >>> expected_counts(np.zeros(10), np.ones(10), np.array([0.0, np.log(2.0), 1.0])).tolist()
    [5.0, 5.0]
    """
    with np.errstate(over="ignore"):
        rates = np.exp(log_rates)
    with np.errstate(invalid="ignore", under="ignore"):
        beyond = [float(np.exp(-rates * edge)[ceilings > edge].sum()) for edge in edges]
    return -np.diff(np.array(beyond))


def _half(misses: Callable[[float], float]) -> float:
    """Return the error that is missed with probability one half, by bisection of its logarithm."""
    low, high = -120.0, 60.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if misses(middle) > 0.5:
            low = middle
        else:
            high = middle
    return math.exp(high)
