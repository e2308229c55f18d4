"""Masks on any torch module, as pure functions: which tensors, from scores to masks, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd
from torch.nn.parameter import is_lazy

from slth.errors import ArgumentError
from slth.networks.selection import Rounding, kept_count, top_k
from slth.networks.structures import Axes, Structure, Weights

Scope = Literal["layer", "global"]
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_PROJECTIONS = {"in_proj_weight": 3, "q_proj_weight": 1, "k_proj_weight": 1, "v_proj_weight": 1}


@dataclass(frozen=True)
class Kept:
    """How many weights are kept.

    Parameters
    ----------
    kept, total : int

    Examples
    --------
    >>> Kept(1, 4).density
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
    >>> list(maskable(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(8, 2))))
    ['0.weight', '2.weight']
    """
    found: dict[str, Axes] = {}
    seen: set[int] = set()
    for path, part in module.named_modules():
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
    >>> prunable_weights(nn.Linear(3, 2))
    6
    """
    return sum(prod(axes.shape) for axes in maskable(module).values())


def select_masks(
    scores: Mapping[str, Tensor],
    density: float | Mapping[str, float],
    *,
    structure: Structure | None = None,
    axes: Mapping[str, Axes] | None = None,
    scope: Scope = "layer",
    rounding: Rounding = "nearest",
) -> dict[str, Tensor]:
    """Return the masks that keep the groups of largest scores, exactly as many as the density says.

    Parameters
    ----------
    scores : mapping of str to Tensor
        By name of the weight, in the shape that the structure has for it; larger is better.
    density : float or mapping of str to float
        kept / total, of groups; for each weight apart if it is a mapping.
    structure : Structure, optional
        Single weights by default.
    axes : mapping of str to Axes, optional
        As :func:`maskable` gives them; not needed for single weights.
    scope : {"layer", "global"}
        Whether each weight keeps its share, or the scores of all weights are ranked together.
    rounding : {"nearest", "up", "down"}
        From a density to a number; see :func:`slth.networks.kept_count`.

    Returns
    -------
    dict of str to Tensor of bool
        In the shapes of the weights.

    Raises
    ------
    slth.errors.ArgumentError
        Scores do not have the structure's shape, a weight is unknown, or densities are given for a global ranking.

    Examples
    --------
    >>> scores = {"a": torch.tensor([1.0, 4.0]), "b": torch.tensor([2.0, 3.0])}
    >>> {name: mask.tolist() for name, mask in select_masks(scores, 0.5, scope="global").items()}
    {'a': [False, True], 'b': [False, True]}
    """
    unit = Weights() if structure is None else structure
    places = {name: Axes(tuple(tensor.shape)) for name, tensor in scores.items()} if axes is None else axes
    for name, tensor in scores.items():
        if name not in places or tuple(tensor.shape) != tuple(unit.shape(places[name])):
            expected = list(unit.shape(places[name])) if name in places else "no weight of this name"
            raise ArgumentError("scores", (name, list(tensor.shape)), f"do not fit: {expected}", "see maskable(module)")
    if scope == "layer":
        shares = density if isinstance(density, Mapping) else dict.fromkeys(scores, density)
        chosen = {
            name: unit.select(tensor, unit.kept(places[name], shares[name], rounding))
            for name, tensor in scores.items()
        }
    elif scope == "global" and not isinstance(density, Mapping) and type(unit).select is Structure.select:
        chosen = _ranked_together(scores, density, rounding)
    else:
        remedy = 'use scope="layer", or one density and a structure without fixed rows'
        raise ArgumentError("scope", scope, "does not fit density and structure", remedy)
    return {name: unit.expand(mask, places[name]) for name, mask in chosen.items()}


def straight_through(scores: Tensor, mask: Tensor) -> Tensor:
    """Return a mask, exactly, whose gradient is that of the scores: ``mask + (scores - scores)``, one half detached.

    Parameters
    ----------
    scores : Tensor
        Finite.
    mask : Tensor
        Of the same shape.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> scores = torch.tensor([0.3, 0.7], requires_grad=True)
    >>> (straight_through(scores, torch.tensor([False, True])) * 2.0).sum().backward()
    >>> scores.grad
    tensor([2., 2.])
    """
    return mask.to(scores.dtype) + (scores - scores.detach())


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
    >>> densities({"fc.weight": torch.tensor([True, False])})
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
    >>> total_density({"a": torch.tensor([True, False]), "b": torch.tensor([False, False])}).density
    0.25
    """
    counts = densities(masks).values()
    return Kept(sum(count.kept for count in counts), sum(count.total for count in counts))


def _axes(part: nn.Module) -> dict[str, Axes]:
    """Return the maskable weights of one layer, children aside."""
    found: dict[str, Axes] = {}
    if isinstance(part, nn.MultiheadAttention):
        for name, parts in _PROJECTIONS.items():
            tensor = _parameter(part, name)
            if tensor is not None:
                found[name] = Axes(tuple(tensor.shape), heads=part.num_heads, parts=parts)
        return found
    tensor = _parameter(part, "weight")
    if tensor is None:
        return found
    if isinstance(part, nn.Linear):
        found["weight"] = Axes(tuple(tensor.shape))
    elif isinstance(part, nn.Embedding):
        found["weight"] = Axes(tuple(tensor.shape), first="inputs")
    elif isinstance(part, _ConvTransposeNd):
        found["weight"] = Axes(tuple(tensor.shape), first="inputs", groups=part.groups)
    elif isinstance(part, _CONVOLUTIONS):
        found["weight"] = Axes(tuple(tensor.shape), groups=part.groups)
    return found


def _parameter(part: nn.Module, name: str) -> Tensor | None:
    """Return a parameter that the layer itself holds, or the one under a mask of ours."""
    tensor = part._parameters.get(name)
    lists = getattr(part, "parametrizations", {})
    if tensor is None and name in lists and all(getattr(item, "is_mask", False) for item in lists[name]):
        tensor = cast("nn.Parameter", lists[name].original)
    return None if tensor is None or is_lazy(tensor) else tensor


def _ranked_together(scores: Mapping[str, Tensor], density: float, rounding: Rounding) -> dict[str, Tensor]:
    """Select among the groups of all weights at once."""
    together = torch.cat([tensor.detach().reshape(-1) for tensor in scores.values()])
    mask = top_k(together, kept_count(density, together.numel(), rounding=rounding))
    parts = torch.split(mask, [tensor.numel() for tensor in scores.values()])
    return {name: part.reshape(tensor.shape) for (name, tensor), part in zip(scores.items(), parts, strict=True)}
