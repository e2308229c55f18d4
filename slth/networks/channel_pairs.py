"""The block mask of the structured theorem as an architecture: two layers in the place of each, a ReLU between."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks.given import module_given
from slth.networks.initialise import drawn

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_SAME = ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")


class ChannelPair(nn.Module):
    r"""Two layers that stand for one: a block of hidden channels for each input channel, and the layer behind a ReLU.

    .. math:: y = \sum_{s, k} v_{sk} * \max(u_{sk} x_s, 0), \qquad k = 1, \ldots, \mathrm{block}

    Hidden channel (s, k) is number s block + k; it sees input channel s alone, and goes to all outputs of its group.
    There are no biases. ``first.weight`` holds u in [inputs block, 1, 1, ...], and ``second.weight`` v in the shape of
    the layer's weight, with block times the inputs.

    Parameters
    ----------
    layer : nn.Linear or nn.Conv1d, 2d, 3d
        Gives sizes and dtype; its numbers are not used.
    block : int
        Hidden channels of an input channel.

    Examples
    --------
    >>> import torch
    >>> pair = slth.networks.ChannelPair(torch.nn.Conv2d(3, 8, 5, padding=2), block=4)
    >>> tuple(pair.first.weight.shape), tuple(pair.second.weight.shape), pair(torch.zeros(1, 3, 9, 9)).shape[1:]
    ((12, 1, 1, 1), (8, 12, 5, 5), torch.Size([8, 9, 9]))
    """

    def __init__(self, layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d, block: int) -> None:
        super().__init__()
        self.block = block
        self.flat = isinstance(layer, nn.Linear)
        like: dict[str, Any] = {"bias": False, "dtype": layer.weight.dtype}
        if isinstance(layer, nn.Linear):
            inputs = layer.in_features
            first: nn.Module = nn.Conv1d(inputs, inputs * block, 1, groups=inputs, **like)
            second: nn.Module = nn.Linear(inputs * block, layer.out_features, **like)
        else:
            inputs, kind = layer.in_channels, type(layer)
            first = kind(inputs, inputs * block, 1, groups=inputs, **like)
            like |= {name: getattr(layer, name) for name in _SAME}
            second = kind(inputs * block, layer.out_channels, **like)
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate both layers; a linear one acts on the last axis."""
        if not self.flat:
            return self.second(torch.relu(self.first(x)))  # type: ignore[no-any-return]
        hidden = torch.relu(self.first(x.reshape(-1, x.shape[-1], 1) if x.numel() else x.new_zeros(0, x.shape[-1], 1)))
        return self.second(hidden.reshape(*x.shape[:-1], hidden.shape[1]))  # type: ignore[no-any-return]


def channel_blocked(module: nn.Module, *, block: int = 8, seed: int = 0) -> nn.Module:
    """Return a copy of a module with a :class:`ChannelPair` in the place of each linear layer and convolution.

    This is the random network of the structured strong lottery ticket theorem, with 2n = ``block`` channels for each
    input channel, to be searched by scores: ``second.weight`` of a pair has the hidden channels as its input channels.
    Where as many of each block are kept, :func:`slth.graphs.shrink` takes the others out for good.

    Parameters
    ----------
    module : torch.nn.Module
        Of which nn.Linear, nn.Conv1d, 2d and 3d are replaced, and no subclasses of these; it stays as it is. The pairs
        have no biases: a search of a random network takes them as zero. Weights that are tied to others become two.
    block : int
        Hidden channels of an input channel.
    seed : int
        Of the first weights, which a search draws again.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        There is no such layer or one without weights, or a number is outside its range.

    Notes
    -----
    Source: da Cunha, d'Amore and Natale 2023, "Polynomially Over-Parameterized Convolutional Neural Networks Contain
    Structured Strong Winning Lottery Tickets" (arXiv 2311.09858; unverified), which finds the channels by subset sums.

    Examples
    --------
    >>> from torch import nn
    >>> net = slth.networks.channel_blocked(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), block=4)
    >>> method = slth.networks.TopK(0.5, slth.networks.NOfMChannels(2, 4), spared=["*.first.weight"])
    >>> {name: tuple(scores.shape) for name, scores in method.first(slth.networks.maskable(net), 0).items()}
    {'0.second.weight': (8,), '2.second.weight': (12,)}
    """
    count = whole(block, "block", 1, 2**20, remedy="use 8")
    found = copy.deepcopy(module_given(module, ready=True))
    pairs: dict[int, nn.Module] = {}

    def replaced(part: nn.Module) -> nn.Module:
        if isinstance(part, _LAYERS) and type(part) in _LAYERS:  # what a subclass does with its weight, nobody knows
            if not part.weight.numel():
                rule = f"has a layer without weights, of shape {list(part.weight.shape)}"
                raise ArgumentError("module", type(module).__name__, rule, "leave that layer out")
            if id(part) not in pairs:
                pair = drawn(partial(ChannelPair, part, count), seed, f"channel pair {len(pairs)}")
                pairs[id(part)] = pair.train(part.training).to(part.weight.device)
            return pairs[id(part)]
        if isinstance(part, nn.TransformerEncoderLayer):
            part.activation_relu_or_gelu = 0  # or torch reads the weights of its linear layers, which are no more
        for name, child in part._modules.items():
            if child is not None:
                part._modules[name] = replaced(child)
        return part

    blocked = replaced(found)
    if not pairs:
        rule = "has no nn.Linear, nn.Conv1d, nn.Conv2d or nn.Conv3d to replace"
        raise ArgumentError("module", type(module).__name__, rule, "use one with such layers")
    return blocked
