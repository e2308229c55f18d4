"""The field's standard models, initialised from an explicit generator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from slth.errors import ArgumentError
from slth.rng import Stream


def mlp(sizes: Sequence[int], *, bias: bool = True, seed: int = 0) -> nn.Sequential:
    r"""Return Flatten, then Linear layers with ReLU between them, and no activation at the end.

    Weights and biases are uniform on :math:`\pm 1/\sqrt{inputs}` (PyTorch's own default), drawn from ``seed`` alone.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of neurons, inputs first: ``(64, 32, 10)`` has two layers of weights.
    bias : bool
        Whether the layers have biases.
    seed : int
        Seed of the initial weights, 0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Sequential
        A float32 module for inputs of shape [batch, ...] with ``sizes[0]`` numbers each.

    Raises
    ------
    ArgumentError
        If fewer than two sizes are given, one is not positive, or the seed is outside its range.

    Examples
    --------
    >>> network = mlp((4, 3, 2), bias=False)
    >>> [tuple(weight.shape) for weight in network.parameters()]
    [(3, 4), (2, 3)]
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ArgumentError("sizes", tuple(sizes), "must be two or more positive numbers", "e.g. (64, 32, 10)")
    generator = torch.Generator().manual_seed(Stream(seed, "mlp").seed)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [uniform_layer(nn.Linear, inputs, outputs, bias=bias, generator=generator), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def uniform_layer(
    kind: type[nn.Module], *sizes: int, bias: bool, generator: torch.Generator, **options: int
) -> nn.Module:
    r"""Return a layer with weights and biases uniform on :math:`\pm 1/\sqrt{m}`, m the inputs that an output sees."""
    # skip_init: the default initialisation would draw from the global generator, and be thrown away
    layer: nn.Module = nn.utils.skip_init(kind, *sizes, bias=bias, **options)  # type: ignore[no-untyped-call]
    bound = layer.get_parameter("weight")[0].numel() ** -0.5
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
