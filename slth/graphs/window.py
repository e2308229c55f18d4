"""Sliding windows: which inputs each output of a convolution or a pooling sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slth.arrays import Floats, Indices, frozen
from slth.errors import ArgumentError

Pair: TypeAlias = tuple[int, int]
Edges: TypeAlias = tuple[Pair, Pair]
Shape: TypeAlias = tuple[int, int, int]

_LARGEST = 2**31  # of a window's numbers: the places of any image that fits into memory stay within 64 bits


@dataclass(frozen=True)
class Window:
    """A window that slides over the last two axes of an image.

    Parameters
    ----------
    kernel, stride, dilation : (int, int)
        Height and width of the window, its steps, and the steps between its taps; each >= 1.
    padding : int, (int, int) or ((int, int), (int, int))
        Zeros around the image: rows above and below, columns left and right; one number or two stand for both sides.
        Stored in the last form.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> slth.graphs.Window((3, 3), padding=1).output_size((28, 28))
    (28, 28)
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Edges = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "dilation"):
            object.__setattr__(self, name, as_pair(name, getattr(self, name)))
        object.__setattr__(self, "padding", as_edges("padding", self.padding))

    @property
    def taps(self) -> int:
        """Numbers of one window in one channel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def reach(self) -> Pair:
        """Height and width that the window spans, the gaps of its dilation counted."""
        first, second = ((size - 1) * gap + 1 for size, gap in zip(self.kernel, self.dilation, strict=True))
        return first, second

    def output_size(self, size: Pair) -> Pair:
        """Height and width of the result; ArgumentError where the window does not fit the image."""
        first, second = (
            (extent + sum(edges) - reach) // step + 1 if extent + sum(edges) >= reach else 0
            for extent, edges, reach, step in zip(size, self.padding, self.reach, self.stride, strict=True)
        )
        if first < 1 or second < 1:
            rule = f"does not fit an image of {size[0]} x {size[1]} padded by {self.padding}"
            raise ArgumentError("kernel", self.kernel, rule, "use a smaller window or a larger image")
        return first, second

    def inner_tap(self, size: Pair) -> Pair | None:
        """Place in the window that lies inside the image wherever the window stands, or None where none does.

        It is the one nearest to the corner of the image: there an image of ones carries a bias.
        """
        found = []
        every = zip(size, self.output_size(size), self.padding, self.stride, self.dilation, self.kernel, strict=True)
        for extent, count, (before, _), step, gap, taps in every:
            tap = -(-before // gap)
            if tap >= taps or (count - 1) * step + tap * gap - before >= extent:
                return None
            found.append(tap)
        return found[0], found[1]

    def views(self, images: NDArray[Any], *, fill: float = 0.0) -> NDArray[Any]:
        """Return the windows, as a view [batch, channels, rows, columns, kernel height, kernel width]."""
        rows, columns = self.padding
        if any(rows) or any(columns):
            images = np.pad(images, ((0, 0), (0, 0), rows, columns), constant_values=fill)
        every = np.lib.stride_tricks.sliding_window_view(images, self.reach, axis=(2, 3))
        steps, gaps = self.stride, self.dilation
        return every[:, :, :: steps[0], :: steps[1], :: gaps[0], :: gaps[1]]

    def indices(self, size: Pair) -> Indices:
        """Return int64[rows, columns, taps]: which input of one channel each output sees, -1 in the padding."""
        return _indices(self, size)


@lru_cache(maxsize=64)
def _indices(window: Window, size: Pair) -> Indices:
    numbers = np.arange(size[0] * size[1], dtype=np.int64).reshape(1, 1, *size)
    seen = window.views(numbers, fill=-1)[0, 0]
    return frozen(seen.reshape(*seen.shape[:2], -1))


def convolve(images: Floats, weight: Floats, window: Window, *, groups: int = 1) -> Floats:
    """Cross-correlate images [batch, channels, height, width] with weight [outputs, channels / groups, *kernel]."""
    outputs = len(weight)
    if window.taps == 1 and groups == 1 and images.shape[2:] == (1, 1) and window.padding == ((0, 0), (0, 0)):
        product: Floats = images[:, :, 0, 0] @ weight[:, :, 0, 0].T  # a linear layer
        return product[:, :, None, None]
    views = window.views(images)
    batch, _, rows, columns = views.shape[:4]
    if groups == 1:
        together = np.tensordot(views, weight, axes=((1, 4, 5), (1, 2, 3)))  # [batch, rows, columns, outputs]
        return np.ascontiguousarray(np.moveaxis(together, 3, 1))
    seen = views.reshape(batch, groups, -1, rows, columns, *window.kernel)
    by_group = seen.transpose(1, 0, 3, 4, 2, 5, 6).reshape(groups, batch * rows * columns, -1)
    kernels = weight.reshape(groups, outputs // groups, -1)
    parts = by_group @ kernels.swapaxes(1, 2)  # [groups, batch * rows * columns, outputs of a group]
    found = parts.reshape(groups, batch, rows, columns, -1).transpose(1, 0, 4, 2, 3)
    return np.ascontiguousarray(found.reshape(batch, outputs, rows, columns))


def as_pair(name: str, given: Any, least: int = 1) -> Pair:
    """Return two integers of at least ``least`` from one or two, or raise ArgumentError."""
    pair = (given, given) if isinstance(given, int) else given
    try:
        first, second = pair
    except (TypeError, ValueError):
        raise ArgumentError(name, given, "must be one or two integers", "pass (3, 3)") from None
    for part in (first, second):
        if isinstance(part, bool) or not isinstance(part, int) or not least <= part < _LARGEST:
            raise ArgumentError(name, given, f"must be integers of at least {least}", "pass Python ints")
    return first, second


def as_edges(name: str, given: Any) -> Edges:
    """Return what stands on both sides of both axes, from one number, two, or two pairs; or raise ArgumentError."""
    if isinstance(given, int):
        given = (given, given)
    try:
        rows, columns = given
    except (TypeError, ValueError):
        rule = "must be an integer, two, or two pairs of them"
        raise ArgumentError(name, given, rule, "pass 1, (1, 1) or ((1, 1), (1, 1))") from None
    return as_pair(name, rows, least=0), as_pair(name, columns, least=0)


def as_shape(name: str, given: Any) -> Shape:
    """Return (channels, height, width) as positive Python ints, or raise ArgumentError."""
    try:
        shape = tuple(given)
    except TypeError:
        shape = ()
    if len(shape) != 3 or any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in shape):
        raise ArgumentError(name, given, "must be (channels, height, width)", "pass input_shape=(1, 28, 28)")
    return shape
