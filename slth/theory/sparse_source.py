"""Sources that start sparse, by a random mask: Gadhikar, Mukherjee and Burkholz 2023.

The base of an unspecified logarithm is taken to be e; it cancels in a quotient of two.
"""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.burkholz import COMPACT, Failure, LayerError, Problems, shallow_units
from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import Parameter, small, whole

GADHIKAR = (
    "Gadhikar, Mukherjee, Burkholz, 'Why Random Pruning Is All We Need to Start Sparse', ICML 2023, arXiv 2210.02412"
)

Density = Annotated[
    float,
    Parameter(
        meaning="p, the probability that a weight is kept by the random mask", least=1e-9, below=1.0, monotone=-1
    ),
]
INDEPENDENT = Assumption(words="weights of the mask are kept independently")


@bound(
    "gadhikar2023.factor",
    f"{GADHIKAR}, abstract",
    quantity="width over the width without a mask",
    provenance="found",
    assumes=(INDEPENDENT,),
    constant="1 / ln(1/(1-p))",
    caveat="from the abstract, whose sparsity is 1 - p",
)
def sparse_factor(*, density: Density, constant: float) -> float:
    """Widening that a random sparse source costs.

    A source with a random (Erdos-Renyi) mask of density p represents any target if it is wider by C / ln(1/(1-p)), and
    strong tickets exist inside it; necessary for networks of three layers.

    >>> round(sparse_factor(density=0.1, constant=1.0), 2)
    9.49
    """
    return constant / -math.log1p(-density)


@bound(
    "gadhikar2023.copies",
    f"{GADHIKAR}; this project's reason for its factor",
    quantity="copies of each neuron, n",
    provenance="derived",
    assumes=(INDEPENDENT,),
    count=True,
)
def sparse_copies(
    *,
    density: Density,
    edges: Annotated[int, whole("the edges E that must all be there", most=1e12)],
    delta: Annotated[float, small("the failure probability")],
) -> float:
    """Copies of a neuron with which a random mask loses no edge.

    n >= ln(E/delta) / ln(1/(1-p)) => with probability >= 1 - delta each of E edges is in one of n copies.

    An edge is lost if all n copies miss it, with probability (1-p)^n; E edges take a union bound.

    >>> sparse_copies(density=0.5, edges=1, delta=0.125)
    3.0
    """
    return math.log(edges / delta) / -math.log1p(-density)


@bound(
    "gadhikar2023.width",
    f"{GADHIKAR}, theorem on strong tickets",
    quantity="width of one layer of the source",
    provenance="recalled",
    assumes=(COMPACT, INDEPENDENT),
    constant="n ln(1/min(eps_l, delta/rho)) / ln(1/(1-p))",
    count=True,
    caveat="the factor 1 / ln(1/(1-p)) is found, the rest is recalled",
)
def sparse_units(
    *,
    units: Annotated[int, whole("the width of the target's layer")],
    eps: LayerError,
    delta: Failure,
    problems: Problems,
    density: Density,
    constant: float,
) -> float:
    """Width of a random sparse source that holds a strong ticket.

    n_source >= C n_target ln(1/min(eps_l, delta/rho)) / ln(1/(1-p)), p the density of the random mask on the next
    layer => with probability >= 1 - delta a subnetwork is within eps.

    >>> sparse_units(units=10, eps=0.01, delta=0.01, problems=1.0, density=0.5, constant=1.0)
    67.0
    """
    wide = shallow_units.formula(units=units, eps=eps, delta=delta, problems=problems, constant=constant)
    return wide * sparse_factor.formula(density=density, constant=1.0)
