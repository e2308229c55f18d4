"""The distributionally robust ensemble: strong tickets of one random network, each for harder examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from torch import nn

from slth.errors import ArgumentError
from slth.networks import Selection
from slth.networks.given import instance, sequence
from slth.resources import Progress
from slth.rng import Stream, WeightLaw
from slth.searches import RECIPE, EdgePopup, Scale, SearchResult, search
from slth.tickets.members import MOST
from slth.trainable.calibration import Averaged, Predictions
from slth.trainable.ensemble import Ensemble, EnsembleModule, checked
from slth.trainable.worst_case import WorstCase, checked_weight
from slth.training import CrossEntropy, Evaluation, Examples, Recipe, evaluate
from slth.training.checkpoint import file_of
from slth.training.fit import device_of


@dataclass(frozen=True, eq=False)
class EnsembleResult:
    """What training an ensemble gives.

    Parameters
    ----------
    ensemble : Ensemble
        Its tickets, which :meth:`Ensemble.save` writes to one file.
    module : EnsembleModule
        The ensemble on copies of the user's module, in evaluation mode.
    members : tuple of SearchResult
        In the order of the ensemble's KL weights.
    """

    ensemble: Ensemble
    module: EnsembleModule
    members: tuple[SearchResult, ...]

    @property
    def density(self) -> float:
        """Kept weights of all members / weights of the network."""
        return self.ensemble.density

    def evaluate(self, examples: Examples) -> Evaluation:
        """Return cross entropy and accuracy of the ensemble."""
        return evaluate(self.module, self._given(examples).to(device_of(self.module)))

    def predictions(self, examples: Examples) -> Predictions:
        """Return what the ensemble predicts, of which calibration is measured."""
        return Predictions.of(self.module, self._given(examples))

    def member_predictions(self, examples: Examples) -> tuple[Predictions, ...]:
        """Return what each member predicts."""
        given = self._given(examples)
        return tuple(Predictions.of(member, given) for member in self.module.members)

    def _given(self, examples: Examples) -> Examples:
        """Return the examples as the recipe normalises them."""
        return examples.normalised(self.members[0].normalisation)


@dataclass(frozen=True)
class RobustEnsemble:
    r"""Search several masks of one random network: each minimises the worst case near the training distribution.

    Member m weighs the examples of a batch by :math:`\operatorname{softmax}(l / \lambda_m)` (:class:`WorstCase`): a
    small :math:`\lambda` stresses hard ones, an infinite one is the ordinary mean. Weights and first scores are common
    to all members, the order of the examples is each one's own; outputs are averaged.

    Parameters
    ----------
    kl_weights : sequence of float
        :math:`\lambda_m` of each member at the start, one to seven; all infinite for the plain ensemble.
    method : Selection
        How a member is searched: its density is a member's, that of the ensemble the sum over the members.
    decay, detached
        As :class:`WorstCase` has them.
    by : {"logits", "probabilities"}
        What is averaged.

    Raises
    ------
    slth.errors.ArgumentError
        There is no member or more than seven, a KL weight is not positive, or masks are more than kept or removed.

    Notes
    -----
    Source: Sapkota et al., NeurIPS 2023, "Distributionally Robust Ensemble of Lottery Tickets Towards Calibrated Sparse
    Network Training": three members of density 0.03 or 0.05, :math:`\lambda` of (10, 500, infinite) on CIFAR-10 and
    (50, 500, infinite) on CIFAR-100, 200 epochs, logits averaged, ticket of the last epoch (by its code, which cannot
    train the infinite member as published; the paper's tables are unverified).

    Examples
    --------
    >>> import math
    >>> from torch import nn
    >>> data = slth.training.Examples([[-1.0, 0.2], [1.0, 0.1]] * 8, [0, 1] * 8)
    >>> net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    >>> found = slth.RobustEnsemble((1.0, math.inf), slth.EdgePopup(0.25)).train(net, data, seed=1)
    >>> found.evaluate(data).accuracy, found.density, len(found.members)
    (1.0, 0.5, 2)
    """

    kl_weights: Sequence[float] = (10.0, 500.0, math.inf)
    method: Selection = field(default_factory=lambda: EdgePopup(density=0.05))
    decay: bool = True
    detached: bool = False
    by: Averaged = "logits"

    def __post_init__(self) -> None:
        given = sequence(self.kl_weights)
        if given is None or not 1 <= len(given) <= MOST:
            rule = f"must be 1 to {MOST} numbers, one for each member"
            raise ArgumentError("kl_weights", self.kl_weights, rule, "use (10.0, 500.0, math.inf)")
        object.__setattr__(self, "kl_weights", given)
        for one in given:
            checked_weight(one, "kl_weights")
        method = instance(self.method, Selection, "method", "use slth.EdgePopup(density=0.05)")
        if getattr(method, "signed", False):
            raise ArgumentError("method", method, "gives signs, and members keep or remove", "use signed=False")
        checked(self.by)

    def loss(self, member: int) -> WorstCase:
        """Return the loss of a member."""
        return WorstCase(self.kl_weights[member], decay=self.decay, detached=self.detached)

    def train(
        self,
        module: nn.Module,
        data: Examples,
        *,
        recipe: Recipe | None = None,
        validation: Examples | None = None,
        keep: Literal["last", "best"] = "last",
        law: WeightLaw | None = None,
        scale: Scale = "kaiming",
        seed: int = 0,
        device: str | None = None,
        folder: str | Path | None = None,
        progress: Progress | None = None,
    ) -> EnsembleResult:
        """Search the members, one after another.

        Parameters
        ----------
        module, data, validation, keep, law, seed, device
            As :func:`slth.search` has them; ``"last"`` keeps the mask of the last epoch, as published.
        recipe : Recipe, optional
            Of each member; its loss is cross entropy, which members weigh.
        scale : {"kaiming", "elu", "kept", "removed", "none"}
            As :func:`slth.search` has it; members have it in common, which "local" would not be.
        folder : str or Path, optional
            Where each epoch of each member is written: the same call goes on from there, on the CPU to the same bits.
        progress : callable, optional
            Called with ("member 1 of 3", epochs done, epochs).

        Returns
        -------
        EnsembleResult

        Raises
        ------
        slth.errors.SlthError
            As :func:`slth.search`; or the recipe has another loss, or the scale is "local".

        Examples
        --------
        See :class:`RobustEnsemble`.
        """
        recipe = RECIPE if recipe is None else instance(recipe, Recipe, "recipe", "pass a slth.training.Recipe")
        if recipe.loss != CrossEntropy():
            raise ArgumentError("loss", recipe.loss, "is not what members weigh", "leave out the recipe's loss")
        if scale == "local":
            raise ArgumentError("scale", scale, "gives each member weights of its own", 'use "kaiming" or "kept"')
        count, found = len(self.kl_weights), []
        one = partial(
            search, module, data, self.method, validation=validation, keep=keep, law=law, scale=scale, seed=seed,
            device=device,
        )  # fmt: skip
        for member in range(count):
            own = replace(recipe, loss=self.loss(member))
            place = None if folder is None else file_of(folder, "folder") / f"member{member}"
            told = None if progress is None else partial(_labelled, progress, f"member {member + 1} of {count}")
            found.append(one(recipe=own, order=_order(seed, member), folder=place, progress=told))
        tickets = Ensemble([one.ticket for one in found], self.by)
        made = EnsembleModule([one.module for one in found], by=self.by)
        made.eval()
        return EnsembleResult(tickets, made, tuple(found))


def _order(seed: int, member: int) -> int:
    """Return the seed of the order of a member's examples: the first has that of a search of its own."""
    return seed if member == 0 else int(Stream(seed, f"trainable/member/{member}").raw(0, 1)[0])


def _labelled(progress: Progress, label: str, _: str, done: int, total: int) -> None:
    progress(label, done, total)
