"""Structured pruning of convolutions: da Cunha, d'Amore and Natale 2023, and what follows from it."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import FALLS, small, whole

DACUNHA = (
    "A. da Cunha, F. d'Amore and E. Natale, \"Polynomially Over-Parameterized Convolutional Neural Networks Contain "
    'Structured Strong Winning Lottery Tickets", NeurIPS 2023, arXiv 2311.09858'
)
_CHANNELS = "n; the random network has 2n channels for each input channel"
_NORM = Assumption(words="the absolute values of each kernel of the target sum to at most 1")
_LAW = Assumption(words="all random weights are independent, from N(0, 1)")
_SCALED = Assumption(words="the vectors are independent, u v with u from N(0, 1) and v from N(0, I_D)")
_TARGET = Assumption(words="the absolute values of the target sum to at most the square root of the size")

Dimension = Annotated[int, whole("numbers D of each vector")]
Quarter = Annotated[float, small("error that is allowed, in the maximum norm", below=0.25 + 2**-54)]
Kernel = Annotated[int, whole("size d of the square kernel")]
Outputs = Annotated[int, whole("output channels of the convolution")]
Inputs = Annotated[int, whole("input channels of the convolution")]
Error = Annotated[
    float, small("error that is allowed, in the maximum norm over inputs in [-1, 1], and probability of failure")
]

_bound = partial(bound, provenance="recalled", count=True, assumes=(_NORM, _LAW), quantity=_CHANNELS)


@bound(
    "dacunha2023.structured.size",
    f"{DACUNHA}, subset-sum theorem",
    quantity="vectors in a subset",
    provenance="recalled",
    assumes=(_SCALED, _TARGET),
    constant="D^3 ln(D / eps)",
    count=True,
)
def scaled_size(*, dimension: Dimension, eps: Quarter, constant: float) -> float:
    """Size of the subsets of products u v that reach a target.

    0 < eps <= 1/4, X_1..X_n i.i.d. normally scaled normal in R^D, n >= k^2, k >= C D^3 ln(D / eps), ||z||_1 <= sqrt k:
    with at least a constant positive probability some |S| = k has ||sum - z||_inf <= eps.

    >>> scaled_size(dimension=2, eps=0.25, constant=1.0)
    17.0
    """
    return constant * float(dimension) ** 3 * math.log(dimension / eps)


@bound(
    "dacunha2023.structured.candidates",
    f"{DACUNHA}, subset-sum theorem",
    quantity="random vectors for one target",
    provenance="recalled",
    assumes=(_SCALED, _TARGET),
    constant="D^3 ln(D / eps), before it is squared",
    count=True,
)
def scaled_candidates(*, dimension: Dimension, eps: Quarter, constant: float) -> float:
    """Products u v that reach a target with constant probability.

    n = k^2 with k = ceil(C D^3 ln(D / eps)), for one target with ||z||_1 <= sqrt k and at least a constant positive
    probability; see dacunha2023.structured.size.

    >>> scaled_candidates(dimension=2, eps=0.25, constant=1.0)
    289.0
    """
    return float(math.ceil(scaled_size.formula(dimension=dimension, eps=eps, constant=constant))) ** 2


@_bound(
    "dacunha2023.structured.layer_channels",
    f"{DACUNHA}, kernel pruning lemma",
    constant="d^12 c1^6 ln^3(d^2 c0 c1 / eps)",
)
def layer_channels(*, kernel: Kernel, outputs: Outputs, inputs: Inputs, eps: Error, constant: float) -> float:
    """Channels of which a structured subset approximates one convolution.

    U in R^(1 x 1 x c0 x 2n c0) with its block mask, V in R^(d x d x 2n c0 x c1), ||K||_1 <= 1, n >= C d^12 c1^6
    ln^3(d^2 c0 c1 / eps): with probability at least 1 - eps channels can be removed so that V * relu(U * X) is within
    eps of K * X for all X in [-1, 1].

    >>> layer_channels(kernel=1, outputs=2, inputs=1, eps=0.01, constant=1.0)
    9520.0
    """
    return structured_channels.formula(
        kernel=kernel, outputs=outputs, inputs=inputs, eps=eps, layers=1, constant=constant
    )


@_bound(
    "dacunha2023.structured.channels",
    f"{DACUNHA}, main theorem",
    constant="d^12 c^6 ln^3(d^2 c c_in l / eps)",
    caveat="unsure: the argument of the logarithm, and whether one target is meant or all of them at once",
)
def structured_channels(
    *,
    kernel: Kernel,
    outputs: Outputs,
    inputs: Inputs,
    eps: Error,
    layers: Annotated[int, whole("layers l of the target")],
    constant: float,
) -> float:
    """Channels of which a structured subset approximates a CNN.

    Source of 2l layers, a 1x1 and a d x d convolution for each layer of the target, n_i >= C d_i^12 c_i^6
    ln^3(d_i^2 c_i c_(i-1) l / eps): with probability at least 1 - eps block masks and removed channels approximate the
    target within eps for all inputs in [-1, 1].

    >>> structured_channels(kernel=1, outputs=2, inputs=1, eps=0.01, layers=1, constant=1.0)
    9520.0
    """
    logarithm = math.log(kernel**2 * outputs * inputs * layers / eps)
    return constant * float(kernel) ** 12 * float(outputs) ** 6 * logarithm**3


@bound(
    "derived.structured.tolerance",
    "this project: an output sums c0 d^2 entries",
    quantity="error of a coordinate",
    provenance="derived",
    assumes=(Assumption(words="inputs lie in [-1, 1]"),),
)
def entry_tolerance(
    *,
    kernel: Annotated[Kernel, FALLS],
    inputs: Annotated[Inputs, FALLS],
    eps: Annotated[float, small("error of the layer that is allowed, in the maximum norm", monotone=1)],
) -> float:
    """Error of each entry of a kernel that keeps its layer within an error.

    An error of eps' = eps / (c0 d^2) in each coordinate of each subset sum is enough.

    An output sums c0 d^2 entries times inputs of at most 1; each entry has one error for the positive part of its input
    and another for the negative one, of which one is always 0.

    >>> entry_tolerance(kernel=5, inputs=2, eps=0.1)
    0.002
    """
    return eps / (inputs * kernel**2)


@bound(
    "derived.structured.overhead",
    "this project: a count of weights",
    quantity="weights for each weight",
    provenance="derived",
    direction="identity",
)
def overhead(
    *,
    n: Annotated[int, whole("half of the random channels for each input channel")],
    kernel: Annotated[Kernel, FALLS],
    outputs: Annotated[Outputs, FALLS],
    inputs: Inputs,
) -> float:
    """Random weights for each weight of the target.

    m / m_t = 2 n (1 + c_in / (d^2 c)) for a pair of layers, before the block mask.

    The dense 1x1 layer has 2 n c_in^2 weights and the other 2 n d^2 c_in c, for d^2 c_in c weights of the target.

    >>> overhead(n=100, kernel=3, outputs=2, inputs=9)
    300.0
    """
    return 2.0 * n * (1.0 + inputs / (kernel**2 * outputs))
