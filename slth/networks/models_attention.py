"""A small vision transformer, written as users write it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.initialise import initialised


class Block(nn.Module):
    """Attention and two linear layers, each behind a norm and beside a residual connection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens [batch, tokens, width] to tokens."""
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        found: Tensor = x + self.fc2(functional.relu(self.fc1(self.norm2(x))))
        return found


class VisionTransformer(nn.Module):
    """Patches, learned places, blocks, and a linear layer on the mean of the tokens; see :func:`vit`."""

    def __init__(self, channels: int, size: int, patch: int, width: int, depth: int, heads: int, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.places = nn.Parameter(torch.zeros(1, (size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [batch, channels, size, size] to scores [batch, classes]."""
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places
        scores: Tensor = self.fc(self.norm(self.blocks(x)).mean(1))
        return scores


def vit(
    *,
    channels: int = 3,
    size: int = 32,
    patch: int = 4,
    width: int = 64,
    depth: int = 4,
    heads: int = 4,
    classes: int = 10,
    seed: int = 0,
) -> VisionTransformer:
    """Return a small vision transformer: norms in front, ReLU, and the mean of the tokens instead of a class token.

    Parameters
    ----------
    channels, size : int
        Of the images, which are square.
    patch : int
        Height and width of a patch; divides the size.
    width, depth, heads : int
        Numbers of a token, blocks, and heads, which divide the width.
    classes : int
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        A number does not divide what it must.

    Examples
    --------
    >>> tuple(vit(width=16, depth=1)(torch.zeros(2, 3, 32, 32)).shape)
    (2, 10)
    """
    if patch < 1 or size % patch:
        raise ArgumentError("patch", patch, f"must divide the size {size}", "use 4")
    if heads < 1 or width % heads:
        raise ArgumentError("heads", heads, f"must divide the width {width}", "use 4")
    return initialised(lambda: VisionTransformer(channels, size, patch, width, depth, heads, classes), seed)
