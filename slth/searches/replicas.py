"""Several searches at once, which take turns: on a GPU, which a small network alone leaves idle, on several streams."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks import Selection
from slth.networks.devices import resolve_device
from slth.networks.given import instance, module_given, sequence
from slth.resources import Progress, reporter
from slth.rng import WeightLaw
from slth.searches.method import SearchMethod
from slth.searches.random_source import Scale
from slth.searches.search import SearchResult, searching
from slth.training import Examples, Recipe
from slth.training.checkpoint import file_of
from slth.training.fit import device_of
from slth.training.turns import taking_turns, together


def search_many(
    module: nn.Module,
    data: Examples,
    method: Selection | SearchMethod | Sequence[Selection | SearchMethod],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    recipe: Recipe | None = None,
    validation: Examples | None = None,
    keep: Literal["last", "best"] = "last",
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> list[SearchResult]:
    """Search from several seeds, or by several methods, at once: each search is what :func:`search` makes alone.

    The searches take turns, step by step. On a CUDA device each has a stream of its own, so that the kernels of one
    fill what those of others leave idle; with ``Recipe(cuda_graphs=True)`` there is little else in a step. Where layers
    or the method draw random numbers on the device, steps follow one another in one stream. On the CPU nothing is
    gained but the order: all are as far at any time.

    Parameters
    ----------
    module : torch.nn.Module
        Gives the architecture; it stays as it is.
    data : Examples
        What the scores are trained on; held once for all searches.
    method : Selection or SearchMethod, or a sequence of them
        Such as ``[slth.EdgePopup(density) for density in (0.1, 0.5)]``.
    seeds : sequence of int
        Each method searches from each of them.
    recipe, validation, keep, law, scale, device
        As :func:`search` has them, for all.
    folder : str or Path, optional
        Where each search goes on from, in folders named by method and seed, ``0-0``, ``0-1``, ...
    progress : callable or bool, optional
        True for a line on stderr; or called with ("search", epochs done by all together, their number).

    Returns
    -------
    list of SearchResult
        Those of the first method, in the order of the seeds, then those of the next.

    Raises
    ------
    slth.errors.ArgumentError
        There is no method or no seed, one stands twice, or as :func:`search`.
    slth.errors.ConstructionError
        As :func:`search`.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> found = slth.search_many(net, data, slth.EdgePopup(density=0.5), seeds=[1, 2])
    >>> [(one.ticket.seed, one.evaluate(data).accuracy) for one in found]
    [(1, 1.0), (2, 1.0)]
    """
    methods = [method] if isinstance(method, Selection | SearchMethod) else list(sequence(method) or ())
    numbers = [whole(seed, "seeds", 0, remedy="pass seeds such as range(16)") for seed in sequence(seeds) or ()]
    if not methods or not numbers or len(set(numbers)) < len(numbers):
        name, value = ("method", method) if not methods else ("seeds", seeds)
        raise ArgumentError(name, value, "must be one at least, each of them once", "pass seeds such as range(16)")
    made = "make them with slth.training.Examples(inputs, targets)"
    place = device_of(module_given(module)) if device is None else torch.device(resolve_device(device))
    here = instance(data, Examples, "data", made).to(place)  # once, for all
    held = None if validation is None else instance(validation, Examples, "validation", made).to(place)
    told = together(reporter(progress), len(methods) * len(numbers))
    searches = [
        searching(
            module, here, one, recipe=recipe, validation=held, keep=keep, law=law, scale=scale, seed=seed,
            device=str(place), progress=told[number],
            folder=None if folder is None else file_of(folder, "folder") / f"{number // len(numbers)}-{seed}",
        )
        for number, (one, seed) in enumerate(product(methods, numbers))
    ]  # fmt: skip
    return taking_turns(searches, place)
