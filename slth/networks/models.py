"""The field's plain networks: fully connected ones, LeNet, Conv-2 to Conv-8, VGG, small references."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from slth.arrays import as_double, whole
from slth.errors import ArgumentError
from slth.networks.given import whole_numbers
from slth.networks.initialise import drawn, initialised

Word: TypeAlias = int | str | tuple[int, int, int]
"""Outputs of a convolution (3 x 3, padded by 1), or outputs, kernel and padding, with ReLU; a maximum; a mean."""
_POOL, _MEAN = "M", "A"
_VGG = {
    11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


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
    >>> import torch
    >>> block = slth.networks.Residual(torch.nn.Conv2d(2, 2, 3, padding=1))
    >>> block(torch.zeros(1, 2, 4, 4)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Add both branches and rectify."""
        beside: Tensor = x if self.shortcut is None else self.shortcut(x)
        return torch.relu(self.body(x) + beside)


def mlp(sizes: Sequence[int], *, bias: bool = True, seed: int = 0) -> nn.Sequential:
    r"""Return Flatten, then Linear layers with ReLU between them, and no activation at the end.

    Weights and biases are uniform on :math:`\pm 1/\sqrt{inputs}` (PyTorch's own default), drawn from ``seed`` alone.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of neurons, inputs first: ``(64, 32, 10)`` has two layers of weights.
    bias : bool
        Whether the layers have biases.
    seed : int
        Of the initial weights, 0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Sequential
        A float32 module for inputs of shape [batch, ...] with ``sizes[0]`` numbers each.

    Raises
    ------
    slth.errors.ArgumentError
        If fewer than two sizes are given, one is not positive, or the seed is outside its range.

    Examples
    --------
    >>> network = slth.networks.mlp((4, 3, 2), bias=False)
    >>> [tuple(weight.shape) for weight in network.parameters()]
    [(3, 4), (2, 3)]
    """
    widths = whole_numbers(sizes, "sizes", least=2, remedy="e.g. (64, 32, 10)")
    return drawn(lambda: nn.Sequential(nn.Flatten(), *_linears(widths, bias=bias)), seed, "mlp")


def small_cnn(
    *,
    input_shape: Sequence[int] = (1, 28, 28),
    channels: Sequence[int] = (8, 16),
    classes: int = 10,
    bias: bool = False,
    batch_norm: bool = False,
    averaged: bool = False,
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
    bias, batch_norm, averaged : bool
        Whether layers have biases; whether a batch normalisation stands behind each convolution, which then needs no
        bias; whether images are first averaged over squares of 2 x 2.
    seed : int
        Of the initial weights, 0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Sequential
        A float32 module for inputs of shape [batch, channels, height, width].

    Raises
    ------
    slth.errors.ArgumentError
        If a size is not positive, the image is too small, or the seed is outside its range.

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.small_cnn())
    9064
    """
    widths = whole_numbers(channels, "channels", remedy="e.g. (8, 16)")
    words: list[Word] = [*[_MEAN] * averaged, *(word for width in widths for word in (width, _POOL))]
    return _reference("small_cnn", input_shape, words, classes, bias=bias, batch_norm=batch_norm, seed=seed)


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

    Arguments, result and errors are those of :func:`small_cnn`.

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.cnn6())
    23192
    """
    widths = enumerate(whole_numbers(channels, "channels", remedy="e.g. (8, 16)"))
    words: list[Word] = [word for place, width in widths for word in (width, _POOL)[: 1 + place % 2]]
    return _reference("cnn6", input_shape, words, classes, bias=bias, batch_norm=batch_norm, seed=seed)


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
    A batch normalisation stands behind each layer but the last; arguments, result and errors are those of
    :func:`small_cnn`.

    Notes
    -----
    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", with
    today's ReLU, maxima and full connections (sizes recalled, unverified).

    Examples
    --------
    >>> sum(weight.numel() for weight in slth.networks.lenet5().parameters())
    61706
    """
    words: list[Word] = [(6, 5, 2), _POOL, (16, 5, 0), _POOL]
    return _reference("lenet5", input_shape, words, classes, (120, 84), bias=bias, batch_norm=batch_norm, seed=seed)


def lenet300(*, features: int = 784, classes: int = 10, bias: bool = True, seed: int = 0) -> nn.Sequential:
    """Return LeNet-300-100, with 266,200 prunable weights by default.

    Parameters
    ----------
    features, classes : int
    bias : bool
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Sequential
        For inputs [batch, ...] of that many numbers.

    Raises
    ------
    slth.errors.ArgumentError
        A number is not positive, or the seed outside its range.

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.lenet300())
    266200
    """
    widths = (_count(features, "features"), 300, 100, _count(classes, "classes"))
    names = "flatten fc1 relu1 fc2 relu2 fc3"
    return initialised(lambda: _named(names, [nn.Flatten(), *_linears(widths, bias=bias)]), seed)


def lenet5_variant(
    *,
    variant: Literal["original", "caffe"] = "original",
    padding: int = 2,
    size: int = 28,
    classes: int = 10,
    bias: bool = True,
    seed: int = 0,
) -> nn.Sequential:
    """Return LeNet-5 in one of its published forms, which a name alone does not tell apart.

    Parameters
    ----------
    variant : {"original", "caffe"}
        Channels 6 and 16 with 120 and 84 neurons, or 20 and 50 with 500 (as the pruning literature has it).
    padding : int
        Of the first convolution: 2 makes of images of 28 x 28 what 32 x 32 were in the original, with 61,470 prunable
        weights; 0 leaves 44,190. The form "caffe" is padded by 0, with 430,500.
    size : int
        Height and width of the images [batch, 1, size, size].
    classes, bias, seed
        As :func:`lenet300` has them, and its result and errors.

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.lenet5_variant(variant="caffe", padding=0))
    430500
    """
    if variant not in ("original", "caffe"):
        raise ArgumentError("variant", variant, "is not a form of LeNet-5", 'use "original" or "caffe"')
    edge = _count(size, "size") + 2 * whole(padding, "padding", 0, remedy="use 2 or 0")
    if (edge - 4) // 2 < 6:
        rule = f"is too small with padding {padding}: nothing is left behind the second maximum"
        raise ArgumentError("size", size, rule, "use 28 or 32")
    first, second, *hidden = (6, 16, 120, 84) if variant == "original" else (20, 50, 500)
    widths = (second * (((edge - 4) // 2 - 4) // 2) ** 2, *hidden, _count(classes, "classes"))

    def make() -> nn.Sequential:
        convs = _convolutions(1, [(first, 5, padding), _POOL, (second, 5, 0), _POOL], bias=bias)
        fc = _named("0 relu0 1 relu1 2" if variant == "original" else "0 relu0 1", _linears(widths, bias=bias))
        return _named("conv1 relu1 pool1 conv2 relu2 pool2 flatten fc", [*convs, nn.Flatten(), fc])

    return initialised(make, seed)


def conv_n(depth: int, *, width: float = 1.0, classes: int = 10, bias: bool = False, seed: int = 0) -> nn.Sequential:
    """Return Conv-2, Conv-4, Conv-6 or Conv-8 for images of 32 x 32 in colour.

    Pairs of 64, 128, 256, 512 channels, then 256, 256 and the classes: 4,300,992, 2,425,024, 2,261,184 and 5,275,840
    prunable weights.

    Parameters
    ----------
    depth : {2, 4, 6, 8}
        Convolutions.
    width : float
        What all channels and hidden neurons are multiplied by.
    classes, bias, seed
        As :func:`lenet300` has them, and its result and errors; edge-popup's networks have no biases.

    Notes
    -----
    Sources: Frankle and Carbin 2019, "The Lottery Ticket Hypothesis"; Ramanujan et al. 2020, "What's Hidden in a
    Randomly Weighted Neural Network?".

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.conv_n(4))
    2425024
    """
    if whole(depth, "depth", 2, 8, remedy="use 2, 4, 6 or 8") % 2:
        raise ArgumentError("depth", depth, "is not one of Conv-2, 4, 6, 8", "use 2, 4, 6 or 8")
    if not 1.0 <= as_double(width) * 64 < 2**20:
        raise ArgumentError("width", width, "leaves no channels, or too many", "use 1.0")
    pairs, hidden = depth // 2, int(width * 256)
    planes = [int(width * 64 * 2**stage) for stage in range(pairs)]
    words: list[Word] = [word for plane in planes for word in (plane, plane, _POOL)]
    widths = (planes[-1] * (32 >> pairs) ** 2, hidden, hidden, _count(classes, "classes"))

    def make() -> nn.Sequential:
        parts = (nn.Sequential(*layers) for layers in (_convolutions(3, words, bias=bias), _linears(widths, bias=bias)))
        return _named("features flatten classifier", [next(parts), nn.Flatten(), next(parts)])

    return initialised(make, seed)


def vgg(depth: int = 16, *, classes: int = 10, affine: bool = True, seed: int = 0) -> nn.Sequential:
    """Return VGG with batch normalisation in its form for images of 32 x 32: one linear layer behind the convolutions.

    With 10 classes 9,222,848 prunable weights at depth 11 and 14,715,584 at depth 16.

    Parameters
    ----------
    depth : {11, 13, 16, 19}
    affine : bool
        Whether batch normalisations have a scale and a shift of their own.
    classes, seed
        As :func:`lenet300` has them, and its result and errors.

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.vgg(11))
    9222848
    """
    if not isinstance(depth, int) or depth not in _VGG:
        raise ArgumentError("depth", depth, "is not a VGG", f"use one of {', '.join(map(str, _VGG))}")
    words: list[Word] = [word if word == _POOL else int(word) for word in _VGG[depth].split()]
    outputs = _count(classes, "classes")

    def make() -> nn.Sequential:
        convs = _convolutions(3, words, bias=False, norm=lambda n: nn.BatchNorm2d(n, affine=affine))
        behind = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, outputs)]
        return _named("features pool flatten fc", [nn.Sequential(*convs), *behind])

    return initialised(make, seed)


def _reference(
    stream: str,
    input_shape: Sequence[int],
    words: Sequence[Word],
    classes: int,
    hidden: tuple[int, ...] = (),
    *,
    bias: bool,
    batch_norm: bool,
    seed: int,
) -> nn.Sequential:
    """Return convolutions and linear layers whose weights one stream gives."""
    remedy = "e.g. (1, 28, 28)"
    shape = whole_numbers(input_shape, "input_shape", least=3, most=3, remedy=remedy)
    outputs = _count(classes, "classes")

    def make() -> nn.Sequential:
        convs = _convolutions(shape[0], words, bias=bias, norm=nn.BatchNorm2d if batch_norm else None)
        features = nn.Sequential(*convs, nn.Flatten()).eval()
        try:
            width = features(torch.empty(1, *shape)).numel()  # without numbers: on the device "meta"
        except RuntimeError:
            rule, way_out = f"is too small to be halved so often by {stream}", "use fewer convolutions or larger images"
            raise ArgumentError("input_shape", shape, rule, way_out) from None
        linears = _linears((width, *hidden, outputs), bias=bias, norm=nn.BatchNorm1d if batch_norm else None)
        return nn.Sequential(*features, *linears).train()

    return drawn(make, seed, stream)


def _convolutions(
    inputs: int, words: Sequence[Word], *, bias: bool, norm: Callable[[int], nn.Module] | None = None
) -> list[nn.Module]:
    """Return the layers of the words; a convolution in front of a norm needs no bias."""
    layers: list[nn.Module] = []
    for word in words:
        if isinstance(word, str):
            layers.append(nn.AvgPool2d(2) if word == _MEAN else nn.MaxPool2d(2))
            continue
        outputs, kernel, padding = (word, 3, 1) if isinstance(word, int) else word
        layers.append(nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=bias and norm is None))
        layers += [nn.ReLU()] if norm is None else [norm(outputs), nn.ReLU()]
        inputs = outputs
    return layers


def _linears(widths: Sequence[int], *, bias: bool, norm: Callable[[int], nn.Module] | None = None) -> list[nn.Module]:
    """Return linear layers with ReLU between them, normed but for the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths[:-1]):
        layers.append(nn.Linear(inputs, outputs, bias=bias and norm is None))
        layers += [nn.ReLU()] if norm is None else [norm(outputs), nn.ReLU()]
    return [*layers, nn.Linear(widths[-2], widths[-1], bias=bias)]


def _named(names: str, layers: Sequence[nn.Module]) -> nn.Sequential:
    return nn.Sequential(OrderedDict(zip(names.split(), layers, strict=True)))


def _count(given: int, name: str) -> int:
    return whole(given, name, remedy="use 10 classes, 784 features, 28 x 28 pixels")
