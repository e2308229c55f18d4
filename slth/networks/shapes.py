"""The shape of a module's inputs, where the module itself says it."""

from __future__ import annotations

from torch import nn

from slth.errors import ArgumentError


def usual_input_shape(module: object) -> tuple[int, ...]:
    """Return (features,) of a module whose first layer with weights is linear; others do not say their shape."""
    if not isinstance(module, nn.Module):
        remedy = "pass a torch.nn.Module, or a slth.Graph"
        raise ArgumentError("target", type(module).__name__, "is neither a module nor a graph", remedy)
    first = next((part for part in module.modules() if next(part.parameters(recurse=False), None) is not None), None)
    if not isinstance(first, nn.Linear):
        raise ArgumentError("input_shape", None, "must be given for this module", "pass input_shape=(3, 32, 32), say")
    return (first.in_features,)
