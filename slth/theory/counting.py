"""What counting forbids: each of the subsets serves few targets, and together they must serve enough."""

from __future__ import annotations

import math
from dataclasses import replace

from slth.theory.checks import at_least_one, between
from slth.theory.dense_lower import lower_parameters
from slth.theory.nouns import Bound
from slth.theory.parameters import Parameter, small, whole


def covering_candidates(*, dimension: int, eps: float, length: float) -> float:
    r"""Return how many vectors are needed, whatever their law, for all targets in a cube.

    Each of the :math:`2^n` sums serves a cube of side :math:`2\epsilon`, and together they must fill one of side L:

    .. math:: n \ge D \log_2 \frac{L}{2 \epsilon}

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm.
    length : float
        Side L of the cube of targets.

    Returns
    -------
    float
        n, before it is rounded up; at least 0.

    Notes
    -----
    Source: derived in this project by counting volumes; not from a paper.

    Examples
    --------
    >>> covering_candidates(dimension=3, eps=0.25, length=2.0)
    6.0
    """
    return max(0.0, dimension * math.log2(length / (2.0 * eps)))


def counting_channels(dimension: int, eps: float, *, radius: float = 1.0) -> float:
    r"""Return the n below which no source can serve half of all targets.

    It is :math:`(D \log_2(r/\epsilon) - \log_2 D! - 1)/2`: each of the :math:`2^{2n}` subsets of 2n channels covers one
    cube of side :math:`2\epsilon`, and half of the ball :math:`\|v\|_1 \le r` must be covered.

    Parameters
    ----------
    dimension : int
        D.
    eps : float
        Error in the maximum norm.
    radius : float
        r.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ArgumentError
        For a dimension below 1, or a number that is not positive.

    Notes
    -----
    Source: derived in this project by counting volumes; not from a paper.

    Examples
    --------
    >>> counting_channels(1, 2.0**-9)
    4.0
    """
    at_least_one(dimension=dimension)
    between("eps", eps)
    between("radius", radius)
    bits = dimension * math.log2(radius / eps) - math.lgamma(dimension + 1) / math.log(2.0) - 1.0
    return max(0.0, 0.5 * bits)


def counting_error(n: float, dimension: int, *, radius: float = 1.0) -> float:
    r"""Return the error that half of all targets must exceed with n channels: the inverse of :func:`counting_channels`.

    .. math:: \epsilon = r\, 2^{-(2 n + 1 + \log_2 D!)/D}

    Parameters
    ----------
    n : float
        Half of the channels.
    dimension : int
        D.
    radius : float
        r.

    Returns
    -------
    float
        Error in the maximum norm.

    Raises
    ------
    ArgumentError
        As there.

    Notes
    -----
    Source: derived in this project by counting volumes; not from a paper.

    Examples
    --------
    >>> counting_error(4.0, 1)
    0.001953125
    """
    at_least_one(dimension=dimension)
    between("radius", radius)
    between("n", n)
    bits = 2.0 * n + 1.0 + math.lgamma(dimension + 1) / math.log(2.0)
    return float(radius * 2.0 ** (-bits / dimension))


def two_layer_width(*, d: int, eps: float) -> float:
    r"""Return the width without which two layers cannot serve all linear maps.

    The :math:`2^{2 d w}` subnetworks of a network with two layers of width w must be at least
    :math:`\tfrac12 (1 / 2\epsilon)^{d^2}`:

    .. math:: w \ge \frac{d^2 \log_2(1 / 2\epsilon) - 1}{2 d}

    Parameters
    ----------
    d : int
        Inputs, and outputs.
    eps : float
        Error of the output over the unit ball.

    Returns
    -------
    float
        w, before it is rounded up; at least 0.

    Notes
    -----
    Source: derived in this project from the count of Pensia and others 2020, Theorem 2, as found in Natale and others
    2024, by inserting the number of weights of two layers.

    Examples
    --------
    >>> two_layer_width(d=1, eps=2.0**-10)
    4.0
    """
    return lower_parameters(d=d, eps=eps) / (2.0 * d)


_DIMENSION = whole("numbers of each vector")
_NORM = "error that is allowed, in the maximum norm"
_RADIUS = Parameter(
    meaning="largest sum of the absolute values of a target", least=1e-6, most=1e6, monotone=1, default=1.0
)
_VOLUMES = "this project: a count of volumes"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="derived.covering.candidates",
        title="vectors of any law that are needed for every target of a cube",
        citation=_VOLUMES,
        statement="2^n cubes of side 2 eps must fill the cube of side L of the targets: n >= D log2(L / (2 eps)).",
        quantity="random vectors for all targets of a cube",
        direction="necessary",
        provenance="derived",
        formula=covering_candidates,
        parameters={
            "dimension": replace(_DIMENSION, default=1),
            "eps": small(_NORM),
            "length": Parameter(meaning="side of the cube of targets", above=0.0, most=1e6, monotone=1, default=2.0),
        },
        count=True,
    ),
    Bound(
        key="derived.structured.counting",
        title="channels without which no source serves half of all kernels",
        citation=_VOLUMES,
        statement=(
            "2n channels for one input channel, targets ||v||_1 <= r in R^D, D = d^2 c, error eps in the maximum norm: "
            "(r / eps)^D / D! <= 2 * 2^(2n), so n >= (1/2) [ D log2(r / eps) - log2 D! - 1 ]; it says something where "
            "eps < e r / D."
        ),
        quantity="n; the random network has 2n channels for each input channel",
        direction="necessary",
        provenance="derived",
        formula=counting_channels,
        parameters={"dimension": replace(_DIMENSION, monotone=0), "eps": small(_NORM), "radius": _RADIUS},
        count=True,
    ),
    Bound(
        key="derived.structured.counting_error",
        title="error that half of all kernels exceed",
        citation=_VOLUMES,
        statement="The inverse of derived.structured.counting: eps = r 2^(-(2 n + 1 + log2 D!) / D).",
        quantity="error in the maximum norm",
        direction="necessary",
        provenance="derived",
        formula=counting_error,
        parameters={
            "n": whole("half of the channels for each input channel", monotone=-1),
            "dimension": replace(_DIMENSION, monotone=0),
            "radius": _RADIUS,
        },
    ),
    Bound(
        key="derived.two_layer.width",
        title="width without which two layers cannot serve all linear maps",
        citation="this project: pensia2020.lower.parameters with the 2 d w weights of two layers",
        statement=(
            "F = {W x: ||W|| <= 1, W in R^(d x d)}, each member served with probability at least 1/2 by a subnetwork "
            "of two layers of width w: 2 d w >= d^2 log2(1 / (2 eps)) - 1."
        ),
        quantity="hidden width",
        direction="necessary",
        provenance="derived",
        formula=two_layer_width,
        parameters={"d": whole("inputs, and outputs"), "eps": small("error of the output over the unit ball")},
        count=True,
    ),
)
