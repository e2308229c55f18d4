"""Whether a module takes the examples and the batches of its training: asked before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from slth.errors import ArgumentError
from slth.training.examples import Examples
from slth.training.recipe import Recipe


def check_fit(module: nn.Module, data: Examples, evaluated: Callable[[Examples], object]) -> None:
    """Refuse a module that does not take the examples, before anything is done with it."""
    two = data.at(torch.arange(min(2, len(data)), device=data.inputs.device))
    try:
        evaluated(two)
    except (RuntimeError, IndexError, TypeError, ValueError) as problem:
        if isinstance(problem, ArgumentError):
            raise
        rule = f"does not take examples of shape {list(two.inputs.shape[1:])} and their targets: {problem}"
        remedy = "pass inputs of the module's shape and labels below its number of classes"
        raise ArgumentError("module", type(module).__name__, rule, remedy) from problem


def check_last_batch(module: nn.Module, examples: int, recipe: Recipe) -> None:
    """Refuse a last batch of one example, of which batch normalisation of plain numbers takes no variance."""
    alone = examples % recipe.batch_size == 1 and not recipe.drop_last and recipe.epochs
    if alone and any(isinstance(part, nn.BatchNorm1d) for part in module.modules()):
        rule = f"leaves a last batch of one of {examples} examples, of which batch normalisation takes no variance"
        raise ArgumentError("batch_size", recipe.batch_size, rule, "use another size, or drop_last=True")


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a module's first tensor; the CPU where it has none."""
    first = next((tensor for group in (module.parameters(), module.buffers()) for tensor in group), None)
    return torch.device("cpu") if first is None else first.device
