"""Training from start to end in one call."""

from __future__ import annotations

import copy
from typing import Any, Literal

from torch import nn

from slth.errors import ArgumentError
from slth.networks.given import module_given
from slth.resources import Progress, reporter
from slth.training.examples import Examples
from slth.training.fit import device_of
from slth.training.long_epochs import records_told
from slth.training.loop import Record, TrainingRun
from slth.training.recipe import Recipe
from slth.training.tokens import check_tokens


def train(
    module: nn.Module,
    data: Examples,
    recipe: Recipe | None = None,
    *,
    validation: Examples | None = None,
    keep: Literal["last", "best"] = "last",
    seed: int = 0,
    device: str | None = None,
    progress: Progress | bool | None = None,
) -> list[Record]:
    """Train a module in place, from start to end; it comes back where it was, in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        Maps inputs [batch, ...] to outputs, such as scores [batch, classes].
    data : Examples
    recipe : Recipe, optional
    validation : Examples, optional
        Held-out examples, evaluated at the end of each epoch.
    keep : {"last", "best"}
        Whether the weights of the last epoch stay, or those of the epoch that was best on the held-out examples (most
        accurate, or of least loss where targets are no classes; the earliest of equals).
    seed : int
        Of the order of the examples, of the augmentation and of dropout.
    device : {"auto", "cpu", "cuda"}, optional
        Where to train; where the module is by default.
    progress : callable or bool, optional
        True for a line on stderr; or called with ("training", epochs done, epochs), and where
        an epoch takes long with ("steps of the epoch", steps done, steps).

    Returns
    -------
    list of Record
        One for each epoch.

    Raises
    ------
    slth.errors.ArgumentError
        As :class:`TrainingRun`, or the best epoch is asked for without held-out examples.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0], [1.0]]), [0, 1])
    >>> records = slth.training.train(torch.nn.Linear(1, 2), data, slth.training.Recipe(epochs=20))
    >>> records[-1].loss < records[0].loss
    True
    """
    if keep not in ("last", "best") or (keep == "best" and validation is None):
        rule = 'must be "last", or "best" with held-out examples'
        raise ArgumentError("keep", keep, rule, "pass validation=; slth.training.split() sets examples apart")
    home = device_of(module_given(module))
    check_tokens(module, Recipe() if recipe is None else recipe, data, validation)
    run = TrainingRun(module, data, recipe, validation=validation, seed=seed, device=device)
    told, records = reporter(progress), list[Record]()
    best: tuple[float, dict[str, Any]] | None = None
    for record in records_told(run, told):
        records.append(record)
        if told is not None:
            told("training", record.epoch, run.recipe.epochs)
        if keep == "best" and record.validation is not None:
            merit = -record.validation.loss if record.validation.accuracy is None else record.validation.accuracy
            if best is None or merit > best[0]:
                best = merit, copy.deepcopy(module.state_dict())
    if best is not None:
        module.load_state_dict(best[1])
    module.eval()
    module.to(home)
    return records
