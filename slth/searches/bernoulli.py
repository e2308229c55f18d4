"""Bernoulli supermasks: masks that are drawn in each step, straight through to their probabilities."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from slth.arrays import whole
from slth.networks import apply_ticket, densities, maskable
from slth.networks.supermasks import straight_through
from slth.rng import Stream
from slth.searches.gates import Gates
from slth.searches.random_source import RandomSource
from slth.tickets import Mask
from slth.training import Evaluation, Examples, MethodState
from slth.training.evaluation import evaluate
from slth.training.method import Tensors

if TYPE_CHECKING:
    from slth.searches.search import SearchResult


@dataclass(frozen=True)
class Bernoulli(Gates):
    r"""Bernoulli supermasks: draw each mask in each step, and train the log-odds of its entries straight through.

    A group with log-odds a is kept in a step with probability :math:`p = \sigma(a)`, drawn anew; gradients pass the
    draw to the probability, :math:`\partial L / \partial a = p (1 - p) \sum \partial L / \partial (w m) \, w`. The
    ticket has one mask for good.

    Parameters
    ----------
    density : float, optional
        The share of groups that the ticket keeps, in (0, 1): exactly the likeliest, of equal ones those that come
        first. Without one the ticket keeps the groups with p > 1/2.
    structure : Structure, optional
        What is drawn together: single weights, ``OutputChannels``, ``InputChannels``, ``Kernels``, ``Heads``,
        ``Blocks(size)``. Density and regulariser count groups, each as one.
    decay : float
        The factor :math:`\lambda` of the term :math:`\lambda \sum p`, the expected number of kept groups.
    balance : float
        With a density: while the expected one, the mean of p, lies above it, the gradient of that mean is added to the
        gradient of the loss, as long as it times this factor. 1.0 is published, 0.0 holds the density at the
        end only.
    first : float
        First log-odds of all groups: 0.0 is even. Those of a low density leave nothing that gradients pass through.
    spared : sequence of str
        Names, or patterns of names, of weights that are not drawn and are kept whole; density does not count them.
    rescale : bool
        Whether a layer's weights are multiplied by n / (kept of n), of the mask as it is drawn, and of the ticket's:
        dynamic weight rescaling. It passes no gradient.

    Raises
    ------
    slth.errors.ArgumentError
        A number is outside its range, or a structure has fixed rows.

    Notes
    -----
    Source: Zhou, Lan, Liu, Yosinski, "Deconstructing Lottery Tickets: Zeros, Signs, and the Supermask", NeurIPS 2019,
    Section 4. There is no density in it and nothing that holds one (here as in :class:`Concrete`); it is trained by SGD
    at a rate of 100 without momentum, and reports the mean accuracy of ten drawn masks, which :meth:`drawn` gives.

    Examples
    --------
    >>> import torch
    >>> from slth.training import SGD, Constant, Recipe
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> recipe = Recipe(epochs=20, schedule=Constant(50.0), optimizer=SGD(momentum=0.0, weight_decay=0.0))
    >>> method = slth.searches.Bernoulli()
    >>> found = slth.search(net, data, method, recipe=recipe)
    >>> found.evaluate(data).accuracy, [one.accuracy for one in method.drawn(found, data, masks=2)]
    (1.0, [1.0, 1.0])
    """

    rescale: bool = False

    def gate(self, odds: Tensor) -> Tensor:
        """Return gates that are drawn now, of 0 and 1, rescaled if they are to be."""
        likely = odds.sigmoid()
        with torch.no_grad():
            drawn = torch.rand_like(odds) < likely
        gates = straight_through(likely, drawn)
        return gates * (odds.numel() / drawn.sum().clamp(min=1)) if self.rescale else gates

    def gains(self, masks: Tensors, state: MethodState, source: RandomSource) -> Mapping[str, float]:
        """Return the gains of the source, times n / (kept of n) if weights are rescaled."""
        gains = super().gains(masks, state, source)
        if not self.rescale:
            return gains
        return {name: gains[name] / (kept.density or 1.0) for name, kept in densities(masks).items()}

    def drawn(
        self, result: SearchResult, examples: Examples, *, masks: int = 10, seed: int = 0
    ) -> tuple[Evaluation, ...]:
        """Return what masks do that are drawn from the probabilities that were found: no one ticket, but their mean.

        Parameters
        ----------
        result : SearchResult
            Of a search by this method.
        examples : Examples
        masks : int
            How many are drawn.
        seed : int
            Of the draws.

        Returns
        -------
        tuple of Evaluation
            One for each drawn mask.
        """
        whole(masks, "masks", remedy="use 10")
        axes, ticket = maskable(result.module), result.ticket
        given = examples.normalised(result.normalisation)
        found = []
        for number in range(masks):
            kept = {
                name: self.structure.expand(_drawn(odds.cpu(), Stream(seed, f"drawn/{number}/{name}")), axes[name])
                for name, odds in result.scores.items()
            }
            shares = densities(kept)
            gains = [
                ticket.gain(name)
                * (result.density[name].density / (shares[name].density or 1.0) if self.rescale else 1.0)
                for name in ticket.mask.arrays
            ]
            mask = Mask({name: kept[name].numpy() for name in ticket.mask.arrays})
            module = apply_ticket(copy.deepcopy(result.module), replace(ticket, mask=mask, gains=np.array(gains)))
            found.append(evaluate(module, given.to(next(module.parameters()).device), loss=result.loss))
        return tuple(found)


def _drawn(odds: Tensor, stream: Stream) -> Tensor:
    """Return which groups a draw keeps."""
    numbers = torch.from_numpy(stream.uniform(0, odds.numel())).reshape(odds.shape)
    return numbers < odds.double().sigmoid()
