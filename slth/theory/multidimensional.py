"""Subset sums of vectors: Becchetti and others 2022."""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import small, whole

BECCHETTI = (
    "L. Becchetti, A. da Cunha, A. Clementi, F. d'Amore, H. Lesfari, E. Natale and L. Trevisan, "
    '"On the Multidimensional Random Subset Sum Problem", 2022, arXiv 2207.13944'
)


def becchetti_candidates(*, dimension: int, eps: float, constant: float) -> float:
    r"""Return how many Gaussian vectors are enough for all targets in a cube.

    .. math:: n = C\, d^3 \ln\frac{1}{\epsilon} \left(\ln\frac{1}{\epsilon} + \ln d\right)

    Parameters
    ----------
    dimension : int
        d.
    eps : float
        Error in the maximum norm.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Becchetti and others 2022, abstract; found. The precise form is recalled, unverified. The base of the
    logarithm is taken to be e.

    Examples
    --------
    >>> round(becchetti_candidates(dimension=3, eps=0.1, constant=1.0), 2)
    211.45
    """
    bits = math.log(1.0 / eps)
    return constant * float(dimension) ** 3 * bits * (bits + math.log(dimension))


def becchetti_fixed_target(*, dimension: int, eps: float, constant: float) -> float:
    r"""Return how many Gaussian vectors reach one fixed target with probability 1/3.

    .. math:: n = C\, d^2 \left(\ln\frac{1}{\epsilon} + \ln d\right)

    Parameters
    ----------
    dimension : int
        d.
    eps : float
        Error in the maximum norm.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Becchetti and others 2022, the step for a fixed target; recalled, unverified. The base of the logarithm is
    taken to be e.

    Examples
    --------
    >>> round(becchetti_fixed_target(dimension=3, eps=0.1, constant=1.0), 2)
    30.61
    """
    return constant * float(dimension) ** 2 * (math.log(1.0 / eps) + math.log(dimension))


def becchetti_size(*, n: int, dimension: int) -> float:
    r"""Return the size of subsets that is enough in the theorem.

    .. math:: k = \frac{n}{6 \sqrt{d}}

    Parameters
    ----------
    n : int
        Vectors.
    dimension : int
        d.

    Returns
    -------
    float
        k, not rounded.

    Notes
    -----
    Source: Becchetti and others 2022; recalled, unverified.

    Examples
    --------
    >>> becchetti_size(n=120, dimension=4)
    10.0
    """
    return n / (6.0 * math.sqrt(dimension))


def becchetti_lower(*, dimension: int, eps: float, constant: float) -> float:
    r"""Return how many vectors are needed for all targets in a cube, up to a factor.

    .. math:: n = C\, d \ln\frac{1}{\epsilon}

    Parameters
    ----------
    dimension : int
        d.
    eps : float
        Error in the maximum norm.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Becchetti and others 2022, lower bound by counting; recalled, unverified.

    Examples
    --------
    >>> round(becchetti_lower(dimension=3, eps=0.1, constant=1.0), 3)
    6.908
    """
    return constant * dimension * math.log(1.0 / eps)


_CUBE = "random vectors for all targets of a cube"
_DIMENSION = "numbers of each vector"
_NORM = "error that is allowed, in the maximum norm"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="becchetti2022.candidates",
        title="Gaussian vectors that reach every target in [-1, 1]^d",
        citation=BECCHETTI,
        statement=(
            "n = C d^3 ln(1/eps) (ln(1/eps) + ln d) i.i.d. vectors are enough, with high probability, for every z in "
            "[-1, 1]^d to be approximated up to eps by a subset sum."
        ),
        quantity=_CUBE,
        direction="sufficient",
        provenance="found",
        formula=becchetti_candidates,
        parameters={"dimension": whole(_DIMENSION), "eps": small(_NORM)},
        assumptions=(Assumption(words="the vectors are independent, from N(0, I_d)"),),
        constant="d^3 ln(1/eps) (ln(1/eps) + ln d)",
        count=True,
        caveat="its abstract; that the law is N(0, I_d) is recalled, unverified",
    ),
    Bound(
        key="becchetti2022.fixed_size",
        title="the same with subsets of n / (6 sqrt d) vectors alone",
        citation=BECCHETTI,
        statement=(
            "X_i i.i.d. N(0, I_d), n >= C d^3 ln(1/eps) (ln(1/eps) + ln d): with probability at least 1 - eps every z "
            "in [-1, 1]^d has a subset of size n / (6 sqrt d) with ||z - sum||_inf <= 2 eps."
        ),
        quantity=_CUBE,
        direction="sufficient",
        provenance="recalled",
        formula=becchetti_candidates,
        parameters={
            "dimension": whole(_DIMENSION),
            "eps": small("half of the error in the maximum norm, and probability of failure"),
        },
        assumptions=(Assumption(words="the vectors are independent, from N(0, I_d)"),),
        constant="d^3 ln(1/eps) (ln(1/eps) + ln d)",
        count=True,
    ),
    Bound(
        key="becchetti2022.fixed_target",
        title="Gaussian vectors that reach one target of [-1, 1]^d with probability 1/3",
        citation=BECCHETTI,
        statement=(
            "X_i i.i.d. N(0, I_d), z in [-1, 1]^d fixed, n >= C d^2 (ln(1/eps) + ln d): with probability at least 1/3 "
            "a subset sum approximates z."
        ),
        quantity="random vectors for one target",
        direction="sufficient",
        provenance="recalled",
        formula=becchetti_fixed_target,
        parameters={"dimension": whole(_DIMENSION), "eps": small(_NORM)},
        assumptions=(Assumption(words="the vectors are independent, from N(0, I_d)"),),
        constant="d^2 (ln(1/eps) + ln d)",
        count=True,
    ),
    Bound(
        key="becchetti2022.size",
        title="size of the subsets in the theorem",
        citation=BECCHETTI,
        statement="Subsets of size k = n / (6 sqrt d) are enough; not rounded.",
        quantity="vectors in a subset",
        direction="sufficient",
        provenance="recalled",
        formula=becchetti_size,
        parameters={"n": whole("vectors"), "dimension": whole(_DIMENSION, monotone=-1)},
    ),
    Bound(
        key="becchetti2022.lower",
        title="vectors that are needed for every target in [-1, 1]^d, up to a factor",
        citation=BECCHETTI,
        statement="n = Omega(d ln(1/eps)), by counting: 2^n >= (c / eps)^d.",
        quantity=_CUBE,
        direction="necessary",
        provenance="recalled",
        formula=becchetti_lower,
        parameters={"dimension": whole(_DIMENSION), "eps": small(_NORM)},
        constant="d ln(1/eps)",
        count=True,
    ),
)
