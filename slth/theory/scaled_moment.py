"""Where the expected number of good subsets of products u v passes one, derived here."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from slth.theory.first_moment import (
    DIMENSION,
    EPS,
    FEWER,
    FITS,
    HERE,
    LN2,
    PROBABILITY,
    SIZE,
    TARGET,
    VECTORS,
    fewest,
)
from slth.theory.gaussian import Floats, log_binomials, log_hit, log_sum
from slth.theory.nouns import Assumption, Bound

NEGLIGIBLE = 50.0
"""Nats below the peak of an integrand at which it ends."""

POINTS = 4001
"""Of the trapezoidal sum."""


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


def scaled_target_subsets(*, n: int, size: int, dimension: int, eps: float, largest: float) -> float:
    r"""Return log2 of the expected number of subsets of products u v that are good for :math:`(\zeta, \dots, \zeta)`.

    .. math:: E\# = \binom{n}{k}\, E_s\big[P(|N(0, s) - \zeta| \le \epsilon)^D\big], \qquad s \sim \chi^2_k

    Parameters
    ----------
    n, size, dimension : int
        Vectors :math:`X_i = Z_i V_i` with :math:`Z_i \sim N(0, 1)` and :math:`V_i \sim N(0, I_D)`, k and D.
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
    Source: derived in this project; not from a paper. Exact up to rounding, and for small errors close to
    :math:`\binom{n}{k} (2\epsilon)^D E_s[(2\pi s)^{-D/2} e^{-|z|^2 / 2s}]`.

    Examples
    --------
    >>> round(scaled_target_subsets(n=20, size=7, dimension=3, eps=0.1, largest=1.0), 2)
    1.29
    """
    hit = _target_log_hit(size, dimension, eps, largest)
    return float(log_binomials(n, np.array([float(size)]))[0] + hit) / LN2


def scaled_target_candidates(*, size: int, dimension: int, eps: float, largest: float, probability: float) -> int:
    r"""Return the fewest products u v for which Markov's inequality allows a good subset of a size for one target.

    .. math:: \binom{n}{k}\, E_s\big[P(|N(0, s) - \zeta| \le \epsilon)^D\big] \ge p, \qquad s \sim \chi^2_k

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
    >>> scaled_target_candidates(size=7, dimension=3, eps=0.1, largest=1.0, probability=1 / 3)
    16
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
    Bound(
        key="derived.first_moment.scaled.target_subsets",
        title="log2 of the expected number of good subsets of products u v, for one target",
        citation=HERE,
        statement=(
            "E# = binomial(n, k) E_s[P(|N(0, s) - zeta| <= eps)^D], s from chi^2 with k degrees of freedom, for "
            "z = (zeta, ..., zeta); nearly binomial(n, k) (2 eps)^D E_s[(2 pi s)^(-D/2) exp(-|z|^2 / (2 s))] for small "
            "eps."
        ),
        quantity="bits",
        direction="identity",
        provenance="derived",
        formula=scaled_target_subsets,
        parameters={"n": VECTORS, "size": SIZE, **FEWER, "largest": replace(TARGET, monotone=-1)},
        assumptions=(SCALED, FITS),
    ),
    Bound(
        key="derived.first_moment.scaled.target_needed",
        title="products u v without which no subset of one size is good for one target with a probability",
        citation=f"{HERE}, Markov's inequality",
        statement=(
            "z = (zeta, ..., zeta): P(success) >= p needs binomial(n, k) E_s[P(|N(0, s) - zeta| <= eps)^D] >= p, s "
            "from chi^2 with k degrees of freedom; the smallest n, found by bisection."
        ),
        quantity="random vectors for one target",
        direction="necessary",
        provenance="derived",
        formula=scaled_target_candidates,
        parameters={"size": SIZE, "dimension": DIMENSION, "eps": EPS, "largest": TARGET, "probability": PROBABILITY},
        assumptions=(SCALED, EXCEEDS),
        count=True,
        implicit=True,
        caveat="sizes up to the dimension are left out, because n then leaves the doubles",
    ),
)
