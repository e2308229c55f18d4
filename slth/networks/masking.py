"""Masks on any torch module: which tensors they are for, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd
from torch.nn.parameter import is_lazy

from slth.networks.given import module_given
from slth.networks.structures import Axes

_FIRST: dict[tuple[type[nn.Module], ...], Literal["outputs", "inputs"]] = {
    (nn.Embedding, _ConvTransposeNd): "inputs",
    (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d): "outputs",
}
"""What the first axis of a layer's weight counts."""
_PROJECTIONS = {"in_proj_weight": 3, "q_proj_weight": 1, "k_proj_weight": 1, "v_proj_weight": 1}


@dataclass(frozen=True)
class Kept:
    """How many weights are kept.

    Parameters
    ----------
    kept, total : int

    Examples
    --------
    >>> slth.networks.Kept(1, 4).density
    0.25
    """

    kept: int
    total: int

    @property
    def density(self) -> float:
        """The share kept / total; 1.0 where there is nothing to keep."""
        return self.kept / self.total if self.total else 1.0


def maskable(module: nn.Module) -> dict[str, Axes]:
    """Return the weights of a module that masks are for, by name, and what their axes mean.

    These are the weights of Linear, (transposed) convolutions and Embedding, and the projections of MultiheadAttention,
    subclasses included; not biases, not norms, and nothing that another parametrisation computes.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    dict of str to Axes
        In the module's own order; a tied weight stands once, by its first name.

    Examples
    --------
    >>> from torch import nn
    >>> list(slth.networks.maskable(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(8, 2))))
    ['0.weight', '2.weight']
    """
    found: dict[str, Axes] = {}
    seen: set[int] = set()
    for path, part in module_given(module).named_modules():
        for name, axes in _axes(part).items():
            tensor = _parameter(part, name)
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                found[f"{path}.{name}" if path else name] = axes
    heads = {path: part.num_heads for path, part in module.named_modules() if isinstance(part, nn.MultiheadAttention)}
    for path, number in heads.items():
        name = f"{path}.out_proj.weight" if path else "out_proj.weight"
        if name in found:
            found[name] = Axes(found[name].shape, heads=number, parts=0)
    return found


def prunable_weights(module: nn.Module) -> int:
    """Return how many weights of a module masks are for: by this number the field tells models of one name apart.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    int
        Without biases and norms; see :func:`maskable`.

    Examples
    --------
    >>> from torch import nn
    >>> slth.networks.prunable_weights(nn.Linear(3, 2))
    6
    """
    return sum(prod(axes.shape) for axes in maskable(module).values())


def densities(masks: Mapping[str, Tensor]) -> dict[str, Kept]:
    """Count what masks keep, weight by weight; :func:`total_density` counts them together.

    Parameters
    ----------
    masks : mapping of str to Tensor
        Whatever is not zero is kept.

    Returns
    -------
    dict of str to Kept

    Examples
    --------
    >>> import torch
    >>> slth.networks.densities({"fc.weight": torch.tensor([True, False])})
    {'fc.weight': Kept(kept=1, total=2)}
    """
    return {name: Kept(int(torch.count_nonzero(mask)), mask.numel()) for name, mask in masks.items()}


def total_density(masks: Mapping[str, Tensor]) -> Kept:
    """Count what masks keep in all.

    Parameters
    ----------
    masks : mapping of str to Tensor

    Returns
    -------
    Kept

    Examples
    --------
    >>> import torch
    >>> slth.networks.total_density({"a": torch.tensor([True, False]), "b": torch.tensor([False, False])}).density
    0.25
    """
    counts = densities(masks).values()
    return Kept(sum(count.kept for count in counts), sum(count.total for count in counts))


def _axes(part: nn.Module) -> dict[str, Axes]:
    """Return the maskable weights of one layer, children aside."""
    if isinstance(part, nn.MultiheadAttention):
        held = {name: _parameter(part, name) for name in _PROJECTIONS}
        return {
            name: Axes(tuple(tensor.shape), heads=part.num_heads, parts=_PROJECTIONS[name])
            for name, tensor in held.items()
            if tensor is not None
        }
    first = next((first for kinds, first in _FIRST.items() if isinstance(part, kinds)), None)
    tensor = None if first is None else _parameter(part, "weight")
    if first is None or tensor is None:
        return {}
    return {"weight": Axes(tuple(tensor.shape), first=first, groups=getattr(part, "groups", 1))}


def _parameter(part: nn.Module, name: str) -> Tensor | None:
    """Return a parameter that the layer itself holds, or the one under a mask of ours."""
    tensor = part._parameters.get(name)
    lists = getattr(part, "parametrizations", {})
    if tensor is None and name in lists and all(getattr(item, "is_mask", False) for item in lists[name]):
        tensor = cast("nn.Parameter", lists[name].original)
    return None if tensor is None or is_lazy(tensor) else tensor
