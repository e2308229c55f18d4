"""The data diet: networks that are trained on few examples for some steps, before tickets of all data are sought."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.arrays import as_double, frozen, whole
from slth.errors import ArgumentError
from slth.networks.given import instance, module_given, sequence
from slth.rng import Stream
from slth.trainable.growing import Growing
from slth.training import Examples, Recipe
from slth.training.checkpoint import file_of
from slth.training.schedules import Schedule

_MADE = "make them with slth.training.Examples(inputs, targets)"


def pretrained(
    module: nn.Module,
    data: Examples,
    recipe: Recipe,
    *,
    steps: int,
    places: ArrayLike | None = None,
    seed: int = 0,
    device: str | None = None,
    folder: str | Path | None = None,
) -> nn.Module:
    """Train a copy of a module on some of the examples for the first steps of a recipe.

    What follows, such as iterative magnitude pruning on all examples, begins with ``Recipe(start=steps)``: the timer
    stands where it would after as many steps on all of them.

    Parameters
    ----------
    module : torch.nn.Module
        Stays as it is.
    data : slth.training.Examples
        All examples.
    recipe : slth.training.Recipe
        Of the training on all of them, whose rates the steps have.
    steps : int
        At most those of the recipe.
    places : int64[size], optional
        Which examples are trained on (:func:`example_subset`), passed over as often as the steps ask for; all by
        default.
    seed : int
        Of the order of the examples.
    device : {"auto", "cpu", "cuda"}, optional
    folder : str or Path, optional
        Where each epoch is written: the same call goes on from there.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.

    Raises
    ------
    slth.errors.ArgumentError
        A place is no example, or there are more steps than the recipe has.

    Notes
    -----
    Source: Paul, Larsen, Ganguli, Frankle, Dziugaite, "Lottery Tickets on a Data Diet: Finding Initializations with
    Sparse Trainable Networks", NeurIPS 2022: 200 steps on 3,200 easy examples of CIFAR-10 find tickets as 400 steps on
    all do.

    Examples
    --------
    >>> from slth.trainable import pretrained
    >>> from slth.training import Recipe
    >>> from torch import nn
    >>> data = slth.training.Examples([[-1.0], [1.0]] * 8, [0, 1] * 8)
    >>> few = pretrained(nn.Linear(1, 2), data, Recipe(epochs=10, batch_size=4), steps=30, places=[0, 1])
    >>> few(data.inputs).argmax(1)[:4].tolist()
    [0, 1, 0, 1]
    """
    instance(recipe, Recipe, "recipe", "pass a slth.training.Recipe")
    total = recipe.steps_per_epoch(len(instance(data, Examples, "data", _MADE))) * recipe.epochs
    steps = whole(steps, "steps", 0, total, remedy="use a step of the recipe, such as 200")
    few = data if places is None else data.at(_places(places, len(data)))
    short = replace(recipe, schedule=_Whole(recipe.schedule, recipe.steps_per_epoch(len(data)), recipe.epochs), start=0)
    short = replace(short, drop_last=recipe.drop_last and len(few) >= recipe.batch_size)
    short = replace(short, epochs=max(1, -(-steps // short.steps_per_epoch(len(few)))))
    grown = Growing(copy.deepcopy(module_given(module)), few, short, None, seed, device)
    grown.until(steps, None if folder is None else file_of(folder, "folder") / "pretrained")
    return grown.module.eval()


def mislabelled(data: Examples, share: float, *, seed: int = 0) -> Examples:
    """Return examples of which a share has labels drawn from the classes at random, the right ones among them.

    Parameters
    ----------
    data : slth.training.Examples
        With classes as targets.
    share : float
        In [0, 1], rounded to a number of examples.
    seed : int
        Streams "trainable/mislabelled" and "trainable/labels".

    Returns
    -------
    slth.training.Examples

    Raises
    ------
    slth.errors.ArgumentError
        The share is outside [0, 1], or targets are no classes.

    Examples
    --------
    >>> data = slth.training.Examples([[0.0]] * 1000, [0, 1] * 500)
    >>> int((slth.trainable.mislabelled(data, 0.5).targets != data.targets).sum())
    254
    """
    if not 0.0 <= as_double(share) <= 1.0:
        raise ArgumentError("share", share, "must lie in [0, 1]", "use 0.1")
    targets = instance(data, Examples, "data", _MADE).targets
    if targets.ndim != 1 or targets.is_floating_point():
        raise ArgumentError("targets", list(targets.shape), "must be classes [examples]", "labels are changed")
    words = Stream(seed, "trainable/mislabelled").raw(0, len(data))
    chosen = np.argsort(words, kind="stable")[: round(share * len(data))]
    classes = int(targets.max()) + 1
    drawn = (Stream(seed, "trainable/labels").uniform(0, len(data)) * classes).astype(np.int64)
    labels = targets.clone()
    labels[torch.from_numpy(chosen)] = torch.from_numpy(drawn[chosen]).to(labels)
    return Examples(data.inputs, labels)


@dataclass(frozen=True)
class _Whole:
    """The rates that a recipe has on all examples."""

    schedule: Schedule
    per_epoch: int
    epochs: int

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Learning rate of a step."""
        del steps_per_epoch, epochs
        return self.schedule.rate(step, self.per_epoch, self.epochs)


def _places(given: ArrayLike, total: int) -> torch.Tensor:
    """Return the places of examples, each of which there is."""
    found: NDArray[np.int64] = np.array(sequence(given) or (), dtype=object)
    try:
        places = found.astype(np.int64)
    except (TypeError, ValueError, OverflowError):
        places = np.full(1, -1)
    if places.ndim != 1 or not len(places) or (places != found).any() or places.min() < 0 or places.max() >= total:
        rule = f"must be numbers of examples, from 0 to {total - 1}"
        raise ArgumentError("places", given, rule, "choose them with slth.trainable.example_subset")
    return torch.from_numpy(np.array(frozen(places)))
