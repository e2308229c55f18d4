"""Augmentation of a batch of images: pure functions of tensors and of random words that have an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from slth.arrays import whole
from slth.errors import ArgumentError

Fill = Literal["zeros", "reflect"]


class Augmentation(Protocol):
    """What changes training images at random."""

    @property
    def name(self) -> str:
        """Name of its stream: two augmentations of one recipe draw from different ones."""
        ...

    def apply(self, images: Tensor, words: Tensor) -> Tensor:
        """Return changed images [batch, channels, height, width]; words are int64[batch], uniform from 0 to 2**63 - 1.

        The word of an image depends on the seed, the epoch and the image's index in the data alone.
        """
        ...


@dataclass(frozen=True)
class RandomCrop:
    """Pad each image on all sides, and cut a piece of its own size out of it at a random place.

    Parameters
    ----------
    padding : int
        Pixels on each side, at least 1.
    fill : {"zeros", "reflect"}
        What the padding holds: zeros (of the raw pixels), or the image mirrored at its border.

    Examples
    --------
    >>> import torch
    >>> images = torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> slth.training.RandomCrop(1).apply(images, torch.tensor([0]))[0, 0].tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """

    padding: int = 4
    fill: Fill = "zeros"
    name = "crop"

    def __post_init__(self) -> None:
        whole(self.padding, "padding", remedy="use 4 for images of 32 x 32")
        if self.fill not in ("zeros", "reflect"):
            raise ArgumentError("fill", self.fill, "is not a padding", 'use "zeros" or "reflect"')

    def apply(self, images: Tensor, words: Tensor) -> Tensor:
        """Return the pieces; the place is the word modulo (2 padding + 1)**2."""
        height, width = images.shape[2:]
        places = 2 * self.padding + 1
        mode = "constant" if self.fill == "zeros" else "reflect"
        padded = nn.functional.pad(images, [self.padding] * 4, mode=mode)
        rows = words.remainder(places)[:, None] + torch.arange(height, device=images.device)
        columns = words.div(places, rounding_mode="floor").remainder(places)[:, None]
        columns = columns + torch.arange(width, device=images.device)
        batch = torch.arange(len(images), device=images.device)[:, None, None]
        # Indices on both sides of a slice put it last: [batch, height, width, channels], the channels-last layout.
        return padded[batch, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


@dataclass(frozen=True)
class RandomFlip:
    """Mirror each image, left and right exchanged, with probability one half.

    Examples
    --------
    >>> import torch
    >>> images = torch.tensor([[[[1.0, 2.0]]], [[[1.0, 2.0]]]])
    >>> slth.training.RandomFlip().apply(images, torch.tensor([0, 1])).flatten(1).tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """

    name = "flip"

    def apply(self, images: Tensor, words: Tensor) -> Tensor:
        """Return the images, those with an odd word mirrored."""
        return torch.where((words.remainder(2) == 1)[:, None, None, None], images.flip(3), images)


CROP_AND_FLIP = (RandomCrop(4), RandomFlip())
"""What nearly every recipe for CIFAR-10 uses."""
