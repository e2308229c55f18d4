"""How near the best subset sum of random vectors comes to a target: the error-quantile model in D dimensions.

Near a target the sums behave like points of a Poisson process whose density is that of a normal law. This is a model,
derived and measured in this project, and no theorem.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from slth.theory.definition import bound
from slth.theory.derived.best_error import Level
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, whole

NODES, REACH = 400, 12.0
"""Of a Gauss-Legendre rule over the distance from the middle of the sums, which reaches 12 deviations either way."""


@bound(
    "derived.first_moment.error",
    "this project, error-quantile model in D dimensions",
    quantity="error in the maximum norm",
    provenance="derived",
    direction="estimate",
    assumes=(Assumption(words="the vectors are independent, from N(0, I_D); products u v come out alike"),),
    implicit=True,
    caveat="a model, compared with simulated medians for n = 18 and D = 2 and 3",
)
def vector_error_quantile(
    *,
    n: Annotated[int, whole("random vectors, n", most=1000, monotone=0)],
    dimension: Annotated[int, whole("numbers of each vector, D", most=100, monotone=0)],
    target: Annotated[float, positive("zeta, every entry of the target", least=0.0, most=100.0, monotone=1)],
    level: Level = 0.5,
) -> float:
    """Quantile of the best error of subsets of Gaussian vectors.

    Given the sample, the best error in the maximum norm is (1/2) (Exp(1) / rho)^(1/D), rho = 2^n (pi n / 2)^(-D/2)
    exp(-2 |z - m|^2 / n), and at most that of the empty subset; averaged over the sample's shift m ~ N(0, n/4 I).
    z = (zeta, ..., zeta). Solved for the quantile.

    That is P(err > e) = E_m exp(-rho (2 e)^D).

    >>> round(vector_error_quantile(n=18, dimension=3, target=1 / 3, level=0.5), 3)
    0.057
    """
    if target == 0.0:
        return 0.0
    from scipy.optimize import brentq
    from scipy.stats import ncx2  # here, because they take half a second

    offset = 4.0 * dimension * target**2 / n  # 4 |z - m|^2 / n is a noncentral chi squared with it
    middle = math.sqrt(offset + dimension)
    low, high = max(0.0, middle - REACH), middle + REACH
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    distance = low + 0.5 * (high - low) * (nodes + 1.0)
    weights = weights * distance * ncx2.pdf(distance**2, dimension, offset)
    weights /= weights.sum()
    log_rates = n * math.log(2.0) - 0.5 * dimension * math.log(0.5 * math.pi * n) - 0.5 * distance**2
    unit = math.log(-math.log1p(-level))

    def excess(log_volume: float) -> float:
        with np.errstate(over="ignore", under="ignore"):
            hits = np.exp(log_volume + log_rates)
            if level < 0.5:  # whichever of the two probabilities is small keeps its digits
                return level + float(weights @ np.expm1(-hits))
            return float(weights @ np.exp(-hits)) - (1.0 - level)

    most = dimension * math.log(2.0 * target)
    if excess(most) >= 0.0:
        return target
    least = unit - float(log_rates.max()) - 1.0
    return 0.5 * math.exp(brentq(excess, least, most, xtol=1e-12) / dimension)
