"""Bounds on vector subset sums: what the structured theorem asks for, what counting forbids, what is guaranteed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

Floats = NDArray[np.float64]


def structured_channels(
    kernel: int, outputs: int, inputs: int, eps: float, *, layers: int = 1, constant: float
) -> float:
    r"""Return the theorem's sufficient n, :math:`C\, d^{12} c^6 \log^3(d^2 c\, c_{in}\, l / \epsilon)`.

    Parameters
    ----------
    kernel : int
        Size d of a square kernel.
    outputs, inputs : int
        Channels c and :math:`c_{in}` of the convolution.
    eps : float
        Error in the maximum norm, below 1.
    layers : int
        Layers l of the target.
    constant : float
        C, which the theorem leaves unspecified: whoever draws the bound assumes one, and says so.

    Returns
    -------
    float
        n; the random network has 2n channels for each input channel.

    Raises
    ------
    ArgumentError
        For sizes below 1, or eps or constant outside their ranges.

    Notes
    -----
    Source: da Cunha, d'Amore and Natale 2023 (arXiv 2311.09858), main theorem; exponents recalled, unverified. The base
    of the logarithm is taken to be e.

    Examples
    --------
    >>> round(structured_channels(1, 2, 1, 0.01, constant=1.0))
    9519
    """
    _positive(kernel=kernel, outputs=outputs, inputs=inputs, layers=layers)
    _between("eps", eps, 1.0)
    _between("constant", constant, math.inf)
    logarithm = math.log(kernel**2 * outputs * inputs * layers / eps)
    return constant * float(kernel) ** 12 * float(outputs) ** 6 * logarithm**3


def structured_error(
    n: float, kernel: int, outputs: int, inputs: int, *, layers: int = 1, constant: float
) -> float | None:
    """Return the smallest error for which :func:`structured_channels` is at most n, or None where n is too small.

    Parameters
    ----------
    n : float
    kernel, outputs, inputs, layers, constant
        As there.

    Returns
    -------
    float or None
        Below 1.

    Examples
    --------
    >>> round(structured_error(9519, 1, 2, 1, constant=1.0), 3)
    0.01
    """
    _positive(kernel=kernel, outputs=outputs, inputs=inputs, layers=layers)
    _between("constant", constant, math.inf)
    _between("n", n, math.inf)
    power = constant * float(kernel) ** 12 * float(outputs) ** 6
    logarithm = (n / power) ** (1.0 / 3.0)
    exponent = math.log(kernel**2 * outputs * inputs * layers) - logarithm
    return math.exp(exponent) if exponent < 0.0 else None


def counting_channels(dimension: int, eps: float, *, radius: float = 1.0) -> float:
    r"""Return the n below which no source can serve half of all targets.

    It is :math:`(D \log_2(r/\epsilon) - \log_2 D! - 1)/2`: each of the :math:`2^{2n}` subsets of 2n channels covers one
    cube of side :math:`2\epsilon`, and half of the ball :math:`\|v\|_1 \le r` must be covered.

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm.
    radius : float
        r.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ArgumentError
        For a dimension below 1, or a number that is not positive.

    Notes
    -----
    Source: derived in this project by counting volumes; not from a paper.

    Examples
    --------
    >>> counting_channels(1, 2.0**-9)
    4.0
    """
    _positive(dimension=dimension)
    _between("eps", eps, math.inf)
    _between("radius", radius, math.inf)
    bits = dimension * math.log2(radius / eps) - math.lgamma(dimension + 1) / math.log(2.0) - 1.0
    return max(0.0, 0.5 * bits)


def counting_error(n: float, dimension: int, *, radius: float = 1.0) -> float:
    """Return the error that half of all targets must exceed with n channels: the inverse of :func:`counting_channels`.

    Parameters
    ----------
    n : float
    dimension : int
    radius : float

    Returns
    -------
    float

    Examples
    --------
    >>> counting_error(4.0, 1)
    0.001953125
    """
    _positive(dimension=dimension)
    _between("radius", radius, math.inf)
    _between("n", n, math.inf)
    bits = 2.0 * n + 1.0 + math.lgamma(dimension + 1) / math.log(2.0)
    return float(radius * 2.0 ** (-bits / dimension))


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
    from scipy.stats import hypergeom, norm  # here, because it takes half a second

    _positive(n=n, size=size, dimension=dimension)
    _between("eps", eps, math.inf)
    if size > n:
        raise ArgumentError("size", size, f"must be at most n = {n}", "choose fewer vectors")
    if not 0.0 <= largest < math.inf:
        raise ArgumentError("largest", largest, "must be finite and not negative", "pass the target's largest entry")
    spread = math.sqrt(size)
    # By the upper tail, whose differences are not lost to the rounding of numbers near 1.
    hit = float(norm.sf((largest - eps) / spread) - norm.sf((largest + eps) / spread))
    middle = math.erf(eps / (spread * math.sqrt(2.0)))
    if hit <= 0.0 or middle <= 0.0:
        return 0.0  # both are positive, and too small for a double
    overlap = np.arange(max(0, 2 * size - n), size + 1)
    free = size - overlap[:-1]
    density = 2.0 * math.log(2.0 * eps) - math.log(2.0 * math.pi * size)
    correlated = density - 0.5 * np.log1p(-((overlap[:-1] / size) ** 2))
    apart = math.log(middle) + np.minimum(0.0, math.log(2.0 * eps) - 0.5 * np.log(2.0 * math.pi * free))
    bounds = np.append(np.minimum(correlated, apart), math.log(middle))
    terms = hypergeom.logpmf(overlap, n, size, size) + dimension * bounds
    peak = float(terms.max())
    return min(1.0, math.exp(2.0 * dimension * math.log(hit) - peak - math.log(float(np.exp(terms - peak).sum()))))


def guaranteed_candidates(dimension: int, eps: float, *, largest: float = 1.0, probability: float = 1.0 / 3.0) -> int:
    """Return the smallest n that the scan finds for which some size is guaranteed with a probability.

    Parameters
    ----------
    dimension : int
    eps : float
        Error in the maximum norm.
    largest : float
        Largest entry of the target.
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

    Examples
    --------
    >>> guaranteed_candidates(1, 0.1) <= 7
    True
    """
    _between("probability", probability, 1.0)

    def holds(n: int) -> bool:
        return any(
            second_moment_guarantee(n, size, dimension, eps, largest=largest) >= probability
            for size in _likely_sizes(n)
        )

    return _smallest(holds)


def _likely_sizes(n: int) -> list[int]:
    """All sizes up to n / 2, those that do best first: a third to a half of n in few dimensions, fewer in many."""
    return sorted(range(1, n // 2 + 1), key=lambda size: abs(size - 0.3 * n)) or [1]


def _smallest(holds: Callable[[int], bool]) -> int:
    high = 2
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ArgumentError(name, size, "must be an integer of at least 1", "pass a positive integer")


def _between(name: str, value: float, most: float) -> None:
    if not 0.0 < value < most:
        rule = "must be positive and finite" if math.isinf(most) else f"must lie between 0 and {most:g}"
        raise ArgumentError(name, value, rule, "choose another value")
