"""Forgetting: how often examples are right when they are trained on, and wrong the next time."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slth.arrays import Floats
from slth.errors import ConstructionError
from slth.networks.given import instance, module_given
from slth.resources import Shown, reporter
from slth.trainable.example_scores import forgetting_events
from slth.training import Examples, Recipe, TrainingRun
from slth.training.examples import order_of_epoch
from slth.training.long_epochs import records_told
from slth.training.method import Step
from slth.training.ranks import Ranks
from slth.training.recipe import Loss


def forgetting_scores(
    module: nn.Module,
    data: Examples,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | None = None,
    progress: Shown = None,
) -> Floats:
    """Train a copy of a module, and return how often each example was forgotten from one presentation to the next.

    Whether an example is right is looked at when it is in a batch, before the step, as the source does: that costs
    nothing, and each epoch shows it once. :func:`forgetting_events` counts at other times, such as the ends of epochs.

    Parameters
    ----------
    module : torch.nn.Module
        From inputs to logits [examples, classes]; it stays as it is.
    data : slth.training.Examples
        With classes as targets.
    recipe : slth.training.Recipe
        Of the training, from step 0 on. What ``drop_last`` leaves out of an epoch stays as it was last seen.
    seed : int
        Of the order of the examples.
    device : {"auto", "cpu", "cuda"}, optional
    progress : callable or bool, optional
        True for a line on stderr; or called with ("forgetting", epochs done, epochs).

    Returns
    -------
    float64[examples]
        An example that was never right has as many as there are epochs, which is more than any other.

    Raises
    ------
    slth.errors.ArgumentError
        The recipe has no epoch, a target is no class, or as :class:`slth.training.TrainingRun`.
    slth.errors.ConstructionError
        Several processes train together, none of which sees all examples.

    Notes
    -----
    Source: Toneva, Sordoni, Tachet des Combes, Trischler, Bengio, Gordon, "An Empirical Study of Example Forgetting
    during Deep Neural Network Learning", ICLR 2019, algorithm 1 (unverified).

    Examples
    --------
    >>> from torch import nn
    >>> data = slth.training.Examples([[0.0]] * 8, [0] * 6 + [1] * 2)
    >>> found = slth.trainable.forgetting_scores(nn.Linear(1, 2), data, slth.training.Recipe(epochs=10, batch_size=8))
    >>> found[:6].max().item(), bool(found[6:].min() > 0)
    (0.0, True)
    """
    instance(recipe, Recipe, "recipe", "pass a slth.training.Recipe")
    if Ranks.here().count > 1:
        raise ConstructionError("forgetting is counted where one process sees all examples: run it in one")
    watched = _Watched(recipe.loss)
    changed = replace(recipe, loss=watched, start=0, cuda_graphs=False)
    run = TrainingRun(copy.deepcopy(module_given(module)), data, changed, seed=seed, device=device)
    watched.right.clear()
    times: list[NDArray[np.bool_]] = []
    right = np.zeros(len(data), np.bool_)
    told = reporter(progress)
    for record in records_told(run, told):
        if told is not None:
            told("forgetting", record.epoch, recipe.epochs)
        shown = torch.cat(watched.right).cpu().numpy()
        right[order_of_epoch(run.seed, record.epoch - 1, len(data))[: len(shown)]] = shown
        times.append(right.copy())
        watched.right.clear()
    return forgetting_events(times)


@dataclass(frozen=True)
class _Watched:
    """A loss that remembers which outputs were right."""

    loss: Loss
    right: list[Tensor] = field(default_factory=list, repr=False)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        self.right.append(outputs.detach().argmax(1) == targets)
        return self.loss(outputs, targets)

    def at(self, step: Step) -> _Watched:
        """Return the loss of a step, which remembers in the same place."""
        at = getattr(self.loss, "at", None)
        return self if at is None else replace(self, loss=at(step))
