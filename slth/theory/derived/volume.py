"""What counting forbids of dense networks, with the volumes that subnetworks can serve: stronger than as published.

The matrices that one subnetwork serves within eps over the unit ball differ from each other by at most 2 eps, so that
by the isodiametric inequality (Brunn and Minkowski) they fill no more than a ball of radius eps: a part eps^(d^2) of
all W with ||W|| <= 1. The published counts have 2 eps there, and Stirling's formula for a binomial.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from slth.theory.definition import bound
from slth.theory.derived.gaussian import log_binomials
from slth.theory.nouns import Assumption
from slth.theory.parameters import LEAST_ERROR, Parameter, small, whole
from slth.theory.sparsity import DENSEST

_HERE = "this project: a count of volumes"
_SERVED = Assumption(words="each target is served with probability at least 1/2")

Size = Annotated[int, whole("d, inputs, and outputs")]
Error = Annotated[float, small("error of the output over the unit ball")]

_bound = partial(bound, provenance="derived", count=True, assumes=(_SERVED,), direction="necessary")


@_bound(
    "derived.volume.parameters",
    f"{_HERE}, for pensia2020.lower.parameters",
    quantity="weights",
)
def volume_parameters(*, d: Size, eps: Error) -> float:
    """Weights without which no network serves all linear maps, by volumes.

    Targets W x, ||W|| <= 1, W in R^(d x d): 2^m subnetworks that serve a part eps^(d^2) each must serve half of them,
    so m >= d^2 log2(1 / eps) - 1.

    >>> volume_parameters(d=3, eps=0.125)
    26.0
    """
    return max(0.0, -d * d * math.log2(eps) - 1.0)


@bound(
    "derived.volume.density",
    f"{_HERE}, for pensia2020.lower.density",
    quantity="density",
    provenance="derived",
    direction="necessary",
    assumes=(
        _SERVED,
        Assumption(
            words="m is at least d^2 log2(1 / eps) - 1, as derived.volume.parameters asks",
            holds=lambda given: given["m"] >= volume_parameters.formula(d=given["d"], eps=given["eps"]),
        ),
    ),
    implicit=True,
)
def volume_density(
    *, d: Size, m: Annotated[int, whole("weights of the source", most=10**12, monotone=-1)], eps: Error
) -> float:
    """Density without which the subnetworks of m weights cannot serve all linear maps, by volumes.

    As derived.volume.parameters with subnetworks of at most gamma m weights, of which there are at most 2^(m H2(gamma))
    for gamma <= 1/2: m H2(gamma) >= d^2 log2(1 / eps) - 1. Solved for gamma.

    >>> round(volume_density(d=10, m=1000, eps=0.01), 4)
    0.1725
    """
    from scipy.optimize import brentq  # here, because it takes a quarter of a second

    nats = volume_parameters.formula(d=d, eps=eps) / m * math.log(2.0)
    if nats <= 0.0:
        return 0.0

    def excess(log_density: float) -> float:
        density = math.exp(log_density)
        return -density * log_density - (1.0 - density) * math.log1p(-density) - nats

    half = math.log(0.5)
    return math.exp(brentq(excess, -800.0, half, xtol=1e-14, rtol=1e-14)) if excess(half) > 0.0 else 0.5


@_bound(
    "derived.volume.sparse",
    f"{_HERE}, for natale2024.lower",
    quantity="parameters of the source, n",
    implicit=True,
)
def volume_sparse(
    *,
    dimension: Annotated[int, whole("the sides d of the target's matrix")],
    density: Annotated[float, Parameter(meaning="gamma = k/n, the part that is kept", least=LEAST_ERROR, most=DENSEST)],
    eps: Error,
    norm: Annotated[
        float, Parameter(meaning="the largest ||W||; 0 for sqrt(k), as in the theorem", least=0.0, most=1e6)
    ] = 0.0,
) -> float:
    """Parameters that tickets of a density need, by binomials and volumes.

    Targets W x, ||W|| <= r (sqrt(k) unless another is given), W of size d x d, each served within eps by a subnetwork
    of k parameters: log2 C(n, k) >= d^2 log2(r / eps) - 1. Solved for the smallest n with k = density n of at least 1.

    >>> volume_sparse(dimension=10, density=0.1, eps=0.01)
    2260.0
    """
    from scipy.optimize import brentq

    def excess(log_size: float) -> float:
        size = math.exp(log_size)
        chosen = float(log_binomials(size / density, np.array([size]))[0])
        radius = math.log(norm) if norm else 0.5 * log_size
        return chosen - dimension**2 * (radius - math.log(eps)) + math.log(2.0)

    if excess(0.0) >= 0.0:
        return 1.0 / density
    high = 1.0
    while excess(high) < 0.0:
        high += 1.0
    return math.exp(brentq(excess, high - 1.0, high, xtol=1e-13, rtol=1e-14)) / density
