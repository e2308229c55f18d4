"""Residual networks, written as users write them: the narrow ones for CIFAR, and ResNet-18 and ResNet-50."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn import functional

from slth.arrays import one_of, whole
from slth.errors import ArgumentError
from slth.networks.initialise import initialised

Shortcut = Literal["pad", "projection"]
Images = Literal["small", "large"]
_DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


@dataclass(frozen=True)
class Plan:
    """What a residual network is made of."""

    blocks: tuple[int, ...]
    width: int
    classes: int
    shortcut: Shortcut
    images: Images
    affine: bool
    bias: bool
    bottleneck: bool = False
    channels: int = 3

    def __post_init__(self) -> None:
        whole(self.channels, "channels", remedy="use 3, those of colours")
        whole(self.width, "width", remedy="use 16")
        whole(self.classes, "classes", remedy="use 10")
        if not one_of(self.shortcut, get_args(Shortcut)):
            raise ArgumentError("shortcut", self.shortcut, "is not a shortcut", 'use "pad" or "projection"')
        if not one_of(self.images, get_args(Images)):
            raise ArgumentError("images", self.images, "is not a size of images", 'use "small" or "large"')


class Block(nn.Module):
    """Two 3 x 3 convolutions, or those of 1 x 1, 3 x 3 and 1 x 1 (a bottleneck), beside a shortcut.

    The stride is in the first convolution of 3 x 3. Without a projection the shortcut takes each second position, with
    zeros for new channels.
    """

    def __init__(self, inputs: int, planes: int, stride: int, plan: Plan) -> None:
        super().__init__()
        self.expansion = 4 if plan.bottleneck else 1
        outputs = planes * self.expansion
        kernels = (1, 3, 1) if plan.bottleneck else (3, 3)
        widths = (inputs, *[planes] * (len(kernels) - 1), outputs)
        for place, kernel in enumerate(kernels):
            step = stride if kernels.index(3) == place else 1
            conv = nn.Conv2d(widths[place], widths[place + 1], kernel, stride=step, padding=kernel // 2, bias=False)
            setattr(self, f"conv{place + 1}", conv)
            setattr(self, f"bn{place + 1}", nn.BatchNorm2d(widths[place + 1], affine=plan.affine))
        self.layers, self.stride, self.more = len(kernels), stride, outputs - inputs
        self.shortcut: nn.Module | None = None
        if plan.shortcut == "projection" and (stride > 1 or self.more):
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs, affine=plan.affine))

    def forward(self, x: Tensor) -> Tensor:
        """Map an image to an image."""
        out = x
        for place in range(1, self.layers + 1):
            out = getattr(self, f"bn{place}")(getattr(self, f"conv{place}")(out))
            out = functional.relu(out) if place < self.layers else out
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif self.stride > 1 or self.more:
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return functional.relu(out + x)


class ResNet(nn.Module):
    """A stem, stages of residual blocks, an average over positions, and a linear layer."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        inputs = plan.width
        stem = (3, 1, 1) if plan.images == "small" else (7, 2, 3)
        self.conv1 = nn.Conv2d(plan.channels, inputs, stem[0], stride=stem[1], padding=stem[2], bias=False)
        self.bn1 = nn.BatchNorm2d(inputs, affine=plan.affine)
        self.pool = None if plan.images == "small" else nn.MaxPool2d(3, stride=2, padding=1)
        stages = []
        for stage, count in enumerate(plan.blocks):
            layers = []
            for place in range(count):
                layers.append(Block(inputs, plan.width * 2**stage, 2 if stage and not place else 1, plan))
                inputs = plan.width * 2**stage * layers[-1].expansion
            stages.append(nn.Sequential(*layers))
        self.layers = nn.Sequential(*stages)
        self.fc = nn.Linear(inputs, plan.classes, bias=plan.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [batch, 3, height, width] to scores [batch, classes]."""
        x = functional.relu(self.bn1(self.conv1(x)))
        if self.pool is not None:
            x = self.pool(x)
        x = functional.adaptive_avg_pool2d(self.layers(x), 1).flatten(1)
        scores: Tensor = self.fc(x)
        return scores


def resnet_cifar(
    depth: int = 20,
    *,
    shortcut: Shortcut = "pad",
    channels: int = 3,
    width: int = 16,
    classes: int = 10,
    affine: bool = True,
    bias: bool = True,
    seed: int = 0,
) -> ResNet:
    """Return the narrow residual network for images of 32 x 32: three stages of 16, 32 and 64 channels.

    ResNet-20 has 268,336 prunable weights with padded shortcuts (Gem-Miner's) and 270,896 with projections (that of the
    data-diet experiments): two networks of one name.

    Parameters
    ----------
    depth : int
        6 n + 2 with n blocks in a stage: 20, 32, 44, 56, 110.
    shortcut : {"pad", "projection"}
        Where channels double: each second position with zeros for new channels, or a convolution of 1 x 1.
    channels : int
        Of the images: 1 without colours.
    width : int
        Channels of the first stage; the ResNet-32 of several papers has 32.
    classes : int
    affine : bool
        Whether batch normalisations have a scale and a shift of their own.
    bias : bool
        Whether the linear layer has biases.
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        The depth is not 6 n + 2, or the shortcut another word.

    Notes
    -----
    Source: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", section 4.2.

    Examples
    --------
    >>> from slth.networks import resnet_cifar
    >>> from slth.networks.masking import prunable_weights
    >>> prunable_weights(resnet_cifar(20)), prunable_weights(resnet_cifar(20, shortcut="projection"))
    (268336, 270896)
    """
    if whole(depth, "depth", 8, remedy="use 20, 32, 44, 56 or 110") % 6 != 2:
        raise ArgumentError("depth", depth, "must be 6 n + 2", "use 20, 32, 44, 56 or 110")
    blocks = ((depth - 2) // 6,) * 3
    plan = Plan(blocks, width, classes, shortcut, "small", affine, bias, channels=channels)
    return initialised(lambda: ResNet(plan), seed)


def resnet(
    depth: int = 18,
    *,
    images: Images = "large",
    classes: int = 1000,
    affine: bool = True,
    bias: bool = True,
    seed: int = 0,
) -> ResNet:
    """Return ResNet-18, 34 or 50, for large images or in the form for images of 32 x 32.

    ResNet-18 has 11,678,912 prunable weights (large, 1,000 classes) or 11,164,352 (small, 10 classes); ResNet-50 has
    25,502,912 (large, 1,000 classes).

    Parameters
    ----------
    depth : {18, 34, 50}
    images : {"small", "large"}
        The stem: 3 x 3, or 7 x 7 with stride 2 and a maximum.
    classes : int
    affine, bias, seed
        As :func:`resnet_cifar` has them, and its result and errors.

    Notes
    -----
    Source: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition"; the stride of a bottleneck is
    in its 3 x 3 convolution, as in torchvision.

    Examples
    --------
    >>> slth.networks.prunable_weights(slth.networks.resnet(18, images="small", classes=10))
    11164352
    """
    if not isinstance(depth, int) or depth not in _DEPTHS:
        raise ArgumentError("depth", depth, "is not one of these residual networks", "use 18, 34 or 50")
    plan = Plan(_DEPTHS[depth], 64, classes, "projection", images, affine, bias, bottleneck=depth == 50)
    return initialised(lambda: ResNet(plan), seed)
