"""What a certificate says, and the box of inputs over which it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Bools, Floats, Indices, frozen
from slth.errors import ArgumentError

Box: TypeAlias = tuple[ArrayLike, ArrayLike]
"""Smallest and largest input."""


@dataclass(frozen=True)
class LayerBounds:
    """What the certificate knows behind one node with weights, over the whole input box.

    Parameters
    ----------
    node : str
        Its name.
    largest_weight_error, median_weight_error : float
        Bounds on the largest and on the median ``|ticket's weight - target's weight|`` over nonzero weights and biases,
        copies of one neuron together.
    value : float
        Bound on the target's largest absolute value behind the node, or behind the ReLU that alone takes it.
    difference : float
        Bound on the largest ``|ticket's value - target's value|`` there.
    norm_bound : float
        The same by norms alone.
    """

    node: str
    largest_weight_error: float
    median_weight_error: float
    value: float
    difference: float
    norm_bound: float


@dataclass(frozen=True)
class AttentionBounds:
    r"""What one attention does to the errors of its scores, over the whole input box.

    Parameters
    ----------
    node : str
        Its name.
    score_error : float
        Bound on the largest error of any score: the theorem's :math:`\varepsilon_{max}`.
    score_spread : float
        Bound on the largest difference between the errors of two scores of one row, :math:`\delta`: at most twice
        ``score_error``, and less where errors have a part in common, which softmax does not see.
    lemma : float
        Bound on what the changed shares of all heads add to any output by the theorem's lemma,
        :math:`4 \varepsilon_{max} \max_s |v_s|` a head.
    moved : float
        The same by :math:`\tanh(\delta / 4) (\max_s v_s - \min_s v_s)`: what the certificate uses.
    """

    node: str
    score_error: float
    score_spread: float
    lemma: float
    moved: float


@dataclass(frozen=True)
class Certificate:
    r"""A proved bound on :math:`\max_x \|ticket(x) - target(x)\|_\infty` over a box of inputs.

    Parameters
    ----------
    error : float
        The bound in real arithmetic: the largest entry of ``per_output``.
    per_output : float64[outputs]
        The bound of each output, in the order of the flattened result.
    norm_bound : float
        The classical bound by products of infinity norms, with the theorem's lemma at attention, for comparison; valid
        too, and usually far larger.
    float64_allowance, float32_allowance : float
        What evaluating both networks in IEEE binary64 or binary32 can add to the observed difference: the target in any
        order of summation, the ticket as any form of :func:`slth.to_torch` does, which sums what is random in binary64.
        ``error + float64_allowance`` is never below a difference that is observed in binary64. An exponential is taken
        to be within 4 units in the last place.
    input_box : tuple of two float64[*input_shape]
        Smallest and largest value of each input.
    layers : tuple of LayerBounds
        The bounds behind each node with weights.
    attention : tuple of AttentionBounds
        What each attention does to errors.
    """

    error: float
    per_output: Floats
    norm_bound: float
    float64_allowance: float
    float32_allowance: float
    input_box: tuple[Floats, Floats]
    layers: tuple[LayerBounds, ...]
    attention: tuple[AttentionBounds, ...] = ()

    @property
    def float32_error(self) -> float:
        """The bound for the modules that :func:`slth.to_torch` gives in float32: error and allowance, rounded up."""
        return math.nextafter(self.error + self.float32_allowance, math.inf)

    def summary(self) -> dict[str, float]:
        """Return the five numbers of the certificate by name."""
        return {
            "error": self.error,
            "float32_error": self.float32_error,
            "norm_bound": self.norm_bound,
            "float64_allowance": self.float64_allowance,
            "float32_allowance": self.float32_allowance,
        }


class Agreeing:
    """What margins around inputs say of both networks' classes."""

    margins: Floats

    @property
    def agrees(self) -> Bools:
        """Whether both networks give the target's class to everything in the ball, as far as is known: bool[inputs]."""
        result: Bools = self.margins > 0.0
        return result

    @property
    def agreement(self) -> float:
        """Share of the inputs around which they do."""
        return float(self.agrees.mean())


@dataclass(frozen=True)
class CertificateAround(Agreeing):
    r"""Proved bounds around each of some inputs: over the ball of a radius in the largest norm, clipped to a box.

    Parameters
    ----------
    errors : float64[inputs]
        Bound on the largest difference of any output over each ball, in real arithmetic.
    margins : float64[inputs]
        Lower bound, over the ball and over both networks, of the value of the class that the target gives to the input
        itself less that of any other class; infinite where there is one output.
    classes : int64[inputs]
        That class: the largest output.
    radius : float
    float64_allowance, float32_allowance : float
        What evaluating both networks can add to the observed difference, the largest over the inputs.
    """

    errors: Floats
    margins: Floats
    classes: Indices
    radius: float
    float64_allowance: float
    float32_allowance: float


def as_box(input_box: Box, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return the checked box as two read-only float64 arrays of the shape of one input."""
    try:
        low, high = (np.array(np.broadcast_to(np.asarray(end, dtype=np.float64), shape)) for end in input_box)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        rule = f"must be two numbers, or two arrays of shape {list(shape)}"
        raise ArgumentError("input_box", input_box, rule, "pass (low, high)") from error
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
        remedy = "pass the range that inputs can take, e.g. (0, 1)"
        raise ArgumentError("input_box", input_box, "must be finite with low <= high", remedy)
    return frozen(low), frozen(high)
