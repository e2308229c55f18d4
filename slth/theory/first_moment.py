"""Where the expected number of good subsets passes one: thresholds for vector subset sums, derived here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from slth.theory.gaussian import log_binomials, log_hit, log_sum
from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Number, Parameter, small, whole
from slth.theory.search import smallest

LN2 = math.log(2.0)


def first_moment_subsets(*, n: int, dimension: int, eps: float) -> float:
    r"""Return log2 of how many subsets of n Gaussian vectors are good for a target near 0, typically.

    .. math:: \log_2 \#(\epsilon) = n - D \left[\log_2 \frac{1}{2\epsilon} + \tfrac12 \log_2 \frac{\pi n}{2}
        + \tfrac12 \log_2 e\right]

    Parameters
    ----------
    n : int
        Vectors.
    dimension : int
        D.
    eps : float
        Error in the maximum norm.

    Returns
    -------
    float
        Bits; below 0 where there is typically none.

    Notes
    -----
    Source: derived in this project; not from a paper. The sums are spread like a normal around half the total m, and
    the typical :math:`e^{-2 |z - m|^2 / n}` is :math:`e^{-D/2}`. The chance of no good subset is about the exponential
    of minus that number.

    Examples
    --------
    >>> round(first_moment_subsets(n=20, dimension=3, eps=0.1), 2)
    3.41
    """
    bits = math.log2(1.0 / (2.0 * eps)) + 0.5 * math.log2(math.pi * n / 2.0) + 0.5 / LN2
    return n - dimension * bits


def first_moment_candidates(*, dimension: int, eps: float) -> float:
    r"""Return the n at which :func:`first_moment_subsets` is 0.

    .. math:: n = D \left[\log_2 \frac{1}{2\epsilon} + \tfrac12 \log_2 \frac{\pi n}{2} + \tfrac12 \log_2 e\right]

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm, at most 1/2.

    Returns
    -------
    float
        The larger root, by Brent's method; not rounded.

    Notes
    -----
    Source: derived in this project; not from a paper. A heuristic threshold, and no bound.

    Examples
    --------
    >>> round(first_moment_candidates(dimension=9, eps=0.01))
    89
    """
    from scipy.optimize import brentq

    def excess(n: float) -> float:
        bits = math.log2(1.0 / (2.0 * eps)) + 0.5 * math.log2(math.pi * n / 2.0) + 0.5 / LN2
        return n - dimension * bits

    low = dimension / (2.0 * LN2)  # where the excess is smallest, and below 0 for every eps of at most 1/2
    high = 2.0 * low
    while excess(high) <= 0.0:
        high *= 2.0
    return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14))


def needed_candidates(*, dimension: int, eps: float, largest: float, probability: float) -> int:
    r"""Return the fewest Gaussian vectors for which Markov's inequality allows a success probability.

    The probability that some subset is good for :math:`z = (\zeta, \dots, \zeta)` is at most the expected number of
    good ones, so n must satisfy

    .. math:: \sum_{k=1}^{n} \binom{n}{k}\, P(|N(0, k) - \zeta| \le \epsilon)^D \ge p .

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm.
    largest : float
        :math:`\zeta`, every entry of the target; 0 vectors are enough where it is at most the error.
    probability : float
        p.

    Returns
    -------
    int
        n, found by bisection.

    Notes
    -----
    Source: derived in this project by Markov's inequality; not from a paper. It holds for every n and is exact up to
    the rounding of float64.

    Examples
    --------
    >>> needed_candidates(dimension=3, eps=0.1, largest=1.0, probability=1 / 3)
    14
    """
    if largest <= eps:
        return 0

    def enough(n: int) -> bool:
        sizes = np.arange(1.0, n + 1.0)
        terms = log_binomials(n, sizes) + dimension * log_hit(largest, eps, sizes)
        return log_sum(terms) >= math.log(probability)

    return smallest(enough, 1)


def fixed_size_subsets(*, n: int, size: int, dimension: int, eps: float, largest: float) -> float:
    r"""Return log2 of the expected number of subsets of a size that are good for :math:`z = (\zeta, \dots, \zeta)`.

    .. math:: E\# = \binom{n}{k}\, P(|N(0, k) - \zeta| \le \epsilon)^D

    Parameters
    ----------
    n, size, dimension : int
        Gaussian vectors, k and D.
    eps : float
        Error in the maximum norm.
    largest : float
        :math:`\zeta`, every entry of the target.

    Returns
    -------
    float
        Bits.

    Notes
    -----
    Source: derived in this project; not from a paper. Exact, and close to
    :math:`\binom{n}{k} (2\epsilon)^D (2\pi k)^{-D/2} e^{-|z|^2/2k}`.

    Examples
    --------
    >>> round(fixed_size_subsets(n=20, size=7, dimension=3, eps=0.1, largest=1.0), 2)
    0.78
    """
    variances = np.array([float(size)])
    return float(log_binomials(n, variances)[0] + dimension * log_hit(largest, eps, variances)[0]) / LN2


def fixed_size_candidates(*, size: int, dimension: int, eps: float, largest: float, probability: float) -> int:
    r"""Return the fewest Gaussian vectors for which Markov's inequality allows a good subset of a given size.

    .. math:: \binom{n}{k} \ge p \, P(|N(0, k) - \zeta| \le \epsilon)^{-D}

    Parameters
    ----------
    size, dimension : int
        k and D.
    eps : float
        Error in the maximum norm.
    largest : float
        :math:`\zeta`, every entry of the target.
    probability : float
        p.

    Returns
    -------
    int
        n, at least k, found by bisection.

    Notes
    -----
    Source: derived in this project by Markov's inequality; not from a paper.

    Examples
    --------
    >>> fixed_size_candidates(size=7, dimension=3, eps=0.1, largest=1.0, probability=1 / 3)
    17
    """
    hit = dimension * float(log_hit(largest, eps, np.array([float(size)]))[0])
    return fewest(size, math.log(probability) - hit)


def fewest(size: int, nats: float) -> int:
    """Return the smallest n with enough subsets of a size.

    Parameters
    ----------
    size : int
        From 1.
    nats : float
        Natural logarithm of the number of subsets.

    Returns
    -------
    int
        At least ``size``.

    Raises
    ------
    OverflowError
        It is beyond the doubles.

    Examples
    --------
    >>> fewest(2, 2.0)
    5
    """
    sizes = np.array([float(size)])
    return smallest(lambda n: float(log_binomials(float(n), sizes)[0]) >= nats, size)


def _fits(arguments: Mapping[str, Number]) -> bool:
    return arguments["size"] <= arguments["n"]


GAUSSIAN = Assumption(words="the vectors are independent, from N(0, I_D)")
FITS = Assumption(words="the size is at most n", holds=_fits)
DIMENSION = whole("numbers of each vector", most=10_000)
VECTORS = whole("random vectors")
SIZE = whole("vectors in a subset", most=10_000, monotone=0)
EPS = small("error that is allowed, in the maximum norm")
TARGET = Parameter(meaning="every entry of the target", least=0.0, most=100.0, monotone=1, default=1.0)
PROBABILITY = Parameter(meaning="probability of success", above=0.0, most=1.0, monotone=1, default=1.0 / 3.0)
HERE = "this project: expected numbers of good subsets"
FEWER = {"dimension": replace(DIMENSION, monotone=-1), "eps": replace(EPS, monotone=1)}
_TARGET = {"largest": replace(TARGET, monotone=-1)}

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="derived.first_moment.subsets",
        title="log2 of the typical number of good subsets, all sizes",
        citation=HERE,
        statement="log2 # = n - D [ log2(1 / (2 eps)) + (1/2) log2(pi n / 2) + (1/2) log2 e ], for targets near 0.",
        quantity="bits",
        direction="estimate",
        provenance="derived",
        formula=first_moment_subsets,
        parameters={
            "n": replace(VECTORS, monotone=0),
            "dimension": replace(DIMENSION, monotone=0),
            "eps": FEWER["eps"],
        },
        assumptions=(GAUSSIAN,),
    ),
    Bound(
        key="derived.first_moment.candidates",
        title="vectors at which one subset is typically good for a target, all sizes",
        citation=HERE,
        statement=(
            "n = D [ log2(1 / (2 eps)) + (1/2) log2(pi n / 2) + (1/2) log2 e ], solved for n by Brent's method; "
            "not rounded. A heuristic threshold."
        ),
        quantity="random vectors for one target",
        direction="estimate",
        provenance="derived",
        formula=first_moment_candidates,
        parameters={
            "dimension": DIMENSION,
            "eps": Parameter(meaning=EPS.meaning, least=EPS.least, most=0.5, monotone=-1),
        },
        assumptions=(GAUSSIAN,),
        implicit=True,
    ),
    Bound(
        key="derived.first_moment.needed",
        title="vectors without which no subset of any size is good with a probability",
        citation=f"{HERE}, Markov's inequality",
        statement=(
            "z = (zeta, ..., zeta): P(success) >= p needs sum_k binomial(n, k) P(|N(0, k) - zeta| <= eps)^D >= p; the "
            "smallest n, found by bisection."
        ),
        quantity="random vectors for one target",
        direction="necessary",
        provenance="derived",
        formula=needed_candidates,
        parameters={
            "dimension": replace(DIMENSION, most=200),
            "eps": EPS,
            "largest": TARGET,
            "probability": PROBABILITY,
        },
        assumptions=(GAUSSIAN,),
        count=True,
        implicit=True,
    ),
    Bound(
        key="derived.first_moment.fixed_size.subsets",
        title="log2 of the expected number of good subsets of one size",
        citation=HERE,
        statement="E# = binomial(n, k) P(|N(0, k) - zeta| <= eps)^D for z = (zeta, ..., zeta).",
        quantity="bits",
        direction="identity",
        provenance="derived",
        formula=fixed_size_subsets,
        parameters={"n": VECTORS, "size": SIZE, **FEWER, **_TARGET},
        assumptions=(GAUSSIAN, FITS),
    ),
    Bound(
        key="derived.first_moment.fixed_size.needed",
        title="vectors without which no subset of one size is good with a probability",
        citation=f"{HERE}, Markov's inequality",
        statement=(
            "z = (zeta, ..., zeta): P(success) >= p needs binomial(n, k) P(|N(0, k) - zeta| <= eps)^D >= p; the "
            "smallest n, found by bisection."
        ),
        quantity="random vectors for one target",
        direction="necessary",
        provenance="derived",
        formula=fixed_size_candidates,
        parameters={"size": SIZE, "dimension": DIMENSION, "eps": EPS, "largest": TARGET, "probability": PROBABILITY},
        assumptions=(
            GAUSSIAN,
            Assumption(
                words="the size is at least the dimension", holds=lambda given: given["size"] >= given["dimension"]
            ),
        ),
        count=True,
        implicit=True,
        caveat="sizes below the dimension are left out, because n then leaves the doubles",
    ),
)
