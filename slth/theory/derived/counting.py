"""What counting forbids: each of the subsets serves few targets, and together they must serve enough."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.dense_lower import lower_parameters
from slth.theory.parameters import FREE, Parameter, positive, small, whole

_VOLUMES = "this project: a count of volumes"

Dimension = Annotated[int, whole("numbers of each vector")]
Error = Annotated[float, small("error that is allowed, in the maximum norm")]
Radius = Annotated[float, positive("largest sum of the absolute values of a target", monotone=1)]

_bound = partial(bound, provenance="derived", count=True, direction="necessary")


@_bound(
    "derived.covering.candidates",
    _VOLUMES,
    quantity="random vectors for all targets of a cube",
)
def covering_candidates(
    *,
    dimension: Dimension = 1,
    eps: Error,
    length: Annotated[float, Parameter(meaning="side of the cube of targets", above=0.0, most=1e6, monotone=1)] = 2.0,
) -> float:
    """Vectors of any law that are needed for every target of a cube.

    2^n cubes of side 2 eps must fill the cube of side L of the targets: n >= D log2(L / (2 eps)).

    >>> covering_candidates(dimension=3, eps=0.25, length=2.0)
    6.0
    """
    return max(0.0, dimension * math.log2(length / (2.0 * eps)))


@_bound(
    "derived.structured.counting",
    _VOLUMES,
    quantity="n; the random network has 2n channels for each input channel",
)
def counting_channels(*, dimension: Annotated[Dimension, FREE], eps: Error, radius: Radius = 1.0) -> float:
    """Channels without which no source serves half of all kernels.

    2n channels for one input channel in [-1, 1], targets ||v||_1 <= r in R^D, D = d^2 c, error eps in the maximum norm:
    (r / eps)^D / D! <= 2 * 2^n, so n >= D log2(r / eps) - log2 D! - 1; it says something where eps < e r / D.

    Channels with u > 0 serve the positive part of the input alone, those with u < 0 the negative part: one of the two
    groups has at most n, of whose 2^n subsets each covers a cube of side 2 eps, and half of the ball must be covered.

    >>> counting_channels(dimension=1, eps=2.0**-9)
    8.0
    """
    return max(0.0, dimension * math.log2(radius / eps) - math.lgamma(dimension + 1) / math.log(2.0) - 1.0)


@bound(
    "derived.structured.counting_error",
    _VOLUMES,
    quantity="error in the maximum norm",
    provenance="derived",
    direction="necessary",
)
def counting_error(
    *,
    n: Annotated[int, whole("half of the channels for each input channel", monotone=-1)],
    dimension: Annotated[Dimension, FREE],
    radius: Radius = 1.0,
) -> float:
    """Error that half of all kernels exceed.

    The inverse of derived.structured.counting: eps = r 2^(-(n + 1 + log2 D!) / D).

    >>> counting_error(n=8, dimension=1)
    0.001953125
    """
    bits = n + 1.0 + math.lgamma(dimension + 1) / math.log(2.0)
    return float(radius * 2.0 ** (-bits / dimension))


@_bound(
    "derived.two_layer.width",
    "this project: pensia2020.lower.parameters with the 2 d w weights of two layers",
    quantity="hidden width",
)
def two_layer_width(
    *,
    d: Annotated[int, whole("inputs, and outputs")],
    eps: Annotated[float, small("error of the output over the unit ball")],
) -> float:
    """Width without which two layers cannot serve all linear maps.

    F = {W x: ||W|| <= 1, W in R^(d x d)}, each member served with probability at least 1/2 by a subnetwork of two
    layers of width w: 2 d w >= d^2 log2(1 / (2 eps)) - 1.

    >>> two_layer_width(d=1, eps=2.0**-10)
    4.0
    """
    return lower_parameters.formula(d=d, eps=eps) / (2.0 * d)
