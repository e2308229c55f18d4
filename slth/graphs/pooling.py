"""Maxima and means over windows, as torch has them: padding, ceil_mode, count_include_pad, adaptive sizes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from slth.arrays import Floats, Indices, one_of, truth
from slth.errors import ArgumentError
from slth.graphs.graph import SignKeeping
from slth.graphs.window import Edges, Pair, Shape, Window, as_pair

_LARGEST_PADDING = 2**20

Operation: TypeAlias = Literal["max", "average"]


@dataclass(frozen=True)
class _Pooling(SignKeeping, ABC):
    """What all poolings have in common; a kind says which pixels each output sees, and what a mean divides by."""

    operation: Operation

    @abstractmethod
    def seen(self, size: Pair) -> tuple[Indices, Indices]:
        """Return int64[rows, columns, taps], -1 for nothing, and the divisors int64[rows, columns] of a mean."""

    def _check_operation(self) -> None:
        if not one_of(self.operation, get_args(Operation)):
            raise ArgumentError("operation", self.operation, "is no pooling", 'use "max" or "average"')

    def scratch(self, *shapes: Shape) -> int:
        return shapes[0][0] * self.seen(shapes[0][1:])[0].size

    def forward(self, x: Floats) -> Floats:
        """Pool float64[batch, channels, height, width]."""
        seen, divisors = self.seen(x.shape[2:])
        values = x.reshape(*x.shape[:2], -1)[:, :, seen]
        outside = seen < 0
        if self.operation == "max":
            found: Floats = np.where(outside, -np.inf, values).max(axis=-1) if outside.any() else values.max(axis=-1)
            return found
        total: Floats = np.where(outside, 0.0, values).sum(axis=-1) if outside.any() else values.sum(axis=-1)
        return total / divisors


@dataclass(frozen=True)
class Pool(_Pooling):
    """Maximum or mean of sliding windows.

    Parameters
    ----------
    operation : {"max", "average"}
    kernel, stride, dilation : int or (int, int)
        The stride is the kernel by default, so that windows do not overlap.
    padding : int, (int, int) or ((int, int), (int, int))
        Never a maximum. At most half of the kernel.
    ceil : bool
        Whether a last window may stand over the far edge, if it begins inside.
    count_padding : bool
        Whether a mean divides by the padding's zeros too (never by what lies beyond).

    Raises
    ------
    ArgumentError
        For another operation, or a window that breaks a rule.

    Examples
    --------
    >>> slth.Pool("max", 2).shape((8, 28, 28)), slth.Pool("max", 2, ceil=True).shape((8, 5, 5))
    ((8, 14, 14), (8, 3, 3))
    """

    kernel: Pair = (2, 2)
    stride: Pair | None = None
    padding: Edges = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    ceil: bool = False
    count_padding: bool = True

    def __post_init__(self) -> None:
        self._check_operation()
        window = Window(self.kernel, self.kernel if self.stride is None else self.stride, self.padding, self.dilation)
        for name in ("kernel", "stride", "padding", "dilation"):
            object.__setattr__(self, name, getattr(window, name))
        for name in ("ceil", "count_padding"):
            truth(getattr(self, name), name)
        if any(max(edges) > size // 2 for edges, size in zip(window.padding, window.kernel, strict=True)):
            rule = f"must be at most half of the kernel {window.kernel}"
            raise ArgumentError("padding", self.padding, rule, "pad less")

    def _window(self, size: Pair) -> tuple[Window, Pair]:
        """Return the window with what ``ceil`` adds to the padding, and the rows and columns that are added."""
        window = Window(self.kernel, self.stride or self.kernel, self.padding, self.dilation)
        if not self.ceil:
            return window, (0, 0)
        extra = []
        for extent, edges, step, reach in zip(size, window.padding, window.stride, window.reach, strict=True):
            count = -(-(extent + sum(edges) - reach) // step) + 1
            if (count - 1) * step >= extent + edges[0]:
                count -= 1  # it would begin beyond the image
            extra.append(max(0, (count - 1) * step + reach - extent - sum(edges)))
        (top, bottom), (left, right) = window.padding
        padding = ((top, bottom + extra[0]), (left, right + extra[1]))
        return Window(window.kernel, window.stride, padding, window.dilation), (extra[0], extra[1])

    def shape(self, *shapes: Shape) -> Shape:
        channels, *size = super().shape(*shapes)
        window, _ = self._window((size[0], size[1]))
        outputs = window.output_size((size[0], size[1]))
        if (self.operation == "max" or not self.count_padding) and self._misses(window, (size[0], size[1])):
            rule = "has a window that sees nothing but padding"
            raise ArgumentError("Pool", self, rule, "use a smaller padding or dilation")
        return (channels, *outputs)

    @staticmethod
    def _misses(window: Window, size: Pair) -> bool:
        """Whether a window sees no pixel: it begins in front of the image, and its gaps are wider than that."""
        axes = zip(size, window.padding, window.stride, window.dilation, strict=True)
        return any(
            before > _LARGEST_PADDING
            or (gap > extent and any(begin % gap >= extent for begin in range(-before, 0, step)))
            for extent, (before, _), step, gap in axes
        )

    def seen(self, size: Pair) -> tuple[Indices, Indices]:
        window, extra = self._window(size)
        seen = window.indices(size)
        if not self.count_padding:
            return seen, np.count_nonzero(seen >= 0, axis=-1)
        if not any(extra):
            return seen, np.full(seen.shape[:2], window.taps)
        (top, bottom), (left, right) = window.padding
        counted = np.pad(np.ones(size, np.int64), ((top, bottom - extra[0]), (left, right - extra[1])),
                         constant_values=1)  # fmt: skip
        counted = np.pad(counted, ((0, extra[0]), (0, extra[1])))
        bare = Window(window.kernel, window.stride, 0, window.dilation)  # type: ignore[arg-type]
        divisors = bare.views(counted[None, None])[0, 0].sum(axis=(-2, -1))
        return seen, divisors


@dataclass(frozen=True)
class AdaptivePool(_Pooling):
    """Maximum or mean of as many windows as outputs are asked for: window i of n reaches from i H / n to (i + 1) H / n.

    Parameters
    ----------
    operation : {"max", "average"}
    size : int or (int, int)
        Height and width of the result.

    Raises
    ------
    ArgumentError
        For another operation, or a size below 1.

    Examples
    --------
    >>> slth.AdaptivePool("average", 1).shape((8, 5, 7))
    (8, 1, 1)
    """

    size: Pair = (1, 1)

    def __post_init__(self) -> None:
        self._check_operation()
        object.__setattr__(self, "size", as_pair("size", self.size))

    def shape(self, *shapes: Shape) -> Shape:
        return (super().shape(*shapes)[0], *self.size)

    def seen(self, size: Pair) -> tuple[Indices, Indices]:
        rows, columns = (self._spans(extent, count) for extent, count in zip(size, self.size, strict=True))
        both = np.where(
            (rows[:, None, :, None] >= 0) & (columns[None, :, None, :] >= 0),
            rows[:, None, :, None] * size[1] + columns[None, :, None, :],
            -1,
        )
        seen = both.reshape(*self.size, prod(both.shape[2:]))
        return seen, np.count_nonzero(seen >= 0, axis=-1)

    @staticmethod
    def _spans(extent: int, count: int) -> Any:
        """Return int64[count, longest]: the places that each window covers, -1 behind its end."""
        spans = [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]
        longest = max(stop - start for start, stop in spans)
        places = np.array([start for start, _ in spans])[:, None] + np.arange(longest)
        return np.where(places < np.array([stop for _, stop in spans])[:, None], places, -1)
