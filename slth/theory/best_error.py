"""How small the best error of a random partition or subset sum is: the error-quantile model.

Near a target the sums behave like points of a Poisson process whose density is that of a normal law, so that the best
error is exponential. This is a model, derived and measured in this project, and no theorem.
Formulas raise nothing of their own: the bound that holds one checks its arguments first.
"""

from __future__ import annotations

import math

import numpy as np

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, positive, small, whole

MEDIAN_SHIFT = 0.6744897501960817
"""The median of |t| for t from N(0, 1)."""

# The mean over the sample's shift is a trapezoidal sum: its integrand is analytic and smooth on the scale of 0.1.
STEP, REACH = 1.0 / 64.0, 12.0


def partition_error(*, n: float, second_moment: float) -> float:
    r"""Return the mean of the smallest :math:`|\sum_i \pm a_i|`, :math:`\sqrt{2 \pi n E[a^2]}\, 2^{-n}`.

    Parameters
    ----------
    n : int
        Numbers.
    second_moment : float
        :math:`E[a^2]`, in the squared unit of the numbers; 1/3 for U[0, 1].

    Returns
    -------
    float
        Mean of an exponential law, in the unit of the numbers.

    Notes
    -----
    Source: derived in this project; it agrees with Mertens, recalled, unverified.

    Examples
    --------
    >>> f"{partition_error(n=20, second_moment=1 / 3):.3g}"
    '6.17e-06'
    """
    return math.sqrt(2.0 * math.pi * n * second_moment) * math.exp2(-n)


def subset_error_quantile(*, n: float, target: float, level: float, second_moment: float) -> float:
    r"""Return a quantile of the best subset-sum error of n values with a symmetric law.

    .. math:: P(\mathrm{err} > e) = E_m \exp(-2 \rho e), \quad
        \rho = \frac{2^n}{\sqrt{2 \pi V}} e^{-(z - m)^2 / (2V)}, \quad m \sim N(0, V), \quad V = n E[x^2] / 4,

    and the error is at most |z|, that of the empty subset. Solved for e.

    Parameters
    ----------
    n : int
        Values.
    target : float
        |z|, in the unit of the values.
    level : float
        Probability of a smaller error; 1/2 for the median.
    second_moment : float
        :math:`E[x^2]`; 1/3 for U[-1, 1].

    Returns
    -------
    float
        Error, in the unit of the values.

    Notes
    -----
    Source: derived in this project and validated by simulation there; not from a paper.

    Examples
    --------
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


def coverage_candidates(*, eps: float, length: float) -> float:
    r"""Return the n with which half of all samples cover an interval around 0.

    .. math:: 2 \epsilon \rho = \ln\frac{L}{2\epsilon}, \qquad
        \rho = \frac{2^n}{\sqrt{\pi n / 6}} \exp\Big(-\frac{6}{n} \big(\tfrac{L}{2} + |m|\big)^2\Big),

    a coupon collector's condition at the end of the interval where sums are fewest, with the median of :math:`|m|`,
    :math:`m \sim N(0, n/12)`. Solved for n.

    Parameters
    ----------
    eps : float
        Error at the worst target.
    length : float
        L of the interval [-L/2, L/2].

    Returns
    -------
    float
        n, values from U[-1, 1]; at least 1.

    Notes
    -----
    Source: derived in this project; not from a paper.

    Examples
    --------
    >>> round(coverage_candidates(eps=0.00105, length=1.0), 1)
    13.9
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


N = whole("how many values, n", most=1000, monotone=-1)
SECOND_MOMENT = positive("E[x^2], the second moment of a value; 1/3 for U[-1, 1]", monotone=0)
SYMMETRIC = Assumption(words="the values are independent, with a density that is symmetric around 0")

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="derived.partition.error",
        title="mean of the best error of a partition",
        citation="this project, asymptotically exponential; Mertens agrees (recalled, unverified)",
        statement="min over signs of |sum +-a_i| is nearly exponential with mean sqrt(2 pi n E[a^2]) 2^-n",
        quantity="mean error, in the unit of the numbers",
        direction="estimate",
        provenance="derived",
        formula=partition_error,
        parameters={
            "n": N,
            "second_moment": positive("E[a^2]; 1/3 for U[0, 1]", monotone=1),
        },
        assumptions=(Assumption(words="the numbers are independent, with a density; the statement is a limit in n"),),
    ),
    Bound(
        key="derived.subset_sum.error",
        title="quantile of the best error of a subset sum",
        citation="this project, error-quantile model",
        statement=(
            "Given the sample, the best error is exponential with rate 2 rho, rho the normal density of the 2^n sums "
            "at z, and at most |z|; averaged over the sample's shift m ~ N(0, n E[x^2]/4). Solved for the quantile"
        ),
        quantity="error, in the unit of the values",
        direction="estimate",
        provenance="derived",
        formula=subset_error_quantile,
        parameters={
            "n": N,
            "target": Parameter(meaning="|z|, the distance of the target from 0", least=0.0, most=1e3, monotone=1),
            "level": Parameter(
                meaning="the probability of a smaller error", least=1e-9, below=1.0, monotone=1, default=0.5
            ),
            "second_moment": SECOND_MOMENT,
        },
        assumptions=(SYMMETRIC,),
        implicit=True,
        caveat="a model validated by simulation for n from 8 to 24",
    ),
    Bound(
        key="derived.coverage.candidates",
        title="values with which half of all samples cover an interval",
        citation="this project, coupon collector with the error-quantile model",
        statement=(
            "2 eps rho = ln(L/(2 eps)), rho the density of sums at the end of [-L/2, L/2] with the fewest, at the "
            "median shift of a sample. Solved for n"
        ),
        quantity="values, n",
        direction="estimate",
        provenance="derived",
        formula=coverage_candidates,
        parameters={
            "eps": small("the error at the worst target"),
            "length": positive("the length L of the interval around 0", most=100.0, monotone=0),
        },
        assumptions=(
            Assumption(words="the values are independent and uniform on [-1, 1]"),
            Assumption(
                words="eps is below an eighth of the length", holds=lambda given: 8.0 * given["eps"] < given["length"]
            ),
        ),
        count=True,
        implicit=True,
        caveat="within one value of the medians measured for n from 10 to 22 and L = 1",
    ),
)
