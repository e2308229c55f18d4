"""The user's own module: made by a factory that is named, and filled from a file of weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from slth.errors import ArgumentError, DataError
from slth.extensions import own


def factory_of(name: str) -> Callable[..., Any]:
    """Return the function or class that a registered name, or ``package.module:factory``, stands for."""
    found: Callable[..., Any] = own("slth.models", name, argument="model")
    return found


def made_by(
    factory: Callable[..., Any], known: Mapping[str, Any], options: Mapping[str, Any], *, seed: int
) -> nn.Module:
    """Call a factory with the options, and with those of the known values that it has parameters for."""
    name = f"{getattr(factory, '__module__', None)}:{getattr(factory, '__qualname__', factory)}"  # without an address
    try:
        parameters = inspect.signature(factory).parameters
        with torch.random.fork_rng(devices=[]):  # what the factory draws its weights from, given back as it was
            torch.default_generator.manual_seed(seed)
            made = factory(**{key: value for key, value in known.items() if key in parameters} | dict(options))
    except Exception as problem:
        rule = f"failed when it was called with {sorted(options)} ({type(problem).__name__}: {problem})"
        raise ArgumentError("model", name, rule, "mend the factory or the options") from problem
    if not isinstance(made, nn.Module):
        raise ArgumentError("model", name, f"made a {type(made).__name__}", "return a torch.nn.Module")
    if any(tensor.is_meta for tensor in (*made.parameters(), *made.buffers())):
        raise ArgumentError("model", name, "made tensors without numbers", "make it on a device other than meta")
    return made


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Read tensors by name from a safetensors file, or a file of tensors alone that ``torch.save`` wrote."""
    if not file.is_file():
        raise DataError(f"{file}: there is no such file")
    try:
        found = load_file(file) if file.suffix == ".safetensors" else torch.load(file, weights_only=True)
        return {str(name): tensor.detach() for name, tensor in found.items()}
    except Exception as problem:  # torch's own words are long, and advise to execute what is in the file
        kind = type(problem).__name__
        raise DataError(f"{file}: is no file of tensors alone, or damaged ({kind}): save module.state_dict()") from None


def load_weights(module: nn.Module, file: Path) -> None:
    """Read a module's weights from a file of tensors."""
    tensors = read_tensors(file)
    try:
        module.load_state_dict(tensors)
    except Exception as problem:
        first = str(problem).strip().splitlines()
        raise DataError(f"{file}: does not hold the weights of this module ({' '.join(first[:2])})") from None
