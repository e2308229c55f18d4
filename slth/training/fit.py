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


def check_last_batch(module: nn.Module, examples: int, recipe: Recipe, processes: int = 1) -> None:
    """Refuse batches of which a process has one example: batch normalisation of plain numbers takes no variance."""
    left = 0 if recipe.drop_last else examples % recipe.batch_size
    sizes = [size for size in (left, recipe.batch_size if examples >= recipe.batch_size else 0) if size]
    alone = [size for size in sizes if size < 2 * processes and recipe.epochs]
    if alone and any(isinstance(part, nn.BatchNorm1d) for part in module.modules()):
        which = "a last batch of" if alone[0] == left else "batches of"
        shared = "" if processes == 1 else f" for {processes} processes"
        count = "one" if alone[0] == 1 else str(alone[0])
        rule = f"leaves {which} {count}{shared} of {examples} examples: of one example there is no variance"
        raise ArgumentError("batch_size", recipe.batch_size, rule, "use another size, or drop_last=True")


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a module's first tensor; the CPU where it has none."""
    first = next((tensor for group in (module.parameters(), module.buffers()) for tensor in group), None)
    return torch.device("cpu") if first is None else first.device
