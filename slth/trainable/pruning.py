"""Which weights stay: those of largest magnitude among those that are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor

from slth.errors import ArgumentError
from slth.networks import top_k
from slth.networks.given import sequence
from slth.training.method import Tensors


def words_given(given: Any, argument: str) -> tuple[str, ...]:
    """Return a list of words as a tuple: a single one would be taken letter by letter."""
    found = sequence(given)
    if found is None or not all(isinstance(one, str) for one in found):
        raise ArgumentError(argument, given, "is no list of words", 'pass a list, such as ["fc.weight"]')
    return found


def pruned_names(names: Sequence[str], spared: Sequence[str]) -> list[str]:
    """Return the names of weights that may be removed."""
    return [name for name in names if not any(fnmatchcase(name, word) for word in spared)]


def largest_left(weights: Tensors, masks: Tensors, kept: Mapping[str, int] | int) -> dict[str, Tensor]:
    """Return the masks that keep so many weights of largest magnitude, of each tensor or of all together.

    Nothing that is removed returns; of equal magnitudes those stay that come first.
    """
    ranks = {name: weights[name].detach().abs().masked_fill(mask == 0, -1.0) for name, mask in masks.items()}
    if not isinstance(kept, int):
        return {name: top_k(rank, kept[name]) for name, rank in ranks.items()}
    return together(ranks, kept)


def together(ranks: Tensors, kept: int) -> dict[str, Tensor]:
    """Return the masks that keep so many of all weights, those of largest rank."""
    mask = top_k(torch.cat([rank.reshape(-1) for rank in ranks.values()]), kept)
    parts = torch.split(mask, [rank.numel() for rank in ranks.values()])
    return {name: part.reshape(rank.shape) for (name, rank), part in zip(ranks.items(), parts, strict=True)}
