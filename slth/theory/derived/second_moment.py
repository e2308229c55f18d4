"""What second moments guarantee for subset sums of Gaussian vectors and of uniform numbers, with all constants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

import numpy as np

from slth.arrays import whole
from slth.theory.definition import bound
from slth.theory.derived.first_moment import FITS, GAUSSIAN
from slth.theory.derived.gaussian import Floats, log_binomials, log_hit, log_sum
from slth.theory.derived.search import smallest
from slth.theory.nouns import Assumption
from slth.theory.parameters import RISES, Parameter, positive, small
from slth.theory.parameters import whole as count

LOWEST, HIGHEST = 0.154, 0.7072
"""For sums of k values from U[-1, 1]: sqrt(k) times their density is at least the one within sqrt(k) of 0, and at most
the other anywhere (computed: 0.1542 in the limit, 0.7071 at k = 2)."""

POSITIVE = Parameter(meaning="an error in the maximum norm", above=0.0)

SCANNED = 256
"""Up to here every size is tried, and beyond it every size of a geometric sequence."""

_HERE = "this project: second moments of the number of good subsets"
_CAVEAT = "not reviewed"

Vectors = Annotated[int, count("random vectors", most=100_000)]
Dimension = Annotated[int, count("numbers of each vector", most=64, monotone=-1)]
Size = Annotated[int, count("vectors in a subset", most=100_000, monotone=0)]
Error = Annotated[float, small("error that is allowed, in the maximum norm", monotone=0)]
Largest = Annotated[float, positive("largest entry of the target in absolute value", least=0.0, most=4.0, monotone=-1)]


def second_moment_guarantee(n: int, size: int, dimension: int, eps: float, *, largest: float = 1.0) -> float:
    r"""Return a proved lower bound on the probability that n Gaussian vectors have a good subset of a given size.

    With Y the number of subsets of k of :math:`X_1 .. X_n \sim N(0, I_D)` whose sum is within :math:`\epsilon` of a
    target in the maximum norm, :math:`P(Y > 0) \ge (E Y)^2 / E Y^2`, which ``derived.second_moment.fixed_size`` in
    ``slth.bounds`` writes out.

    Parameters
    ----------
    n, size, dimension : int
        Vectors, k and D; 1 <= size <= n.
    eps : float
        Error in the maximum norm.
    largest : float
        The largest entry of the target in absolute value, at least 0.

    Returns
    -------
    float
        From 0 to 1, up to the rounding of float64.

    Raises
    ------
    ArgumentError
        For sizes that do not fit, or an eps that is not positive.

    Notes
    -----
    Source: derived in this project, not reviewed.

    Examples
    --------
    >>> 0.3 < slth.theory.second_moment_guarantee(20, 8, 3, 0.1) < 0.7
    True
    """
    whole(n, "n")
    whole(size, "size", 1, n, remedy="choose at most n vectors")
    whole(dimension, "dimension")
    POSITIVE.check("eps", eps)
    Parameter(meaning="the target's largest entry", least=0.0).check("largest", largest)
    return _guarantee(n, size, dimension, eps, largest)


def _guarantee(
    n: int, size: int, dimension: int, eps: float, largest: float, scales: Sequence[float] = (1.0,)
) -> float:
    """The guarantee for vectors whose scales lie between the first and the last that is given."""
    hit = float(log_hit(largest, eps, size * np.square(scales)).min())
    middle, deviation = float(log_hit(0.0, eps, np.array([size * scales[0] ** 2]))[0]), math.log(scales[0])
    overlap, weights = _overlaps(n, size)
    apart, shared = size - overlap[:-1], overlap[:-1] / size
    window = math.log(2.0) + math.log(eps) - deviation
    correlated = 2.0 * window - math.log(2.0 * math.pi * size) - 0.5 * np.log1p(-(shared**2))
    free = middle + np.minimum(0.0, window - 0.5 * np.log(2.0 * math.pi * apart))
    terms = weights + dimension * np.append(np.minimum(correlated, free), middle)
    return min(1.0, math.exp(min(0.0, 2.0 * dimension * hit - log_sum(terms))))


def guaranteed_candidates(dimension: int, eps: float, *, largest: float = 1.0, probability: float = 1.0 / 3.0) -> int:
    r"""Return the smallest n for which some size of at most n / 2 is guaranteed with a probability.

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm.
    largest : float
        The largest entry of the target in absolute value.
    probability : float
        To guarantee, below 1.

    Returns
    -------
    int
        n; independent batches of n amplify the probability.

    Raises
    ------
    ArgumentError
        As :func:`second_moment_guarantee`, or for a probability outside 0 to 1.

    Notes
    -----
    Source: derived in this project, not reviewed. Every size up to 256 is tried, and a geometric sequence beyond.

    Examples
    --------
    >>> slth.theory.guaranteed_candidates(1, 0.1) <= 7
    True
    """
    Parameter(meaning="of success", above=0.0, below=1.0).check("probability", probability)
    whole(dimension, "dimension")
    POSITIVE.check("eps", eps)

    def holds(n: int) -> bool:
        return any(
            second_moment_guarantee(n, size, dimension, eps, largest=largest) >= probability
            for size in _likely_sizes(n)
        )

    return smallest(holds, 1)


_bound = partial(bound, provenance="derived", caveat=_CAVEAT)


@_bound(
    "derived.second_moment.fixed_size",
    _HERE,
    quantity="probability",
    assumes=(GAUSSIAN, FITS),
)
def fixed_size_guarantee(*, n: Vectors, size: Size, dimension: Dimension, eps: Error, largest: Largest = 1.0) -> float:
    """Guaranteed probability that n Gaussian vectors have a good subset of one size.

    X_i from N(0, I_D), |z_j| <= zeta: some |S| = k has ||sum - z||_inf < eps with probability at least p1^(2D) / sum_i
    hyp(i; n, k, k) B_i^D, with p1 = P(|N(0,k) - zeta| < eps), p0 = P(|N(0,k)| < eps), B_k = p0 and else B_i = min( 4
    eps^2 / (2 pi k sqrt(1 - (i/k)^2)), p0 min(1, 2 eps / sqrt(2 pi (k - i))) ).

    For products u v see derived.second_moment.scaled.

    >>> 0.3 < fixed_size_guarantee(n=20, size=8, dimension=3, eps=0.1) < 0.7
    True
    """
    return second_moment_guarantee(n, size, dimension, eps, largest=largest)


@_bound(
    "derived.second_moment.scaled",
    f"{_HERE}, given the scales",
    quantity="probability",
    assumes=(
        Assumption(words="the vectors are independent, u v with v from N(0, I_D) and low <= |u| <= low * ratio"),
        FITS,
    ),
)
def scaled_guarantee(
    *,
    n: Vectors,
    size: Size,
    dimension: Dimension,
    eps: Error,
    largest: Largest = 1.0,
    low: Annotated[float, positive("a, the least |u|", least=1e-3, most=1e3)] = 1.0,
    ratio: Annotated[float, positive("the largest |u| over the least", least=1.0, most=1e3, monotone=-1)] = 1.0,
) -> float:
    """Guaranteed probability that n products u v have a good subset of one size, u in a band of scales.

    n channels with a <= |u_i| <= b = a ratio, |z_j| <= zeta: some |S| = k has ||sum - z||_inf < eps with probability at
    least p1^(2D) / sum_i hyp(i; n, k, k) B_i^D, with p(v, z) = P(|N(0,v) - z| < eps), p1 = min( p(k a^2, zeta),
    p(k b^2, zeta) ), p0 = p(k a^2, 0), B_k = p0 and else B_i = min( 4 eps^2 / (2 pi a^2 k sqrt(1 - (i/k)^2)), p0 min(1,
    2 eps / (a sqrt(2 pi (k - i)))) ).

    Given the scales, sums of two subsets with i channels in common have a covariance with determinant of at least
    a^4 (k^2 - i^2) in each coordinate.

    >>> 0.1 < scaled_guarantee(n=20, size=8, dimension=3, eps=0.1, low=0.9, ratio=1.2) < 0.3
    True
    """
    return _guarantee(n, size, dimension, eps, largest, (low, low * ratio))


@_bound(
    "derived.second_moment.probability",
    _HERE,
    quantity="probability",
    assumes=(GAUSSIAN,),
)
def guaranteed_probability(
    *, n: Annotated[Vectors, {"most": 10_000}], dimension: Dimension, eps: Error, largest: Largest = 1.0
) -> float:
    """Guaranteed probability that n Gaussian vectors have a good subset.

    The largest guarantee of derived.second_moment.fixed_size over the sizes up to n / 2.

    Every size up to 256 is tried, and a geometric sequence of those beyond: each size is a guarantee of its own.

    >>> 0.3 < guaranteed_probability(n=20, dimension=3, eps=0.1, largest=1.0) < 0.7
    True
    """
    return max(second_moment_guarantee(n, size, dimension, eps, largest=largest) for size in _likely_sizes(n))


@_bound(
    "derived.second_moment.candidates",
    _HERE,
    quantity="random vectors for one target",
    assumes=(GAUSSIAN,),
    count=True,
    implicit=True,
)
def guaranteed_vectors(
    *,
    dimension: Annotated[Dimension, RISES],
    eps: Error,
    largest: Annotated[Largest, RISES] = 1.0,
    probability: Annotated[
        float, Parameter(meaning="probability of success, to be amplified by batches", above=0.0, most=0.5, monotone=1)
    ] = 1.0 / 3.0,
) -> int:
    """Gaussian vectors that are guaranteed to have a good subset with a probability.

    The smallest n for which derived.second_moment.probability is at least p, found by bisection; one target with
    |z_j| <= zeta.

    Independent batches of n amplify the probability.

    >>> guaranteed_vectors(dimension=1, eps=0.1) <= 7
    True
    """
    return guaranteed_candidates(dimension, eps, largest=largest, probability=probability)


@_bound(
    "derived.second_moment.uniform",
    _HERE,
    quantity="probability",
    assumes=(
        Assumption(words="the numbers are independent, from U[-1, 1]"),
        FITS,
        Assumption(
            words="|target| + eps is at most the square root of the size",
            holds=lambda given: abs(given["target"]) + given["eps"] <= math.sqrt(given["size"]),
        ),
    ),
)
def uniform_guarantee(
    *,
    n: Vectors,
    size: Size,
    eps: Annotated[float, small("error that is allowed", monotone=0)],
    target: Annotated[float, Parameter(meaning="the target", least=-300.0, most=300.0)] = 0.0,
) -> float:
    """Guaranteed probability that n uniform numbers have a good subset of one size.

    X_i from U[-1, 1], [z - eps, z + eps] inside [-sqrt k, sqrt k]: some |S| = k has |sum - z| < eps with probability at
    least (2 eps c_l / sqrt k) / sum_i hyp(i; n, k, k) min(1, 2 eps c_u / sqrt(k - i)), c_l = 0.154 and c_u = 0.7072.

    The two numbers are computed bounds on sqrt(k) times the density of a sum of k values; the guarantee is the same for
    all targets in the range.

    At the n of natale2024.candidates with c_hyp = 1 it is at least 0.074 (k = 1) and rises to 0.154 for large k, as
    computed for k to 10,000 and eps from 0.3 to 1e-9: a c_thm, which the paper leaves open.

    >>> round(uniform_guarantee(n=20, size=5, eps=0.01, target=0.5), 3)
    0.183
    """
    overlap, weights = _overlaps(n, size)
    window = math.log(2.0) + math.log(eps)
    bounds = np.minimum(0.0, window + math.log(HIGHEST) - 0.5 * np.log(size - overlap[:-1]))
    hit = window + math.log(LOWEST) - 0.5 * math.log(size)
    return math.exp(min(0.0, hit - log_sum(weights + np.append(bounds, 0.0))))


@bound(
    "derived.amplification.batches",
    "this project: (1 - p)^r <= delta",
    quantity="batches",
    provenance="derived",
    assumes=(Assumption(words="the batches share no values"),),
    count=True,
)
def amplifying_batches(
    *,
    probability: Annotated[
        float, Parameter(meaning="probability that one batch succeeds", least=1e-12, below=1.0, monotone=-1)
    ] = 1.0 / 3.0,
    delta: Annotated[float, small("probability that all batches fail")],
) -> float:
    """Independent batches that turn a probability of success into near certainty.

    r = ln(delta) / ln(1 - p) disjoint batches fail together with probability at most delta.

    >>> amplifying_batches(probability=1 / 3, delta=0.01)
    12.0
    """
    return math.log(delta) / math.log1p(-probability)


def _overlaps(n: int, size: int) -> tuple[Floats, Floats]:
    """The overlaps of two subsets of a size, the largest of which is the size, and the logarithms of their chances."""
    overlap = np.arange(max(0, 2 * size - n), size + 1, dtype=np.float64)
    chances = (
        log_binomials(size, overlap)
        + log_binomials(n - size, size - overlap)
        - float(log_binomials(n, np.array([float(size)]))[0])
    )
    return overlap, chances


def _likely_sizes(n: int) -> Iterator[int]:
    """Sizes up to n / 2, those that do best first: a third to a half of n in few dimensions, fewer in many."""
    beyond = np.geomspace(SCANNED, 1e7, 200).astype(int)
    sizes = [*range(1, min(n // 2, SCANNED) + 1), *(int(size) for size in np.unique(beyond[1:]) if size <= n // 2)]
    return iter(sorted(sizes, key=lambda size: abs(size - 0.3 * n)) or [1])
