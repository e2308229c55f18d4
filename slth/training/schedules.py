"""Learning rates of the field: functions of the step, of the steps in an epoch and of the epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from slth.arrays import as_double, positive_number, whole
from slth.errors import ArgumentError

Per = Literal["epoch", "step"]
_RATES = "use 0.1 or 1e-3"


class Schedule(Protocol):
    """What gives the learning rate of each step; a number outside its range is refused by ArgumentError."""

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Learning rate of a step, of which the first is 0."""
        ...


@dataclass(frozen=True)
class Constant:
    """One rate for all steps.

    Parameters
    ----------
    learning_rate : float

    Examples
    --------
    >>> slth.training.Constant(3e-4).rate(7, 10, 2)
    0.0003
    """

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        positive_number(self.learning_rate, "learning_rate", remedy=_RATES)

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        del step, steps_per_epoch, epochs
        return self.learning_rate


@dataclass(frozen=True)
class StepDecay:
    r"""The rate times a factor after every so many epochs: :math:`\eta f^{\lfloor e / m \rfloor}` in epoch e.

    Parameters
    ----------
    learning_rate : float
    every : int
        The m epochs between two falls.
    factor : float
        In (0, 1].

    Examples
    --------
    >>> [slth.training.StepDecay(1.0, every=2, factor=0.5).rate(epoch, 1, 5) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    learning_rate: float = 0.1
    every: int = 30
    factor: float = 0.1

    def __post_init__(self) -> None:
        positive_number(self.learning_rate, "learning_rate", remedy=_RATES)
        _fraction("factor", self.factor)
        whole(self.every, "every", remedy="use 30 epochs")

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        del epochs
        return self.learning_rate * self.factor ** (step // steps_per_epoch // self.every)


@dataclass(frozen=True)
class MultiStep:
    """The rate times a factor at each milestone.

    Parameters
    ----------
    learning_rate : float
    milestones : sequence of float
        In epochs, ascending; a fraction of an epoch falls inside one: iteration i is epoch i / steps_per_epoch.
    factor : float
        In (0, 1].

    Examples
    --------
    >>> schedule = slth.training.MultiStep(0.1, milestones=(80, 120))
    >>> [round(schedule.rate(epoch, 1, 160), 6) for epoch in (0, 79, 80, 120)]
    [0.1, 0.1, 0.01, 0.001]
    """

    learning_rate: float = 0.1
    milestones: Sequence[float] = (80, 120)
    factor: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(as_double(milestone) for milestone in self.milestones))
        positive_number(self.learning_rate, "learning_rate", remedy=_RATES)
        _fraction("factor", self.factor)
        if not all(first <= second for first, second in pairwise((0.0, *self.milestones))):
            raise ArgumentError("milestones", self.milestones, "must ascend from 0 on", "use (80, 120)")

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        del epochs
        passed = sum(step >= milestone * steps_per_epoch for milestone in self.milestones)
        return self.learning_rate * self.factor**passed


@dataclass(frozen=True)
class Cosine:
    r"""Half a cosine from the rate to the last one: :math:`b + (\eta - b) (1 + \cos(\pi t / T)) / 2`.

    Parameters
    ----------
    learning_rate : float
        The rate :math:`\eta` of the first step.
    per : {"step", "epoch"}
        Whether t and T count steps or whole epochs, within which the rate then stays.
    last : float
        The rate b that would be reached at t = T, behind the last step.

    Examples
    --------
    >>> slth.training.Cosine(0.1).rate(5, 5, 2)
    0.05
    >>> slth.training.Cosine(0.1, per="epoch").rate(4, 5, 2)
    0.1
    """

    learning_rate: float = 0.1
    per: Per = "step"
    last: float = 0.0

    def __post_init__(self) -> None:
        positive_number(self.learning_rate, "learning_rate", remedy=_RATES)
        _word(self.per)
        if not 0.0 <= as_double(self.last) <= self.learning_rate:
            raise ArgumentError("last", self.last, "must lie between 0 and the first rate", "use 0.0")

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        time, end = step, epochs * steps_per_epoch
        if self.per == "epoch":
            time, end = step // steps_per_epoch, epochs
        share = 0.5 * (1.0 + math.cos(math.pi * min(time, end) / max(1, end)))
        return self.last + (self.learning_rate - self.last) * share


@dataclass(frozen=True)
class Warmup:
    r"""A straight rise in front of another schedule: :math:`\eta (t + 1) / w` for the first w steps or epochs.

    Parameters
    ----------
    schedule : Schedule
        What follows; :math:`\eta` is the rate of its first step.
    epochs : float
        Length of the rise.
    per : {"step", "epoch"}
        Whether the rate rises with each step, or with each (whole) epoch.
    shift : bool
        Whether the other schedule begins behind the rise and has that many epochs less (as cosines mostly do), or runs
        beside it from the start, so that its milestones stay where they are.

    Examples
    --------
    >>> schedule = slth.training.Warmup(slth.training.Constant(1.0), epochs=4, per="epoch")
    >>> [schedule.rate(epoch, 1, 6) for epoch in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    schedule: Schedule
    epochs: float = 5
    per: Per = "step"
    shift: bool = True

    def __post_init__(self) -> None:
        _word(self.per)
        epochs = as_double(self.epochs)
        if not 0.0 <= epochs < math.inf or (self.per == "epoch" and epochs != int(epochs)):
            rule = "must be a number of epochs, a whole one where the rate rises with each epoch"
            raise ArgumentError("epochs", self.epochs, rule, "use 5")

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        rise = round(self.epochs * steps_per_epoch)
        if step < rise:
            time, end = (step, rise) if self.per == "step" else (step // steps_per_epoch, int(self.epochs))
            return self.schedule.rate(0, steps_per_epoch, epochs) * (time + 1) / end
        if not self.shift:
            return self.schedule.rate(step, steps_per_epoch, epochs)
        return self.schedule.rate(step - rise, steps_per_epoch, max(1, epochs - int(self.epochs)))


def _fraction(name: str, value: float) -> None:
    """Refuse a factor outside (0, 1]."""
    if not 0.0 < as_double(value) <= 1.0:
        raise ArgumentError(name, value, "must lie in (0, 1]", "use 0.1")


def _word(per: str) -> None:
    """Refuse another word than the two."""
    if per not in ("step", "epoch"):
        raise ArgumentError("per", per, "is not what a rate can change with", 'use "step" or "epoch"')
