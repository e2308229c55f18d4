"""The field's plain convolutional networks, written as users write them: LeNet, Conv-2 to Conv-8, VGG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.initialise import initialised
from slth.networks.masking import maskable

_VGG = {
    11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}
_CONV = {2: 1, 4: 2, 6: 3, 8: 4}


def prunable_weights(module: nn.Module) -> int:
    """Return how many weights of a module masks are for: by this number the field tells models of one name apart.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    int
        Without biases and norms; see :func:`slth.networks.masking.maskable`.

    Examples
    --------
    >>> prunable_weights(nn.Linear(3, 2))
    6
    """
    return sum(module.get_parameter(name).numel() for name in maskable(module))


class LeNet300(nn.Module):
    """Two hidden layers of 300 and 100 neurons; see :func:`lenet300`."""

    def __init__(self, features: int, classes: int, *, bias: bool) -> None:
        super().__init__()
        self.fc1 = nn.Linear(features, 300, bias=bias)
        self.fc2 = nn.Linear(300, 100, bias=bias)
        self.fc3 = nn.Linear(100, classes, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, ...] to scores [batch, classes]."""
        x = functional.relu(self.fc1(x.flatten(1)))
        scores: Tensor = self.fc3(functional.relu(self.fc2(x)))
        return scores


class LeNet5(nn.Module):
    """Two convolutions of 5 x 5 and fully connected layers; see :func:`lenet5_variant`."""

    def __init__(
        self, channels: tuple[int, int], hidden: Sequence[int], padding: int, size: int, classes: int, *, bias: bool
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels[0], 5, padding=padding, bias=bias)
        self.conv2 = nn.Conv2d(channels[0], channels[1], 5, bias=bias)
        edge = ((size + 2 * padding - 4) // 2 - 4) // 2
        widths = (channels[1] * edge * edge, *hidden, classes)
        self.fc = nn.ModuleList(nn.Linear(first, second, bias=bias) for first, second in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, 1, size, size] to scores [batch, classes]."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2).flatten(1)
        for layer in self.fc[:-1]:
            x = functional.relu(layer(x))
        scores: Tensor = self.fc[-1](x)
        return scores


class ConvN(nn.Module):
    """Pairs of 3 x 3 convolutions with a maximum behind each, and three linear layers; see :func:`conv_n`."""

    def __init__(self, pairs: int, width: float, classes: int, *, bias: bool) -> None:
        super().__init__()
        planes = [int(width * 64 * 2**stage) for stage in range(pairs)]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([3, *planes]):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), nn.ReLU()]
            layers += [nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        hidden = int(width * 256)
        self.classifier = nn.Sequential(
            nn.Linear(planes[-1] * (32 >> pairs) ** 2, hidden, bias=bias),
            nn.ReLU(),
            nn.Linear(hidden, hidden, bias=bias),
            nn.ReLU(),
            nn.Linear(hidden, classes, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, 3, 32, 32] to scores [batch, classes]."""
        scores: Tensor = self.classifier(torch.flatten(self.features(x), 1))
        return scores


class VGG(nn.Module):
    """3 x 3 convolutions with batch normalisation, an average over positions, one linear layer; see :func:`vgg`."""

    def __init__(self, depth: int, classes: int, *, affine: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        planes = 3
        for word in _VGG[depth].split():
            if word == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers.append(nn.Conv2d(planes, int(word), 3, padding=1, bias=False))
                layers += [nn.BatchNorm2d(int(word), affine=affine), nn.ReLU(inplace=True)]
                planes = int(word)
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(planes, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, 3, 32, 32] to scores [batch, classes]."""
        scores: Tensor = self.fc(self.features(x).mean((2, 3)))
        return scores


def lenet300(*, features: int = 784, classes: int = 10, bias: bool = True, seed: int = 0) -> LeNet300:
    """Return LeNet-300-100, with 266,200 prunable weights by default.

    Parameters
    ----------
    features, classes : int
    bias : bool
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module
        For inputs [batch, ...] of that many numbers.

    Examples
    --------
    >>> prunable_weights(lenet300())
    266200
    """
    return initialised(lambda: LeNet300(features, classes, bias=bias), seed)


def lenet5_variant(
    *,
    variant: Literal["original", "caffe"] = "original",
    padding: int = 2,
    size: int = 28,
    classes: int = 10,
    bias: bool = True,
    seed: int = 0,
) -> LeNet5:
    """Return LeNet-5 in one of its published forms, which a name alone does not tell apart.

    Parameters
    ----------
    variant : {"original", "caffe"}
        Channels 6 and 16 with 120 and 84 neurons, or 20 and 50 with 500 (as the pruning literature has it).
    padding : int
        Of the first convolution: 2 makes of images of 28 x 28 what 32 x 32 were in the original, with 61,470 prunable
        weights; 0 leaves 44,190. The form "caffe" is padded by 0, with 430,500.
    size : int
        Height and width of the images.
    classes : int
    bias : bool
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module
        For images [batch, 1, size, size].

    Raises
    ------
    slth.errors.ArgumentError
        There is no such variant, or the images are too small.

    Examples
    --------
    >>> prunable_weights(lenet5_variant(variant="caffe", padding=0))
    430500
    """
    if variant not in ("original", "caffe"):
        raise ArgumentError("variant", variant, "is not a form of LeNet-5", 'use "original" or "caffe"')
    if padding < 0 or (size + 2 * padding - 4) // 2 < 6:
        rule = f"is too small with padding {padding}: nothing is left behind the second maximum"
        raise ArgumentError("size", size, rule, "use 28 or 32")
    channels, hidden = ((6, 16), (120, 84)) if variant == "original" else ((20, 50), (500,))
    return initialised(lambda: LeNet5(channels, hidden, padding, size, classes, bias=bias), seed)


def conv_n(depth: int, *, width: float = 1.0, classes: int = 10, bias: bool = False, seed: int = 0) -> ConvN:
    """Return Conv-2, Conv-4, Conv-6 or Conv-8 for images of 32 x 32 in colour.

    Pairs of 64, 128, 256, 512 channels, then 256, 256 and the classes: 4,300,992, 2,425,024, 2,261,184 and 5,275,840
    prunable weights.

    Parameters
    ----------
    depth : {2, 4, 6, 8}
        Convolutions.
    width : float
        What all channels and hidden neurons are multiplied by.
    classes : int
    bias : bool
        Whether layers have biases; edge-popup's have none.
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        The depth is another one, or the width not positive.

    Notes
    -----
    Sources: Frankle and Carbin 2019, "The Lottery Ticket Hypothesis"; Ramanujan et al. 2020, "What's Hidden in a
    Randomly Weighted Neural Network?".

    Examples
    --------
    >>> prunable_weights(conv_n(4))
    2425024
    """
    if depth not in _CONV:
        raise ArgumentError("depth", depth, "is not one of Conv-2, 4, 6, 8", "use 2, 4, 6 or 8")
    if int(width * 64) < 1:
        raise ArgumentError("width", width, "leaves no channels", "use 1.0")
    return initialised(lambda: ConvN(_CONV[depth], width, classes, bias=bias), seed)


def vgg(depth: int = 16, *, classes: int = 10, affine: bool = True, seed: int = 0) -> VGG:
    """Return VGG with batch normalisation in its form for images of 32 x 32: one linear layer behind the convolutions.

    With 10 classes 9,222,848 prunable weights at depth 11 and 14,715,584 at depth 16.

    Parameters
    ----------
    depth : {11, 13, 16, 19}
    classes : int
    affine : bool
        Whether batch normalisations have a scale and a shift of their own.
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        The depth is another one.

    Examples
    --------
    >>> prunable_weights(vgg(11))
    9222848
    """
    if depth not in _VGG:
        raise ArgumentError("depth", depth, "is not a VGG", f"use one of {', '.join(map(str, _VGG))}")
    return initialised(lambda: VGG(depth, classes, affine=affine), seed)
