"""Subset sums of integers within a tolerance, between quantised and continuous: Kumar and Natale 2026.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, positive, small, whole

CITATION = (
    "Kumar, Natale, 'A Unified Framework for Quantized and Continuous Strong Lottery Tickets', 2026, arXiv 2607.03860"
)


def discrete_success(*, n: float, largest: float, tolerance: float, kappa: float, constant: float) -> float:
    r"""Return :math:`1 - 2 \exp[-(n - C \ln\frac{M+1}{\Delta+1})^2 / (\kappa n)]`, or 0 where it says nothing.

    Parameters
    ----------
    n : int
        Values, independent and uniform on {-M, ..., M}.
    largest : int
        M.
    tolerance : float
        :math:`\Delta`, in units of the integers.
    kappa : float
        :math:`\kappa`, which is not given.
    constant : float
        C.

    Returns
    -------
    float
        Success probability, at least this: from 0 to 1.

    Notes
    -----
    Source: Kumar and Natale 2026 (arXiv 2607.03860), abstract and public reviews.

    Examples
    --------
    >>> round(discrete_success(n=100, largest=1000, tolerance=0.0, kappa=18.0, constant=1.0), 4)
    0.9838
    """
    margin = n - constant * math.log((largest + 1.0) / (tolerance + 1.0))
    if margin <= 0.0:
        return 0.0
    return max(0.0, 1.0 - 2.0 * math.exp(-(margin**2) / (kappa * n)))


def unified_candidates(*, step: float, tolerance: float, constant: float) -> float:
    r"""Return the candidates for one weight, :math:`C \ln\frac{1/\delta + 1}{\Delta + 1}`.

    Parameters
    ----------
    step : float
        :math:`\delta`, the step of the grid.
    tolerance : float
        :math:`\Delta`, in steps: an error of :math:`\delta \Delta`.
    constant : float
        C.

    Returns
    -------
    float
        n: exact tickets for :math:`\Delta = 0`, continuous ones for :math:`\delta \to 0`.

    Notes
    -----
    Source: Kumar and Natale 2026 (arXiv 2607.03860), abstract and public reviews.

    Examples
    --------
    >>> round(unified_candidates(step=2.0**-8, tolerance=0.0, constant=1.0), 3)
    5.549
    """
    return constant * math.log((1.0 / step + 1.0) / (tolerance + 1.0))


def single_value_success(*, n: float, largest: float) -> float:
    r"""Return the probability that some value alone is the target, :math:`1 - (2M / (2M+1))^n`.

    Parameters
    ----------
    n : int
        Values, independent and uniform on {-M, ..., M}.
    largest : int
        M.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: public reviews of Kumar and Natale 2026 (arXiv 2607.03860), as the naive bound to compare with.

    Examples
    --------
    >>> round(single_value_success(n=3, largest=1), 4)
    0.7037
    """
    return -math.expm1(n * math.log1p(-1.0 / (2.0 * largest + 1.0)))


N = whole("the number of values", most=1e12)
LARGEST = whole("M, the largest integer", most=1e15, monotone=-1)
UNIFORM = Assumption(words="the values are independent and uniform on the integers from -M to M")
REVIEWS = "from the abstract and public reviews, where C and kappa are not given"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="kumar2026.success",
        title="success probability of a subset sum of integers within a tolerance",
        citation=f"{CITATION}, abstract and public reviews of OpenReview uFiFLZyL9j",
        statement=(
            "Values uniform on {-M..M}; tau the number of values until all targets are within Delta: "
            "P(tau <= n) >= 1 - 2 exp[-(n - C ln((M+1)/(Delta+1)))^2 / (kappa n)]"
        ),
        quantity="success probability, at least",
        direction="sufficient",
        provenance="found",
        formula=discrete_success,
        parameters={
            "n": N,
            "largest": LARGEST,
            "tolerance": Parameter(meaning="Delta, in units of the integers", least=0.0, most=1e15, monotone=1),
            "kappa": positive("kappa, a constant that is not given", monotone=-1),
        },
        assumptions=(
            UNIFORM,
            Assumption(words="Delta is at most M", holds=lambda given: given["tolerance"] <= given["largest"]),
        ),
        constant="ln((M+1)/(Delta+1))",
        caveat=REVIEWS,
    ),
    Bound(
        key="kumar2026.candidates",
        title="candidates for one weight of a grid within a tolerance",
        citation=f"{CITATION}, abstract and public reviews of OpenReview uFiFLZyL9j",
        statement=(
            "n >= C ln((1/delta + 1)/(Delta + 1)), delta the step of the grid and Delta the error in steps: exact "
            "tickets for Delta = 0, continuous ones for delta -> 0"
        ),
        quantity="candidates for one weight, n",
        direction="sufficient",
        provenance="found",
        formula=unified_candidates,
        parameters={
            "step": small("delta, the step of the grid"),
            "tolerance": Parameter(meaning="Delta, the error in steps", least=0.0, most=1e30, monotone=-1),
        },
        assumptions=(
            Assumption(
                words="the error step * tolerance is at most 1",
                holds=lambda given: given["tolerance"] <= 1.0 / given["step"],
            ),
        ),
        constant="ln((1/delta + 1)/(Delta + 1))",
        count=True,
        caveat=REVIEWS,
    ),
    Bound(
        key="kumar2026.naive",
        title="success probability of a single value",
        citation=f"public reviews of {CITATION}",
        statement="P(some X_i = z) = 1 - (2M/(2M+1))^n for z in {-M..M}: below any bound for subsets",
        quantity="success probability, at least",
        direction="sufficient",
        provenance="found",
        formula=single_value_success,
        parameters={"n": N, "largest": LARGEST},
        assumptions=(UNIFORM,),
    ),
)
