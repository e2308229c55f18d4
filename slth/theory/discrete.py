"""Subset sums of integers within a tolerance, between quantised and continuous: Kumar and Natale 2026."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, small, whole

CITATION = (
    "Kumar, Natale, 'A Unified Framework for Quantized and Continuous Strong Lottery Tickets', 2026, arXiv 2607.03860"
)

N = Annotated[int, whole("the number of values", most=1e12)]
Largest = Annotated[int, whole("M, the largest integer", most=1e15, monotone=-1)]
UNIFORM = Assumption(words="the values are independent and uniform on the integers from -M to M")
REVIEWS = "from the abstract and public reviews, where C and kappa are not given"


@bound(
    "kumar2026.success",
    f"{CITATION}, abstract and public reviews of OpenReview uFiFLZyL9j",
    quantity="success probability, at least",
    provenance="found",
    assumes=(
        UNIFORM,
        Assumption(words="Delta is at most M", holds=lambda given: given["tolerance"] <= given["largest"]),
    ),
    constant="ln((M+1)/(Delta+1))",
    caveat=REVIEWS,
)
def discrete_success(
    *,
    n: N,
    largest: Largest,
    tolerance: Annotated[float, positive("Delta, in units of the integers", least=0.0, most=1e15, monotone=1)],
    kappa: Annotated[float, positive("kappa, a constant that is not given", monotone=-1)],
    constant: float,
) -> float:
    """Success probability of a subset sum of integers within a tolerance.

    Values uniform on {-M..M}; tau the number of values until all targets are within Delta: P(tau <= n) >= 1 - 2
    exp[-(n - C ln((M+1)/(Delta+1)))^2 / (kappa n)].

    >>> round(discrete_success(n=100, largest=1000, tolerance=0.0, kappa=18.0, constant=1.0), 4)
    0.9838
    """
    margin = n - constant * math.log((largest + 1.0) / (tolerance + 1.0))
    if margin <= 0.0:
        return 0.0
    return max(0.0, 1.0 - 2.0 * math.exp(-(margin**2) / (kappa * n)))


@bound(
    "kumar2026.candidates",
    f"{CITATION}, abstract and public reviews of OpenReview uFiFLZyL9j",
    quantity="candidates for one weight, n",
    provenance="found",
    assumes=(
        Assumption(
            words="the error step * tolerance is at most 1",
            holds=lambda given: given["tolerance"] <= 1.0 / given["step"],
        ),
    ),
    constant="ln((1/delta + 1)/(Delta + 1))",
    count=True,
    caveat=REVIEWS,
)
def unified_candidates(
    *,
    step: Annotated[float, small("delta, the step of the grid")],
    tolerance: Annotated[float, positive("Delta, the error in steps", least=0.0, most=1e30, monotone=-1)],
    constant: float,
) -> float:
    """Candidates for one weight of a grid within a tolerance.

    n >= C ln((1/delta + 1)/(Delta + 1)), delta the step of the grid and Delta the error in steps: exact tickets for
    Delta = 0, continuous ones for delta -> 0.

    >>> unified_candidates(step=2.0**-8, tolerance=0.0, constant=1.0)
    6.0
    """
    return constant * math.log((1.0 / step + 1.0) / (tolerance + 1.0))


@bound(
    "kumar2026.naive",
    f"public reviews of {CITATION}",
    quantity="success probability, at least",
    provenance="found",
    assumes=(UNIFORM,),
)
def single_value_success(*, n: N, largest: Largest) -> float:
    """Success probability of a single value.

    P(some X_i = z) = 1 - (2M/(2M+1))^n for z in {-M..M}: below any bound for subsets.

    >>> round(single_value_success(n=3, largest=1), 4)
    0.7037
    """
    return -math.expm1(n * math.log1p(-1.0 / (2.0 * largest + 1.0)))
