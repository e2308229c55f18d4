"""The target side of convolutional networks: convolutions with their weights, as plain float64 arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from slth.errors import ArgumentError
from slth.tickets.geometry import ImageShape, Pair, Window, as_image_shape, convolve
from slth.tickets.network import Activation, Floats, check_activation, finite_array
from slth.tickets.steps import Place, run, walk

_BATCH_VALUES = 2**22  # window elements of the widest layer at a time: 32 MiB


@dataclass(frozen=True, eq=False)
class ConvLayer:
    r"""One convolution, :math:`x \mapsto \sigma(K * x + b)`; a linear layer is one of size 1 on an image of one pixel.

    Parameters
    ----------
    weight : float64[outputs, inputs / groups, height, width]
        Finite; copied, and read-only from then on.
    bias : float64[outputs] or None
        Finite; None for a layer without biases.
    activation : {"relu", "identity"}
        :math:`\sigma`, elementwise.
    stride, padding : int or (int, int)
    groups : int
        Input and output channels fall into so many groups, each seeing its own inputs only.

    Raises
    ------
    ArgumentError
        For a wrong shape, an empty axis, a number that is not finite, or another activation.

    Examples
    --------
    >>> ConvLayer(np.ones((8, 1, 3, 3)), padding=1).output_shape((1, 28, 28))
    (8, 28, 28)
    """

    weight: Floats
    bias: Floats | None = None
    activation: Activation = "relu"
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1

    def __post_init__(self) -> None:
        weight = finite_array("weight", self.weight, axes=4)
        object.__setattr__(self, "weight", weight)
        window = Window(weight.shape[2:], self.stride, self.padding)
        object.__setattr__(self, "stride", window.stride)
        object.__setattr__(self, "padding", window.padding)
        if self.bias is not None:
            bias = finite_array("bias", self.bias, axes=1)
            if bias.shape != (weight.shape[0],):
                raise ArgumentError("bias", list(bias.shape), f"must have shape [{weight.shape[0]}]", "one an output")
            object.__setattr__(self, "bias", bias)
        check_activation(self.activation)
        check_groups(self.groups, self.outputs)

    @property
    def inputs(self) -> int:
        """Number of input channels."""
        return int(self.weight.shape[1]) * self.groups

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return int(self.weight.shape[0])

    @property
    def window(self) -> Window:
        """The window that slides."""
        height, width = self.weight.shape[2:]
        return Window((height, width), self.stride, self.padding)

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Channels, height and width of the result; ArgumentError for another number of channels."""
        check_channels(shape, self.inputs)
        return (self.outputs, *self.window.output_size(shape[1:]))

    def affine(self, x: Floats) -> Floats:
        """Return K * x + b for float64[batch, inputs, height, width]."""
        result = convolve(x, self.weight, self.window, groups=self.groups)
        if self.bias is not None:
            result += self.bias[:, None, None]
        return result


@dataclass(frozen=True, eq=False)
class ConvNetwork:
    """A network of convolutions: what a construction approximates.

    Parameters
    ----------
    input_shape : (channels, height, width)
    steps : sequence of ConvLayer, Pool, Flatten, Branch, Swap and Join
        At least one ConvLayer; stored as a tuple.

    Raises
    ------
    ArgumentError
        When steps do not fit together.

    Examples
    --------
    >>> network = ConvNetwork((1, 2, 2), [ConvLayer(np.ones((1, 1, 2, 2)), [-1.0])])
    >>> network.forward(np.ones((1, 1, 2, 2))).tolist()
    [[[[3.0]]]]
    """

    input_shape: ImageShape
    steps: Sequence[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", as_image_shape("input_shape", self.input_shape))
        object.__setattr__(self, "steps", tuple(self.steps))
        self.places()
        if not self.layers:
            raise ArgumentError("steps", "no ConvLayer", "has no weights to approximate", "add a convolution")

    @property
    def layers(self) -> tuple[ConvLayer, ...]:
        """The convolutions, in order."""
        return tuple(step for step in self.steps if isinstance(step, ConvLayer))

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.weight.size + (0 if layer.bias is None else layer.bias.size) for layer in self.layers)

    def places(self, *, nonnegative: bool = False) -> tuple[Place, ...]:
        """Return where each step stands, given whether the inputs are never negative."""
        return tuple(walk(self.steps, self.input_shape, nonnegative=nonnegative))

    @property
    def output_shape(self) -> ImageShape:
        """Channels, height and width of the result."""
        return self.places()[-1].gives

    def forward(self, x: ArrayLike) -> Floats:
        """Evaluate the network in float64.

        Parameters
        ----------
        x : float64[batch, channels, height, width]
            Finite.

        Returns
        -------
        float64[batch, channels, height, width]

        Raises
        ------
        ArgumentError
            For another shape, or a number that is not finite.
        """
        images = images_of(x, self.input_shape)
        step = max(1, _BATCH_VALUES // widest(self.places()))
        parts = [
            run(self.steps, images[first : first + step], lambda number, part: self.steps[number].affine(part))
            for first in range(0, max(len(images), 1), step)
        ]
        return np.concatenate(parts)


def widest(places: Sequence[Place]) -> int:
    """Return how many window elements of one example the largest convolution sees."""
    return max(
        int(place.takes[0]) * prod(place.gives[1:]) * int(prod(place.step.window.kernel))
        for place in places
        if hasattr(place.step, "window")
    )


def images_of(x: ArrayLike, shape: ImageShape) -> Floats:
    """Return ``x`` as finite float64[batch, channels, height, width], or raise ArgumentError."""
    images = np.asarray(x)
    if images.dtype.kind not in "fiub":
        raise ArgumentError("x", str(images.dtype), "is not a dtype of real numbers", "convert to float64 first")
    if images.ndim != 4 or images.shape[1:] != shape:
        rule = f"must have shape [batch, {', '.join(map(str, shape))}]"
        raise ArgumentError("x", list(images.shape), rule, "one example is a batch of 1")
    floats: Floats = images.astype(np.float64, copy=False)
    if not np.isfinite(floats).all():
        raise ArgumentError("x", "NaN or infinity", "must be finite", "remove NaN and infinities")
    return floats


def check_channels(shape: ImageShape, inputs: int) -> None:
    """Raise ArgumentError unless an image has so many channels."""
    if shape[0] != inputs:
        rule = f"must be the {shape[0]} channels that come in"
        raise ArgumentError("inputs", inputs, rule, "give both the same size")


def check_groups(groups: Any, *sizes: int) -> None:
    """Raise ArgumentError unless ``groups`` divides the numbers of channels."""
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1 or any(size % groups for size in sizes):
        raise ArgumentError("groups", groups, f"must divide the numbers of channels {sizes}", "use 1")
