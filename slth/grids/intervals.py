"""Confidence intervals: of probabilities from successes and trials, of means, and of rank correlations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri, stdtrit

from slth.errors import ArgumentError

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Ends of an interval, which belong to it."""

    low: float
    high: float


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    r"""Give the exact interval of a probability by Clopper and Pearson (1934), never too short.

    .. math:: low = B^{-1}(\alpha/2;\, s,\, t - s + 1), \qquad high = B^{-1}(1 - \alpha/2;\, s + 1,\, t - s)

    for s successes in t trials, with quantiles of beta distributions: scipy's ``binomtest`` finds the same ends by
    bisection, to 12 digits after the point at best and 200 times slower.
    """
    if trials < 0 or trials != int(trials):
        raise ArgumentError("trials", trials, "must be a whole number from 0", "count them")
    if not 0 <= successes <= trials or successes != int(successes):
        raise ArgumentError("successes", successes, f"must be a whole number from 0 to {trials}", "count them")
    if not 0.0 < confidence < 1.0:
        raise ArgumentError("confidence", confidence, "must lie between 0 and 1", "such as 0.95")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1.0 - tail))
    return Interval(low, high)


def student(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Interval:
    r"""Give the interval of a mean by Student's t: :math:`\bar x \pm t_{n-1} s / \sqrt n`; all numbers for one value.

    It is exact for normal values; where all values are the same it has no length, which says nothing of the rest.
    """
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ArgumentError("values", found.shape, "must be finite numbers, one at least", "pass float64[n]")
    if len(found) == 1:
        return Interval(-np.inf, np.inf)
    reach = stdtrit(len(found) - 1, (1.0 + confidence) / 2.0) * found.std(ddof=1) / np.sqrt(len(found))
    return Interval(float(found.mean() - reach), float(found.mean() + reach))


def rank_correlation(one: ArrayLike, other: ArrayLike) -> float | None:
    """Give Spearman's rank correlation, equal values by the mean of their ranks; None where all are equal."""
    ranks = [_ranks(np.asarray(values, np.float64)) for values in (one, other)]
    if len(ranks[0]) != len(ranks[1]) or not len(ranks[0]):
        raise ArgumentError("values", [len(each) for each in ranks], "must be as many, one at least", "pass pairs")
    lengths = [float(np.linalg.norm(each)) for each in ranks]
    return float(ranks[0] @ ranks[1] / (lengths[0] * lengths[1])) if min(lengths) > 0.0 else None


def spearman(value: float, pairs: int, *, confidence: float = CONFIDENCE) -> Interval:
    r"""Give the interval of a rank correlation by Bonett and Wright (2000), for pairs that are drawn independently.

    :math:`\tanh(\operatorname{artanh} r \pm z \sqrt{(1 + r^2 / 2) / (n - 3)})` with z of the normal law (unverified).
    """
    if pairs <= 3 or not abs(value) < 1.0:
        return Interval(-1.0, 1.0)
    reach = ndtri((1.0 + confidence) / 2.0) * np.sqrt((1.0 + value**2 / 2.0) / (pairs - 3))
    return Interval(*(float(np.tanh(np.arctanh(value) + sign * reach)) for sign in (-1.0, 1.0)))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give ranks less their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2.0)[places]
    ranks -= ranks.mean()
    return ranks
