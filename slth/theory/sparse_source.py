"""Sources that start sparse, by a random mask: Gadhikar, Mukherjee and Burkholz 2023.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e; it cancels in a quotient of two.
"""

from __future__ import annotations

import math

from slth.theory.burkholz import COMPACT, FAILURE, LAYER_ERROR, PROBLEMS, shallow_units
from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, small, whole

GADHIKAR = (
    "Gadhikar, Mukherjee, Burkholz, 'Why Random Pruning Is All We Need to Start Sparse', ICML 2023, arXiv 2210.02412"
)


def sparse_factor(*, density: float, constant: float) -> float:
    r"""Return the factor by which a random mask widens a network, :math:`C / \ln(1 / (1-p))`.

    Parameters
    ----------
    density : float
        p, the probability that a weight is kept by the random mask.
    constant : float
        C.

    Returns
    -------
    float
        Width over the width of a source without the mask.

    Notes
    -----
    Source: Gadhikar, Mukherjee and Burkholz 2023 (arXiv 2210.02412), abstract; its sparsity is 1 - p.

    Examples
    --------
    >>> round(sparse_factor(density=0.1, constant=1.0), 2)
    9.49
    """
    return constant / -math.log1p(-density)


def sparse_copies(*, density: float, edges: float, delta: float) -> float:
    r"""Return the copies of a neuron with which no edge is lost, :math:`\ln(E / \delta) / \ln(1 / (1-p))`.

    An edge is lost if all n copies miss it, with probability :math:`(1-p)^n`; E edges take a union bound.

    Parameters
    ----------
    density : float
        p, the probability that a weight is kept by the random mask.
    edges : int
        E, the edges that must all be there.
    delta : float
        Failure probability.

    Returns
    -------
    float
        n, the copies of each neuron.

    Notes
    -----
    Source: derived in this project, as the reason for the factor of Gadhikar et al. 2023 (arXiv 2210.02412).

    Examples
    --------
    >>> sparse_copies(density=0.5, edges=1, delta=0.125)
    3.0
    """
    return math.log(edges / delta) / -math.log1p(-density)


def sparse_units(
    *, units: float, eps: float, delta: float, problems: float, density: float, constant: float
) -> float:  # fmt: skip
    r"""Return the units of a layer that has a random mask.

    .. math:: C n \ln(1/\min(\epsilon_l, \delta/\rho)) / \ln(1/(1-p))

    Parameters
    ----------
    units : int
        n of the target.
    eps : float
        :math:`\epsilon_l`, the error that each parameter of the layer may have.
    delta : float
        Failure probability of the whole network.
    problems : float
        :math:`\rho`, as for a source without a mask.
    density : float
        p of the next layer, the probability that a weight is kept by the random mask.
    constant : float
        C.

    Returns
    -------
    float
        Units of the source's layer.

    Notes
    -----
    Source: Gadhikar, Mukherjee and Burkholz 2023 (arXiv 2210.02412), theorem on strong tickets; recalled, unverified.

    Examples
    --------
    >>> round(sparse_units(units=10, eps=0.01, delta=0.01, problems=1.0, density=0.5, constant=1.0), 1)
    66.4
    """
    wide = shallow_units(units=units, eps=eps, delta=delta, problems=problems, constant=constant)
    return wide * sparse_factor(density=density, constant=1.0)


DENSITY = Parameter(
    meaning="p, the probability that a weight is kept by the random mask", least=1e-9, below=1.0, monotone=-1
)
INDEPENDENT = Assumption(words="weights of the mask are kept independently")

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="gadhikar2023.factor",
        title="widening that a random sparse source costs",
        citation=f"{GADHIKAR}, abstract",
        statement=(
            "A source with a random (Erdos-Renyi) mask of density p represents any target if it is wider by "
            "C / ln(1/(1-p)), and strong tickets exist inside it; necessary for networks of three layers"
        ),
        quantity="width over the width without a mask",
        direction="sufficient",
        provenance="found",
        formula=sparse_factor,
        parameters={"density": DENSITY},
        assumptions=(INDEPENDENT,),
        constant="1 / ln(1/(1-p))",
        caveat="from the abstract, whose sparsity is 1 - p",
    ),
    Bound(
        key="gadhikar2023.copies",
        title="copies of a neuron with which a random mask loses no edge",
        citation=f"{GADHIKAR}; this project's reason for its factor",
        statement=(
            "n >= ln(E/delta) / ln(1/(1-p)) => with probability >= 1 - delta each of E edges is in one of n copies"
        ),
        quantity="copies of each neuron, n",
        direction="sufficient",
        provenance="derived",
        formula=sparse_copies,
        parameters={
            "density": DENSITY,
            "edges": whole("the edges E that must all be there", most=1e12),
            "delta": small("the failure probability"),
        },
        assumptions=(INDEPENDENT,),
        count=True,
    ),
    Bound(
        key="gadhikar2023.width",
        title="width of a random sparse source that holds a strong ticket",
        citation=f"{GADHIKAR}, theorem on strong tickets",
        statement=(
            "n_source >= C n_target ln(1/min(eps_l, delta/rho)) / ln(1/(1-p)), p the density of the random mask on "
            "the next layer => with probability >= 1 - delta a subnetwork is within eps"
        ),
        quantity="width of one layer of the source",
        direction="sufficient",
        provenance="recalled",
        formula=sparse_units,
        parameters={
            "units": whole("the width of the target's layer"),
            "eps": LAYER_ERROR,
            "delta": FAILURE,
            "problems": PROBLEMS,
            "density": DENSITY,
        },
        assumptions=(COMPACT, INDEPENDENT),
        constant="n ln(1/min(eps_l, delta/rho)) / ln(1/(1-p))",
        count=True,
        caveat="the factor 1 / ln(1/(1-p)) is found, the rest is recalled",
    ),
)
