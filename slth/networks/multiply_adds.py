"""What inference costs: products of weights that are not zero."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from slth.networks.given import module_given
from slth.networks.masking import maskable
from slth.networks.outputs import outputs_of


def multiply_adds(module: nn.Module, examples: ArrayLike) -> int | None:
    r"""Return the products of weights and numbers that one example takes, where products of zeros are left out.

    .. math:: \sum_w \#\{w \neq 0\} \cdot \text{places that } w \text{ is used at}

    over the weights of linear layers and convolutions and the projections of attention: what hardware needs that leaves
    out zeros. Biases, norms and products of values with values are not counted, and an embedding looks up.

    Parameters
    ----------
    module : torch.nn.Module
        Its masks, if it has any, are applied.
    examples : array_like [1, ...]
        One example.

    Returns
    -------
    int or None
        None where some weight is used in another way than by its layer, so that nobody knows.

    Raises
    ------
    slth.errors.ArgumentError
        There is no example.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 5))
    >>> multiply_adds(net, torch.zeros(1, 1, 4, 4))
    112
    >>> _ = net[2].weight.data[:, 0].zero_()
    >>> multiply_adds(net, torch.zeros(1, 1, 4, 4))
    107
    """
    left = {path.rpartition(".")[0] for path in maskable(module)}
    counts: list[int] = []

    def count(path: str, part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        counts.append(_products(part, inputs[0], output))
        left.difference_update({path, f"{path}.out_proj".lstrip(".")})  # attention does not call the latter

    hooks = [
        part.register_forward_hook(partial(count, path))
        for path, part in module_given(module).named_modules()
        if isinstance(part, nn.Linear | nn.Embedding | nn.MultiheadAttention | _ConvNd)
    ]
    try:
        outputs_of(module, examples)
    finally:
        for hook in hooks:
            hook.remove()
    return None if left else sum(counts)


def _products(part: Any, given: Tensor, output: Any) -> int:
    """Return the products of one call of a layer on one example."""
    if isinstance(part, nn.Embedding):
        return 0
    if isinstance(part, nn.MultiheadAttention):  # keys and values as many as queries
        projections = (part.in_proj_weight, part.q_proj_weight, part.k_proj_weight, part.v_proj_weight)
        weights = [*(one for one in projections if one is not None), part.out_proj.weight]
        return sum(map(_nonzero, weights)) * (given.numel() // int(part.embed_dim))
    places: Tensor = given if isinstance(part, _ConvTransposeNd) else output
    return _nonzero(part.weight) * (places.numel() // len(part.weight))


def _nonzero(weight: Tensor) -> int:
    return int(torch.count_nonzero(weight))
