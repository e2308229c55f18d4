"""Whole networks on tokens, vectors and sequences, as users write them. Small widths."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class TransformerBlock(nn.Module):
    """Attention and an MLP with skips, without LayerNorm."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        self.attn = nn.MultiheadAttention(size, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(size, 2 * size), nn.ReLU(), nn.Dropout(0.1), nn.Linear(2 * size, size))

    def forward(self, x):
        x = x + self.attn(x, x, x, need_weights=False)[0]
        return x + self.mlp(x)


class VisionTransformer(nn.Module):
    """Dosovitskiy et al. 2021: patches, a class token, positions, blocks, and the class token's head."""

    def __init__(self, size: int = 6, heads: int = 2, blocks: int = 2, classes: int = 10):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, size, kernel_size=4, stride=4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size))
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, size))
        self.blocks = nn.ModuleList([TransformerBlock(size, heads) for _ in range(blocks)])
        self.head = nn.Linear(size, classes)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1)
        x = x + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(x[:, 0])


class SkipMLP(nn.Module):
    def __init__(self, inputs: int = 12, hidden: int = 8, classes: int = 4):
        super().__init__()
        self.inp = nn.Linear(inputs, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.hidden = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden + inputs, classes)

    def forward(self, x):
        x = x.view(x.shape[0], -1)
        h = torch.relu(self.norm(self.inp(x)))
        h = h + F.dropout(torch.relu(self.hidden(h)), p=0.2, training=self.training)
        return self.out(torch.cat([h, x], dim=-1))


class Recurrent(nn.Module):
    """One Linear three times, as unrolled recurrent networks have it."""

    def __init__(self, size: int = 5):
        super().__init__()
        self.cell = nn.Linear(size, size)
        self.out = nn.Linear(size, 2)

    def forward(self, x):
        for _ in range(3):
            x = F.relu(self.cell(x))
        return self.out(x)


class Sequence(nn.Module):
    """A convolution over time, as speech and sensor networks have it."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(2, 4, 5, padding="same"), nn.BatchNorm1d(4), nn.LeakyReLU(0.1), nn.MaxPool1d(2),
            nn.Conv1d(4, 6, 3, dilation=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)
