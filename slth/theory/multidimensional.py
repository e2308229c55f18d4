"""Subset sums of vectors: Becchetti and others 2022."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import FALLS, small, whole

BECCHETTI = (
    "L. Becchetti, A. da Cunha, A. Clementi, F. d'Amore, H. Lesfari, E. Natale and L. Trevisan, "
    '"On the Multidimensional Random Subset Sum Problem", 2022, arXiv 2207.13944'
)
_CUBE = "random vectors for all targets of a cube"
_GAUSSIAN = Assumption(words="the vectors are independent, from N(0, I_d)")

Dimension = Annotated[int, whole("numbers of each vector")]
Error = Annotated[float, small("error that is allowed, in the maximum norm")]


@bound(
    "becchetti2022.candidates",
    BECCHETTI,
    quantity=_CUBE,
    provenance="found",
    assumes=(_GAUSSIAN,),
    constant="d^3 ln(1/eps) (ln(1/eps) + ln d)",
    count=True,
    caveat="its abstract; that the law is N(0, I_d) is recalled, unverified",
)
def becchetti_candidates(*, dimension: Dimension, eps: Error, constant: float) -> float:
    """Gaussian vectors that reach every target in [-1, 1]^d.

    n = C d^3 ln(1/eps) (ln(1/eps) + ln d) i.i.d. vectors are enough, with high probability, for every z in [-1, 1]^d to
    be approximated up to eps by a subset sum.

    >>> becchetti_candidates(dimension=3, eps=0.1, constant=1.0)
    212.0
    """
    bits = math.log(1.0 / eps)
    return constant * float(dimension) ** 3 * bits * (bits + math.log(dimension))


@bound(
    "becchetti2022.fixed_size",
    BECCHETTI,
    quantity=_CUBE,
    provenance="recalled",
    assumes=(_GAUSSIAN,),
    constant="d^3 ln(1/eps) (ln(1/eps) + ln d)",
    count=True,
)
def becchetti_fixed_size(
    *,
    dimension: Dimension,
    eps: Annotated[float, small("half of the error in the maximum norm, and probability of failure")],
    constant: float,
) -> float:
    """The same with subsets of n / (6 sqrt d) vectors alone.

    X_i i.i.d. N(0, I_d), n >= C d^3 ln(1/eps) (ln(1/eps) + ln d): with probability at least 1 - eps every z in
    [-1, 1]^d has a subset of size n / (6 sqrt d) with ||z - sum||_inf <= 2 eps.

    >>> becchetti_fixed_size(dimension=3, eps=0.1, constant=0.5)
    106.0
    """
    return becchetti_candidates.formula(dimension=dimension, eps=eps, constant=constant)


@bound(
    "becchetti2022.fixed_target",
    BECCHETTI,
    quantity="random vectors for one target",
    provenance="recalled",
    assumes=(_GAUSSIAN,),
    constant="d^2 (ln(1/eps) + ln d)",
    count=True,
)
def becchetti_fixed_target(*, dimension: Dimension, eps: Error, constant: float) -> float:
    """Gaussian vectors that reach one target of [-1, 1]^d with probability 1/3.

    X_i i.i.d. N(0, I_d), z in [-1, 1]^d fixed, n >= C d^2 (ln(1/eps) + ln d): with probability at least 1/3 a subset
    sum approximates z.

    >>> becchetti_fixed_target(dimension=3, eps=0.1, constant=1.0)
    31.0
    """
    return constant * float(dimension) ** 2 * (math.log(1.0 / eps) + math.log(dimension))


@bound("becchetti2022.size", BECCHETTI, quantity="vectors in a subset", provenance="recalled")
def becchetti_size(*, n: Annotated[int, whole("vectors")], dimension: Annotated[Dimension, FALLS]) -> float:
    """Size of the subsets in the theorem.

    Subsets of size k = n / (6 sqrt d) are enough; not rounded.

    >>> becchetti_size(n=120, dimension=4)
    10.0
    """
    return n / (6.0 * math.sqrt(dimension))


@bound(
    "becchetti2022.lower",
    f"{BECCHETTI}; derived again in this project",
    quantity=_CUBE,
    provenance="derived",
    direction="necessary",
    constant="d ln(1/eps)",
    count=True,
)
def becchetti_lower(*, dimension: Dimension, eps: Error, constant: float) -> float:
    """Vectors that are needed for every target in [-1, 1]^d, up to a factor.

    n = Omega(d ln(1/eps)), by counting: 2^n >= (c / eps)^d.

    >>> becchetti_lower(dimension=3, eps=0.1, constant=1.0)
    7.0
    """
    return constant * dimension * math.log(1.0 / eps)
