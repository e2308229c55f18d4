"""What a certificate says, and the box of inputs over which it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.interval import Array
from slth.errors import ArgumentError


@dataclass(frozen=True)
class LayerBounds:
    """What the certificate knows behind one layer, over the whole input box.

    Parameters
    ----------
    layer : int
        Number of the layer, from 0; among the layers with weights.
    largest_weight_error, median_weight_error : float
        Bounds on the largest and on the median |ticket's weight - target's weight| over nonzero weights and biases,
        copies of one neuron together.
    value : float
        Bound on the target's largest absolute value behind the activation.
    difference : float
        Bound on the largest |ticket's value - target's value| behind the activation.
    norm_bound : float
        The same by norms alone.
    """

    layer: int
    largest_weight_error: float
    median_weight_error: float
    value: float
    difference: float
    norm_bound: float


@dataclass(frozen=True)
class Certificate:
    r"""A proved bound on :math:`\max_x \|ticket(x) - target(x)\|_\infty` over a box of inputs.

    Parameters
    ----------
    error : float
        The bound in real arithmetic: the largest entry of ``per_output``.
    per_output : float64[outputs]
        The bound of each output; those of a convolutional network in the order of its flattened result.
    norm_bound : float
        The classical bound by products of infinity norms, for comparison; valid too, and usually far larger.
    float64_allowance, float32_allowance : float
        What evaluating both networks in IEEE binary64 or binary32 can add to the observed difference, in any order of
        summation: ``error + float64_allowance`` is never below a difference that is observed in binary64.
    input_box : tuple of two float64[inputs] or float64[channels, height, width]
        Smallest and largest value of each input.
    layers : tuple of LayerBounds
        The bounds behind each layer.
    """

    error: float
    per_output: Array
    norm_bound: float
    float64_allowance: float
    float32_allowance: float
    input_box: tuple[Array, Array]
    layers: tuple[LayerBounds, ...]

    def summary(self) -> dict[str, float]:
        """Return the four numbers of the certificate by name."""
        return {
            "error": self.error,
            "norm_bound": self.norm_bound,
            "float64_allowance": self.float64_allowance,
            "float32_allowance": self.float32_allowance,
        }


def as_box(input_box: tuple[ArrayLike, ArrayLike], shape: int | tuple[int, ...]) -> tuple[Array, Array]:
    """Return the checked box as two read-only float64 arrays of the shape of one input."""
    try:
        low, high = (np.array(np.broadcast_to(np.asarray(end, dtype=np.float64), shape)) for end in input_box)
    except (TypeError, ValueError) as error:
        sizes = f"{shape} numbers" if isinstance(shape, int) else f"shape {list(shape)}"
        raise ArgumentError(
            "input_box", input_box, f"must be two numbers, or two arrays of {sizes}", "pass (low, high)"
        ) from error
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
        raise ArgumentError(
            "input_box",
            input_box,
            "must be finite with low <= high",
            "pass the range that inputs can take, e.g. (0, 1)",
        )
    low.flags.writeable = high.flags.writeable = False
    return low, high
