"""Convolutions, the one kind of step with weights: a linear layer is one of size 1 on an image of one pixel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from slth.arrays import Floats, Indices, finite_array, truth, whole
from slth.errors import ArgumentError
from slth.graphs.graph import Step
from slth.graphs.window import Edges, Pair, Shape, Window, convolve


@dataclass(frozen=True)
class ConvShape:
    """A convolution without its numbers: what a layer of the target and the random pair in its place have in common.

    Parameters
    ----------
    inputs, outputs : int
        Channels that come in and go out.
    window : Window
    groups : int
        Input and output channels fall into so many groups, each seeing its own inputs only; divides both numbers.
    bias : bool
        Whether each output has a constant of its own.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> slth.graphs.ConvShape(1, 8, slth.graphs.Window((3, 3), padding=1)).output_shape((1, 28, 28))
    (8, 28, 28)
    """

    inputs: int
    outputs: int
    window: Window
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "groups"):
            object.__setattr__(self, name, whole(getattr(self, name), name, 1, 2**62))
        if self.inputs % self.groups or self.outputs % self.groups:
            rule = f"must divide the numbers of channels {(self.inputs, self.outputs)}"
            raise ArgumentError("groups", self.groups, rule, "use 1")
        truth(self.bias, "bias")

    @property
    def sources(self) -> int:
        """Channels that come in and, with a bias, one more for each group that is 1 everywhere."""
        return self.inputs + (self.groups if self.bias else 0)

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights: [outputs, inputs / groups, height, width]."""
        return (self.outputs, self.inputs // self.groups, *self.window.kernel)

    @property
    def dimensions(self) -> int:
        """Weights that one source has for all outputs of its group."""
        return self.outputs // self.groups * self.window.taps

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return prod(self.kernel_shape) + (self.outputs if self.bias else 0)

    def groups_of(self, sources: Indices) -> Indices:
        """Return the groups that sources feed."""
        return np.where(sources < self.inputs, sources // (self.inputs // self.groups), sources - self.inputs)

    def kernel_of(self, slices: Floats) -> Floats:
        """Return weights [outputs, inputs / groups, height, width] from the rows that :meth:`slices_of` gives."""
        each = self.outputs // self.groups
        parts = slices.reshape(self.groups, self.inputs // self.groups, each, *self.window.kernel).swapaxes(1, 2)
        return np.ascontiguousarray(parts.reshape(self.kernel_shape))

    def slices_of(self, kernel: Floats) -> Floats:
        """Return float64[inputs, dimensions]: the weights that one input channel has for the outputs of its group."""
        by_group = kernel.reshape(self.groups, self.outputs // self.groups, -1, self.window.taps).swapaxes(1, 2)
        return np.ascontiguousarray(by_group.reshape(self.inputs, -1))

    def output_shape(self, shape: Shape) -> Shape:
        """Channels, height and width of the result; ArgumentError for another number of channels."""
        if shape[0] != self.inputs:
            rule = f"must be the {shape[0]} channels that come in"
            raise ArgumentError("inputs", self.inputs, rule, "give both the same size")
        return (self.outputs, *self.window.output_size(shape[1:]))

    def scratch(self, shape: Shape) -> int:
        """Numbers of all windows for one example."""
        _, rows, columns = self.output_shape(shape)
        return shape[0] * rows * columns * self.window.taps


class Weighted(Step):
    """A convolution, or random layers in the place of one: what it sees is said by its geometry."""

    weighted: ClassVar[bool] = True
    geometry: Any

    def shape(self, *shapes: Shape) -> Shape:
        return self.geometry.output_shape(super().shape(*shapes))  # type: ignore[no-any-return]

    def multiply_adds(self, *shapes: Shape) -> int:
        weights: tuple[int, ...] = self.geometry.kernel_shape
        return prod(weights) * prod(self.shape(*shapes)[1:])

    def scratch(self, *shapes: Shape) -> int:
        return self.geometry.scratch(*shapes)  # type: ignore[no-any-return]

    def nonnegative(self, *_: bool) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class Conv(Weighted):
    r"""One convolution, :math:`x \mapsto K * x + b` (cross-correlation, as the field has it).

    Parameters
    ----------
    weight : float64[outputs, inputs / groups, height, width], or [outputs, inputs]
        Finite; copied, and read-only from then on. Two axes stand for a linear layer, a kernel of size 1.
    bias : float64[outputs] or None
        Finite; None for a layer without biases.
    stride, padding, dilation : int or (int, int)
        As :class:`Window` has them; the padding may differ on the two sides.
    groups : int

    Raises
    ------
    ArgumentError
        For a wrong shape, an empty axis, or a number that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> slth.Conv(np.ones((8, 1, 3, 3)), padding=1).shape((1, 28, 28))
    (8, 28, 28)
    >>> slth.Conv([[1.0, -2.0]], [0.5]).forward(np.array([3.0, 1.0]).reshape(1, 2, 1, 1)).tolist()
    [[[[1.5]]]]
    """

    weight: Floats
    bias: Floats | None = None
    stride: Pair = (1, 1)
    padding: Edges = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        remedy = "pass [outputs, inputs / groups, height, width]"
        weight = finite_array(self.weight, "weight", axes=(2, 4), empty=False, remedy=remedy)
        weight = weight if weight.ndim == 4 else weight[:, :, None, None]
        object.__setattr__(self, "weight", weight)
        window = Window(weight.shape[2:], self.stride, self.padding, self.dilation)
        for name in ("stride", "padding", "dilation"):
            object.__setattr__(self, name, getattr(window, name))
        if self.bias is not None:
            bias = finite_array(self.bias, "bias", axes=1, remedy="one number an output")
            if bias.shape != (weight.shape[0],):
                raise ArgumentError("bias", list(bias.shape), f"must have shape [{weight.shape[0]}]", "one an output")
            object.__setattr__(self, "bias", bias)
        object.__setattr__(self, "groups", whole(self.groups, "groups", 1, 2**31))
        _ = self.geometry  # checks the groups

    @property
    def window(self) -> Window:
        """The window that slides."""
        return Window(self.weight.shape[2:], self.stride, self.padding, self.dilation)

    @property
    def geometry(self) -> ConvShape:
        """The convolution without its numbers."""
        outputs, inputs = self.weight.shape[:2]
        return ConvShape(inputs * self.groups, outputs, self.window, self.groups, self.bias is not None)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.weight.size + (0 if self.bias is None else self.bias.size)

    def forward(self, x: Floats) -> Floats:
        """Return K * x + b for float64[batch, inputs, height, width]."""
        result = convolve(x, self.weight, self.window, groups=self.groups)
        if self.bias is not None:
            result += self.bias[:, None, None]
        return result

    def constant(self, size: Pair) -> Floats | None:
        """Return float64[outputs, height, width]: the biases at a tap that never leaves an image, None where all do."""
        tap = self.window.inner_tap(size)
        if tap is None:
            return None
        kernel = np.zeros((len(self.weight), *self.window.kernel))
        kernel[:, tap[0], tap[1]] = 0.0 if self.bias is None else self.bias
        return kernel
