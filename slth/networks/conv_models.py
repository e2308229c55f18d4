"""Convolutional networks to aim at: a reference of two convolutions, LeNet-5, six convolutions for colour images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.networks.models import uniform_layer
from slth.rng import Stream


class Residual(nn.Module):
    r"""A residual block, :math:`x \mapsto \max(f(x) + s(x), 0)`.

    Parameters
    ----------
    body : torch.nn.Module
        The branch :math:`f`, for instance an ``nn.Sequential`` of convolutions that ends without a ReLU.
    shortcut : torch.nn.Module, optional
        The branch :math:`s`, for instance a convolution of size 1 and stride 2; the input itself by default.

    Examples
    --------
    >>> block = Residual(nn.Conv2d(2, 2, 3, padding=1))
    >>> block(torch.zeros(1, 2, 4, 4)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Add both branches and rectify."""
        beside: Tensor = x if self.shortcut is None else self.shortcut(x)
        return torch.relu(self.body(x) + beside)


def small_cnn(
    *,
    input_shape: Sequence[int] = (1, 28, 28),
    channels: Sequence[int] = (8, 16),
    classes: int = 10,
    bias: bool = False,
    batch_norm: bool = False,
    seed: int = 0,
) -> nn.Sequential:
    """Return the reference network: for each number of channels a 3 x 3 convolution, ReLU, 2 x 2 maximum; then linear.

    With the default sizes it has 9,064 weights: 72 and 1,152 in the convolutions, 7,840 behind them.

    Parameters
    ----------
    input_shape : (channels, height, width)
    channels : sequence of int
        Output channels of each convolution; each halves the image after it.
    classes : int
    bias : bool
        Whether layers have biases.
    batch_norm : bool
        Whether a batch normalisation stands behind each convolution, which then needs no bias.
    seed : int
        Of the initial weights, 0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Sequential
        A float32 module for inputs of shape [batch, channels, height, width].

    Raises
    ------
    ArgumentError
        If a size is not positive, the image is too small, or the seed is outside its range.

    Examples
    --------
    >>> sum(weight.numel() for weight in small_cnn().parameters())
    9064
    """
    stages = [(width, True) for width in channels]
    return _stack("small_cnn", input_shape, stages, classes, bias=bias, batch_norm=batch_norm, seed=seed)


def cnn6(
    *,
    input_shape: Sequence[int] = (3, 32, 32),
    channels: Sequence[int] = (8, 8, 16, 16, 32, 32),
    classes: int = 10,
    bias: bool = True,
    batch_norm: bool = True,
    seed: int = 0,
) -> nn.Sequential:
    """Return 3 x 3 convolutions with ReLU, a 2 x 2 maximum behind each second one, then a linear layer.

    Parameters
    ----------
    input_shape : (channels, height, width)
    channels : sequence of int
        Output channels of each convolution, an even number of them.
    classes : int
    bias : bool
        Whether layers have biases; none stands in front of a batch normalisation, which has its own.
    batch_norm : bool
        Whether a batch normalisation stands behind each convolution.
    seed : int
        Of the initial weights, 0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Sequential
        A float32 module for inputs of shape [batch, channels, height, width].

    Raises
    ------
    ArgumentError
        If a size is not positive, the image is too small, or the seed is outside its range.

    Examples
    --------
    >>> network = cnn6(batch_norm=False, bias=False)
    >>> network(torch.zeros(2, 3, 32, 32)).shape, sum(weight.numel() for weight in network.parameters())
    (torch.Size([2, 10]), 23192)
    """
    stages = [(width, place % 2 == 1) for place, width in enumerate(channels)]
    return _stack("cnn6", input_shape, stages, classes, bias=bias, batch_norm=batch_norm, seed=seed)


def lenet5(
    *,
    input_shape: Sequence[int] = (1, 28, 28),
    classes: int = 10,
    bias: bool = True,
    batch_norm: bool = False,
    seed: int = 0,
) -> nn.Sequential:
    """Return LeNet-5 with ReLU and maxima: 5 x 5 convolutions to 6 and 16 channels, then 120, 84 and the classes.

    The first convolution is padded by 2, so that images of 28 x 28 are what images of 32 x 32 were in the original.

    Parameters
    ----------
    input_shape : (channels, height, width)
    classes : int
    bias : bool
        Whether layers have biases.
    batch_norm : bool
        Whether a batch normalisation stands behind each layer but the last.
    seed : int
        Of the initial weights, 0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Sequential
        A float32 module for inputs of shape [batch, channels, height, width].

    Raises
    ------
    ArgumentError
        If a size is not positive, the image is too small, or the seed is outside its range.

    Notes
    -----
    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", with
    today's ReLU, maxima and full connections (sizes recalled, unverified).

    Examples
    --------
    >>> sum(weight.numel() for weight in lenet5().parameters())
    61706
    """
    planes, height, width = _checked_shape(input_shape, classes)
    rows, columns = ((extent // 2 - 4) // 2 for extent in (height, width))
    if rows < 1 or columns < 1:
        raise ArgumentError("input_shape", tuple(input_shape), "is too small for LeNet-5", "12 x 12 is the least")
    layers = _Layers("lenet5", bias=bias, batch_norm=batch_norm, seed=seed)
    layers.convolution(planes, 6, 5, padding=2, pool=True)
    layers.convolution(6, 16, 5, padding=0, pool=True)
    layers.modules.append(nn.Flatten())
    for inputs, outputs in pairwise((16 * rows * columns, 120, 84)):
        layers.linear(inputs, outputs, hidden=True)
    layers.linear(84, classes, hidden=False)
    return nn.Sequential(*layers.modules)


def _stack(
    name: str,
    input_shape: Sequence[int],
    stages: Sequence[tuple[int, bool]],
    classes: int,
    *,
    bias: bool,
    batch_norm: bool,
    seed: int,
) -> nn.Sequential:
    """Return 3 x 3 convolutions, each with its channels and whether a maximum follows, and a linear layer."""
    planes, height, width = _checked_shape(input_shape, classes, *(outputs for outputs, _ in stages))
    layers = _Layers(name, bias=bias, batch_norm=batch_norm, seed=seed)
    for outputs, pool in stages:
        layers.convolution(planes, outputs, 3, padding=1, pool=pool)
        planes = outputs
        if pool:
            height, width = height // 2, width // 2
    if height < 1 or width < 1:
        remedy = "use fewer convolutions or larger images"
        raise ArgumentError("input_shape", tuple(input_shape), "is too small to be halved so often", remedy)
    layers.modules.append(nn.Flatten())
    layers.linear(prod((planes, height, width)), classes, hidden=False)
    return nn.Sequential(*layers.modules)


class _Layers:
    """Layers in the making, and the one generator that their weights come from."""

    def __init__(self, name: str, *, bias: bool, batch_norm: bool, seed: int) -> None:
        self.modules: list[nn.Module] = []
        self._bias, self._batch_norm = bias, batch_norm
        self._generator = torch.Generator().manual_seed(Stream(seed, name).seed)

    def convolution(self, inputs: int, outputs: int, size: int, *, padding: int, pool: bool) -> None:
        self._weighted(nn.Conv2d, inputs, outputs, size, padding=padding, norm=nn.BatchNorm2d)
        self.modules.append(nn.ReLU())
        if pool:
            self.modules.append(nn.MaxPool2d(2))

    def linear(self, inputs: int, outputs: int, *, hidden: bool) -> None:
        self._weighted(nn.Linear, inputs, outputs, norm=nn.BatchNorm1d if hidden else None)
        if hidden:
            self.modules.append(nn.ReLU())

    def _weighted(self, kind: Any, inputs: int, outputs: int, *sizes: int, norm: Any, **options: int) -> None:
        normed = self._batch_norm and norm is not None
        bias = self._bias and not normed
        self.modules.append(
            uniform_layer(kind, inputs, outputs, *sizes, bias=bias, generator=self._generator, **options)
        )
        if normed:
            self.modules.append(norm(outputs))


def _checked_shape(input_shape: Sequence[int], classes: int, *channels: int) -> tuple[int, int, int]:
    sizes = tuple(input_shape)
    if len(sizes) != 3 or min(sizes) < 1:
        raise ArgumentError("input_shape", sizes, "must be (channels, height, width)", "e.g. (1, 28, 28)")
    if min((classes, *channels)) < 1:
        raise ArgumentError("channels", (*channels, classes), "must be positive numbers", "e.g. (8, 16) and 10 classes")
    return sizes
