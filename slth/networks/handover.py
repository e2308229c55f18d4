"""Masks attached to the weights of a module for a user's own loop: torch's parametrisations, until they are baked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from slth.errors import ArgumentError
from slth.networks.masking import maskable, straight_through
from slth.networks.structures import Axes, Structure, Weights

_ORDER = "_order_before_masks"
"""Attribute of a masked layer: names of its parameters in their order, which torch forgets and baking restores."""


class FixedMask(nn.Module):
    """A parametrisation that multiplies a weight by a mask."""

    is_mask = True

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def current(self) -> Tensor:
        """Return the mask."""
        return cast("Tensor", self.mask).detach()

    def forward(self, weight: Tensor) -> Tensor:
        """Return the product."""
        return weight * cast("Tensor", self.mask)


class ScoreMask(nn.Module):
    r"""A parametrisation that keeps the groups of largest scores: :math:`w_i [s_i \ge s_{(k)}]`, straight through.

    Notes
    -----
    Source: Ramanujan et al. 2020, "What's Hidden in a Randomly Weighted Neural Network?" (edge-popup).
    """

    is_mask = True

    def __init__(
        self, scores: Tensor, axes: Axes, structure: Structure, *, density: float, magnitude: bool = True
    ) -> None:
        super().__init__()
        self.scores = nn.Parameter(scores)
        self.axes, self.structure, self.magnitude = axes, structure, magnitude
        self.kept = structure.kept(axes, density)

    def current(self) -> Tensor:
        """Return the mask as it stands, bool in the shape of the weight."""
        with torch.no_grad():
            return self.structure.expand(self.structure.select(self._ranked(), self.kept), self.axes)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the masked weight."""
        ranked = self._ranked()
        chosen = self.structure.select(ranked, self.kept)
        return weight * self.structure.expand(straight_through(ranked, chosen), self.axes).to(weight.dtype)

    def _ranked(self) -> Tensor:
        """Return what is ranked."""
        return self.scores.abs() if self.magnitude else self.scores


def attach_masks(module: nn.Module, given: Mapping[str, Tensor]) -> nn.Module:
    """Multiply weights of a module by masks wherever they are used, for a user's own loop.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place (:mod:`torch.nn.utils.parametrize`); tied weights are masked under all their names.
    given : mapping of str to Tensor
        By name as :func:`maskable` has it, in the shape of the weight.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    slth.errors.ArgumentError
        A name is none of the maskable weights, or a mask has another shape.

    Examples
    --------
    >>> layer = attach_masks(nn.Linear(2, 1), {"weight": torch.tensor([[True, False]])})
    >>> layer.weight[0, 1].item() == 0.0, masks(layer)["weight"].tolist()
    (True, [[True, False]])
    """
    known = _known(module, given)
    for name, mask in given.items():
        if tuple(mask.shape) != tuple(known[name].shape):
            rule = f"must have the shape {list(known[name].shape)} of {name}"
            raise ArgumentError("masks", list(mask.shape), rule, "see maskable(module)")
    for name, mask in given.items():
        _register(module, name, FixedMask(mask.detach().clone()))
    return module


def attach_scores(
    module: nn.Module,
    scores: Mapping[str, Tensor],
    density: float | Mapping[str, float],
    *,
    structure: Structure | None = None,
    magnitude: bool = True,
) -> nn.Module:
    """Freeze weights of a module and mask them by scores that gradients reach, for a user's own loop.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place; the scores are its new parameters, in ``parametrizations``.
    scores : mapping of str to Tensor
        By name as :func:`maskable` has it, in the structure's shape.
    density : float or mapping of str to float
        kept / total of each weight.
    structure : Structure, optional
        Single weights by default.
    magnitude : bool
        Whether absolute values of the scores are ranked.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    slth.errors.ArgumentError
        A name is none of the maskable weights, or scores have another shape.

    Examples
    --------
    >>> layer = attach_scores(nn.Linear(2, 1), {"weight": torch.tensor([[0.1, -0.9]])}, 0.5)
    >>> masks(layer)["weight"].tolist(), int(masks(layer)["weight"].sum())
    ([[False, True]], 1)
    """
    unit = Weights() if structure is None else structure
    known = _known(module, scores)
    made = {}
    for name, tensor in scores.items():
        if tuple(tensor.shape) != tuple(unit.shape(known[name])):
            rule = f"must have the shape {list(unit.shape(known[name]))} for {name}"
            raise ArgumentError("scores", list(tensor.shape), rule, "use structure.shape(axes)")
        share = density[name] if isinstance(density, Mapping) else density
        made[name] = ScoreMask(tensor.detach().clone(), known[name], unit, density=share, magnitude=magnitude)
    for name, part in made.items():
        module.get_parameter(name).requires_grad_(False)  # noqa: FBT003
        _register(module, name, part)
    return module


def masks(module: nn.Module) -> dict[str, Tensor]:
    """Return the masks that were attached to a module, as they stand, by the names of their weights.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    dict of str to Tensor
        Tied weights once, by their first name.
    """
    seen: set[int] = set()
    found = {}
    for _, name, path, part in _attached(module):
        if id(part) not in seen:
            seen.add(id(part))
            found[path + name] = part.current()
    return found


def bake(module: nn.Module) -> nn.Module:
    """Multiply the weights by their masks for good, and remove the masks: an ordinary module again.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    slth.errors.ArgumentError
        A weight has other parametrisations besides.

    Examples
    --------
    >>> layer = attach_masks(nn.Linear(2, 1, bias=False), {"weight": torch.tensor([[True, False]])})
    >>> list(bake(layer).state_dict()), layer.weight[0, 1].item() == 0.0
    (['weight'], True)
    """
    attached = list(_attached(module))
    for part, name, path, _ in attached:
        if len(cast("nn.ModuleList", cast("nn.ModuleDict", part.parametrizations)[name])) != 1:
            rule = "has other parametrisations besides its mask"
            raise ArgumentError("module", path + name, rule, "remove them with torch.nn.utils.parametrize first")
    # All products before any is written: the second name of a tied weight would multiply it again.
    made = [getattr(part, name).detach().clone() for part, name, _, _ in attached]
    for (part, name, _, _), weight in zip(attached, made, strict=True):
        parametrize.remove_parametrizations(part, name, leave_parametrized=False)
        with torch.no_grad():
            part.get_parameter(name).copy_(weight)
        if not parametrize.is_parametrized(part):
            order = part.__dict__.pop(_ORDER, [])
            part._parameters.update({own: part._parameters.pop(own) for own in order if own in part._parameters})
    return module


def _known(module: nn.Module, given: Mapping[str, Any]) -> dict[str, Axes]:
    """Return the maskable weights, if all names are among them and none is masked already."""
    known = maskable(module)
    taken = masks(module)
    for name in given:
        if name not in known:
            rule = "is no weight that can be masked, or not its first name"
            raise ArgumentError("masks", name, rule, f"the module has {', '.join(known) or 'none'}")
        if name in taken:
            raise ArgumentError("masks", name, "has a mask already", "call bake(module) first")
    return known


def _register(module: nn.Module, name: str, part: nn.Module) -> None:
    """Attach one parametrisation under all names of a weight."""
    weight = module.get_parameter(name)
    part.to(device=weight.device)
    places = [
        (layer, own) for layer in module.modules() for own, tensor in layer._parameters.items() if tensor is weight
    ]
    for layer, own in places:
        layer.__dict__.setdefault(_ORDER, list(layer._parameters))
        parametrize.register_parametrization(layer, own, part, unsafe=True)


def _attached(module: nn.Module) -> Iterator[tuple[nn.Module, str, str, FixedMask | ScoreMask]]:
    """Yield layer, name of the weight, path in front of it, and mask."""
    for path, part in module.named_modules():
        if parametrize.is_parametrized(part):
            for name, parts in cast("nn.ModuleDict", part.parametrizations).items():
                for item in cast("nn.ModuleList", parts):
                    if isinstance(item, FixedMask | ScoreMask):
                        yield part, name, f"{path}." if path else "", item
