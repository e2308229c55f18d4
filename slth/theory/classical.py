"""Partitioning of random integers: Borgs, Chayes and Pittel 2001.

n integers are uniform in 1..M, M = 2^m. A partition is perfect if its two sums are equal, or differ by 1 where the
total is odd. With m = n - log2(n)/2 + lambda the probability that one exists goes from 1 to 0 as lambda grows.
Formulas raise nothing of their own: the bound that holds one checks its arguments first.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, Trend, whole

CITATION = (
    "Borgs, Chayes, Pittel, 'Phase Transition and Finite-Size Scaling for the Integer Partitioning Problem', Random "
    "Structures & Algorithms 19, 247-288, 2001"
)


def critical_bits(*, n: float, window: float) -> float:
    r"""Return the bits of the integers at the transition, :math:`n - \tfrac12 \log_2 n + \lambda`.

    Parameters
    ----------
    n : int
        Integers.
    window : float
        :math:`\lambda`, the position in the window.

    Returns
    -------
    float
        :math:`m = \log_2 M`.

    Notes
    -----
    Source: Borgs, Chayes and Pittel 2001 (doi 10.1002/rsa.10004), abstract: :math:`\kappa_n = 1 - \log_2 n / (2n) +
    \lambda / n` for :math:`\kappa = m / n`.

    Examples
    --------
    >>> critical_bits(n=16, window=0.0)
    14.0
    """
    return n - 0.5 * math.log2(n) + window


def window_position(*, n: float, bits: float) -> float:
    r"""Return where n integers of m bits lie in the window, :math:`\lambda = m - n + \tfrac12 \log_2 n`.

    Parameters
    ----------
    n : int
        Integers.
    bits : float
        :math:`m = \log_2 M`.

    Returns
    -------
    float
        :math:`\lambda`: far below 0 there are perfect partitions, far above there are none.

    Notes
    -----
    Source: Borgs, Chayes and Pittel 2001 (doi 10.1002/rsa.10004), abstract.

    Examples
    --------
    >>> window_position(n=16, bits=15.0)
    1.0
    """
    return bits - critical_bits(n=n, window=0.0)


def perfect_probability(*, n: float, bits: float) -> float:
    r"""Return the limit of the probability of a perfect partition, :math:`1 - \tfrac12 e^{-a} (1 + e^{-a})`.

    Here :math:`a = \sqrt{3 / (2\pi)}\, 2^{-\lambda}` is the mean number of perfect partitions of an even total.

    Parameters
    ----------
    n : int
        Integers.
    bits : float
        :math:`m = \log_2 M`.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: Borgs, Chayes and Pittel 2001 (doi 10.1002/rsa.10004); the function is recalled, unverified, and agrees with
    a Poisson count of partitions derived in this project.

    Examples
    --------
    >>> round(perfect_probability(n=16, bits=14.0), 3)
    0.624
    """
    mean = math.sqrt(1.5 / math.pi) * math.exp2(-window_position(n=n, bits=bits))
    return -0.5 * (math.expm1(-mean) + math.expm1(-2.0 * mean))


def perfect_partitions(*, n: float, largest: float) -> float:
    r"""Return the mean number of perfect sign choices, :math:`2^{n+1} / (M \sqrt{2 \pi n c_M})`.

    Here :math:`c_M = 1/3 + 1/(2M) + 1/(6M^2)` is the mean of :math:`(X/M)^2`.

    Parameters
    ----------
    n : int
        Integers.
    largest : int
        M.

    Returns
    -------
    float
        Mean over instances with an even total, each partition counted with both signs.

    Notes
    -----
    Source: Borgs, Chayes and Pittel 2001 (doi 10.1002/rsa.10004), :math:`2^{n+1} \gamma_n`; :math:`\gamma_n` is
    recalled, unverified.

    Examples
    --------
    >>> round(perfect_partitions(n=16, largest=2**14), 3)
    1.382
    """
    second = 1.0 / 3.0 + 1.0 / (2.0 * largest) + 1.0 / (6.0 * largest**2)
    return math.exp2(n + 1.0) / (largest * math.sqrt(2.0 * math.pi * n * second))


def least_discrepancy(*, window: float, constant: float) -> float:
    r"""Return the smallest difference of the two sums above the window, :math:`C\, 2^\lambda`.

    Parameters
    ----------
    window : float
        :math:`\lambda`, as :func:`window_position` returns it, at least 0.
    constant : float
        C.

    Returns
    -------
    float
        In the unit of the integers.

    Notes
    -----
    Source: Borgs, Chayes and Pittel 2001 (doi 10.1002/rsa.10004), abstract.

    Examples
    --------
    >>> least_discrepancy(window=10.0, constant=1.0)
    1024.0
    """
    return constant * math.exp2(window)


N = whole("the number of integers", most=1000, monotone=0)
LARGER_N = whole("the number of integers", most=1000, monotone=1)
SMALLER_N = whole("the number of integers", most=1000, monotone=-1)
UNIFORM = Assumption(words="the integers are independent and uniform in 1..M; the statement is a limit in n")


def _bits(monotone: Trend) -> Parameter:
    return Parameter(meaning="m = log2 M, the bits of the integers", least=0.0, most=1000.0, monotone=monotone)


BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="borgs2001.critical_bits",
        title="bits of random integers at which perfect partitions disappear",
        citation=f"{CITATION}, abstract",
        statement=(
            "Perfect partitions exist with high probability for m/n < 1 and not for m/n > 1; the window is "
            "m = n - log2(n)/2 + lambda"
        ),
        quantity="bits of the integers, m",
        direction="identity",
        provenance="found",
        formula=critical_bits,
        parameters={
            "n": LARGER_N,
            "window": Parameter(
                meaning="lambda, the position in the window", least=-100.0, most=100.0, monotone=1, default=0.0
            ),
        },
        assumptions=(UNIFORM,),
    ),
    Bound(
        key="borgs2001.window",
        title="position of random integers in the window of the transition",
        citation=f"{CITATION}, abstract",
        statement="lambda = m - n + log2(n)/2: P(perfect) -> 1 for lambda -> -inf, -> 0 for lambda -> +inf",
        quantity="position in the window, lambda",
        direction="identity",
        provenance="found",
        formula=window_position,
        parameters={"n": SMALLER_N, "bits": _bits(1)},
        assumptions=(UNIFORM,),
    ),
    Bound(
        key="borgs2001.perfect",
        title="probability of a perfect partition in the window",
        citation=f"{CITATION}, main theorem",
        statement=("P(perfect) -> 1 - (1/2) e^-a (1 + e^-a), a = sqrt(3/(2 pi)) 2^-lambda, lambda = m - n + log2(n)/2"),
        quantity="probability",
        direction="identity",
        provenance="recalled",
        formula=perfect_probability,
        parameters={"n": LARGER_N, "bits": _bits(-1)},
        assumptions=(UNIFORM,),
        caveat="that an explicit limit exists is found; a derivation in this project agrees",
    ),
    Bound(
        key="borgs2001.solutions",
        title="mean number of perfect partitions",
        citation=f"{CITATION}, its gamma_n; 2^(n+1) gamma_n as in Kumar, Natale 2025, arXiv 2508.11020",
        statement=(
            "rho_n = 2^(n+1) gamma_n, gamma_n = 1/(M sqrt(2 pi n c_M)), c_M = 1/3 + 1/(2M) + 1/(6M^2): the mean number "
            "of sign choices with sum 0 for an even total"
        ),
        quantity="sign choices",
        direction="identity",
        provenance="recalled",
        formula=perfect_partitions,
        parameters={"n": N, "largest": whole("M, the largest integer", most=1e15, monotone=-1)},
        assumptions=(UNIFORM,),
        caveat="gamma_n is recalled; up to factors of parity and exponential ones",
    ),
    Bound(
        key="borgs2001.discrepancy",
        title="smallest discrepancy above the window",
        citation=f"{CITATION}, abstract",
        statement="Above the window the best partition is unique and its discrepancy is of the order 2^lambda",
        quantity="difference of the two sums",
        direction="estimate",
        provenance="found",
        formula=least_discrepancy,
        parameters={
            "window": Parameter(
                meaning="lambda, as borgs2001.window has it, above the window", least=0.0, most=1000.0, monotone=1
            )
        },
        assumptions=(UNIFORM,),
        constant="2^lambda",
    ),
)
