"""A module called with other weights than its own, each wherever the module has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


class Calling:
    """Calls a module with tensors by their first names in the place of its own, which it leaves in it.

    torch.func.functional_call, asked to tie weights, gives a layer that has two names the weights of its second name
    for good: it takes them for what the layer had before. So each layer is given its weights once.
    """

    def __init__(self, module: nn.Module, *, compiled: bool = False) -> None:
        self._call = torch.compile(functional_call, dynamic=False) if compiled else functional_call
        self._others: dict[str, str] = {}
        firsts: dict[int, str] = {}
        for path, part in module.named_modules():  # each layer once
            for own, tensor in part._parameters.items():
                if tensor is not None:
                    name = f"{path}.{own}" if path else own
                    if firsts.setdefault(id(tensor), name) != name:
                        self._others[name] = firsts[id(tensor)]

    def __call__(self, module: nn.Module, weights: Mapping[str, Tensor], inputs: tuple[Any, ...]) -> Any:
        """Return what the module gives for inputs with these weights."""
        tied = {name: weights[first] for name, first in self._others.items() if first in weights}
        return self._call(module, {**weights, **tied}, inputs, tie_weights=False)
