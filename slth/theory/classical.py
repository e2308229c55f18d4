"""Partitioning of random integers: Borgs, Chayes and Pittel 2001 (doi 10.1002/rsa.10004).

n integers are uniform in 1..M, M = 2^m. A partition is perfect if its two sums are equal, or differ by 1 where the
total is odd. With m = n - log2(n)/2 + lambda the probability that one exists goes from 1 to 0 as lambda grows.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import FALLS, FREE, Parameter, positive, whole

CITATION = (
    "Borgs, Chayes, Pittel, 'Phase Transition and Finite-Size Scaling for the Integer Partitioning Problem', Random "
    "Structures & Algorithms 19, 247-288, 2001"
)

N = Annotated[int, whole("the number of integers", most=1000)]
Bits = Annotated[float, positive("m = log2 M, the bits of the integers", least=0.0, most=1000.0, monotone=1)]
UNIFORM = Assumption(words="the integers are independent and uniform in 1..M; the statement is a limit in n")

_bound = partial(bound, assumes=(UNIFORM,), direction="identity")


@_bound(
    "borgs2001.critical_bits",
    f"{CITATION}, abstract",
    quantity="bits of the integers, m",
    provenance="found",
)
def critical_bits(
    *,
    n: N,
    window: Annotated[
        float, Parameter(meaning="lambda, the position in the window", least=-100.0, most=100.0, monotone=1)
    ] = 0.0,
) -> float:
    """Bits of random integers at which perfect partitions disappear.

    Perfect partitions exist with high probability for m/n < 1 and not for m/n > 1; the window is
    m = n - log2(n)/2 + lambda.

    For kappa = m/n that is kappa_n = 1 - log2(n) / (2n) + lambda / n.

    >>> critical_bits(n=16, window=0.0)
    14.0
    """
    return n - 0.5 * math.log2(n) + window


@_bound(
    "borgs2001.window",
    f"{CITATION}, abstract",
    quantity="position in the window, lambda",
    provenance="found",
)
def window_position(*, n: Annotated[N, FALLS], bits: Bits) -> float:
    """Position of random integers in the window of the transition.

    lambda = m - n + log2(n)/2: P(perfect) -> 1 for lambda -> -inf, -> 0 for lambda -> +inf.

    >>> window_position(n=16, bits=15.0)
    1.0
    """
    return bits - critical_bits.formula(n=n, window=0.0)


@_bound(
    "borgs2001.perfect",
    f"{CITATION}, main theorem; the function is derived in this project",
    quantity="probability",
    provenance="derived",
    caveat="that an explicit limit exists is found in the abstract, its print was not seen; simulation agrees",
)
def perfect_probability(*, n: N, bits: Annotated[Bits, FALLS]) -> float:
    """Probability of a perfect partition in the window.

    P(perfect) -> 1 - (1/2) e^-a (1 + e^-a), a = sqrt(3/(2 pi)) 2^-lambda, lambda = m - n + log2(n)/2.

    a is the mean number of perfect partitions of an even total.

    >>> round(perfect_probability(n=16, bits=14.0), 3)
    0.624
    """
    mean = math.sqrt(1.5 / math.pi) * math.exp2(-window_position.formula(n=n, bits=bits))
    return -0.5 * (math.expm1(-mean) + math.expm1(-2.0 * mean))


@_bound(
    "borgs2001.solutions",
    f"{CITATION}, its gamma_n; 2^(n+1) gamma_n as in Kumar, Natale 2025, arXiv 2508.11020",
    quantity="sign choices",
    provenance="derived",
    caveat="gamma_n as in Kumar and Natale 2025; derived in this project up to factors of parity, and simulated",
)
def perfect_partitions(
    *, n: Annotated[N, FREE], largest: Annotated[int, whole("M, the largest integer", most=1e15, monotone=-1)]
) -> float:
    """Mean number of perfect partitions.

    rho_n = 2^(n+1) gamma_n, gamma_n = 1/(M sqrt(2 pi n c_M)), c_M = 1/3 + 1/(2M) + 1/(6M^2): the mean number of sign
    choices with sum 0 for an even total.

    c_M is the mean of (X/M)^2; each partition is counted with both signs.

    >>> round(perfect_partitions(n=16, largest=2**14), 3)
    1.382
    """
    second = 1.0 / 3.0 + 1.0 / (2.0 * largest) + 1.0 / (6.0 * largest**2)
    return math.exp2(n + 1.0) / (largest * math.sqrt(2.0 * math.pi * n * second))


@bound(
    "borgs2001.discrepancy",
    f"{CITATION}, abstract",
    quantity="difference of the two sums",
    provenance="found",
    direction="estimate",
    assumes=(UNIFORM,),
    constant="2^lambda",
)
def least_discrepancy(
    *,
    window: Annotated[
        float, positive("lambda, as borgs2001.window has it, above the window", least=0.0, most=1000.0, monotone=1)
    ],
    constant: float,
) -> float:
    """Smallest discrepancy above the window.

    Above the window the best partition is unique and its discrepancy is of the order 2^lambda.

    >>> least_discrepancy(window=10.0, constant=1.0)
    1024.0
    """
    return constant * math.exp2(window)
