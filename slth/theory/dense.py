"""Dense networks: Pensia and others 2020, the upper bounds."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, small, whole

PENSIA = (
    'A. Pensia, S. Rajput, A. Nagle, H. Vishwakarma and D. Papailiopoulos, "Optimal Lottery Tickets via SubsetSum: '
    'Logarithmic Over-Parameterization is Sufficient", NeurIPS 2020, arXiv 2006.07990'
)

Inputs = Annotated[int, whole("inputs of the layer")]
Outputs = Annotated[int, whole("outputs of the layer")]
Layers = Annotated[int, whole("layers of the target")]
Error = Annotated[float, small("error of the output over the unit ball")]
Failure = Annotated[float, small("probability of failure that is allowed")]
_NORM = Assumption(words="the matrices of the target have norm at most 1")
_LAW = Assumption(words="all random weights are independent, from U[-1, 1]")
_UPPER = (_NORM, _LAW)
_WIDTH = "hidden width"

_bound = partial(bound, provenance="found", count=True, assumes=_UPPER, quantity=_WIDTH)


@_bound(
    "pensia2020.width",
    f"{PENSIA}, Theorem 1",
    constant="d_in ln(d_in d_out l / min(eps, delta))",
    caveat="in restatements by Natale 2024, Otsuka 2025 and Xiong 2023; its hypotheses are recalled, unverified",
)
def pensia_width(*, d_in: Inputs, d_out: Outputs, layers: Layers, eps: Error, delta: Failure, constant: float) -> float:
    """Hidden width for a layer of a dense network.

    Source of 2l layers from U[-1, 1], n_i = C d_(i-1) ln(d_(i-1) d_i l / min(eps, delta)): with probability at least
    1 - delta masks approximate every target of l layers with ||W_i|| <= 1 within eps over the unit ball.

    >>> pensia_width(d_in=500, d_out=10, layers=2, eps=0.01, delta=0.01, constant=1.0)
    6908.0
    """
    return constant * d_in * math.log(d_in * d_out * layers / min(eps, delta))


@_bound(
    "pensia2020.network.width",
    f"{PENSIA}, as restated by Otsuka et al. 2025, Theorem 10",
    constant="d_in ln(4 L d_in d_out / eps)",
)
def network_width(
    *,
    d_in: Inputs,
    d_out: Outputs,
    layers: Layers,
    eps: Annotated[float, small("probability of failure, and about twice the error over the unit ball")],
    constant: float,
) -> float:
    """Hidden width for a layer of a dense network, with an explicit logarithm.

    n_l >= C d_l ln(4 L d_l d_(l+1) / eps): with probability at least 1 - eps the error over ||x|| <= alpha is at most
    exp(alpha eps / 2) - 1.

    >>> network_width(d_in=500, d_out=10, layers=2, eps=0.01, constant=1.0)
    7601.0
    """
    return constant * d_in * math.log(4.0 * layers * d_in * d_out / eps)


@bound(
    "pensia2020.network.error",
    f"{PENSIA}, as restated by Otsuka et al. 2025, Theorem 10",
    quantity="error of the output",
    provenance="found",
    assumes=_UPPER,
)
def network_error(
    *,
    eps: Annotated[float, small("the eps of the widths", monotone=1)],
    radius: Annotated[float, positive("largest norm of an input", least=1.0, most=1000.0, monotone=1)] = 1.0,
) -> float:
    """Error of a dense network of these widths.

    The error over ||x|| <= alpha, alpha >= 1, is at most exp(alpha eps / 2) - 1, for the widths of network.width.

    Networks without biases are homogeneous, so that alpha (exp(eps / 2) - 1) holds for every alpha: it is smaller than
    the published one for alpha > 1, and larger, so that nothing proves the published one, for alpha < 1.

    >>> round(network_error(eps=0.01, radius=1.0), 6)
    0.005013
    """
    return math.expm1(radius * eps / 2.0)


@_bound(
    "pensia2020.layer.width",
    f"{PENSIA}, as restated by Otsuka et al. 2025, Lemma 2",
    constant="d_1 ln(2 d_1 d_2 / eps)",
)
def layer_width(
    *, d_in: Inputs, d_out: Outputs, eps: Annotated[float, small("error, and probability of failure")], constant: float
) -> float:
    """Hidden width for a single layer.

    n >= C d_1 ln(2 d_1 d_2 / eps): with probability at least 1 - eps the error is at most eps.

    >>> layer_width(d_in=500, d_out=10, eps=0.01, constant=1.0)
    6908.0
    """
    return constant * d_in * math.log(2.0 * d_in * d_out / eps)


@_bound(
    "pensia2020.bilinear.width",
    f"{PENSIA}, as restated by Otsuka et al. 2025, Lemmas 4 and 7",
    constant="d_1 ln(d_1 d_2 / eps)",
)
def bilinear_width(
    *,
    d_in: Inputs,
    d_out: Outputs,
    eps: Annotated[float, small("d_1 d_2 times the error of each entry")],
    constant: float,
) -> float:
    """Hidden width for a product of two matrices, no activation between them.

    n >= C d_1 ln(d_1 d_2 / eps): every entry of the masked product is within eps / (d_1 d_2) of W.

    >>> bilinear_width(d_in=500, d_out=10, eps=0.01, constant=1.0)
    6562.0
    """
    return constant * d_in * math.log(d_in * d_out / eps)


@bound(
    "pensia2020.parameters",
    f"{PENSIA}, construction (Natale et al. 2024)",
    quantity="weights",
    provenance="found",
    direction="identity",
    count=True,
)
def source_parameters(
    *, d_in: Inputs, d_out: Outputs, n: Annotated[int, whole("candidates for each sign of each weight")]
) -> float:
    """Random weights before pruning, for one layer of the target.

    m = (2 d_(i-1)^2 + 2 d_(i-1) d_i) n*_i, with n*_i candidates for each sign of each weight.

    >>> source_parameters(d_in=2, d_out=3, n=5)
    100.0
    """
    return float((2 * d_in**2 + 2 * d_in * d_out) * n)


@bound(
    "pensia2020.kept",
    f"{PENSIA}, construction (Natale et al. 2024)",
    quantity="weights",
    provenance="found",
    count=True,
)
def kept_parameters(
    *, d_in: Inputs, d_out: Outputs, size: Annotated[int, whole("numbers that each subset sum keeps")]
) -> float:
    """Weights that are kept at most, for one layer of the target.

    At most 4 d_(i-1) d_i k_i weights are kept, when each subset sum keeps k_i numbers.

    >>> kept_parameters(d_in=2, d_out=3, size=4)
    96.0
    """
    return float(4 * d_in * d_out * size)
