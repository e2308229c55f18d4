"""The one training loop: plain tensors in memory, one optimiser, one schedule, every draw from one generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from slth.errors import ArgumentError

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    epochs : int
        Passes over the data.
    batch_size : int
        Examples per step; the last batch of a pass may be smaller.
    learning_rate : float
        Rate of the first step.
    optimizer : {"sgd", "adam"}
        SGD with momentum, or Adam with decoupled weight decay.
    schedule : {"constant", "cosine"}
        Constant rate, or a half cosine down to 0 over all steps.
    momentum, weight_decay : float
        Momentum serves SGD only.

    Raises
    ------
    ArgumentError
        If a number is outside its range or a name is unknown.

    Examples
    --------
    >>> Training(epochs=2).optimizer
    'sgd'
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.1
    optimizer: Literal["sgd", "adam"] = "sgd"
    schedule: Literal["constant", "cosine"] = "cosine"
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        """Check every field."""
        rules: list[tuple[str, bool, str, str]] = [
            ("epochs", self.epochs >= 0, "must not be negative", "use 0 to train not at all"),
            ("batch_size", self.batch_size >= 1, "must be at least 1", "use 64"),
            ("learning_rate", 0.0 < self.learning_rate < math.inf, "must be positive and finite", "use 0.1 or 1e-3"),
            ("optimizer", self.optimizer in ("sgd", "adam"), "is not an optimiser", 'use "sgd" or "adam"'),
            ("schedule", self.schedule in ("constant", "cosine"), "is not a schedule", 'use "constant" or "cosine"'),
            ("momentum", 0.0 <= self.momentum < 1.0, "must lie in [0, 1)", "use 0.9"),
            ("weight_decay", 0.0 <= self.weight_decay < math.inf, "must not be negative", "use 0.0 for none"),
        ]
        for name, holds, rule, remedy in rules:
            if not holds:
                raise ArgumentError(name, getattr(self, name), rule, remedy)


def train(
    module: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    *,
    training: Training | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[float]:
    """Train a classifier in place by cross entropy, on the device where its tensors are.

    The same module, data, settings and seed give the same weights on the same machine and number of threads: the order
    of the examples comes from a generator seeded with ``seed``, and nothing here draws from torch's global generator.

    Parameters
    ----------
    module : torch.nn.Module
        Maps inputs [batch, ...] to scores [batch, classes].
    inputs : Tensor[examples, ...]
        Floating-point inputs, all in memory.
    labels : Tensor[examples]
        Integer classes.
    training : Training, optional
        How to train; the default settings if None.
    seed : int
        Seed of the order of the examples.
    progress : callable, optional
        Called with ("training", epochs done, epochs).

    Returns
    -------
    list of float
        Mean loss of each epoch, measured while it ran.

    Raises
    ------
    ArgumentError
        If there are no examples, or their number is not the number of labels.

    Examples
    --------
    >>> from slth.networks import mlp
    >>> points = torch.tensor([[-1.0], [1.0]])
    >>> losses = train(mlp((1, 2)), points, torch.tensor([0, 1]), training=Training(epochs=20))
    >>> losses[-1] < losses[0]
    True
    """
    settings = Training() if training is None else training
    if len(inputs) == 0 or len(inputs) != len(labels):
        raise ArgumentError(
            "labels", tuple(labels.shape), "must be one class per example", f"pass {len(inputs)} labels"
        )
    steps = -(-len(inputs) // settings.batch_size)
    optimizer = _optimizer(module, settings)
    schedule = _schedule(optimizer, settings, settings.epochs * steps)
    order = torch.Generator().manual_seed(seed)
    losses = []
    module.train()
    for epoch in range(settings.epochs):
        permutation = torch.randperm(len(inputs), generator=order).to(inputs.device)
        total = torch.zeros((), device=inputs.device)
        for batch in torch.split(permutation, settings.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(module(inputs[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.detach() * len(batch)
        losses.append(float(total) / len(inputs))
        if progress is not None:
            progress("training", epoch + 1, settings.epochs)
    module.eval()
    return losses


def accuracy(module: nn.Module, inputs: Tensor, labels: Tensor, *, batch_size: int = 4096) -> float:
    """Return the share of examples whose largest score is at their label.

    Parameters
    ----------
    module : torch.nn.Module
        Maps inputs to scores; its training mode is left as it is found.
    inputs : Tensor[examples, ...]
        Inputs.
    labels : Tensor[examples]
        Integer classes.
    batch_size : int
        Examples evaluated at once.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> accuracy(nn.Identity(), torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.tensor([1, 1]))
    0.5
    """
    was_training, right = module.training, 0
    module.eval()
    with torch.no_grad():
        for start in range(0, len(inputs), batch_size):
            part = slice(start, start + batch_size)
            right += int((module(inputs[part]).argmax(dim=1) == labels[part]).sum())
    module.train(was_training)
    return right / len(labels)


def _optimizer(module: nn.Module, settings: Training) -> torch.optim.Optimizer:
    if settings.optimizer == "adam":
        return torch.optim.AdamW(module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        module.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )


def _schedule(optimizer: torch.optim.Optimizer, settings: Training, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    def factor(step: int) -> float:
        return 1.0 if settings.schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * step / max(1, steps)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
