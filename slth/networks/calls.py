"""A module called with other weights than its own, each wherever the module has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

Call = Callable[[nn.Module, Mapping[str, Tensor], tuple[Any, ...]], Any]
"""Evaluates a module with tensors by their first names in the place of its own."""


def calling(module: nn.Module, *, compiled: bool = False) -> Call:
    """Return what calls a module with other weights, tied ones by their first name, and leaves its own in it.

    torch.func.functional_call, asked to tie weights, gives a layer that has two names the weights of its second name
    for good: it takes them for what the layer had before. So each layer is given its weights once.
    """
    call = torch.compile(functional_call, dynamic=False) if compiled else functional_call
    firsts: dict[int, str] = {}
    others: dict[str, str] = {}
    for path, part in module.named_modules():  # each layer once
        for own, tensor in part._parameters.items():
            if tensor is not None:
                name = f"{path}.{own}" if path else own
                if firsts.setdefault(id(tensor), name) != name:
                    others[name] = firsts[id(tensor)]

    def called(module: nn.Module, weights: Mapping[str, Tensor], inputs: tuple[Any, ...]) -> Any:
        tied = {name: weights[first] for name, first in others.items() if first in weights}
        return call(module, {**weights, **tied}, inputs, tie_weights=False)

    return called
