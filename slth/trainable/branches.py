"""What a ticket is compared with: its masks over other weights, other masks of its density, its signs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from slth.rng import Stream
from slth.searches.random_source import random_source
from slth.trainable.bench import Bench, held
from slth.trainable.pruning import together
from slth.training.method import Tensors

Branch: TypeAlias = Literal["reinitialised", "shuffled", "random", "signs"]


@dataclass(frozen=True, eq=False)
class Restart:
    """Masks, the weights and the step that their training starts from, and the names of weights that may be removed.

    No step is that of the recipe.
    """

    number: int
    masks: Mapping[str, Tensor]
    state: Tensors
    start: int | None
    names: tuple[str, ...]


def reinitialised(bench: Bench, given: Restart) -> Restart:
    """Return its masks over other random weights, which are trained from step 0 on.

    They are drawn from another seed where the first ones are drawn from a law; else each weight is another number of
    the first ones of its own tensor, in an order drawn anew: of the same law, whatever that is.
    """
    if bench.source is not None:
        seed = int(Stream(bench.seed, f"branches/reinitialised/{given.number}").raw(0, 1)[0])
        source = bench.source
        other = random_source(source.module, law=source.law, seed=seed, scale=source.scale, density=None)
        return replace(given, state=held(other.module), start=0)
    state = dict(bench.first)
    for name in bench.names:
        order = _order(bench, f"reinitialised/{given.number}/{name}", state[name].numel())
        state[name] = state[name].reshape(-1)[order].reshape(state[name].shape)
    return replace(given, state=state, start=0)


def shuffled(bench: Bench, given: Restart) -> Restart:
    """Return its weights under masks that are shuffled within each tensor: layer densities stay."""
    masks = dict(given.masks)
    for name in given.names:
        order = _order(bench, f"shuffled/{given.number}/{name}", masks[name].numel())
        masks[name] = masks[name].reshape(-1)[order].reshape(masks[name].shape)
    return replace(given, masks=masks)


def random(bench: Bench, given: Restart) -> Restart:
    """Return its weights under random masks that keep as many of all that may be removed."""
    kept = sum(int(given.masks[name].sum()) for name in given.names)
    ranks = {}
    for name in given.names:
        shape = given.masks[name].shape
        numbers = Stream(bench.seed, f"branches/random/{given.number}/{name}").uniform(0, shape.numel())
        ranks[name] = torch.from_numpy(numbers).reshape(shape)
    masks = {**given.masks, **together(ranks, kept)}
    return replace(given, masks=masks)


def signs(bench: Bench, given: Restart) -> Restart:
    """Return its masks over the signs of its weights, each tensor's times the deviation of all of its weights."""
    state = dict(given.state)
    for name in bench.names:
        state[name] = torch.sign(state[name]) * state[name].double().std(correction=0).to(state[name].dtype)
    return replace(given, state=state)


BRANCHES: dict[Branch, Callable[[Bench, Restart], Restart]] = {
    "reinitialised": reinitialised,
    "shuffled": shuffled,
    "random": random,
    "signs": signs,
}


def _order(bench: Bench, path: str, count: int) -> Tensor:
    """Return an order of so many entries."""
    words = Stream(bench.seed, f"branches/{path}").raw(0, count)
    return torch.from_numpy(np.argsort(words, kind="stable"))
