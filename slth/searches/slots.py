"""Slot machines: each weight is one of several random numbers, which scores choose."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor

from slth.arrays import one_of, whole
from slth.errors import ArgumentError
from slth.networks.supermasks import first_scores
from slth.searches.method import SearchMethod
from slth.searches.random_source import RandomSource
from slth.tickets.coding import LARGEST_ALPHABET
from slth.training import MethodState, Step
from slth.training.method import Tensors

Draw = Literal["greedy", "sampled"]
_VALUES = "values/"


@dataclass(frozen=True)
class SlotMachine(SearchMethod):
    r"""A slot machine: each weight is one of K random numbers :math:`w_{i1}, \ldots, w_{iK}`, the one of largest score.

    The scores are trained by :math:`\partial L / \partial s_{ik} = g_i w_{ik}` for all k, :math:`g_i` being the
    gradient of the weight that was chosen. Number k of weight i is number :math:`i + (k - 1) n` of the layer's stream
    of n weights, so that K + 1 numbers extend K; the ticket stores k.

    Parameters
    ----------
    values : int
        K, from 2 to 254.
    draw : {"greedy", "sampled"}
        Whether a training step takes the numbers of largest score, of equal ones the first, or draws them with
        probabilities :math:`\mathrm{softmax}(s_i)`. The ticket has those of largest score.
    removable : bool
        Whether a weight may also be removed: 0, with a score of its own, in front of the K numbers. Otherwise all
        weights are kept.

    Raises
    ------
    slth.errors.ArgumentError
        K is outside its range, or ``draw`` is another word.

    Notes
    -----
    Source: Aladago, Torresani, "Slot Machines: Discovering Winning Combinations of Random Weights in Neural Networks",
    ICML 2021, with 8 numbers a weight. First scores are edge-popup's: uniform on :math:`\pm 1/\sqrt{m}`, m weights of
    an output. Scores and numbers take 2 K times the memory of the weights.

    Examples
    --------
    >>> import torch
    >>> from slth.searches import search
    >>> from slth.training import Examples, Recipe
    >>> data = Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> found = search(net, data, slth.searches.SlotMachine(4), recipe=Recipe(epochs=20, batch_size=4), seed=1)
    >>> found.ticket.mask.candidates, found.ticket.mask.density, found.evaluate(data).accuracy
    (4, 1.0, 1.0)
    """

    values: int = 8
    draw: Draw = "greedy"
    removable: bool = False
    reading = "choice"

    def __post_init__(self) -> None:
        """Check the number of values."""
        whole(self.values, "values", 2, LARGEST_ALPHABET - 1, remedy="use 8")
        if not one_of(self.draw, get_args(Draw)):
            raise ArgumentError("draw", self.draw, "is not known", 'use "greedy" or "sampled"')

    def begin(self, source: RandomSource) -> MethodState:
        """Return first scores [K, weight], and the random numbers; a plane of zeros stands in front if it is asked."""
        scores, fixed = {}, {}
        for name, axes in source.axes.items():
            values = torch.stack([source.candidates(name, number) for number in range(self.values)])
            if self.removable:
                values = torch.cat([torch.zeros_like(values[:1]), values])
            fixed[_VALUES + name] = values
            scores[name] = first_scores(source.seed, name, tuple(values.shape), axes)
        return MethodState(scores, fixed)

    def phase(self, step: Step) -> Hashable:
        """Return the same in all steps, which are alike."""
        del step
        return None

    def masks(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return which weights are not removed."""
        return {name: entries > 0 for name, entries in self.entries(state, source, step).items()}

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the numbers that are chosen, straight through for the scores of all of them."""
        del weights, source, step
        found = {}
        for name, scores in state.trained.items():
            values = state.fixed[_VALUES + name]
            noisy = scores.detach() + self._noise(scores)
            found[name] = cast("Tensor", _Slot.apply(scores, values, _first_largest(noisy)))  # type: ignore[no-untyped-call]
        return found

    def evaluated(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the numbers of largest score."""
        best = {name: _first_largest(scores) for name, scores in state.trained.items()}
        chosen = {name: state.fixed[_VALUES + name].gather(0, one[None])[0] for name, one in best.items()}
        return super().evaluated({**weights, **chosen}, state, source, step)

    def entries(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return which number each weight is, counted from 1; 0 where it is removed."""
        del source, step
        return {name: _first_largest(scores) + (0 if self.removable else 1) for name, scores in state.trained.items()}

    def inverted(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the numbers of smallest score."""
        smallest = {name: -scores.detach() for name, scores in state.trained.items()}
        return self.entries(MethodState(smallest), source, step)

    def _noise(self, scores: Tensor) -> Tensor | float:
        """Return what makes the largest of a sum a draw from a softmax: Gumbel noise."""
        return -torch.empty_like(scores).exponential_().log() if self.draw == "sampled" else 0.0


def _first_largest(scores: Tensor) -> Tensor:
    """Return the place of the largest along the first axis, of equal ones the first: faster than ``argmax``."""
    return scores.detach().max(0).indices


class _Slot(torch.autograd.Function):
    """The numbers of a choice, with a gradient for the scores of all: the one-hot choice, straight through."""

    generate_vmap_rule = True

    @staticmethod
    def forward(scores: Tensor, values: Tensor, chosen: Tensor) -> Tensor:
        """Return the numbers [weight] that are chosen of values [K, weight]."""
        del scores
        return values.gather(0, chosen[None])[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what the gradient needs."""
        del output
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return g w for each of the values w."""
        (values,) = ctx.saved_tensors
        return gradient * values, None, None
