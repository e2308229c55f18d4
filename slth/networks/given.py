"""What callers give: modules, tensors, shapes and pairs, checked in one place."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from slth.errors import ArgumentError

T = TypeVar("T")


def whole_numbers(given: Any, name: str, *, least: int = 1, most: int = 2**16, remedy: str) -> tuple[int, ...]:
    """Return positive integers, ``least`` to ``most`` of them, that stand in a tuple, list, array or tensor."""
    parts = sequence(given)
    good = parts is not None and all(isinstance(size, int | np.integer) and 0 < size < 2**40 for size in parts)
    if parts is None or not good or not least <= len(parts) <= most or any(size is True for size in parts):
        count = str(least) if least == most else f"{least} to {most}" if most < 2**16 else f"{least} or more"
        raise ArgumentError(name, given, f"must be {count} positive integers", remedy)
    return tuple(int(size) for size in parts)


def pair(given: Any, name: str, *, remedy: str) -> tuple[Any, Any]:
    """Return the two things that a tuple, list, array or tensor holds."""
    parts = sequence(given)
    if parts is None or len(parts) != 2:
        raise ArgumentError(name, given, "must be two", remedy)
    return parts[0], parts[1]


def sequence(given: Any) -> tuple[Any, ...] | None:
    """Return what a tuple, list, range, array or tensor of one axis or more holds; None for anything else."""
    if isinstance(given, Tensor):
        if given.is_meta or given.layout != torch.strided:
            return None
        given = given.detach().cpu().tolist()
    if isinstance(given, list | tuple | range) or (isinstance(given, np.ndarray) and given.ndim):
        return tuple(given)
    return None


def instance(given: Any, kind: type[T], name: str, remedy: str) -> T:
    """Return what is of a kind, or raise ArgumentError."""
    if not isinstance(given, kind):
        word = "torch.nn.Module" if kind is nn.Module else kind.__name__
        raise ArgumentError(name, type(given).__name__, f"is no {word}", remedy)
    return given


def module_given(module: Any, name: str = "module", *, ready: bool = False) -> nn.Module:
    """Return a module, one whose weights are dense numbers where it is to be ``ready``, or raise ArgumentError."""
    found = instance(module, nn.Module, name, "pass an instance of one")
    if ready:
        for path, tensor in (*found.named_parameters(), *found.named_buffers()):
            check_dense(path, tensor, name)
    return found


def check_dense(path: str, tensor: Any, name: str = "module") -> None:
    """Refuse a tensor of a module that has no numbers, or not one for each place."""
    if nn.parameter.is_lazy(tensor):
        raise ArgumentError(name, path, "has no shape yet, its layer is lazy", "call the module once on an example")
    if tensor.is_meta:
        raise ArgumentError(name, path, 'is on the device "meta", without numbers', "load weights with to_empty()")
    if tensor.is_quantized or tensor.layout != torch.strided:
        raise ArgumentError(name, path, "is quantised or sparse", "convert it with dequantize() or to_dense()")


def tensor_given(given: Any, name: str) -> Tensor:
    """Return a dense tensor of real numbers that is one already, or is made of an array or lists."""
    remedy = "pass a dense tensor or an array of real numbers"
    try:
        found = given.detach() if isinstance(given, Tensor) else torch.from_numpy(np.array(given))
    except (TypeError, ValueError, RuntimeError) as problem:
        rule = f"is no array of numbers ({first_line(problem)})"
        raise ArgumentError(name, type(given).__name__, rule, remedy) from None
    if found.is_meta or found.layout != torch.strided or found.is_quantized or found.is_complex():
        kind = f"{found.dtype}, {found.layout}, on {found.device}"
        raise ArgumentError(name, kind, "holds no real numbers, one for each place", remedy)
    return found


def array_given(given: Any) -> Any:
    """Return a tensor of real numbers as float64, wherever it is and whatever its dtype; what is none as it is."""
    if not isinstance(given, Tensor) or given.is_meta or given.layout != torch.strided or given.is_complex():
        return given
    return given.detach().cpu().double().numpy()


def first_line(error: BaseException) -> str:
    """Return what an error of another library says, in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'without a message'}"


def usual_input_shape(module: nn.Module) -> tuple[int, ...]:
    """Return (features,) of a module whose first layer with weights is linear; others do not say their shape."""
    first = next((part for part in module.modules() if next(part.parameters(recurse=False), None) is not None), None)
    if not isinstance(first, nn.Linear):
        raise ArgumentError("input_shape", None, "must be given for this module", "pass input_shape=(3, 32, 32), say")
    return (first.in_features,)
