"""What levels of training leave: a table, a module for each level, masks, tickets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from slth.errors import ArgumentError, unwritable
from slth.networks import Kept, densities, total_density
from slth.searches.random_source import RandomSource
from slth.tickets import Ticket
from slth.trainable.mask_files import write_masks
from slth.training import CrossEntropy, Evaluation, Examples, Record
from slth.training.evaluation import evaluate
from slth.training.examples import Normalisation
from slth.training.recipe import Loss


@dataclass(frozen=True, eq=False)
class Level:
    """A network that was trained under masks.

    Parameters
    ----------
    number : int
        Level 0 is dense.
    kind : str
        Such as ``"ticket"``, or the branch that shares the level's number.
    masks : mapping of str to Tensor
        Of bool, for each maskable weight, on the CPU; those of spared weights keep everything.
    state : mapping of str to Tensor
        Parameters and buffers at the end of training, on the CPU; what masks remove is exactly zero.
    trace : tuple of Record
        One for each epoch; steps count from the start of the recipe, also where training began later.
    """

    number: int
    kind: str
    masks: Mapping[str, Tensor] = field(repr=False)
    state: Mapping[str, Tensor] = field(repr=False)
    trace: tuple[Record, ...] = field(repr=False)

    @property
    def kept(self) -> Kept:
        """What the masks keep of all maskable weights."""
        return total_density(self.masks)

    @property
    def density(self) -> float:
        """The share kept / total of all maskable weights."""
        return self.kept.density

    @property
    def layers(self) -> dict[str, Kept]:
        """What the masks keep of each weight."""
        return densities(self.masks)

    @property
    def validation(self) -> Evaluation | None:
        """Measured on the held-out examples at the end of training."""
        return self.trace[-1].validation if self.trace else None

    @property
    def best(self) -> Record | None:
        """The first epoch of least validation loss, where one would have stopped early."""
        held = [one for one in self.trace if one.validation is not None]
        return min(held, key=lambda one: one.validation.loss, default=None)  # type: ignore[union-attr]


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a trainable method made.

    Parameters
    ----------
    architecture : torch.nn.Module
        As it was given; :meth:`module` fills copies of it.
    levels : tuple of Level
        In the order in which they were trained; branches behind the level that they belong to.
    start : mapping of str to Tensor
        What every level starts from, where the method returns to it.
    source : RandomSource or None
        The random weights that training began with, where they are drawn from the seed.
    loss, normalisation
        Of the recipe: what is measured, and of which inputs.
    product : str
        Kind of the levels that the method is about.
    """

    architecture: nn.Module = field(repr=False)
    levels: tuple[Level, ...]
    start: Mapping[str, Tensor] = field(repr=False)
    source: RandomSource | None = None
    loss: Loss = field(default_factory=CrossEntropy)
    product: str = "ticket"
    normalisation: Normalisation | None = None

    def level(self, number: int = -1, kind: str | None = None) -> Level:
        """Return a level, the last one by default, of the kind that the method is about, or a branch of it.

        Parameters
        ----------
        number : int
            From 0, or from the last one backwards if it is negative.
        kind : str, optional

        Returns
        -------
        Level

        Raises
        ------
        slth.errors.ArgumentError
            There is none such.
        """
        numbers = sorted({one.number for one in self.levels})
        wanted = numbers[number] if -len(numbers) <= number < 0 else number
        found = [one for one in self.levels if one.number == wanted and kind in (None, one.kind)]
        if found:
            return next((one for one in found if one.kind == self.product), found[0])
        known = ", ".join(dict.fromkeys(one.kind for one in self.levels))
        rule = f"is no level of {numbers[0]} to {numbers[-1]}"
        raise ArgumentError("number", number if kind is None else (number, kind), rule, f"kinds are {known}")

    def module(self, number: int = -1, kind: str | None = None) -> nn.Module:
        """Return the trained network of a level as a module of its own, in evaluation mode.

        Parameters
        ----------
        number, kind
            As :meth:`level` has them.

        Returns
        -------
        torch.nn.Module
        """
        module = copy.deepcopy(self.architecture)
        module.load_state_dict(dict(self.level(number, kind).state))
        return module.eval()

    def evaluate(self, examples: Examples, number: int = -1, kind: str | None = None) -> Evaluation:
        """Return loss and accuracy of a level.

        Parameters
        ----------
        examples : Examples
        number, kind
            As :meth:`level` has them.

        Returns
        -------
        Evaluation
        """
        module = self.module(number, kind)
        return evaluate(
            module, examples.normalised(self.normalisation).to(next(module.parameters()).device), loss=self.loss
        )

    def rows(self, examples: Examples | None = None) -> list[dict[str, Any]]:
        """Return the table: a row for each level and branch.

        Parameters
        ----------
        examples : Examples, optional
            Such as the test set; without any, ``accuracy`` and ``loss`` are None.

        Returns
        -------
        list of dict
            ``level``, ``kind``, ``density``, ``kept``, ``total``, ``accuracy``, ``loss``, ``training_loss``,
            ``validation_accuracy``, ``validation_loss``, and ``best_step``, ``best_validation_loss`` and
            ``best_validation_accuracy`` at the end of the epoch of least validation loss.
        """
        return [self._row(level, examples) for level in self.levels]

    def _row(self, level: Level, examples: Examples | None) -> dict[str, Any]:
        found = None if examples is None else self.evaluate(examples, level.number, level.kind)
        held, best, kept = level.validation, level.best, level.kept
        at_best = None if best is None else best.validation
        return {
            "level": level.number,
            "kind": level.kind,
            "density": kept.density,
            "kept": kept.kept,
            "total": kept.total,
            "accuracy": found and found.accuracy,
            "loss": found and found.loss,
            "training_loss": level.trace[-1].loss if level.trace else None,
            "validation_accuracy": held and held.accuracy,
            "validation_loss": held and held.loss,
            "best_step": best and best.step,
            "best_validation_loss": at_best and at_best.loss,
            "best_validation_accuracy": at_best and at_best.accuracy,
        }

    def ticket(self, number: int = -1, kind: str | None = None) -> Ticket:
        """Return seed and masks of a level as a ticket of family "trainable": where training begins.

        The trained weights, which no seed gives, are not in it; where levels are rewound to a later step, the masks
        belong to the weights that so many steps of dense training make of those of the seed.

        Parameters
        ----------
        number, kind
            As :meth:`level` has them.

        Returns
        -------
        Ticket

        Raises
        ------
        slth.errors.ArgumentError
            The first weights were those of the module, not drawn from a seed.
        """
        if self.source is None:
            rule = "are those of the module, which no seed gives"
            raise ArgumentError("law", None, rule, 'pass law=slth.WeightLaw("normal") to slth.train')
        level = self.level(number, kind)
        return self.source.ticket(level.masks, self.source.stored(), gains=self.source.gains, family="trainable")

    def save_masks(self, path: str | Path, number: int = -1, kind: str | None = None) -> None:
        """Write the masks of a level by the names of their weights: a safetensors file of bool tensors.

        Parameters
        ----------
        path : str or Path
        number, kind
            As :meth:`level` has them.

        Raises
        ------
        slth.errors.ArgumentError
            There is no such level, or the path cannot be written.
        """
        try:
            write_masks(Path(path), self.level(number, kind).masks)
        except OSError as problem:
            raise unwritable(path, problem) from None
