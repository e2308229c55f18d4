"""Shapes, sizes and pairs as callers give them: tuples, lists, arrays, tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from slth.arrays import whole
from slth.errors import ArgumentError


def whole_numbers(given: Any, name: str, *, least: int = 1, most: int = 2**16, remedy: str) -> tuple[int, ...]:
    """Return positive integers, ``least`` to ``most`` of them, that stand in a tuple, list, array or tensor."""
    parts = sequence(given)
    if parts is None or not least <= len(parts) <= most:
        count = str(least) if least == most else f"{least} to {most}" if most < 2**16 else f"{least} or more"
        raise ArgumentError(name, given, f"must be {count} positive integers", remedy)
    return tuple(whole(size, name, 1, 2**40 - 1, remedy=remedy) for size in parts)


def pair(given: Any, name: str, *, remedy: str) -> tuple[Any, Any]:
    """Return the two things that a tuple, list, array or tensor holds."""
    parts = sequence(given)
    if parts is None or len(parts) != 2:
        raise ArgumentError(name, given, "must be two", remedy)
    return parts[0], parts[1]


def sequence(given: Any) -> tuple[Any, ...] | None:
    """Return what a tuple, list, array or tensor of one axis or more holds; None for anything else."""
    if isinstance(given, Tensor):
        try:
            given = given.detach().cpu().double().numpy() if given.is_floating_point() else given.cpu().numpy()
        except (RuntimeError, TypeError, NotImplementedError):
            return None
    if isinstance(given, list | tuple) or (isinstance(given, np.ndarray) and given.ndim):
        return tuple(given)
    return None


def module_given(module: object, name: str = "module") -> nn.Module:
    """Return a module, or raise ArgumentError."""
    if not isinstance(module, nn.Module):
        raise ArgumentError(name, type(module).__name__, "is no torch.nn.Module", "pass an instance of one")
    return module


def usual_input_shape(module: nn.Module) -> tuple[int, ...]:
    """Return (features,) of a module whose first layer with weights is linear; others do not say their shape."""
    first = next((part for part in module.modules() if next(part.parameters(recurse=False), None) is not None), None)
    if not isinstance(first, nn.Linear):
        raise ArgumentError("input_shape", None, "must be given for this module", "pass input_shape=(3, 32, 32), say")
    return (first.in_features,)
