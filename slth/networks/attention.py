"""A small classifier with one attention block and no norm layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.models import mlp
from slth.rng import Stream


class AttentionClassifier(nn.Module):
    r"""Embedding, one multi-head attention, mean over the tokens, and a fully connected read-out.

    The embedding is one layer of a token and its one-hot place, so that places are learned biases; without norm layers
    and without biases in attention, as in Otsuka et al. 2025 (arXiv 2511.04217). Initial weights are uniform on
    :math:`\pm 1/\sqrt{inputs}`, drawn from ``seed`` alone.
    """

    def __init__(
        self,
        tokens: int,
        token_size: int,
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
        sizes = {"tokens": tokens, "token_size": token_size, "width": width, "heads": heads, "classes": classes}
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ArgumentError(name, size, "must be a positive integer", "use 8 tokens of 8, width 32, 2 heads")
        if width % heads:
            raise ArgumentError("heads", heads, f"must divide the width {width}", "use 2")
        if embedding not in ("relu", "identity"):
            raise ArgumentError("embedding", embedding, "is not an activation", 'use "relu" or "identity"')
        self.tokens, self.token_size, self.rectified, self.residual = tokens, token_size, embedding == "relu", residual
        generator = torch.Generator().manual_seed(Stream(seed, "attention").seed)

        def drawn(*shape: int, inputs: int) -> nn.Parameter:
            uniform = 2.0 * torch.rand(*shape, generator=generator) - 1.0
            return nn.Parameter(uniform * inputs**-0.5)

        each = width // heads
        self.embed = drawn(width, token_size + tokens, inputs=token_size)
        self.query, self.key = (drawn(heads, width, each, inputs=width) for _ in range(2))
        self.value = drawn(heads, width, each, inputs=width)
        self.output = drawn(heads, each, width, inputs=width)
        self.readout = mlp((width, *hidden, classes), seed=seed)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, ...] to [batch, classes]."""
        parts = x.reshape(len(x), self.tokens, self.token_size)
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
        return every.reshape(len(embedded), self.tokens, heads, -1).transpose(1, 2)
