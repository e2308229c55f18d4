"""Subset sums of a fixed size: Natale and others 2024.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. Most of the paper's bounds
have n on both sides; with a density, of which n follows from k = density n, each of them reads

    k >= A log2(B k)^p    with A, B > 0 and p = 1 or 2,

and is solved by a bracketing root finder in y = log2(B k), whose larger root is the one that is wanted.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import LEAST_ERROR, Parameter, small, whole

CITATION = (
    "Natale, Ferre', Giambartolomei, Giroire, Mallmann-Trenn, 'On the Sparsity of the Strong Lottery Ticket "
    "Hypothesis', NeurIPS 2024, arXiv 2410.14754"
)
MOST_DOUBLINGS = 1023.0


def binary_entropy(density: float) -> float:
    r"""Return :math:`H_2(p) = -p \log_2 p - (1-p) \log_2(1-p)`, in bits.

    Parameters
    ----------
    density : float
        p, above 0 and below 1.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> binary_entropy(0.5)
    1.0
    """
    rest = 1.0 - density
    return -(density * math.log(density) + rest * math.log1p(-density)) / math.log(2.0)


def fixed_size_candidates(*, size: float, eps: float, factor: float) -> float:
    r"""Return the smallest n of at least 2k with :math:`n H_2(k/n) \ge c \log_2(k / \epsilon)`.

    Parameters
    ----------
    size : int
        k, the values that a subset has.
    eps : float
        Error.
    factor : float
        :math:`c_{hyp}`, at least 1.

    Returns
    -------
    float
        n; infinite where it is above 2**1023 k.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Theorem 2. Solved in :math:`\log_2(n/k)`, where the left side rises.

    Examples
    --------
    >>> round(fixed_size_candidates(size=5, eps=0.001, factor=1.0), 2)
    12.71
    """
    from scipy.optimize import brentq  # here, because it takes a fifth of a second

    wanted = factor * math.log2(size / eps) / size

    def excess(doublings: float) -> float:
        rest = (math.exp2(doublings) - 1.0) * math.log1p(-math.exp2(-doublings)) / math.log(2.0)
        return doublings - rest - wanted

    if excess(1.0) >= 0.0:
        return 2.0 * size
    if excess(MOST_DOUBLINGS) < 0.0:
        return math.inf
    return size * math.exp2(brentq(excess, 1.0, MOST_DOUBLINGS, xtol=1e-13, rtol=1e-14))


def amplified_candidates(*, density: float, eps: float, constant: float) -> float:
    r"""Return the n that solves :math:`n = C \log_2^2(\gamma n / \epsilon) / H_2(\gamma)`.

    Parameters
    ----------
    density : float
        :math:`\gamma = k/n`.
    eps : float
        Error, and the failure probability.
    constant : float
        :math:`c_{amp}`.

    Returns
    -------
    float
        n, of which :math:`k = \gamma n \ge 1` are chosen.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Corollary 1.

    Examples
    --------
    >>> round(amplified_candidates(density=0.25, eps=0.01, constant=1.0))
    182
    """
    return self_consistent_size(constant * density / binary_entropy(density), 1.0 / eps, 2) / density


def simplified_candidates(*, density: float, eps: float, constant: float) -> float:
    r"""Return the n with :math:`n \ge 2 C \log_2^2(1/\epsilon) / H_2(\gamma)` and enough chosen values.

    Enough are :math:`k = \gamma n \ge 2 C (\log_2^2 k + 2 \log_2 k \log_2(1/\epsilon))`, also for all larger k.

    Parameters
    ----------
    density : float
        :math:`\gamma = k/n`.
    eps : float
        Error, and the failure probability.
    constant : float
        :math:`c_{amp}`.

    Returns
    -------
    float
        n.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Corollary 2.

    Examples
    --------
    >>> round(simplified_candidates(density=0.25, eps=0.01, constant=1.0))
    1492
    """
    bits = -math.log2(eps)
    plain = 2.0 * constant * bits**2 / binary_entropy(density)
    return max(plain, _least_size(bits, constant) / density)


def self_consistent_size(multiple: float, inner: float, power: int) -> float:
    r"""Return the k of at least 1 from which on :math:`k \ge A \log_2^p(B k)`.

    Parameters
    ----------
    multiple, inner : float
        A, positive, and B, above 1.
    power : int
        p, 1 or 2.

    Returns
    -------
    float
        k, the larger root in :math:`y = \log_2(B k)`, found by bracketing; 1 where every k of at least 1 will do.

    Examples
    --------
    >>> round(self_consistent_size(2.0, 2.0, 1), 9)
    8.0
    """
    from scipy.optimize import brentq

    start = max(power / math.log(2.0), math.log2(inner))  # beyond its minimum the logarithm of the quotient rises

    def excess(bits: float) -> float:
        return bits * math.log(2.0) - power * math.log(bits) - math.log(inner) - math.log(multiple)

    if excess(start) >= 0.0:
        return 1.0
    end = 2.0 * start
    while excess(end) < 0.0:
        end *= 2.0
    return float(multiple * brentq(excess, start, end, xtol=1e-13, rtol=1e-14) ** power)


def _least_size(bits: float, constant: float) -> float:
    """The k from which on ``k >= 2 constant (log2(k)**2 + 2 log2(k) bits)``."""
    from scipy.optimize import brentq

    def excess(doublings: float) -> float:
        return doublings * math.log(2.0) - math.log(2.0 * constant * doublings * (doublings + 2.0 * bits))

    def slope(doublings: float) -> float:
        return math.log(2.0) - 1.0 / doublings - 1.0 / (doublings + 2.0 * bits)

    start = brentq(slope, 1.0 / math.log(2.0), 2.0 / math.log(2.0))
    if excess(start) >= 0.0:
        return 1.0
    end = 2.0 * start
    while excess(end) < 0.0:
        end *= 2.0
    return float(math.exp2(brentq(excess, start, end, xtol=1e-13, rtol=1e-14)))


ERROR = small("the error, and the failure probability", below=0.5)
DENSITY = Parameter(meaning="gamma = k/n, the part that is chosen", least=LEAST_ERROR, most=0.5)
FIXED_SIZE = Assumption(words="every subset sum takes exactly k values")
MIXTURE = Assumption(words="the values are a mixture with a part of fixed probability that is uniform on [-1, 1]")

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="natale2024.candidates",
        title="candidates of a subset sum of fixed size, one target",
        citation=f"{CITATION}, Theorem 2",
        statement=(
            "Sum-bounded law (uniform or normal among them), k <= n/2, fixed |z| <= sqrt(k), c_hyp >= 1. "
            "n H2(k/n) >= c_hyp log2(k/eps) => with at least a positive constant probability c_thm some subset of "
            "exactly k values has a sum within eps of z. Solved for the smallest n of at least 2k"
        ),
        quantity="candidates, n",
        direction="sufficient",
        provenance="found",
        formula=fixed_size_candidates,
        parameters={
            "size": whole("the values k that a subset has", monotone=0),
            "eps": small("the error"),
            "factor": Parameter(meaning="c_hyp, on which c_thm depends", least=1.0, most=8.0, monotone=1, default=1.0),
        },
        assumptions=(Assumption(words="the law of the values is sum-bounded"),),
        count=True,
        implicit=True,
        caveat=(
            "the success probability c_thm is a positive constant that is not given, and depends on c_hyp, which is 1 "
            "unless another factor is asked for"
        ),
    ),
    Bound(
        key="natale2024.amplified",
        title="candidates of a subset sum of fixed size, all targets",
        citation=f"{CITATION}, Corollary 1",
        statement=(
            "n >= c_amp log2^2(k/eps) / H2(k/n), c_amp = 8 c_hyp/c_thm => with probability >= 1 - eps every "
            "|z| <= sqrt(k) has a subset of exactly k values with a sum within eps. Solved for n with k = density n"
        ),
        quantity="candidates, n",
        direction="sufficient",
        provenance="found",
        formula=amplified_candidates,
        parameters={"density": DENSITY, "eps": ERROR},
        assumptions=(FIXED_SIZE, MIXTURE),
        constant="log2^2(k/eps) / H2(k/n)",
        count=True,
        implicit=True,
    ),
    Bound(
        key="natale2024.simplified",
        title="candidates of a subset sum of fixed size, explicit form",
        citation=f"{CITATION}, Corollary 2",
        statement=(
            "k >= 2 c_amp (log2^2 k + 2 log2 k log2(1/eps)) and n >= 2 c_amp log2^2(1/eps) / H2(k/n) => as "
            "natale2024.amplified. The smallest n for which both hold with k = density n; the first is solved"
        ),
        quantity="candidates, n",
        direction="sufficient",
        provenance="found",
        formula=simplified_candidates,
        parameters={"density": DENSITY, "eps": ERROR},
        assumptions=(FIXED_SIZE, MIXTURE),
        constant="2 log2^2(1/eps) / H2(k/n)",
        count=True,
        implicit=True,
    ),
)
