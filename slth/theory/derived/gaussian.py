"""Logarithms of what Gaussian sums do, without the rounding and underflow of the numbers themselves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHORT = 1e-5
"""Half lengths, in standard deviations, below which an interval's probability is its length times the density."""


def log_hit(target: float, eps: float, variances: Floats) -> Floats:
    r"""Return the natural logarithm of :math:`P(|N(0, v) - z| \le \epsilon)` for each variance, for z of at least 0.

    Long intervals by the difference of upper tails, short ones by the density in their middle: its relative error,
    below :math:`\epsilon^2 (z^2 / v + 1) / (6 v)`, and the rounding of the difference are both below 1e-9 for z of at
    most a few dozen standard deviations.

    >>> float(np.exp(log_hit(0.0, 1.0, np.array([1.0]))[0]).round(4))
    0.6827
    """
    from scipy.special import log_ndtr  # here, because it takes a tenth of a second

    spread = np.sqrt(variances)
    middle, half = target / spread, eps / spread
    density = math.log(2.0 / math.sqrt(2.0 * math.pi)) + math.log(eps) - np.log(spread) - 0.5 * middle**2
    near, far = log_ndtr(half - middle), log_ndtr(-half - middle)
    with np.errstate(divide="ignore"):
        tails = near + np.log(-np.expm1(np.minimum(far - near, 0.0)))
    return np.asarray(np.where(half < SHORT, density, tails), np.float64)


def log_binomials(n: float, sizes: Floats) -> Floats:
    """Return the natural logarithm of the number of subsets of each size from 0 to n, for n as large as one likes.

    >>> log_binomials(4, np.array([0.0, 2.0])).round(4).tolist()
    [0.0, 1.7918]
    """
    from scipy.special import betaln

    return np.asarray(-betaln(sizes + 1.0, n - sizes + 1.0) - math.log1p(n), np.float64)


def log_sum(terms: Floats) -> float:
    """Return the natural logarithm of a sum, from those of its terms.

    >>> log_sum(np.array([-2000.0, -2000.0])) == -2000.0 + math.log(2.0)
    True
    """
    peak = float(terms.max())
    return peak + math.log(float(np.exp(terms - peak).sum()))
