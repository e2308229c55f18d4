"""IteRand: edge-popup, and what it has removed is drawn again from time to time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from slth.arrays import as_double, positive_number, whole
from slth.errors import ArgumentError
from slth.rng import Stream
from slth.searches.edge_popup import EdgePopup
from slth.searches.method import RECIPE, Selected
from slth.searches.random_source import RandomSource
from slth.tickets.coding import LARGEST_ALPHABET
from slth.training import Cosine, MethodState, Step
from slth.training.method import Tensors

GENERATIONS = LARGEST_ALPHABET - 1
"""Random numbers that a weight may have one after the other; behind the last one comes its first again."""
_VALUES, _GENERATION = "values/", "generation/"


@dataclass(frozen=True)
class IteRand(Selected):
    r"""IteRand: edge-popup in which every few steps a share of the removed weights is drawn again.

    A weight is a function of the seed, its layer, its index i and its generation g: number :math:`i + g n` of the
    layer's stream of n weights. All begin with generation 0. Behind steps :math:`K - 1, 2 K - 1, \ldots` each weight
    that is removed then is drawn again with probability r, :math:`g \leftarrow g + 1`; what is kept stays, and so do
    the scores. The ticket stores :math:`g + 1` of each kept weight and 0 of a removed one, so that one seed and one
    mask are all that it needs.

    Parameters
    ----------
    selection : EdgePopup, optional
        What keeps and removes, with all its options, but not ``signed``: by default half of each layer, by the scores
        themselves rather than their magnitudes, as published.
    rate : float
        The probability r, in [0, 1]; 0 is edge-popup.
    period : int
        The K steps between two refreshes.
    first : float
        First scores are as many times those of the selection: the published ones are uniform on
        :math:`\pm \sqrt{6 / m}`, m weights of an output.

    Raises
    ------
    slth.errors.ArgumentError
        A number is outside its range, or the selection is another one.

    Notes
    -----
    Source: Chijiwa, Yamaguchi, Ida, Umakoshi, Inoue, "Pruning Randomly Initialized Neural Networks with Iterative
    Randomization", NeurIPS 2021. Its recipe for Conv-6 is 100 epochs, batches of 128, SGD with momentum 0.9, weight
    decay 1e-4, cosine from 0.3, density 0.5; K is 300 there and 1,000 on ImageNet. Its code draws from one generator,
    and needs the seeds and masks of all refreshes to make the weights again; here a weight that was drawn again 254
    times has its first number again.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> method = slth.searches.IteRand(slth.EdgePopup(density=0.25, magnitude=False), period=2)
    >>> recipe = slth.training.Recipe(epochs=20, batch_size=4, schedule=slth.training.Constant(0.3))
    >>> found = slth.search(net, data, method, recipe=recipe, seed=1)
    >>> found.ticket.mask.reading, found.ticket.mask.density, found.ticket.mask.candidates > 1
    ('choice', 0.25, True)
    """

    selection: EdgePopup = field(default_factory=lambda: EdgePopup(magnitude=False))
    rate: float = 0.1
    period: int = 300
    first: float = 6.0**0.5
    reading = "choice"
    usual = replace(RECIPE, schedule=Cosine(0.3))

    def __post_init__(self) -> None:
        """Check each number."""
        if not isinstance(self.selection, EdgePopup) or self.selection.signed:
            rule = "is no edge-popup that keeps or removes"
            raise ArgumentError("selection", self.selection, rule, "use EdgePopup(density=0.5, magnitude=False)")
        if not 0.0 <= as_double(self.rate) <= 1.0:
            raise ArgumentError("rate", self.rate, "must lie in [0, 1]", "use 0.1")
        whole(self.period, "period", remedy="use 300 steps")
        positive_number(self.first, "first", remedy="use sqrt(6)")

    def begin(self, source: RandomSource) -> MethodState:
        """Return the first scores, and weights that are all of generation 0."""
        scores = {name: one * self.first for name, one in super().begin(source).trained.items()}
        fixed: dict[str, Tensor] = {}
        for name in scores:
            values = source.module.get_parameter(name).detach()
            fixed |= {_VALUES + name: values.clone(), _GENERATION + name: torch.zeros_like(values, dtype=torch.int16)}
        return MethodState(scores, fixed)

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the products of the weights' generations with the masks."""
        return super().weights({**weights, **_drawn(state)}, state, source, step)

    def evaluated(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the same, in evaluation."""
        return super().evaluated({**weights, **_drawn(state)}, state, source, step)

    def after(self, state: MethodState, source: RandomSource, step: Step, weights: Tensors) -> MethodState:
        """Draw a share of what is removed again, where it is time to."""
        del weights
        if self.rate == 0.0 or (step.number + 1) % self.period:
            return state
        refresh, fixed = (step.number + 1) // self.period, dict(state.fixed)
        for name, mask in self.masks(state, source, step).items():
            if name not in state.trained:
                continue
            dice = Stream(source.seed, f"redraw/{refresh}/{name}").uniform(0, mask.numel()) < self.rate
            again = torch.from_numpy(dice).reshape(mask.shape).to(mask.device) & ~mask
            generation = fixed[_GENERATION + name]
            generation = torch.where(again, (generation + 1) % GENERATIONS, generation)
            found = source.drawn(name, (generation + 1) * again)
            fixed |= {
                _GENERATION + name: generation,
                _VALUES + name: torch.where(again, found, fixed[_VALUES + name]),
            }
        return MethodState(state.trained, fixed)

    def entered(self, masks: dict[str, Tensor], state: MethodState) -> dict[str, Tensor]:
        """Return the generation of each kept weight, counted from 1."""
        return {name: mask * (state.fixed.get(_GENERATION + name, 0) + 1) for name, mask in masks.items()}


def _drawn(state: MethodState) -> dict[str, Tensor]:
    """Return the weights of all generations as they stand."""
    return {name.removeprefix(_VALUES): one for name, one in state.fixed.items() if name.startswith(_VALUES)}
