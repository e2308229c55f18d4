"""What inference costs: products of weights that are not zero."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from slth.networks.given import module_given, tensor_given
from slth.networks.masking import maskable
from slth.networks.outputs import outputs_of

_UNKNOWN = (nn.RNNBase, nn.RNNCellBase, nn.Bilinear)  # their weights are not counted


def multiply_adds(module: nn.Module, examples: ArrayLike) -> int | None:
    r"""Return the products of weights and numbers that one example takes, where products of zeros are left out.

    .. math:: \sum_w \#\{w \neq 0\} \cdot \text{places that } w \text{ is used at}

    over the weights of linear layers and convolutions and the projections of attention: what hardware needs that leaves
    out zeros. Biases, norms, parameters of no layer and products of values with values are not counted; an embedding
    looks up.

    Parameters
    ----------
    module : torch.nn.Module
        Its masks, if it has any, are applied.
    examples : array_like [examples, ...]
        The first is given to the module.

    Returns
    -------
    int or None
        None where some weight is used in another way than by its layer, or by a recurrent or bilinear one, so that
        nobody knows.

    Raises
    ------
    slth.errors.ArgumentError
        There is no example.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 5))
    >>> slth.networks.multiply_adds(net, torch.zeros(1, 1, 4, 4))
    112
    >>> _ = net[2].weight.data[:, 0].zero_()
    >>> slth.networks.multiply_adds(net, torch.zeros(1, 1, 4, 4))
    107
    """
    given = tensor_given(examples, "examples")
    left = {path.rpartition(".")[0] for path in maskable(module)}
    left |= {path for path, part in module.named_modules() if isinstance(part, _UNKNOWN)}
    counts: list[int] = []

    def count(path: str, part: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        names = ("query", "key", "value") if isinstance(part, nn.MultiheadAttention) else ("input",)
        counts.append(_products(part, {**dict(zip(names, inputs, strict=False)), **named}, output))
        left.difference_update({path, f"{path}.out_proj".lstrip(".")})  # attention does not call the latter

    hooks = [
        part.register_forward_hook(partial(count, path), with_kwargs=True)
        for path, part in module_given(module).named_modules()
        if isinstance(part, nn.Linear | nn.Embedding | nn.MultiheadAttention | _ConvNd)
    ]
    try:
        outputs_of(module, given[:1] if given.ndim else given)
    finally:
        for hook in hooks:
            hook.remove()
    return None if left else sum(counts)


def _products(part: Any, given: Mapping[str, Any], output: Any) -> int:
    """Return the products of one call of a layer on one example."""
    if isinstance(part, nn.MultiheadAttention):
        return _projected(part, given)
    if isinstance(part, nn.Embedding):
        return 0
    places: Tensor = given["input"] if isinstance(part, _ConvTransposeNd) else output
    return _nonzero(part.weight) * (places.numel() // max(1, len(part.weight)))


def _projected(part: nn.MultiheadAttention, given: Mapping[str, Tensor]) -> int:
    """Return the products of the projections of queries, keys and values, and of what leaves the heads."""
    names = ("query", "key", "value")
    tokens = [given[name].numel() // given[name].shape[-1] for name in names]
    joint: Tensor | None = part.in_proj_weight
    apart = [part.q_proj_weight, part.k_proj_weight, part.v_proj_weight]
    weights = apart if joint is None else list(joint.chunk(3))
    through = zip([*weights, part.out_proj.weight], [*tokens, tokens[0]], strict=True)
    return sum(_nonzero(weight) * count for weight, count in through)


def _nonzero(weight: Tensor) -> int:
    return int(torch.count_nonzero(weight))
