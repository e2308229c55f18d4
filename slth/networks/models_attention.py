"""Small networks with attention: one block without norms, as in the theory, and a vision transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks.initialise import initialised
from slth.networks.models import mlp
from slth.rng import Stream


class AttentionClassifier(nn.Module):
    r"""Embedding, one multi-head attention, mean over the tokens, and a fully connected read-out.

    The embedding is one layer of a token and its one-hot place, so that places are learned biases; without norm layers
    and without biases in attention, as in Otsuka et al. 2025 (arXiv 2511.04217). Initial weights are uniform on
    :math:`\pm 1/\sqrt{inputs}`, drawn from ``seed`` alone. The shape is (tokens, numbers of a token).
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        width: int = 32,
        heads: int = 2,
        hidden: Sequence[int] = (64,),
        classes: int = 10,
        embedding: str = "relu",
        residual: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.tokens, self.token_size = shape
        counts = {"tokens": self.tokens, "token_size": self.token_size, "width": width, "heads": heads}
        for name, size in (counts | {"classes": classes}).items():
            whole(size, name, remedy="use 8 tokens of 8, width 32, 2 heads")
        _check_heads(heads, width)
        if embedding not in ("relu", "identity"):
            raise ArgumentError("embedding", embedding, "is not an activation", 'use "relu" or "identity"')
        self.rectified, self.residual = embedding == "relu", residual
        generator = torch.Generator().manual_seed(Stream(seed, "attention").seed)

        def drawn(*shape: int, inputs: int) -> nn.Parameter:
            uniform = 2.0 * torch.rand(*shape, generator=generator) - 1.0
            return nn.Parameter(uniform * inputs**-0.5)

        each = width // heads
        self.embed = drawn(width, self.token_size + self.tokens, inputs=self.token_size)
        self.query, self.key, self.value = (drawn(heads, width, each, inputs=width) for _ in range(3))
        self.output = drawn(heads, each, width, inputs=width)
        self.readout = mlp((width, *hidden, classes), seed=seed)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, ...] to [batch, classes]."""
        parts = x.reshape(x.shape[0], self.tokens, self.token_size)
        embedded = parts @ self.embed[:, : self.token_size].T + self.embed[:, self.token_size :].T
        if self.rectified:
            embedded = embedded.relu()
        queries, keys, values = (self._by_head(embedded, part) for part in (self.query, self.key, self.value))
        attended = functional.scaled_dot_product_attention(queries, keys, values)
        mixed = attended.transpose(1, 2).flatten(2) @ self.output.flatten(0, 1)
        if self.residual:
            mixed = mixed + embedded
        scores: Tensor = self.readout(mixed.mean(dim=1))
        return scores

    def _by_head(self, embedded: Tensor, matrices: Tensor) -> Tensor:
        """Return [batch, heads, tokens, size] of matrices [heads, width, size]."""
        heads, width, _ = matrices.shape
        every = embedded @ matrices.transpose(0, 1).reshape(width, -1)
        return every.reshape(embedded.shape[0], self.tokens, heads, -1).transpose(1, 2)


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
    """Patches, places, blocks, and a linear layer on the mean of the tokens; see :func:`vit`."""

    def __init__(
        self, channels: int, size: int, patch: int, width: int, depth: int, heads: int, classes: int, *, shared: bool
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.places = nn.Embedding((size // patch) ** 2, width)
        one = Block(width, heads)
        self.blocks = nn.Sequential(one, *(one if shared else Block(width, heads) for _ in range(depth - 1)))
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [batch, channels, size, size] to scores [batch, classes]."""
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places.weight
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
    shared: bool = False,
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
    shared : bool
        Whether all blocks are one, with one set of weights; :func:`untied` makes several of it, which a search gives
        the same random weights and a mask each.
    seed : int
        Of the initial weights.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        A number is not positive, or does not divide what it must.

    Examples
    --------
    >>> import torch
    >>> tuple(slth.networks.vit(width=16, depth=1)(torch.zeros(2, 3, 32, 32)).shape)
    (2, 10)
    """
    sizes = {"channels": channels, "size": size, "patch": patch, "width": width, "depth": depth, "heads": heads}
    for name, given in (sizes | {"classes": classes}).items():
        whole(given, name, remedy="use 4 blocks of width 64 with 4 heads on patches of 4 of images of 32")
    if size % patch:
        raise ArgumentError("patch", patch, f"must divide the size {size}", "use 4")
    _check_heads(heads, width)
    return initialised(lambda: VisionTransformer(**sizes, classes=classes, shared=shared), seed)


def _check_heads(heads: int, width: int) -> None:
    if width % heads:
        raise ArgumentError("heads", heads, f"must divide the width {width}", "use 2 or 4")
