"""Where the expected number of good subsets of products u v passes one, derived here."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from slth.theory.definition import bound
from slth.theory.derived.first_moment import (
    FITS,
    HERE,
    LN2,
    Dimension,
    Error,
    Probability,
    Size,
    Target,
    Vectors,
    fewest,
)
from slth.theory.derived.gaussian import Floats, log_binomials, log_hit, log_sum
from slth.theory.nouns import Assumption
from slth.theory.parameters import FALLS, FREE, RISES

NEGLIGIBLE = 50.0
"""Nats below the peak of an integrand at which it ends."""

POINTS = 4001
"""Of the trapezoidal sum."""
SCALED = Assumption(words="the vectors are independent, u v with u from N(0, 1) and v from N(0, I_D)")
EXCEEDS = Assumption(words="the size is above the dimension", holds=lambda given: given["size"] > given["dimension"])

_bound = partial(
    bound, provenance="derived", count=True, assumes=(SCALED, EXCEEDS), direction="necessary", implicit=True
)


@bound(
    "derived.first_moment.scaled.subsets",
    HERE,
    quantity="bits",
    provenance="derived",
    direction="estimate",
    assumes=(SCALED, FITS, EXCEEDS),
)
def scaled_subsets(
    *, n: Vectors, size: Size, dimension: Annotated[Dimension, FREE], eps: Annotated[Error, RISES]
) -> float:
    """log2 of the expected number of good subsets of products u v.

    E# <= binomial(n, k) (2 eps)^D (4 pi)^(-D/2) Gamma((k - D)/2) / Gamma(k/2), averaged over the scales, for every
    target; nearly an equality at 0 for small eps.

    The density of a sum is largest at 0, so that what holds there is an upper bound for every other target.

    >>> round(scaled_subsets(n=20, size=7, dimension=3, eps=0.1), 2)
    2.07
    """
    return float(log_binomials(n, np.array([float(size)]))[0] + _scaled_log_hit(size, dimension, eps)) / LN2


@_bound(
    "derived.first_moment.scaled.needed",
    f"{HERE}, Markov's inequality",
    quantity="random vectors for one target",
)
def scaled_candidates(
    *, size: Size, dimension: Annotated[Dimension, FREE], eps: Error, probability: Probability = 1.0 / 3.0
) -> int:
    """Products u v without which no subset of one size is good with a probability.

    P(success) >= p needs binomial(n, k) (2 eps)^D (4 pi)^(-D/2) Gamma((k - D)/2) / Gamma(k/2) >= p, whatever the
    target; the smallest n, found by bisection.

    >>> scaled_candidates(size=7, dimension=3, eps=0.1, probability=1 / 3)
    15.0
    """
    return fewest(size, math.log(probability) - _scaled_log_hit(size, dimension, eps))


@bound(
    "derived.first_moment.scaled.target_subsets",
    HERE,
    quantity="bits",
    provenance="derived",
    direction="identity",
    assumes=(SCALED, FITS),
)
def scaled_target_subsets(
    *,
    n: Vectors,
    size: Size,
    dimension: Annotated[Dimension, FALLS],
    eps: Annotated[Error, RISES],
    largest: Annotated[Target, FALLS] = 1.0,
) -> float:
    """log2 of the expected number of good subsets of products u v, for one target.

    E# = binomial(n, k) E_s[P(|N(0, s) - zeta| <= eps)^D], s from chi^2 with k degrees of freedom, for
    z = (zeta, ..., zeta); nearly binomial(n, k) (2 eps)^D E_s[(2 pi s)^(-D/2) exp(-|z|^2 / (2 s))] for small eps.

    >>> round(scaled_target_subsets(n=20, size=7, dimension=3, eps=0.1, largest=1.0), 2)
    1.29
    """
    hit = _target_log_hit(size, dimension, eps, largest)
    return float(log_binomials(n, np.array([float(size)]))[0] + hit) / LN2


@_bound(
    "derived.first_moment.scaled.target_needed",
    f"{HERE}, Markov's inequality",
    quantity="random vectors for one target",
    caveat="sizes up to the dimension are left out, because n then leaves the doubles",
)
def scaled_target_candidates(
    *, size: Size, dimension: Dimension, eps: Error, largest: Target = 1.0, probability: Probability = 1.0 / 3.0
) -> int:
    """Products u v without which no subset of one size is good for one target with a probability.

    z = (zeta, ..., zeta): P(success) >= p needs binomial(n, k) E_s[P(|N(0, s) - zeta| <= eps)^D] >= p, s from chi^2
    with k degrees of freedom; the smallest n, found by bisection.

    >>> scaled_target_candidates(size=7, dimension=3, eps=0.1, largest=1.0, probability=1 / 3)
    16.0
    """
    return fewest(size, math.log(probability) - _target_log_hit(size, dimension, eps, largest))


def _target_log_hit(size: int, dimension: int, eps: float, largest: float) -> float:
    """The logarithm of the mean over s, by a trapezoidal sum over ln s, in which the integrand is smooth and falls."""

    def log_integrand(log_scale: Floats) -> Floats:
        scale = np.exp(log_scale)
        chi = 0.5 * size * (log_scale - LN2) - 0.5 * scale - math.lgamma(0.5 * size)
        return np.asarray(chi + dimension * log_hit(largest, eps, scale), np.float64)

    # The integrand has one peak, below the scale of chi^2 and above that at which the target is out of reach.
    nearest, farthest = 2.0 * math.log(max(largest, eps)), math.log(size + 2.0 * largest**2 * dimension)
    scales = np.linspace(min(nearest, 0.0) - 2.0 * NEGLIGIBLE, max(nearest, farthest) + 8.0, POINTS)
    while True:  # narrower, until the sum resolves what is not negligible
        terms = log_integrand(scales)
        inside = np.flatnonzero(terms >= terms.max() - NEGLIGIBLE)
        if len(inside) > POINTS // 4:
            return log_sum(terms) + math.log(scales[1] - scales[0])
        scales = np.linspace(scales[max(inside[0] - 1, 0)], scales[min(inside[-1] + 1, POINTS - 1)], POINTS)


def _scaled_log_hit(size: int, dimension: int, eps: float) -> float:
    shape = math.lgamma(0.5 * (size - dimension)) - math.lgamma(0.5 * size)
    return dimension * (math.log(2.0 * eps) - 0.5 * math.log(4.0 * math.pi)) + shape
