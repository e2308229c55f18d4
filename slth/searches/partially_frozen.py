"""Partially frozen random networks: some groups are always kept and some always removed, edge-popup ranks the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod

import numpy as np
import torch
from torch import Tensor

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks import kept_count, straight_through
from slth.networks.structures import fixed_rows
from slth.rng import Stream
from slth.searches.edge_popup import EdgePopup
from slth.searches.method import Selected
from slth.searches.random_source import RandomSource
from slth.training import MethodState, Step
from slth.training.method import Tensors


@dataclass(frozen=True)
class PartiallyFrozen(Selected):
    r"""Edge-popup on a part of a random network, whose other groups are locked (kept) or pruned (removed) at random.

    Of n groups of a layer, :math:`\lfloor n l \rfloor` are locked and :math:`\lfloor n p \rfloor` pruned before
    anything is searched; which ones is a function of the seed. They have no gradient. The density counts all groups,
    exactly, the locked ones too. The ticket is an ordinary one; but what is frozen need not be stored: a code of the
    other entries alone would do, for whoever draws the frozen ones from the seed.

    Parameters
    ----------
    selection : EdgePopup, optional
        What keeps and removes among the rest, with all its options, but not ``signed``: half of each layer by default.
    locked : float
        The share l that is always kept: at most the density.
    pruned : float
        The share p that is always removed: at most 1 - density.

    Raises
    ------
    slth.errors.ArgumentError
        A share is outside its range, density and shares do not fit together, or the structure has fixed rows (n of m).

    Notes
    -----
    Source: Otsuka, Chijiwa, García-Arias, Okoshi, Kawamura, Van Chu, Fujiki, Takeuchi, Motomura, "Partially Frozen
    Random Networks Contain Compact Strong Lottery Tickets", TMLR 2025. Its rankings are of the whole network, on
    uniform weights, with normal first scores; its recipe is that of edge-popup.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> method = slth.searches.PartiallyFrozen(slth.EdgePopup(0.5), locked=0.25, pruned=0.25)
    >>> found = slth.search(net, data, method, recipe=slth.training.Recipe(epochs=20), seed=1)
    >>> found.ticket.mask.density, found.evaluate(data).accuracy
    (0.5, 1.0)
    """

    selection: EdgePopup = field(default_factory=EdgePopup)
    locked: float = 0.25
    pruned: float = 0.25

    def __post_init__(self) -> None:
        """Check that shares and densities fit together."""
        if not isinstance(self.selection, EdgePopup) or self.selection.signed:
            rule = "is no edge-popup that keeps or removes"
            raise ArgumentError("selection", self.selection, rule, "use EdgePopup(density=0.5)")
        if fixed_rows(self.selection.structure):
            remedy = "use single weights, channels, kernels, heads or blocks"
            raise ArgumentError("structure", self.selection.structure, "has rows of fixed numbers", remedy)
        for name in ("locked", "pruned"):
            if not 0.0 <= as_double(getattr(self, name)) < 1.0:
                raise ArgumentError(name, getattr(self, name), "must lie in [0, 1)", "use 0.25")
        density, anneal = self.selection.density, self.selection.anneal
        densities = list(density.values()) if isinstance(density, Mapping) else [density]
        highest = max([*densities, 0.0 if anneal is None else anneal.first])
        if self.locked > min(densities):
            rule = f"is more than the density of {min(densities)}, which the locked groups are a part of"
            raise ArgumentError("locked", self.locked, rule, "lock fewer, or raise the density")
        if Fraction(repr(float(self.pruned))) + Fraction(repr(float(highest))) > 1:
            rule = f"leaves less than the density of {highest}"
            raise ArgumentError("pruned", self.pruned, rule, "prune fewer, or lower the density")

    def begin(self, source: RandomSource) -> MethodState:
        """Return the first scores, and what is frozen: 1 for locked, -1 for pruned, 0 for searched [groups]."""
        scores = self.selection.first(source.axes, source.seed)
        return MethodState(scores, {name: self._frozen(source.seed, name, one) for name, one in scores.items()})

    def masks(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return what is kept: the locked ones first, the pruned ones last."""
        ranked = {name: self._ranks(one, state.fixed[name]) for name, one in state.trained.items()}
        return Selected(self._ranking(step)).masks(MethodState(ranked), source, step)

    def order(self, state: MethodState) -> Tensors:
        """Return the order among what is searched: what is locked is the least, to be kept, what is pruned the most."""
        return {name: self._ranks(one.detach(), -state.fixed[name]) for name, one in state.trained.items()}

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the products with the masks, whose gradients pass to what is not frozen."""
        ranked = {name: self._ranks(one.detach(), state.fixed[name]) for name, one in state.trained.items()}
        chosen = self._ranking(step).select(ranked, source.axes)
        found = {}
        for name, scores in state.trained.items():
            free = state.fixed[name] == 0
            passed = straight_through(self.selection.ranked(scores), chosen[name]) * free + (state.fixed[name] > 0)
            mask = self.structure.expand(passed, source.axes[name])
            found[name] = weights[name] * mask.to(weights[name].dtype)
        return found

    def _ranking(self, step: Step) -> EdgePopup:
        """Return what keeps the largest ranks in a step."""
        return replace(self.selection.at(step), magnitude=False, anneal=None)

    def _ranks(self, scores: Tensor, frozen: Tensor) -> Tensor:
        """Return what is ranked: the order of the scores between what is locked and what is pruned."""
        return torch.where(frozen == 0, self.selection.order(scores), frozen * torch.inf)

    def _frozen(self, seed: int, name: str, scores: Tensor) -> Tensor:
        """Return what is frozen of a weight's groups."""
        total = prod(scores.shape)
        locked, pruned = (kept_count(share, total, rounding="down") for share in (self.locked, self.pruned))
        order = np.argsort(Stream(seed, f"frozen/{name}").raw(0, total), kind="stable")
        found = torch.zeros(total, dtype=torch.int8)
        found[torch.from_numpy(order[:locked].copy())] = 1
        found[torch.from_numpy(order[locked : locked + pruned].copy())] = -1
        return found.reshape(scores.shape).to(scores.device)
