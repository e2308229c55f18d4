"""Masks attached to the weights of a module for a user's own loop: torch's parametrisations, until they are baked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from slth.errors import ArgumentError
from slth.networks.given import module_given, tensor_given
from slth.networks.masking import maskable
from slth.networks.structures import Axes, Structure, Weights
from slth.networks.supermasks import Selection, TopK

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
    """A parametrisation that multiplies a weight by the mask that a selection method makes of scores."""

    is_mask = True

    def __init__(self, name: str, scores: Tensor, selection: Selection, axes: Axes) -> None:
        super().__init__()
        self.scores = nn.Parameter(scores)
        self.name, self.selection, self.axes = name, selection, axes
        self.group = {name: self}  # a dictionary, so that the others are no children of this module
        self.now: Tensor | None = None

    def current(self) -> Tensor:
        """Return the mask as it stands, in the shape of the weight."""
        return self.selection.chosen(*self._given())[self.name]

    def masks(self) -> dict[str, Tensor]:
        """Return the masks of the whole group, differentiable in the scores."""
        return self.selection.masks(*self._given())

    def forward(self, weight: Tensor) -> Tensor:
        """Return the masked weight."""
        mask = self.masks()[self.name] if self.now is None else self.now
        return weight * mask.to(weight.dtype)

    def _given(self) -> tuple[dict[str, Tensor], dict[str, Axes]]:
        scores = {name: check_scores(name, part.scores) for name, part in self.group.items()}
        return scores, {name: part.axes for name, part in self.group.items()}


class _Together:
    """A hook of a module whose masks depend on one another: while it is called they are made once."""

    def __init__(self, *, begins: bool) -> None:
        self.begins = begins

    def __call__(self, module: nn.Module, *_: Any) -> None:
        """Make the masks, or let them go."""
        parts = {id(part): part for _, _, _, part in _attached(module) if isinstance(part, ScoreMask)}
        masks = next(iter(parts.values())).masks() if self.begins and parts else {}
        for part in parts.values():
            part.now = masks.get(part.name)


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
    >>> import torch
    >>> layer = slth.networks.attach_masks(torch.nn.Linear(2, 1), {"weight": torch.tensor([[True, False]])})
    >>> layer.weight[0, 1].item() == 0.0, slth.networks.masks(layer)["weight"].tolist()
    (True, [[True, False]])
    """
    known = _known(module, given, "given")
    given = {name: tensor_given(mask, "given") for name, mask in given.items()}
    for name, mask in given.items():
        if tuple(mask.shape) != tuple(known[name].shape):
            rule = f"must have the shape {list(known[name].shape)} of {name}"
            raise ArgumentError("given", list(mask.shape), rule, "see maskable(module)")
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
    """Mask weights of a module by their largest scores: :func:`slth.mask` with :class:`TopK` and scores of one's own.

    Parameters
    ----------
    module, scores
        As :func:`slth.mask` has them, and its result and errors.
    density, structure, magnitude
        As :class:`TopK` has them.

    Examples
    --------
    >>> import torch
    >>> layer = slth.networks.attach_scores(torch.nn.Linear(2, 1), {"weight": torch.tensor([[0.1, -0.9]])}, 0.5)
    >>> slth.networks.masks(layer)["weight"].tolist(), int(slth.networks.masks(layer)["weight"].sum())
    ([[False, True]], 1)
    """
    unit = Weights() if structure is None else structure
    return mask(module, TopK(density, unit, magnitude=magnitude), scores=scores)


def mask(
    module: nn.Module, method: Selection, *, seed: int = 0, scores: Mapping[str, Tensor] | None = None
) -> nn.Module:
    """Freeze the weights of any module and mask them by scores, which a loop of one's own then trains.

    Each maskable weight w (of linear layers, convolutions, embeddings, attention) is used as w times its mask from here
    on; biases, norms and running statistics stay as they are. The scores are new parameters, ``...scores``, in float32
    whatever the weights are; a tied weight has one mask under all its names. :func:`slth.networks.masks` reads the
    masks, :func:`slth.networks.bake` makes an ordinary module of it again.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.
    method : slth.networks.Selection
        From scores to masks: ``slth.networks.TopK(0.5)`` (with a structure for channels, filters or blocks, in each
        layer or globally, signed too), ``Threshold(...)``, or a subclass of one's own.
    seed : int
        Of the first scores, 0 <= seed < 2**64.
    scores : mapping of str to Tensor, optional
        First scores by the names of the weights, float32 or float64 in the structure's shape; weights that it leaves
        out are not masked.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    ArgumentError
        There is nothing to mask, a weight is masked already, or scores do not fit or are in half precision.

    Examples
    --------
    >>> import torch
    >>> masked = slth.mask(torch.nn.Linear(4, 2), slth.networks.TopK(0.5))
    >>> optimiser = torch.optim.SGD([tensor for tensor in masked.parameters() if tensor.requires_grad], 0.1)
    >>> int(slth.networks.masks(masked)["weight"].sum())
    4
    """
    if not hasattr(method, "chosen") or not hasattr(method, "masks"):
        remedy = "use slth.networks.TopK(0.5), or your own subclass of slth.networks.Selection"
        raise ArgumentError("method", method, "is no selection method", remedy)
    known = maskable(module_given(module, ready=any(True for _ in maskable(module))))
    if not known:
        remedy = "call a lazy module once on an example, and remove parametrisations"
        raise ArgumentError("module", type(module).__name__, "has no weights that can be masked", remedy)
    axes = _known(module, known if scores is None else scores, "scores")
    for name in axes:
        if module.get_parameter(name).is_complex():
            raise ArgumentError("module", name, "is complex, and masks are for real weights", "use real weights")
    made = method.first(axes, seed) if scores is None else scores
    for name, tensor in made.items():
        check_scores(name, tensor)
        if tuple(tensor.shape) != tuple(method.structure.shape(axes[name])):
            rule = f"must have the shape {list(method.structure.shape(axes[name]))} for {name}"
            raise ArgumentError("scores", list(tensor.shape), rule, "use structure.shape(axes)")
    method.chosen(made, axes)  # refuses densities that do not fit, before anything is attached
    parts = {name: ScoreMask(name, tensor.detach().clone(), method, axes[name]) for name, tensor in made.items()}
    for name, part in parts.items():
        module.get_parameter(name).requires_grad_(False)  # noqa: FBT003
        _register(module, name, part)
        if method.joint:
            part.group = parts
    if method.joint:
        module.register_forward_pre_hook(_Together(begins=True))
        module.register_forward_hook(_Together(begins=False), always_call=True)
    return module


def check_scores(name: str, scores: object) -> Tensor:
    """Return a tensor of float32 or float64, or raise: half precision loses steps of an optimiser, and makes ties."""
    if not isinstance(scores, Tensor) or scores.dtype not in (torch.float32, torch.float64) or scores.is_meta:
        kind = f"{scores.dtype} on {scores.device}" if isinstance(scores, Tensor) else type(scores).__name__
        rule = f"of {name} must be float32 or float64"
        raise ArgumentError("scores", kind, rule, "keep the module in float32, and compute under torch.autocast")
    return scores


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
    >>> import torch
    >>> layer = slth.networks.attach_masks(torch.nn.Linear(2, 1, bias=False), {"weight": torch.tensor([[True, False]])})
    >>> list(slth.networks.bake(layer).state_dict()), layer.weight[0, 1].item() == 0.0
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
        kind = type(part)  # which copies of the module share, and which loses the property
        own = {key: value for key, value in vars(kind).items() if key not in ("__dict__", "__weakref__")}
        part.__class__ = type(kind.__name__, kind.__bases__, own)
        parametrize.remove_parametrizations(part, name, leave_parametrized=False)
        with torch.no_grad():
            part.get_parameter(name).copy_(weight)
        if not parametrize.is_parametrized(part):
            order = part.__dict__.pop(_ORDER, [])
            part._parameters.update({own: part._parameters.pop(own) for own in order if own in part._parameters})
    for hooks in (module._forward_pre_hooks, module._forward_hooks):
        for number in [number for number, hook in hooks.items() if isinstance(hook, _Together)]:
            del hooks[number]
    return module


def _known(module: nn.Module, given: Any, argument: str) -> dict[str, Axes]:
    """Return the maskable weights, if all names are among them and none is masked already."""
    if not isinstance(given, Mapping):
        raise ArgumentError(argument, type(given).__name__, "must be tensors by name", "see maskable(module)")
    known = maskable(module)
    taken = masks(module)
    for name in given:
        if name not in known:
            rule = "is no weight that can be masked, or not its first name"
            raise ArgumentError(argument, name, rule, f"the module has {', '.join(known) or 'none'}")
        if name in taken:
            raise ArgumentError("module", name, "has a mask already", "call bake(module) first")
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
    for path, part in module_given(module).named_modules():
        lists: Any = part.parametrizations if parametrize.is_parametrized(part) else {}
        for name, item in ((name, item) for name, items in lists.items() for item in items):
            if isinstance(item, FixedMask | ScoreMask):
                yield part, name, f"{path}." if path else "", item
