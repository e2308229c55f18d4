"""Subset sums of a fixed size: Natale and others 2024.

Most of the paper's bounds have n on both sides; with a density, of which n follows from k = density n, each of them
reads

    k >= A log2(B k)^p    with A, B > 0 and p = 1 or 2,

and is solved by a bracketing root finder in y = log2(B k), whose larger root is the one that is wanted.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import LEAST_ERROR, Parameter, small, whole

CITATION = (
    "Natale, Ferre', Giambartolomei, Giroire, Mallmann-Trenn, 'On the Sparsity of the Strong Lottery Ticket "
    "Hypothesis', NeurIPS 2024, arXiv 2410.14754"
)
MOST_DOUBLINGS = 1023.0

Error = Annotated[float, small("the error, and the failure probability", below=0.5)]
Density = Annotated[float, Parameter(meaning="gamma = k/n, the part that is chosen", least=LEAST_ERROR, most=0.5)]
FIXED_SIZE = Assumption(words="every subset sum takes exactly k values")
MIXTURE = Assumption(words="the values are a mixture with a part of fixed probability that is uniform on [-1, 1]")

_bound = partial(bound, provenance="found", count=True, implicit=True)


@_bound(
    "natale2024.candidates",
    f"{CITATION}, Theorem 2",
    quantity="candidates, n",
    assumes=(Assumption(words="the law of the values is sum-bounded"),),
    caveat="the success probability c_thm is a positive constant that is not given, and depends on c_hyp, which is 1 "
    "unless another factor is asked for",
)
def fixed_size_candidates(
    *,
    size: Annotated[int, whole("the values k that a subset has", monotone=0)],
    eps: Annotated[float, small("the error")],
    factor: Annotated[float, Parameter(meaning="c_hyp, on which c_thm depends", least=1.0, most=8.0, monotone=1)] = 1.0,
) -> float:
    """Candidates of a subset sum of fixed size, one target.

    Sum-bounded law (uniform or normal among them), k <= n/2, fixed |z| <= sqrt(k), c_hyp >= 1. n H2(k/n) >= c_hyp
    log2(k/eps) => with at least a positive constant probability c_thm some subset of exactly k values has a sum within
    eps of z. Solved for the smallest n of at least 2k.

    For uniform values derived.second_moment.uniform finds c_thm of at least 0.074 at c_hyp = 1.

    >>> fixed_size_candidates(size=5, eps=0.001, factor=1.0)
    13.0
    """
    from scipy.optimize import brentq  # here, because it takes a fifth of a second

    wanted = factor * math.log2(size / eps) / size

    def excess(doublings: float) -> float:  # rises in log2(n/k)
        rest = (math.exp2(doublings) - 1.0) * math.log1p(-math.exp2(-doublings)) / math.log(2.0)
        return doublings - rest - wanted

    if excess(1.0) >= 0.0:
        return 2.0 * size
    if excess(MOST_DOUBLINGS) < 0.0:
        return math.inf
    return size * math.exp2(brentq(excess, 1.0, MOST_DOUBLINGS, xtol=1e-13, rtol=1e-14))


@_bound(
    "natale2024.amplified",
    f"{CITATION}, Corollary 1",
    quantity="candidates, n",
    assumes=(FIXED_SIZE, MIXTURE),
    constant="log2^2(k/eps) / H2(k/n)",
)
def amplified_candidates(*, density: Density, eps: Error, constant: float) -> float:
    """Candidates of a subset sum of fixed size, all targets.

    n >= c_amp log2^2(k/eps) / H2(k/n), c_amp = 8 c_hyp/c_thm => with probability >= 1 - eps every |z| <= sqrt(k) has a
    subset of exactly k values with a sum within eps. Solved for n with k = density n.

    >>> amplified_candidates(density=0.25, eps=0.01, constant=1.0)
    183.0
    """
    return self_consistent_size(constant * density / binary_entropy(density), 1.0 / eps, 2) / density


@_bound(
    "natale2024.simplified",
    f"{CITATION}, Corollary 2",
    quantity="candidates, n",
    assumes=(FIXED_SIZE, MIXTURE),
    constant="2 log2^2(1/eps) / H2(k/n)",
)
def simplified_candidates(*, density: Density, eps: Error, constant: float) -> float:
    """Candidates of a subset sum of fixed size, explicit form.

    k >= 2 c_amp (log2^2 k + 2 log2 k log2(1/eps)) and n >= 2 c_amp log2^2(1/eps) / H2(k/n) => as natale2024.amplified.
    The smallest n for which both hold with k = density n; the first is solved.

    >>> simplified_candidates(density=0.25, eps=0.01, constant=1.0)
    1493.0
    """
    bits = -math.log2(eps)
    plain = 2.0 * constant * bits**2 / binary_entropy(density)
    return max(plain, _least_size(bits, constant) / density)


def binary_entropy(density: float) -> float:
    """Return H2(p) = -p log2 p - (1-p) log2(1-p), in bits, for p above 0 and below 1.

    >>> binary_entropy(0.5)
    1.0
    """
    rest = 1.0 - density
    return -(density * math.log(density) + rest * math.log1p(-density)) / math.log(2.0)


def self_consistent_size(multiple: float, inner: float, power: int) -> float:
    """Return the k of at least 1 from which on k >= A log2(B k)^p, A positive, B above 1 and p = 1 or 2.

    It is the larger root in y = log2(B k), found by bracketing; 1 where every k of at least 1 will do.

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
