"""Dense networks: Pensia and others 2020, the lower bounds by counting."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.dense import PENSIA
from slth.theory.nouns import Assumption
from slth.theory.parameters import small, whole

Size = Annotated[int, whole("inputs, and outputs")]
Error = Annotated[float, small("error of the output over the unit ball")]
_LOWER = f"{PENSIA}, Theorem 2 (Natale et al. 2024, appendix 7)"
_WIDTH = "hidden width"


@bound("pensia2020.lower.parameters", _LOWER, quantity="weights", provenance="found", direction="necessary", count=True)
def lower_parameters(*, d: Size, eps: Error) -> float:
    """Weights without which no network serves all linear maps.

    F = {W x: ||W|| <= 1, W in R^(d x d)}, each member served with probability at least 1/2 within eps: m >= d^2
    log2(1 / (2 eps)) - 1.

    >>> lower_parameters(d=3, eps=0.125)
    17.0
    """
    return max(0.0, d * d * math.log2(1.0 / (2.0 * eps)) - 1.0)


@bound(
    "pensia2020.lower.width",
    _LOWER,
    quantity=_WIDTH,
    provenance="found",
    direction="necessary",
    constant="d ln(1 / eps)",
    count=True,
)
def lower_width(*, d: Size, eps: Error, constant: float) -> float:
    """Width without which two layers cannot serve all linear maps, up to a factor.

    F = {W x: ||W|| <= 1, W in R^(d x d)}, each member served with probability at least 1/2 within eps: two layers need
    a width of Omega(d ln(1 / eps)).

    >>> lower_width(d=10, eps=0.01, constant=1.0)
    47.0
    """
    return constant * d * math.log(1.0 / eps)


@bound(
    "pensia2020.lower.deep_width",
    f"{PENSIA}, Theorem 2 for any depth, whose abstract agrees; derived again in this project",
    quantity=_WIDTH,
    provenance="derived",
    direction="necessary",
    constant="d sqrt(ln(1 / eps) / depth)",
    count=True,
)
def lower_deep_width(
    *, d: Size, depth: Annotated[int, whole("layers of the source", monotone=-1)], eps: Error, constant: float
) -> float:
    """Width without which deeper networks cannot serve all linear maps, up to a factor.

    A width of Omega(d sqrt(ln(1 / eps) / depth)) is needed.

    A width w below d serves no orthogonal matrix (Borsuk and Ulam), and else depth w^2 weights must be as many as
    derived.volume.parameters asks: any C of at most 0.66 will do.

    >>> lower_deep_width(d=10, depth=4, eps=0.01, constant=1.0)
    11.0
    """
    return constant * d * math.sqrt(math.log(1.0 / eps) / depth)


@bound(
    "pensia2020.lower.density",
    _LOWER,
    quantity="density",
    provenance="found",
    direction="necessary",
    assumes=(
        Assumption(
            words="m log2(e) is at least d^2 log2(1 / (2 eps)) - 1, as some density is else never enough",
            holds=lambda given: given["m"] / math.log(2.0) >= lower_parameters.formula(d=given["d"], eps=given["eps"]),
        ),
    ),
    implicit=True,
)
def lower_density(
    *, d: Size, m: Annotated[int, whole("weights of the source", most=10**12, monotone=-1)], eps: Error
) -> float:
    """Density without which the subnetworks of m weights cannot serve all linear maps.

    F = {W x: ||W|| <= 1, W in R^(d x d)}, each member served with probability at least 1/2 within eps by a subnetwork
    of at most gamma m weights: gamma m log2(e / gamma) >= d^2 log2(1 / (2 eps)) - 1, solved for gamma by Brent's
    method.

    >>> round(lower_density(d=10, m=1000, eps=0.01), 4)
    0.1277
    """
    from scipy.optimize import brentq  # here, because it takes a quarter of a second

    bits = lower_parameters.formula(d=d, eps=eps) / m
    if bits <= 0.0:
        return 0.0

    def excess(log_density: float) -> float:
        return math.exp(log_density) * (1.0 - log_density) / math.log(2.0) - bits

    return math.exp(brentq(excess, -800.0, 0.0, xtol=1e-14, rtol=1e-14)) if excess(0.0) > 0.0 else 1.0
