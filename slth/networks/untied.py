"""Shared layers apart: one random weight and several masks, where a module uses a layer more than once."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from torch import nn

from slth.errors import ArgumentError
from slth.networks.given import module_given
from slth.networks.masking import maskable

_SHARED = "_shared_random_weights"
"""Attribute of a module: for names of its weights, the first name that each had when they were one."""


def untied(module: nn.Module) -> nn.Module:
    r"""Return a copy of a module in which each use of a shared layer or weight is one of its own, of the same numbers.

    A search of it draws the random weights of a shared layer once, and finds a mask for each use of it:

    .. math:: w^{(l)} = m^{(l)} \odot w, \qquad l = 1, \ldots, L

    The ticket stores one seed and L masks. What the layers compute then differs, so that only a module with L layers
    can take it: :func:`slth.apply_to` on ``untied(...)`` of a fresh instance, or on one whose layers were never shared.
    Without this function a shared weight has one mask in all of its uses.

    Parameters
    ----------
    module : torch.nn.Module
        In which a layer, or a parameter, stands under several names: ``nn.Sequential(*[block] * 6)``. A layer that has
        one name and is called several times is one use; list it under a name for each. The module stays as it is.

    Returns
    -------
    torch.nn.Module
        With the names of the module. Norm layers, biases and buffers of a shared layer are apart too. Changed further
        (:func:`slth.networks.channel_blocked`) it may no longer know its names: call this function last.

    Raises
    ------
    slth.errors.ArgumentError
        Nothing in the module is shared, or it has no numbers yet.

    Notes
    -----
    Source: Shen, Yao, Kiela, Keutzer, Mahoney 2021, "What's Hidden in a One-layer Randomly Weighted Transformer?"
    (arXiv 2109.03939): one random layer, another mask at each depth. Measured here, 3 seeds, ``slth search edge-popup
    --model vit --data mnist --limit 6000 --epochs 8 --learning-rate 0.3 --checks 0 --shared-layers weights``: 0.913
    (standard deviation 0.004); as many weights kept of four random layers of their own 0.918 (0.001); with
    ``--shared-layers masks``, one mask in all four uses, 0.902 (0.007).

    Examples
    --------
    >>> from torch import nn
    >>> layer = nn.Linear(8, 8)
    >>> net = nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), nn.Linear(8, 2))
    >>> list(slth.networks.maskable(net)), list(slth.networks.maskable(slth.networks.untied(net)))
    (['0.weight', '4.weight'], ['0.weight', '2.weight', '4.weight'])
    >>> slth.networks.layout_of(slth.networks.untied(net))["2.weight"].stream
    '0.weight'
    """
    found = copy.deepcopy(module_given(module, ready=True))
    firsts: dict[int, str] = {}
    names = {name: firsts.setdefault(id(one), name) for name, one in found.named_parameters(remove_duplicate=False)}
    shared = [name for name, first in names.items() if name != first]
    masked = maskable(found)
    random = {name: names[name] for name in shared if names[name] in masked}
    if not random:
        rule = "shares no weight that masks are for between layers"
        remedy = "list a layer that is used several times under several names, as in nn.Sequential(*[layer] * 6)"
        raise ArgumentError("module", type(module).__name__, rule, remedy)
    _separate_layers(found, {id(found)})
    for name in shared:
        path, _, own = name.rpartition(".")
        part = found.get_submodule(path)
        weight = part.get_parameter(own)
        setattr(part, own, nn.Parameter(weight.detach().clone(), requires_grad=weight.requires_grad))
    setattr(found, _SHARED, random)
    return found


def shared_with(module: nn.Module) -> dict[str, str]:
    """Return for names of weights that were shared the name of the one whose random numbers they have."""
    found = {first + name: first + other for first, held in _marks(module) for name, other in held.items()}
    for name, other in found.items():  # a part that was untied may have been shared itself
        while other in found:
            other = found[other]
        found[name] = other
    return found


def _marks(module: nn.Module) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the prefix of each module that was untied, outer ones first, with its names."""
    for path, part in module.named_modules():
        held = getattr(part, _SHARED, None)
        if held is not None:
            yield f"{path}." if path else "", held


def _separate_layers(module: nn.Module, seen: set[int]) -> None:
    """Put a copy in the place of each layer that stands somewhere before."""
    for name, child in module._modules.items():
        if child is not None and id(child) in seen:
            module._modules[name] = copy.deepcopy(child)
        elif child is not None:
            seen.add(id(child))
            _separate_layers(child, seen)
