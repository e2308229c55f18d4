"""Where the expected number of good subsets of products u v passes one, derived here."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from slth.theory.bound import Assumption, Bound
from slth.theory.first_moment import DIMENSION, EPS, FEWER, FITS, HERE, LN2, PROBABILITY, SIZE, VECTORS, fewest
from slth.theory.gaussian import log_binomials


def scaled_subsets(*, n: int, size: int, dimension: int, eps: float) -> float:
    r"""Return log2 of the expected number of subsets of normally scaled normal vectors that are good for 0.

    For :math:`X_i = Z_i V_i` with :math:`Z_i \sim N(0, 1)` and :math:`V_i \sim N(0, I_D)`, averaged over the scales,

    .. math:: E\# \le \binom{n}{k} (2\epsilon)^D (4\pi)^{-D/2}\, \frac{\Gamma((k - D)/2)}{\Gamma(k/2)},

    nearly an equality for small errors.

    Parameters
    ----------
    n, size, dimension : int
        Vectors, k and D, with k > D.
    eps : float
        Error in the maximum norm.

    Returns
    -------
    float
        Bits.

    Notes
    -----
    Source: derived in this project; not from a paper. The density of a sum is largest at 0, so that the same is an
    upper bound for every other target.

    Examples
    --------
    >>> round(scaled_subsets(n=20, size=7, dimension=3, eps=0.1), 2)
    2.07
    """
    return float(log_binomials(n, np.array([float(size)]))[0] + _scaled_log_hit(size, dimension, eps)) / LN2


def scaled_candidates(*, size: int, dimension: int, eps: float, probability: float) -> int:
    r"""Return the fewest normally scaled normal vectors for which Markov's inequality allows a good subset of a size.

    .. math:: \binom{n}{k} (2\epsilon)^D (4\pi)^{-D/2}\, \frac{\Gamma((k - D)/2)}{\Gamma(k/2)} \ge p

    Parameters
    ----------
    size, dimension : int
        k and D, with k > D.
    eps : float
        Error in the maximum norm.
    probability : float
        p.

    Returns
    -------
    int
        n, at least k, found by bisection.

    Notes
    -----
    Source: derived in this project by Markov's inequality; not from a paper. It holds for every target.

    Examples
    --------
    >>> scaled_candidates(size=7, dimension=3, eps=0.1, probability=1 / 3)
    15
    """
    return fewest(size, math.log(probability) - _scaled_log_hit(size, dimension, eps))


def _scaled_log_hit(size: int, dimension: int, eps: float) -> float:
    shape = math.lgamma(0.5 * (size - dimension)) - math.lgamma(0.5 * size)
    return dimension * (math.log(2.0 * eps) - 0.5 * math.log(4.0 * math.pi)) + shape


SCALED = Assumption(words="the vectors are independent, u v with u from N(0, 1) and v from N(0, I_D)")
EXCEEDS = Assumption(words="the size is above the dimension", holds=lambda given: given["size"] > given["dimension"])

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="derived.first_moment.scaled.subsets",
        title="log2 of the expected number of good subsets of products u v",
        citation=HERE,
        statement=(
            "E# <= binomial(n, k) (2 eps)^D (4 pi)^(-D/2) Gamma((k - D)/2) / Gamma(k/2), averaged over the scales, for "
            "every target; nearly an equality at 0 for small eps."
        ),
        quantity="bits",
        direction="estimate",
        provenance="derived",
        formula=scaled_subsets,
        parameters={"n": VECTORS, "size": SIZE, "dimension": replace(DIMENSION, monotone=0), "eps": FEWER["eps"]},
        assumptions=(SCALED, FITS, EXCEEDS),
    ),
    Bound(
        key="derived.first_moment.scaled.needed",
        title="products u v without which no subset of one size is good with a probability",
        citation=f"{HERE}, Markov's inequality",
        statement=(
            "P(success) >= p needs binomial(n, k) (2 eps)^D (4 pi)^(-D/2) Gamma((k - D)/2) / Gamma(k/2) >= p, whatever "
            "the target; the smallest n, found by bisection."
        ),
        quantity="random vectors for one target",
        direction="necessary",
        provenance="derived",
        formula=scaled_candidates,
        parameters={"size": SIZE, "dimension": replace(DIMENSION, monotone=0), "eps": EPS, "probability": PROBABILITY},
        assumptions=(SCALED, EXCEEDS),
        count=True,
        implicit=True,
    ),
)
