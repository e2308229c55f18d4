"""Inputs that are indices of tokens: what may not be done with them, and whether a module knows them all."""

from __future__ import annotations

import torch
from torch import nn

from slth.errors import ArgumentError
from slth.training.evaluation import evaluate
from slth.training.examples import Examples
from slth.training.recipe import Recipe


def check_tokens(module: nn.Module, recipe: Recipe, *examples: Examples | None) -> None:
    """Refuse a recipe that calculates with token indices, and tokens that a module has no place for.

    On a GPU such a token would end the process in the middle of an epoch.
    """
    for data in examples:
        if isinstance(data, Examples) and data.are_tokens:
            for name in ("normalisation", "augmentation"):
                if getattr(recipe, name, None):
                    rule = "is of numbers, and inputs are token indices"
                    raise ArgumentError(name, getattr(recipe, name), rule, "leave it out")
            _check_known(module, data, recipe)


def _check_known(module: nn.Module, data: Examples, recipe: Recipe) -> None:
    """Evaluate examples with the largest token of each place."""
    if not data.inputs.numel():
        return
    places = set(data.inputs.reshape(len(data), -1).argmax(0).tolist())
    largest = data.at(torch.tensor(sorted(places), device=data.inputs.device)).to(
        next((tensor.device for tensor in module.parameters()), data.inputs.device)
    )
    try:
        evaluate(module, largest, loss=recipe.loss)
    except IndexError as problem:
        rule = f"have the token {int(largest.inputs.max())}, which {type(module).__name__} does not know ({problem})"
        raise ArgumentError("inputs", list(data.inputs.shape), rule, "make its embedding larger") from problem
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return  # a module that does not take such inputs at all is named where training begins
