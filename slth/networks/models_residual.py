"""Residual networks, written as users write them: the narrow ones for CIFAR, and ResNet-18 and ResNet-50."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.initialise import initialised

Shortcut = Literal["pad", "projection"]


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, shortcut: Shortcut, *, affine: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes, affine=affine)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes, affine=affine)
        self.stride, self.more = stride, planes - inputs
        self.shortcut = _projection(inputs, planes, stride, affine=affine) if shortcut == "projection" else None

    def forward(self, x: Tensor) -> Tensor:
        """Map an image to an image."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif self.stride > 1 or self.more:
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return functional.relu(out + x)


class Bottleneck(nn.Module):
    """Convolutions of 1 x 1, 3 x 3 and 1 x 1 beside a projection; the stride is in the middle one."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, shortcut: Shortcut, *, affine: bool) -> None:
        super().__init__()
        del shortcut
        outputs = planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes, affine=affine)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes, affine=affine)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs, affine=affine)
        self.shortcut = _projection(inputs, outputs, stride, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image to an image."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = functional.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = out + (x if self.shortcut is None else self.shortcut(x))
        return functional.relu(out)


class ResNet(nn.Module):
    """A stem, stages of residual blocks, an average over positions, and a linear layer."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: tuple[int, ...],
        width: int,
        classes: int,
        *,
        shortcut: Shortcut,
        images: Literal["small", "large"],
        affine: bool,
        bias: bool,
    ) -> None:
        super().__init__()
        small = images == "small"
        self.conv1 = nn.Conv2d(
            3, width, 3 if small else 7, stride=1 if small else 2, padding=1 if small else 3, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width, affine=affine)
        self.pool = None if small else nn.MaxPool2d(3, stride=2, padding=1)
        inputs, stages = width, []
        for stage, count in enumerate(blocks):
            planes, layers = width * 2**stage, []
            for place in range(count):
                stride = 2 if stage and not place else 1
                layers.append(block(inputs, planes, stride, shortcut, affine=affine))
                inputs = planes * block.expansion
            stages.append(nn.Sequential(*layers))
        self.layers = nn.Sequential(*stages)
        self.fc = nn.Linear(inputs, classes, bias=bias)

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
    >>> from slth.networks.models_classic import prunable_weights
    >>> prunable_weights(resnet_cifar(20)), prunable_weights(resnet_cifar(20, shortcut="projection"))
    (268336, 270896)
    """
    if depth < 8 or depth % 6 != 2:
        raise ArgumentError("depth", depth, "must be 6 n + 2", "use 20, 32, 44, 56 or 110")
    if shortcut not in ("pad", "projection"):
        raise ArgumentError("shortcut", shortcut, "is not a shortcut", 'use "pad" or "projection"')
    blocks = ((depth - 2) // 6,) * 3
    return initialised(
        lambda: ResNet(BasicBlock, blocks, width, classes, shortcut=shortcut, images="small", affine=affine, bias=bias),
        seed,
    )


def resnet(
    depth: int = 18,
    *,
    images: Literal["small", "large"] = "large",
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
        The depth or the size of the images is another one.

    Notes
    -----
    Source: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition"; the stride of a bottleneck is
    in its 3 x 3 convolution, as in torchvision.

    Examples
    --------
    >>> from slth.networks.models_classic import prunable_weights
    >>> prunable_weights(resnet(18, images="small", classes=10))
    11164352
    """
    kinds: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...]]] = {
        18: (BasicBlock, (2, 2, 2, 2)),
        34: (BasicBlock, (3, 4, 6, 3)),
        50: (Bottleneck, (3, 4, 6, 3)),
    }
    if depth not in kinds:
        raise ArgumentError("depth", depth, "is not one of these residual networks", "use 18, 34 or 50")
    if images not in ("small", "large"):
        raise ArgumentError("images", images, "is not a size of images", 'use "small" or "large"')
    block, blocks = kinds[depth]
    return initialised(
        lambda: ResNet(block, blocks, 64, classes, shortcut="projection", images=images, affine=affine, bias=bias), seed
    )


def _projection(inputs: int, outputs: int, stride: int, *, affine: bool) -> nn.Sequential | None:
    """Return the shortcut where shapes differ, and None where they are the same."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs, affine=affine)
    )
