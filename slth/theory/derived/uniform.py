"""Lueker's theorem with every constant: the recurrence of lueker1998.growth as a martingale, derived here.

Let eta = eps / 2. A point z of I = [-1/2, 1/2] is reached by no value where |z| <= eta, and by one more value x where z
or z - x is a point of I that was reached: then it is within eta of a subset sum. Let p be the part of I that is
reached. One more value from U[-1, 1] raises p by p (1 - p) / 2 on average, exactly, and to min(2 p, 1) at most: Z =
(p' - p) / (p (1 - p)) has mean 1/2 and lies in [0, 2]. psi(p) = log2 p - ln(1 - p) rises by at least Z in a step,
because log2(1 + r) >= r for r in [0, 1] and -ln(1 - r) >= r, and by less than A = log2(1/eps) + ln(2/eps) + 1 (the 1 is
to spare) from p = eps to 1 - eta, where every point of I is within eta of one that is reached. Hoeffding's inequality
for a range of 2 then bounds the probability that the Z of n values sum to less than A.
"""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import small, whole

_HERE = "this project: Lueker's argument with Hoeffding's inequality"
_UNIFORM = Assumption(words="the values are independent, from U[-1, 1]")

Error = Annotated[float, small("error that is allowed")]


def needed_rise(eps: float) -> float:
    """A = log2(1/eps) + ln(2/eps) + 1, twice which n must exceed."""
    return -math.log2(eps) + math.log(2.0 / eps) + 1.0


@bound(
    "derived.uniform.failure",
    _HERE,
    quantity="failure probability, at most",
    provenance="derived",
    assumes=(_UNIFORM,),
    caveat="not reviewed",
)
def uniform_failure(*, n: Annotated[int, whole("values", most=1e12, monotone=-1)], eps: Error) -> float:
    """Probability that uniform values miss some target of [-1/2, 1/2], every constant known.

    X_1..X_n i.i.d. U[-1, 1]: all of [-1/2, 1/2] is within eps of a subset sum but with probability at most
    exp(-(n - 2 A)^2 / (8 n)), for n > 2 A, A = log2(1/eps) + ln(2/eps) + 1; nothing is said for smaller n.

    >>> round(uniform_failure(n=81, eps=0.01), 4)
    0.0092
    """
    margin = n - 2.0 * needed_rise(eps)
    return math.exp(-(margin**2) / (8.0 * n)) if margin > 0.0 else 1.0


@bound(
    "derived.uniform.candidates",
    _HERE,
    quantity="random values for all targets of an interval",
    provenance="derived",
    assumes=(_UNIFORM,),
    count=True,
    caveat="not reviewed",
)
def uniform_candidates(
    *, eps: Error, delta: Annotated[float, small("probability of failure that is allowed")]
) -> float:
    """Uniform values that reach every target in [-1/2, 1/2], every constant known.

    n = 2 (A + 2 L) + 4 sqrt(L (A + L)), A = log2(1/eps) + ln(2/eps) + 1 and L = ln(1/delta): where
    derived.uniform.failure is delta.

    >>> uniform_candidates(eps=0.01, delta=0.01)
    81.0
    """
    rise, doubt = needed_rise(eps), -math.log(delta)
    return 2.0 * (rise + 2.0 * doubt) + 4.0 * math.sqrt(doubt * (rise + doubt))
