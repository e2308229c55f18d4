"""Where the expected number of good subsets passes one: thresholds for vector subset sums, derived here."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from slth.theory.definition import bound
from slth.theory.derived.gaussian import log_binomials, log_hit, log_sum
from slth.theory.derived.search import smallest
from slth.theory.nouns import Assumption
from slth.theory.parameters import FALLS, FREE, RISES, Parameter, positive, small, whole

LN2 = math.log(2.0)
HERE = "this project: expected numbers of good subsets"
GAUSSIAN = Assumption(words="the vectors are independent, from N(0, I_D)")
FITS = Assumption(words="the size is at most n", holds=lambda given: given["size"] <= given["n"])

Dimension = Annotated[int, whole("numbers of each vector", most=10_000)]
Vectors = Annotated[int, whole("random vectors")]
Size = Annotated[int, whole("vectors in a subset", most=10_000, monotone=0)]
Error = Annotated[float, small("error that is allowed, in the maximum norm")]
Target = Annotated[float, positive("every entry of the target", least=0.0, most=100.0, monotone=1)]
Probability = Annotated[float, Parameter(meaning="probability of success", above=0.0, most=1.0, monotone=1)]

_bound = partial(bound, provenance="derived", count=True, direction="necessary", implicit=True)


@bound(
    "derived.first_moment.subsets",
    HERE,
    quantity="bits",
    provenance="derived",
    direction="estimate",
    assumes=(GAUSSIAN,),
)
def first_moment_subsets(
    *, n: Annotated[Vectors, FREE], dimension: Annotated[Dimension, FREE], eps: Annotated[Error, RISES]
) -> float:
    """log2 of the typical number of good subsets, all sizes.

    log2 # = n - D [ log2(1 / (2 eps)) + (1/2) log2(pi n / 2) + (1/2) log2 e ], for targets near 0.

    The sums are spread like a normal around half the total m, and the typical exp(-2 |z - m|^2 / n) is exp(-D/2). The
    chance of no good subset is about the exponential of minus that number; below 0 bits there is typically none.

    >>> round(first_moment_subsets(n=20, dimension=3, eps=0.1), 2)
    3.41
    """
    bits = math.log2(1.0 / (2.0 * eps)) + 0.5 * math.log2(math.pi * n / 2.0) + 0.5 / LN2
    return n - dimension * bits


@bound(
    "derived.first_moment.candidates",
    HERE,
    quantity="random vectors for one target",
    provenance="derived",
    direction="estimate",
    assumes=(GAUSSIAN,),
    implicit=True,
)
def first_moment_candidates(*, dimension: Dimension, eps: Annotated[Error, {"below": math.inf, "most": 0.5}]) -> float:
    """Vectors at which one subset is typically good for a target, all sizes.

    n = D [ log2(1 / (2 eps)) + (1/2) log2(pi n / 2) + (1/2) log2 e ], solved for n by Brent's method; not rounded. A
    heuristic threshold.

    It is the larger of two roots.

    >>> round(first_moment_candidates(dimension=9, eps=0.01))
    89
    """
    from scipy.optimize import brentq

    def excess(n: float) -> float:
        return first_moment_subsets.formula(n=n, dimension=dimension, eps=eps)

    low = dimension / (2.0 * LN2)  # where the excess is smallest, and below 0 for every eps of at most 1/2
    high = 2.0 * low
    while excess(high) <= 0.0:
        high *= 2.0
    return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14))


@_bound(
    "derived.first_moment.needed",
    f"{HERE}, Markov's inequality",
    quantity="random vectors for one target",
    assumes=(GAUSSIAN,),
)
def needed_candidates(
    *,
    dimension: Annotated[Dimension, {"most": 200}],
    eps: Error,
    largest: Target = 1.0,
    probability: Probability = 1.0 / 3.0,
) -> int:
    """Vectors without which no subset of any size is good with a probability.

    z = (zeta, ..., zeta): P(success) >= p needs sum_k binomial(n, k) P(|N(0, k) - zeta| <= eps)^D >= p; the smallest n,
    found by bisection.

    By Markov's inequality: the probability that some subset is good is at most the expected number of good ones. It
    holds for every n, exactly up to rounding; no vector is needed where the target is at most the error.

    >>> needed_candidates(dimension=3, eps=0.1, largest=1.0, probability=1 / 3)
    14.0
    """
    if largest <= eps:
        return 0

    def enough(n: int) -> bool:
        sizes = np.arange(1.0, n + 1.0)
        terms = log_binomials(n, sizes) + dimension * log_hit(largest, eps, sizes)
        return log_sum(terms) >= math.log(probability)

    return smallest(enough, 1)


@bound(
    "derived.first_moment.fixed_size.subsets",
    HERE,
    quantity="bits",
    provenance="derived",
    direction="identity",
    assumes=(GAUSSIAN, FITS),
)
def fixed_size_subsets(
    *,
    n: Vectors,
    size: Size,
    dimension: Annotated[Dimension, FALLS],
    eps: Annotated[Error, RISES],
    largest: Annotated[Target, FALLS] = 1.0,
) -> float:
    """log2 of the expected number of good subsets of one size.

    E# = binomial(n, k) P(|N(0, k) - zeta| <= eps)^D for z = (zeta, ..., zeta).

    Exact, and close to binomial(n, k) (2 eps)^D (2 pi k)^(-D/2) exp(-|z|^2 / (2 k)).

    >>> round(fixed_size_subsets(n=20, size=7, dimension=3, eps=0.1, largest=1.0), 2)
    0.78
    """
    variances = np.array([float(size)])
    return float(log_binomials(n, variances)[0] + dimension * log_hit(largest, eps, variances)[0]) / LN2


@_bound(
    "derived.first_moment.fixed_size.needed",
    f"{HERE}, Markov's inequality",
    quantity="random vectors for one target",
    assumes=(
        GAUSSIAN,
        Assumption(words="the size is at least the dimension", holds=lambda given: given["size"] >= given["dimension"]),
    ),
    caveat="sizes below the dimension are left out, because n then leaves the doubles",
)
def fixed_size_candidates(
    *, size: Size, dimension: Dimension, eps: Error, largest: Target = 1.0, probability: Probability = 1.0 / 3.0
) -> int:
    """Vectors without which no subset of one size is good with a probability.

    z = (zeta, ..., zeta): P(success) >= p needs binomial(n, k) P(|N(0, k) - zeta| <= eps)^D >= p; the smallest n, found
    by bisection.

    >>> fixed_size_candidates(size=7, dimension=3, eps=0.1, largest=1.0, probability=1 / 3)
    17.0
    """
    hit = dimension * float(log_hit(largest, eps, np.array([float(size)]))[0])
    return fewest(size, math.log(probability) - hit)


def fewest(size: int, nats: float) -> int:
    """Return the smallest n of which the number of subsets of a size has a natural logarithm of at least ``nats``.

    >>> fewest(2, 2.0)
    5
    """
    sizes = np.array([float(size)])
    return smallest(lambda n: float(log_binomials(float(n), sizes)[0]) >= nats, size)
