"""How small the best error of a random partition or subset sum is: the error-quantile model.

Near a target the sums behave like points of a Poisson process whose density is that of a normal law, so that the best
error is exponential. This is a model, derived and measured in this project, and no theorem.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import Parameter, positive, small, whole

MEDIAN_SHIFT = 0.6744897501960817
"""The median of |t| for t from N(0, 1)."""

# The mean over the sample's shift is a trapezoidal sum: its integrand is analytic and smooth on the scale of 0.1.
STEP, REACH = 1.0 / 64.0, 12.0

N = Annotated[int, whole("how many values, n", most=1000, monotone=-1)]
SecondMoment = Annotated[float, positive("E[x^2], the second moment of a value; 1/3 for U[-1, 1]", monotone=0)]
Level = Annotated[float, Parameter(meaning="the probability of a smaller error", least=1e-9, below=1.0, monotone=1)]


@bound(
    "derived.partition.error",
    "this project, asymptotically exponential; Mertens agrees (recalled, unverified)",
    quantity="mean error, in the unit of the numbers",
    provenance="derived",
    direction="estimate",
    assumes=(Assumption(words="the numbers are independent, with a density; the statement is a limit in n"),),
    caveat="at n = 10 to 14 the mean is 1.04 to 1.13 times this",
)
def partition_error(*, n: N, second_moment: Annotated[float, positive("E[a^2]; 1/3 for U[0, 1]", monotone=1)]) -> float:
    """Mean of the best error of a partition.

    min over signs of |sum +-a_i| is nearly exponential with mean sqrt(2 pi n E[a^2]) 2^-n.

    >>> f"{partition_error(n=20, second_moment=1 / 3):.3g}"
    '6.17e-06'
    """
    return math.sqrt(2.0 * math.pi * n * second_moment) * math.exp2(-n)


@bound(
    "derived.subset_sum.error",
    "this project, error-quantile model",
    quantity="error, in the unit of the values",
    provenance="derived",
    direction="estimate",
    assumes=(
        Assumption(words="the values are independent, with a density that is symmetric around 0"),
        Assumption(
            words="|z| is at most half a deviation of the sums, sqrt(n E[x^2]) / 4",
            holds=lambda given: 4.0 * given["target"] <= math.sqrt(given["n"] * given["second_moment"]),
        ),
    ),
    implicit=True,
    caveat="a model, within 1.4 of simulated quantiles of 10 to 99 % for n from 4 to 24; farther out the number of "
    "sums varies with the sample's own variance too, and 99 % quantiles are up to 18 times the model's",
)
def subset_error_quantile(
    *,
    n: Annotated[N, {"least": 4}],
    target: Annotated[float, positive("|z|, the distance of the target from 0", least=0.0, most=1e3, monotone=1)],
    level: Level = 0.5,
    second_moment: SecondMoment,
) -> float:
    """Quantile of the best error of a subset sum.

    Given the sample, the best error is exponential with rate 2 rho, rho the normal density of the 2^n sums at z, and at
    most |z|; averaged over the sample's shift m ~ N(0, n E[x^2]/4). Solved for the quantile.

    P(err > e) = E_m exp(-2 rho e) with rho = 2^n / sqrt(2 pi V) exp(-(z - m)^2 / (2 V)), m ~ N(0, V) and V = n
    E[x^2] / 4.

    >>> f"{subset_error_quantile(n=20, target=0.2, level=0.5, second_moment=1 / 3):.3g}"
    '1.62e-06'
    """
    from scipy.optimize import brentq  # here, because it takes a fifth of a second

    if target == 0.0:
        return 0.0
    shift = np.arange(-REACH, REACH + STEP, STEP)
    weight = np.exp(-0.5 * shift**2)
    weight /= weight.sum()
    variance = 0.25 * n * second_moment
    log_rate = (n + 1.0) * math.log(2.0) - 0.5 * math.log(2.0 * math.pi * variance)
    log_rates = log_rate - 0.5 * (target / math.sqrt(variance) - shift) ** 2
    # One exponential law has this quantile at rate 1, and the mixture's lies between those of its extreme rates.
    unit = math.log(-math.log1p(-level))

    def excess(log_error: float) -> float:
        with np.errstate(over="ignore", under="ignore"):
            hits = np.exp(log_error + log_rates)
            if level < 0.5:  # whichever of the two probabilities is small keeps its digits
                return level + float(weight @ np.expm1(-hits))
            return float(weight @ np.exp(-hits)) - (1.0 - level)

    low, high = unit - float(log_rates.max()) - 1.0, unit - float(log_rates.min()) + 1.0
    if excess(math.log(target)) >= 0.0:
        return target
    return math.exp(brentq(excess, low, min(high, math.log(target)), xtol=1e-12))


@bound(
    "derived.coverage.candidates",
    "this project, coupon collector with the error-quantile model",
    quantity="values, n",
    provenance="derived",
    direction="estimate",
    assumes=(
        Assumption(words="the values are independent and uniform on [-1, 1]"),
        Assumption(
            words="eps is below an eighth of the length", holds=lambda given: 8.0 * given["eps"] < given["length"]
        ),
    ),
    count=True,
    implicit=True,
    caveat="within one value of the medians measured for n from 10 to 22 and L = 1",
)
def coverage_candidates(
    *,
    eps: Annotated[float, small("the error at the worst target")],
    length: Annotated[float, positive("the length L of the interval around 0", most=100.0, monotone=0)],
) -> float:
    """Values with which half of all samples cover an interval.

    2 eps rho = ln(L/(2 eps)), rho the density of sums at the end of [-L/2, L/2] with the fewest, at the median shift of
    a sample. Solved for n.

    rho = 2^n / sqrt(pi n / 6) exp(-(6 / n) (L/2 + |m|)^2), with the median of |m| for m ~ N(0, n/12): a coupon
    collector's condition.

    >>> coverage_candidates(eps=0.00105, length=1.0)
    14.0
    """
    from scipy.optimize import brentq

    wanted = math.log(math.log(length / (2.0 * eps))) - math.log(2.0 * eps)

    def excess(n: float) -> float:
        distance = 0.5 * length + MEDIAN_SHIFT * math.sqrt(n / 12.0)
        return n * math.log(2.0) - 0.5 * math.log(math.pi * n / 6.0) - 6.0 * distance**2 / n - wanted

    if excess(1.0) >= 0.0:
        return 1.0
    end = 2.0
    while excess(end) < 0.0:
        end *= 2.0
    return float(brentq(excess, 1.0, end))
