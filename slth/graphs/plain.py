"""Steps without weights: ReLU, sums, concatenations, rearrangements, and constants that say where a value stands."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from slth.arrays import Floats, Indices, frozen
from slth.errors import ArgumentError
from slth.graphs.graph import SignKeeping, Step
from slth.graphs.window import Shape, as_shape

_AXIS = 2**31


@dataclass(frozen=True)
class Relu(Step):
    """Maximum of each number and 0.

    Examples
    --------
    >>> import numpy as np
    >>> slth.Relu().forward(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def nonnegative(self, *_: bool) -> bool:
        return True

    def forward(self, x: Floats) -> Floats:
        """Return max(x, 0)."""
        return np.maximum(x, 0.0)


@dataclass(frozen=True)
class Add(SignKeeping):
    """Sum of two or more values of one shape: a residual connection.

    Examples
    --------
    >>> slth.Add().shape((8, 4, 4), (8, 4, 4))
    (8, 4, 4)
    """

    def shape(self, *shapes: Shape) -> Shape:
        if len(shapes) < 2 or len(set(shapes)) != 1:
            raise ArgumentError("Add", shapes, "must have two or more inputs of one shape", "match their shapes")
        return shapes[0]

    def forward(self, x: Floats, *others: Floats) -> Floats:
        """Add from left to right."""
        for other in others:
            x = x + other
        return x


@dataclass(frozen=True)
class Concat(SignKeeping):
    """The channels of two or more values of one height and width, one behind the other.

    Examples
    --------
    >>> slth.Concat().shape((8, 4, 4), (2, 4, 4))
    (10, 4, 4)
    """

    def shape(self, *shapes: Shape) -> Shape:
        if len(shapes) < 2 or len({shape[1:] for shape in shapes}) != 1:
            raise ArgumentError("Concat", shapes, "must have two or more inputs of one height and width", "match them")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])

    def forward(self, *parts: Floats) -> Floats:
        """Concatenate along the channels."""
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Flatten(SignKeeping):
    """Make every number a channel of an image of one pixel, so that a linear layer is a convolution of size 1.

    Examples
    --------
    >>> slth.Flatten().shape((16, 7, 7))
    (784, 1, 1)
    """

    def shape(self, *shapes: Shape) -> Shape:
        return (prod(super().shape(*shapes)), 1, 1)

    def indices(self, shape: Shape) -> Indices:
        """Return which input each output is."""
        return np.arange(prod(shape))

    def forward(self, x: Floats) -> Floats:
        """Reshape float64[batch, channels, height, width]."""
        return x.reshape(len(x), -1, 1, 1)


@dataclass(frozen=True)
class Rearrange(SignKeeping):
    r"""Every output is one of the inputs, or 0: slices, transpositions, zero padding, reshaping, shuffled channels.

    The outputs, in row-major order, are counted by digits :math:`i_1, i_2, ...` below ``sizes``; output i is the input
    number :math:`offset + \sum_m strides_m i_m` where :math:`low_m \le i_m < high_m` for all m, and 0 elsewhere.

    Parameters
    ----------
    to : (channels, height, width)
        Shape of the result.
    sizes : tuple of int
        With the product of ``to``.
    strides : tuple of int
        One for each size; may be negative or 0.
    offset : int
    low, high : tuple of int
        Where outputs are inputs; 0 and the sizes where left out.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> import numpy as np
    >>> every_other = slth.Rearrange((1, 1, 2), (2,), (2,))
    >>> every_other.forward(np.array([[[[5.0, 6.0, 7.0, 8.0]]]])).tolist()
    [[[[5.0, 7.0]]]]
    >>> padded = slth.Rearrange((3, 1, 1), (3,), (1,), offset=-1, low=(1,), high=(3,))
    >>> padded.forward(np.array([[[[5.0]], [[6.0]]]])).ravel().tolist()
    [0.0, 5.0, 6.0]
    """

    to: Shape
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    low: tuple[int, ...] = ()
    high: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "to", as_shape("to", self.to))
        for name in ("sizes", "strides", "low", "high"):
            object.__setattr__(self, name, self._integers(name, getattr(self, name)))
        object.__setattr__(self, "low", self.low or (0,) * len(self.sizes))
        object.__setattr__(self, "high", self.high or self.sizes)
        if not isinstance(self.offset, int) or isinstance(self.offset, bool) or abs(self.offset) > 2**62:
            raise ArgumentError("offset", self.offset, "must be an integer", "pass a Python int")
        if not len(self.sizes) == len(self.strides) == len(self.low) == len(self.high):
            raise ArgumentError("sizes", self.sizes, "must have one stride, low and high each", "match their lengths")
        if min(self.sizes, default=1) < 1 or prod(self.sizes) != prod(self.to):
            raise ArgumentError("sizes", self.sizes, f"must multiply to the {prod(self.to)} outputs", "match them")
        bounds = zip(self.low, self.high, self.sizes, strict=True)
        if not all(0 <= low < high <= size for low, high, size in bounds):
            raise ArgumentError("low", (self.low, self.high), f"must lie within the sizes {self.sizes}", "match them")

    @staticmethod
    def _integers(name: str, given: object) -> tuple[int, ...]:
        numbers = tuple(given) if isinstance(given, list | tuple) else (None,)
        if any(isinstance(one, bool) or not isinstance(one, int) or abs(one) > _AXIS for one in numbers):
            raise ArgumentError(name, given, "must be a tuple of integers", "pass Python ints")
        return numbers

    def shape(self, *shapes: Shape) -> Shape:
        size = prod(super().shape(*shapes))
        ends = [
            (stride * low, stride * (high - 1))
            for stride, low, high in zip(self.strides, self.low, self.high, strict=True)
        ]
        first = self.offset + sum(min(pair) for pair in ends)
        last = self.offset + sum(max(pair) for pair in ends)
        if first < 0 or last >= size:
            rule = f"reads numbers {first} to {last} of an input that has {size}"
            raise ArgumentError("Rearrange", self.to, rule, "match it to its input")
        return self.to

    def indices(self, shape: Shape) -> Indices:
        """Return int64[outputs]: which input each output is, -1 where it is 0."""
        del shape
        total = np.full((), self.offset, np.int64)
        inside = np.ones((), np.bool_)
        for size, stride, low, high in zip(self.sizes, self.strides, self.low, self.high, strict=True):
            digit = np.arange(size)
            total = total[..., None] + stride * digit
            inside = inside[..., None] & (digit >= low) & (digit < high)
        return frozen(np.where(inside, total, -1).reshape(-1))

    def forward(self, x: Floats) -> Floats:
        """Pick from float64[batch, channels, height, width]."""
        flat, picked = x.reshape(len(x), -1), self.indices(x.shape[1:])
        found = flat[:, picked]
        found[:, picked < 0] = 0.0
        return found.reshape(len(x), *self.to)


def rearrangement(indices: Indices, to: Shape) -> Rearrange | None:
    """Return the Rearrange whose outputs are the given inputs, or None where their pattern is no such one.

    Parameters
    ----------
    indices : int64[...]
        Which input each output is, -1 where it is 0. Its axes become the digits, so that an output is looked for where
        each axis has one stride.
    to : (channels, height, width)

    Examples
    --------
    >>> import numpy as np
    >>> slth.graphs.rearrangement(np.array([[0, 2], [1, 3]]), (2, 1, 2)).strides
    (1, 2)
    """
    sizes = tuple(size for size in indices.shape if size != 1) or (1,)
    known = indices.reshape(sizes)
    places = np.argwhere(known >= 0)
    if not len(places):
        return None
    low, high = places.min(axis=0), places.max(axis=0) + 1
    box = known[tuple(slice(first, last) for first, last in zip(low, high, strict=True))]
    corner = (0,) * box.ndim
    strides = [
        int(box[(*corner[:axis], 1, *corner[axis + 1 :])] - box[corner]) if size > 1 else 0
        for axis, size in enumerate(box.shape)
    ]
    offset = int(box[corner]) - int(sum(stride * first for stride, first in zip(strides, low.tolist(), strict=True)))
    found = Rearrange(to, sizes, tuple(strides), offset, tuple(low.tolist()), tuple(high.tolist()))
    return found if np.array_equal(found.indices(to), indices.reshape(-1)) else None


@dataclass(frozen=True)
class Positions(Step):
    """One channel for each pixel of the input, 1 at that pixel and 0 elsewhere: a constant that says where one is.

    With it a learned encoding of places is a convolution of size 1. The input gives its height and width alone.

    Examples
    --------
    >>> slth.Positions().shape((5, 1, 3))
    (3, 1, 3)
    """

    def shape(self, *shapes: Shape) -> Shape:
        _, height, width = super().shape(*shapes)
        return (height * width, height, width)

    def nonnegative(self, *_: bool) -> bool:
        return True

    def forward(self, x: Floats) -> Floats:
        """Return float64[batch, height * width, height, width]."""
        count = x.shape[2] * x.shape[3]
        return np.broadcast_to(np.eye(count).reshape(count, *x.shape[2:]), (len(x), count, *x.shape[2:]))
