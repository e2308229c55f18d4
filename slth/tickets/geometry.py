"""Sliding windows: which inputs each output of a convolution or a pooling sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.tickets.network import Floats

Pair: TypeAlias = tuple[int, int]
ImageShape: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Window:
    """A window that slides over the last two axes of an image.

    Parameters
    ----------
    kernel, stride : (int, int)
        Height and width of the window, and its steps; each >= 1.
    padding : (int, int)
        Rows and columns added on each side of the image; 0 <= padding < kernel.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> Window((3, 3), padding=(1, 1)).output_size((28, 28))
    (28, 28)
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)

    def __post_init__(self) -> None:
        for name, least in (("kernel", 1), ("stride", 1), ("padding", 0)):
            object.__setattr__(self, name, as_pair(name, getattr(self, name), least))
        if self.padding[0] >= self.kernel[0] or self.padding[1] >= self.kernel[1]:
            raise ArgumentError("padding", self.padding, f"must be below the kernel {self.kernel}", "pad less")

    def output_size(self, size: Pair) -> Pair:
        """Height and width of the result; ArgumentError where the window does not fit the image."""
        first, second = (
            (extent + 2 * pad - window) // step + 1
            for extent, pad, window, step in zip(size, self.padding, self.kernel, self.stride, strict=True)
        )
        if first < 1 or second < 1:
            rule = f"does not fit an image of {size[0]} x {size[1]} padded by {self.padding}"
            raise ArgumentError("kernel", self.kernel, rule, "use a smaller window or a larger image")
        return first, second

    def inner_tap(self, size: Pair) -> Pair | None:
        """Place in the window that lies inside the image wherever the window stands, or None where none does.

        It is the one nearest to the corner of the image, at distance ``padding``: there a constant image can carry a
        bias.
        """
        last = zip(self.output_size(size), self.stride, size, strict=True)
        return self.padding if all((count - 1) * step < extent for count, step, extent in last) else None

    def views(self, images: NDArray[Any], *, fill: float = 0.0) -> NDArray[Any]:
        """Return the windows, as a view [batch, channels, rows, columns, kernel height, kernel width]."""
        rows, columns = self.padding
        if rows or columns:
            edges = ((0, 0), (0, 0), (rows, rows), (columns, columns))
            images = np.pad(images, edges, constant_values=fill)
        every = np.lib.stride_tricks.sliding_window_view(images, self.kernel, axis=(2, 3))
        return every[:, :, :: self.stride[0], :: self.stride[1]]

    def indices(self, shape: ImageShape) -> NDArray[np.int64]:
        """Return int64[channels, rows, columns, height * width]: which input each output sees, -1 in the padding."""
        numbers = np.arange(int(np.prod(shape)), dtype=np.float64).reshape(1, *shape)
        seen = self.views(numbers, fill=-1.0)[0]
        places: NDArray[np.int64] = seen.reshape(*seen.shape[:3], -1).astype(np.int64)
        return places


def convolve(images: Floats, weight: Floats, window: Window, *, groups: int = 1) -> Floats:
    """Cross-correlate images [batch, channels, ...] with weight [outputs, channels / groups, height, width]."""
    outputs, inputs = len(weight) // groups, images.shape[1] // groups
    parts = []
    for group in range(groups):
        views = window.views(images[:, group * inputs : (group + 1) * inputs])
        kernel = weight[group * outputs : (group + 1) * outputs]
        # [batch, rows, columns, outputs]: one product of matrices a group
        parts.append(np.tensordot(views, kernel, axes=((1, 4, 5), (1, 2, 3))))
    together = parts[0] if groups == 1 else np.concatenate(parts, axis=3)
    return np.ascontiguousarray(np.moveaxis(together, 3, 1))


def as_pair(name: str, given: Any, least: int) -> Pair:
    """Return two integers of at least ``least`` from one or two, or raise ArgumentError."""
    pair = (given, given) if isinstance(given, int) else given
    try:
        first, second = pair
    except (TypeError, ValueError):
        raise ArgumentError(name, given, "must be one or two integers", "pass (3, 3)") from None
    for part in (first, second):
        if isinstance(part, bool) or not isinstance(part, int) or part < least:
            raise ArgumentError(name, given, f"must be integers of at least {least}", "pass Python ints")
    return first, second


def as_image_shape(name: str, given: Any) -> ImageShape:
    """Return (channels, height, width) as positive Python ints, or raise ArgumentError."""
    try:
        shape = tuple(given)
    except TypeError:
        shape = ()
    if len(shape) != 3 or any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in shape):
        raise ArgumentError(name, given, "must be (channels, height, width)", "pass input_shape=(1, 28, 28)")
    return shape
