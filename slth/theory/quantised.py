"""Weights on a grid, where a ticket can equal its target: Kumar and Natale 2025.

The grid of precision delta = 2^-b is {-1, -1 + delta, ..., 1}; its bits b = log2(1/delta) are the argument.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import Parameter, whole

CITATION = (
    "Kumar, Natale, 'Quantization vs Pruning: Insights from the Strong Lottery Ticket Hypothesis', 2025, "
    "arXiv 2508.11020"
)

Inputs = Annotated[int, whole("the input width of the target layer")]
Bits = Annotated[int, whole("log2(1/delta), the bits of the grid", most=1000)]
Side = Annotated[int, whole("the sides d of the target's matrix")]
GRIDS = Assumption(
    words="target weights on the grid delta_t, source uniform on the grid delta_in, delta_in^2 <= delta^2 <= delta_t"
)
PRUNED = Assumption(words="the source is a pruned two-layer network with weights on the grid delta")
DIMENSIONS = "an earlier submission was read, without displayed formulas: dimensions are reconstructed"

_bound = partial(bound, provenance="found", count=True)


@_bound(
    "kumar2025.candidates",
    f"{CITATION}, Lemma 5",
    quantity="candidates for one weight, n",
    assumes=(GRIDS,),
    constant="log2(1/delta)",
)
def grid_candidates(*, bits: Bits, constant: float) -> float:
    """Candidates that meet one weight of a grid exactly.

    n > C log2(1/delta) products of weights on a grid: some subset sums to the weight exactly; more than 2 log2(1/delta)
    of them stay after rejection to the uniform law.

    >>> grid_candidates(bits=8, constant=3.0)
    24.0
    """
    return constant * bits


@_bound(
    "kumar2025.width",
    f"{CITATION}, Theorem 1",
    quantity="hidden units of a pair of layers",
    assumes=(GRIDS,),
    constant="d_in log2(1/delta)",
    caveat=DIMENSIONS,
)
def grid_width(*, d_in: Inputs, bits: Bits, constant: float) -> float:
    """Width of a quantised source of depth 2l that holds every target exactly.

    Source of 2l layers with C d_in log2(1/delta) hidden units a pair, quantised to delta and pruned, equals every
    target with probability 1 - N (a polynomially small function of log(1/delta)), N its weights.

    >>> grid_width(d_in=784, bits=8, constant=1.0)
    6272.0
    """
    return constant * d_in * bits


@_bound(
    "kumar2025.shallow_width",
    f"{CITATION}, Theorem 2",
    quantity="units of a layer",
    assumes=(GRIDS,),
    constant="d_in log2(1/delta)^2",
    caveat=f"{DIMENSIONS}; the paper's constants are explicit and were not read",
)
def grid_shallow_width(*, d_in: Inputs, bits: Bits, constant: float) -> float:
    """Width of a quantised source of depth l + 1 that holds every target exactly.

    As kumar2025.width with l + 1 layers and one more factor log2(1/delta): C d_in log2(1/delta)^2.

    >>> grid_shallow_width(d_in=784, bits=8, constant=1.0)
    50176.0
    """
    return constant * d_in * bits * bits


@bound(
    "kumar2025.failure",
    f"{CITATION}, Lemma 4; this project's reading of its parameters",
    quantity="failure probability, at most",
    provenance="derived",
    assumes=(GRIDS,),
    constant="N n^(-1/7)",
)
def grid_failure(
    *,
    n: Annotated[int, whole("the candidates for one weight", most=1e30, monotone=-1)],
    weights: Annotated[int, whole("the weights N of the target", most=1e12)],
    constant: float,
) -> float:
    """Failure probability of a quantised source.

    kumar2025.width fails with probability at most C N n^(-1/7): it says something for huge n alone.

    With the paper's beta = 1/2 Hoeffding's inequality leaves n^(-1/7) for the window sqrt(2/7) M sqrt(n log n).

    >>> round(grid_failure(n=10**14, weights=1, constant=1.0), 4)
    0.01
    """
    return min(1.0, constant * weights * math.pow(n, -1.0 / 7.0))


@_bound(
    "kumar2025.parameters",
    f"{CITATION}, Theorem 3",
    quantity="parameters of the source that are not zero",
    direction="necessary",
    assumes=(PRUNED,),
)
def grid_parameters(
    *,
    dimension: Side,
    bits: Bits,
    probability: Annotated[
        float, Parameter(meaning="the probability with which each target is served", least=1e-30, most=1.0, monotone=1)
    ] = 0.5,
) -> float:
    """Parameters that a quantised source needs, lower bound.

    2^alpha >= p (2/delta + 1)^(d^2): a two-layer source on the grid that equals each d x d matrix of the grid with
    probability p has alpha >= d^2 log2(2/delta + 1) + log2 p parameters that are not zero.

    >>> grid_parameters(dimension=10, bits=8, probability=0.5)
    900.0
    """
    levels = math.log2(2 ** (int(bits) + 1) + 1)
    return max(0.0, dimension**2 * levels + math.log2(probability))


@_bound(
    "kumar2025.lower",
    f"{CITATION}, Theorem 3",
    quantity="hidden units",
    direction="necessary",
    assumes=(PRUNED,),
    constant="d log2(1/delta)",
)
def grid_lower_width(*, dimension: Side, bits: Bits, constant: float) -> float:
    """Width that a quantised two-layer source needs, lower bound.

    A two-layer source as in kumar2025.parameters has a width of at least C d log2(1/delta).

    >>> grid_lower_width(dimension=10, bits=8, constant=0.5)
    40.0
    """
    return constant * dimension * bits
