"""Biprop: binary weights, of one size in a layer, that edge-popup keeps or removes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from slth.errors import ArgumentError
from slth.rng import WeightLaw
from slth.searches.edge_popup import EdgePopup
from slth.searches.method import Selected
from slth.searches.random_source import RandomSource
from slth.training import MethodState, Step
from slth.training.method import Tensors


@dataclass(frozen=True)
class Biprop(Selected):
    r"""Biprop: find a multi-prize ticket, whose weights are :math:`\alpha \, \mathrm{sign}(w_i) m_i`.

    In each step :math:`\alpha`, one number a layer, is the mean of :math:`|w_i|` over what is kept, and no gradient
    passes through it. That of a score is edge-popup's: :math:`\partial L / \partial s_i = g_i w_i \mathrm{sign}(s_i)`
    for the gradient :math:`g_i` of the binary weight. The ticket has the law of signs, signed-constant, of the same
    random numbers, and :math:`\alpha` for the gain of each layer.

    Parameters
    ----------
    selection : EdgePopup, optional
        What keeps and removes, with all its options, but not ``signed``: half of each layer by default.

    Raises
    ------
    slth.errors.ArgumentError
        The selection is another one.

    Notes
    -----
    Source: Diffenderfer, Kailkhura, "Multi-Prize Lottery Ticket Hypothesis: Finding Accurate Binary Neural Networks by
    Pruning A Randomly Weighted Network", ICLR 2021. Its recipe for Conv-2 to Conv-8 is that of edge-popup (100 epochs,
    cosine from 0.1, weight decay 1e-4) on normal weights; with binary activations (:class:`SignActivation`) Adam, also
    from 0.1. Rankings of the whole network begin at a density of 1/2: ``EdgePopup(0.1, scope="global",
    anneal=Annealing(10))``.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    >>> method, recipe = slth.searches.Biprop(slth.EdgePopup(0.25)), slth.training.Recipe(epochs=20)
    >>> found = slth.search(net, data, method, law=slth.WeightLaw("normal"), recipe=recipe, seed=1)
    >>> weights = found.module[0].weight.detach()
    >>> found.ticket.law.name, len(weights.abs().unique()), found.evaluate(data).accuracy
    ('signed-constant', 2, 1.0)
    """

    selection: EdgePopup = field(default_factory=EdgePopup)

    def __post_init__(self) -> None:
        """Check the selection."""
        if not isinstance(self.selection, EdgePopup) or self.selection.signed:
            rule = "is no edge-popup that keeps or removes"
            raise ArgumentError("selection", self.selection, rule, "use EdgePopup(density=0.5)")

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return binary weights, with the gradients of edge-popup on the weights behind them."""
        with torch.no_grad():
            masks = self.masks(state, source, step)
            found = {name: _binary(weights[name], mask) for name, mask in masks.items()}
        for name, scores in state.trained.items():
            ranked = self.selection.ranked(scores)
            nothing = self.structure.expand(ranked - ranked.detach(), source.axes[name])  # 0, but for its gradient
            found[name] = found[name] + weights[name] * nothing.to(weights[name].dtype)
        return found

    def evaluated(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return binary weights."""
        masks = self.masks(state, source, step)
        larger = {name: gain / source.gains[name] for name, gain in source.scaled(masks).items()}
        return {name: _binary(weights[name], mask) * larger[name] for name, mask in masks.items()}

    def gains(self, masks: Tensors, state: MethodState, source: RandomSource) -> Mapping[str, float]:
        """Return the sizes of the weights."""
        del state
        means = {name: float(_mean(source.module.get_parameter(name).detach(), mask)) for name, mask in masks.items()}
        return {name: means[name] * (gain / source.gains[name]) for name, gain in source.scaled(masks).items()}

    def law(self, law: WeightLaw) -> WeightLaw:
        """Return the law of signs: of each law's number it is the sign."""
        del law
        return WeightLaw("signed-constant")


def _mean(weight: Tensor, mask: Tensor) -> Tensor:
    """Return the mean magnitude of what is kept, in float64: 0 where nothing is."""
    return (weight.abs() * mask).sum(dtype=torch.float64) / mask.count_nonzero().clamp(min=1)


def _binary(weight: Tensor, mask: Tensor) -> Tensor:
    """Return signs times the mean magnitude of what is kept: also of weights that half precision rounds to 0."""
    return torch.copysign(_mean(weight, mask).to(weight.dtype), weight) * mask
