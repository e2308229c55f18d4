"""What second moments guarantee for subset sums of Gaussian vectors and of uniform numbers, with all constants."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from slth.errors import ArgumentError
from slth.theory.checks import at_least_one, between
from slth.theory.first_moment import FITS, GAUSSIAN
from slth.theory.gaussian import Floats, log_binomials, log_hit, log_sum
from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, small, whole
from slth.theory.search import smallest

LOWEST, HIGHEST = 0.154, 0.7072
"""For sums of k values from U[-1, 1]: sqrt(k) times their density is at least the one within sqrt(k) of 0, and at most
the other anywhere (computed: 0.1542 in the limit, 0.7071 at k = 2)."""

SCANNED = 256
"""Up to here every size is tried, and beyond it every size of a geometric sequence."""


def second_moment_guarantee(n: int, size: int, dimension: int, eps: float, *, largest: float = 1.0) -> float:
    r"""Return a proved lower bound on the probability that n Gaussian vectors have a good subset of a given size.

    For :math:`X_i \sim N(0, I_D)` and a target with :math:`|z_j| \le \zeta`, with Y the number of subsets of k vectors
    whose sum is within :math:`\epsilon` of z in the maximum norm,

    .. math:: P(Y > 0) \ge \frac{(E Y)^2}{E Y^2} \ge \frac{p_1^{2D}}{\sum_i h(i)\, B_i^D},

    h the hypergeometric law of the overlap i of two subsets, :math:`p_1` and :math:`p_0` the probabilities that
    :math:`N(0, k)` falls within :math:`\epsilon` of :math:`\zeta` and of 0, :math:`B_k = p_0` and, for i < k,
    :math:`B_i = \min\{4\epsilon^2 / (2\pi k \sqrt{1 - i^2/k^2}),\; p_0 \min(1, 2\epsilon / \sqrt{2\pi(k-i)})\}`.

    Parameters
    ----------
    n, size, dimension : int
        Vectors, k and D; 1 <= size <= n.
    eps : float
        Error in the maximum norm.
    largest : float
        :math:`\zeta`, at least 0.

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
    Source: derived in this project, not reviewed; it holds for Gaussian vectors and is a sketch at most for products
    u v.

    Examples
    --------
    >>> 0.3 < second_moment_guarantee(20, 8, 3, 0.1) < 0.7
    True
    """
    at_least_one(n=n, size=size, dimension=dimension)
    between("eps", eps)
    if not 0.0 <= largest < math.inf:
        raise ArgumentError("largest", largest, "must be finite and not negative", "pass the target's largest entry")
    if size > n:
        raise ArgumentError("size", size, f"must be at most n = {n}", "choose fewer vectors")
    variances = np.array([float(size)])
    hit, middle = float(log_hit(largest, eps, variances)[0]), float(log_hit(0.0, eps, variances)[0])
    overlap, weights = _overlaps(n, size)
    apart, shared = size - overlap[:-1], overlap[:-1] / size
    window = math.log(2.0) + math.log(eps)
    correlated = 2.0 * window - math.log(2.0 * math.pi * size) - 0.5 * np.log1p(-(shared**2))
    free = middle + np.minimum(0.0, window - 0.5 * np.log(2.0 * math.pi * apart))
    terms = weights + dimension * np.append(np.minimum(correlated, free), middle)
    return min(1.0, math.exp(min(0.0, 2.0 * dimension * hit - log_sum(terms))))


def guaranteed_probability(*, n: int, dimension: int, eps: float, largest: float) -> float:
    r"""Return the largest guarantee over the sizes up to half of n.

    .. math:: \max_{1 \le k \le n/2} \frac{p_1^{2D}}{\sum_i h(i)\, B_i^D}

    Parameters
    ----------
    n, dimension : int
        Vectors and D.
    eps : float
        Error in the maximum norm.
    largest : float
        :math:`\zeta`, the largest entry of the target.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: derived in this project, not reviewed; :func:`second_moment_guarantee` says what it means. Every size up to
    256 is tried, and a geometric sequence of those beyond: each size is a guarantee of its own.

    Examples
    --------
    >>> 0.3 < guaranteed_probability(n=20, dimension=3, eps=0.1, largest=1.0) < 0.7
    True
    """
    return max(second_moment_guarantee(n, size, dimension, eps, largest=largest) for size in _likely_sizes(n))


def guaranteed_candidates(dimension: int, eps: float, *, largest: float = 1.0, probability: float = 1.0 / 3.0) -> int:
    r"""Return the smallest n for which some size is guaranteed with a probability.

    .. math:: \min\Big\{n : \max_{1 \le k \le n/2} \frac{p_1^{2D}}{\sum_i h(i)\, B_i^D} \ge p\Big\}

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm.
    largest : float
        :math:`\zeta`, the largest entry of the target.
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
    Source: derived in this project, not reviewed; sizes as in :func:`guaranteed_probability`.

    Examples
    --------
    >>> guaranteed_candidates(1, 0.1) <= 7
    True
    """
    between("probability", probability, 1.0)

    def holds(n: int) -> bool:
        return any(
            second_moment_guarantee(n, size, dimension, eps, largest=largest) >= probability
            for size in _likely_sizes(n)
        )

    return smallest(holds, 1)


def uniform_guarantee(*, n: int, size: int, eps: float, target: float) -> float:
    r"""Return a proved lower bound on the probability that n uniform numbers have a good subset of a given size.

    For :math:`X_i \sim U[-1, 1]`, with h the hypergeometric law of the overlap of two subsets of k,

    .. math:: P \ge \frac{2 \epsilon c_l / \sqrt{k}}{\sum_i h(i) \min(1, 2 \epsilon c_u / \sqrt{k - i})} .

    Parameters
    ----------
    n, size : int
        Numbers and k.
    eps : float
        Error.
    target : float
        z, at most :math:`\sqrt{k} - \epsilon` in absolute value; the guarantee is the same for all of these.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: derived in this project, not reviewed; :math:`c_l = 0.154` and :math:`c_u = 0.7072` are computed bounds on
    :math:`\sqrt{k}` times the density of a sum of k numbers.

    Examples
    --------
    >>> round(uniform_guarantee(n=20, size=5, eps=0.01, target=0.5), 3)
    0.183
    """
    overlap, weights = _overlaps(n, size)
    window = math.log(2.0) + math.log(eps)
    bounds = np.minimum(0.0, window + math.log(HIGHEST) - 0.5 * np.log(size - overlap[:-1]))
    hit = window + math.log(LOWEST) - 0.5 * math.log(size)
    return math.exp(min(0.0, hit - log_sum(weights + np.append(bounds, 0.0))))


def amplifying_batches(*, probability: float, delta: float) -> float:
    r"""Return how many independent batches turn a probability of success into near certainty.

    .. math:: r = \frac{\ln \delta}{\ln(1 - p)}

    Parameters
    ----------
    probability : float
        p of success of one batch.
    delta : float
        Probability that all fail.

    Returns
    -------
    float
        r, before it is rounded up.

    Notes
    -----
    Source: derived in this project; :math:`(1 - p)^r \le \delta`.

    Examples
    --------
    >>> round(amplifying_batches(probability=1 / 3, delta=0.01), 2)
    11.36
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


_HERE = "this project: second moments of the number of good subsets"
_CAVEAT = "not reviewed"
_VECTORS = whole("random vectors", most=100_000)
_DIMENSION = whole("numbers of each vector", most=64, monotone=-1)
_SIZE = whole("vectors in a subset", most=100_000, monotone=0)
_EPS = small("error that is allowed, in the maximum norm", monotone=0)
_LARGEST = Parameter(
    meaning="largest entry of the target in absolute value", least=0.0, most=4.0, monotone=-1, default=1.0
)

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="derived.second_moment.fixed_size",
        title="guaranteed probability that n Gaussian vectors have a good subset of one size",
        citation=_HERE,
        statement=(
            "X_i from N(0, I_D), |z_j| <= zeta: some |S| = k has ||sum - z||_inf < eps with probability at least "
            "p1^(2D) / sum_i hyp(i; n, k, k) B_i^D, with p1 = P(|N(0,k) - zeta| < eps), p0 = P(|N(0,k)| < eps), B_k = "
            "p0 and else B_i = min( 4 eps^2 / (2 pi k sqrt(1 - (i/k)^2)), p0 min(1, 2 eps / sqrt(2 pi (k - i))) )."
        ),
        quantity="probability",
        direction="sufficient",
        provenance="derived",
        formula=second_moment_guarantee,
        parameters={
            "n": _VECTORS,
            "size": _SIZE,
            "dimension": _DIMENSION,
            "eps": _EPS,
            "largest": _LARGEST,
        },
        assumptions=(GAUSSIAN, FITS),
        caveat=_CAVEAT,
    ),
    Bound(
        key="derived.second_moment.probability",
        title="guaranteed probability that n Gaussian vectors have a good subset",
        citation=_HERE,
        statement="The largest guarantee of derived.second_moment.fixed_size over the sizes up to n / 2.",
        quantity="probability",
        direction="sufficient",
        provenance="derived",
        formula=guaranteed_probability,
        parameters={"n": replace(_VECTORS, most=10_000), "dimension": _DIMENSION, "eps": _EPS, "largest": _LARGEST},
        assumptions=(GAUSSIAN,),
        caveat=_CAVEAT,
    ),
    Bound(
        key="derived.second_moment.candidates",
        title="Gaussian vectors that are guaranteed to have a good subset with a probability",
        citation=_HERE,
        statement=(
            "The smallest n for which derived.second_moment.probability is at least p, found by bisection; one target "
            "with |z_j| <= zeta."
        ),
        quantity="random vectors for one target",
        direction="sufficient",
        provenance="derived",
        formula=guaranteed_candidates,
        parameters={
            "dimension": replace(_DIMENSION, monotone=1),
            "eps": _EPS,
            "largest": replace(_LARGEST, monotone=1),
            "probability": Parameter(
                meaning="probability of success, to be amplified by batches",
                above=0.0,
                most=0.5,
                monotone=1,
                default=1.0 / 3.0,
            ),
        },
        assumptions=(GAUSSIAN,),
        count=True,
        implicit=True,
        caveat=_CAVEAT,
    ),
    Bound(
        key="derived.second_moment.uniform",
        title="guaranteed probability that n uniform numbers have a good subset of one size",
        citation=_HERE,
        statement=(
            "X_i from U[-1, 1], [z - eps, z + eps] inside [-sqrt k, sqrt k]: some |S| = k has |sum - z| < eps with "
            "probability at least (2 eps c_l / sqrt k) / sum_i hyp(i; n, k, k) min(1, 2 eps c_u / sqrt(k - i)), "
            "c_l = 0.154 and c_u = 0.7072."
        ),
        quantity="probability",
        direction="sufficient",
        provenance="derived",
        formula=uniform_guarantee,
        parameters={
            "n": _VECTORS,
            "size": _SIZE,
            "eps": small("error that is allowed", monotone=0),
            "target": Parameter(meaning="the target", least=-300.0, most=300.0, default=0.0),
        },
        assumptions=(
            Assumption(words="the numbers are independent, from U[-1, 1]"),
            FITS,
            Assumption(
                words="|target| + eps is at most the square root of the size",
                holds=lambda given: abs(given["target"]) + given["eps"] <= math.sqrt(given["size"]),
            ),
        ),
        caveat=_CAVEAT,
    ),
    Bound(
        key="derived.amplification.batches",
        title="independent batches that turn a probability of success into near certainty",
        citation="this project: (1 - p)^r <= delta",
        statement="r = ln(delta) / ln(1 - p) disjoint batches fail together with probability at most delta.",
        quantity="batches",
        direction="sufficient",
        provenance="derived",
        formula=amplifying_batches,
        parameters={
            "probability": Parameter(
                meaning="probability that one batch succeeds", least=1e-12, below=1.0, monotone=-1, default=1.0 / 3.0
            ),
            "delta": small("probability that all batches fail"),
        },
        assumptions=(Assumption(words="the batches share no values"),),
        count=True,
    ),
)
