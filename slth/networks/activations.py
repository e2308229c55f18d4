"""Another activation in the place of a module's ReLUs."""

from __future__ import annotations

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "elu": nn.ELU}


def activated(module: nn.Module, name: str) -> nn.Module:
    """Put an activation in the place of each ``nn.ReLU`` below a module, and return it."""
    for part in list(module.modules()):
        for child, layer in part.named_children():
            if type(layer) is nn.ReLU:
                setattr(part, child, ACTIVATIONS[name]())
    return module
