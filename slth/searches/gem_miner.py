"""Gem-Miner: scores in [0, 1] that are rounded, and a share of them frozen out every few epochs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import torch
from torch import Tensor

from slth.arrays import as_double, one_of, whole
from slth.errors import ArgumentError
from slth.networks import Structure, Weights, maskable
from slth.networks.selection import Rounding
from slth.networks.supermasks import straight_through
from slth.rng import Stream
from slth.searches.method import SearchMethod, kept_whole, product
from slth.searches.random_source import RandomSource
from slth.searches.ranking import check_ranked, largest
from slth.training import Adam, Cosine, MethodState, Recipe, Step
from slth.training.method import Tensors

if TYPE_CHECKING:
    from slth.searches.search import SearchResult

Norm = Literal["L2", "L1"]


@dataclass(frozen=True)
class GemMiner(SearchMethod):
    r"""Gem-Miner: train scores in [0, 1] that are rounded, and freeze the lowest ones out until a density is reached.

    The network computes with :math:`w_i \, [p_i > 1/2] \, q_i`: a score :math:`p_i`, projected to [0, 1] after each
    step, and a flag :math:`q_i` that says whether the group is still in the search. Gradients pass the rounding
    straight through, :math:`\partial L / \partial p_i = \partial L / \partial (w_i m_i) \, w_i q_i`, and
    :math:`\lambda \sum_i p_i^2` is added to the loss. Of E epochs, those numbered T, 2T, ... from 0 end with an event:
    the groups of lowest score of the whole network lose their flag for good, so that behind event i of
    :math:`n = \lfloor (E - 1) / T \rfloor` exactly the share :math:`d^{i/n}` of all groups has one.

    Parameters
    ----------
    density : float
        The share d of groups whose flag is left at the end, in (0, 1]. What is kept is no more than that: a flagged
        group whose score is at most 1/2 is removed, unless ``unflag`` says otherwise.
    structure : Structure, optional
        What has one score: single weights, or ``OutputChannels``, ``InputChannels``, ``Kernels``, ``Heads``,
        ``Blocks(size)``. Density and events then count groups, each as one, however large it is.
    period : int
        The epochs T between two events; the recipe needs more epochs than that.
    decay : float
        The factor :math:`\lambda` of the regulariser: the lower the density, the larger. If it is too large, whole
        layers fall below 1/2.
    norm : {"L2", "L1"}
        Whether squares of scores are added to the loss, or scores.
    first : float or "uniform"
        First scores: uniform in [0, 1], or all the same number above 1/2.
    unflag : bool
        Whether the ticket keeps every group that has a flag, as published for fine-tuning, or those alone that were
        kept while scores were trained. Accuracy on held-out examples is that of the ticket either way.
    rounding : {"nearest", "up", "down"}
        From a share to a number of groups.
    spared : sequence of str
        Names, or patterns of names, of weights that have no scores and are kept whole; density does not count them.

    Raises
    ------
    slth.errors.ArgumentError
        A number is outside its range, a structure has fixed rows; or, when a search begins, there is no event in it.

    Notes
    -----
    Source: Sreenivasan, Sohn, Yang, Grinde, Nagle, Wang, Xing, Lee, Papailiopoulos, "Rare Gems: Finding Lottery Tickets
    at Initialization", NeurIPS 2022, Algorithm 1. Its code removes at an event every score up to a threshold, and with
    a threshold of 0, which projection makes common, all that are 0 at once; here the number is exact, and of equal
    scores those lose their flag that come last. Its recipe has no weight decay, cosine from 0.1 and 150 epochs with
    T = 5; :math:`\lambda` is 3e-5 for a density of 0.0372, and 1e-4 for 0.0144 and 0.0059 (ResNet-20). The published
    start of 1/2 everywhere keeps nothing at all, and no gradient passes: it is refused.

    Flags stand in :attr:`SearchResult.fixed`: ``slth.networks.total_density(result.fixed)`` counts them, and
    :meth:`unfrozen` makes masks of them, for :func:`fine_tune`.

    Examples
    --------
    >>> from slth.training import Step
    >>> [round(slth.searches.GemMiner(density=0.01, period=2).share(Step(epoch, 1, 6)), 6) for epoch in range(7)]
    [1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
    """

    density: float = 0.02
    structure: Structure = field(default_factory=Weights)
    period: int = 1
    decay: float = 2e-4
    norm: Norm = "L2"
    first: float | Literal["uniform"] = "uniform"
    unflag: bool = False
    rounding: Rounding = "nearest"
    spared: Sequence[str] = ()
    usual: ClassVar[Recipe] = Recipe(20, 128, Cosine(0.03), Adam())
    collapsed: ClassVar[str] = "lower the decay, raise the density, or lower the rate"

    def __post_init__(self) -> None:
        """Check each number."""
        check_ranked(self.density, self.structure)
        whole(self.period, "period", remedy="use 1 epoch")
        if not 0.0 <= as_double(self.decay) < math.inf:
            raise ArgumentError("decay", self.decay, "must not be negative", "use 2e-4, or 0.0 for none")
        if not one_of(self.norm, get_args(Norm)):
            raise ArgumentError("norm", self.norm, "is not known", 'use "L2" or "L1"')
        if self.first != "uniform" and not 0.5 < as_double(self.first) <= 1.0:
            raise ArgumentError("first", self.first, "keeps nothing", 'use "uniform", or a number above 1/2, up to 1')
        if not one_of(self.rounding, get_args(Rounding)):
            raise ArgumentError("rounding", self.rounding, "is not a rule", 'use "nearest", "up" or "down"')

    def share(self, step: Step) -> float:
        """Return the share of groups that have a flag at a step."""
        events = self._events(step)
        done = max(0, step.epoch - 1) // self.period
        return self.density if done >= events else float(self.density ** (done / events))

    def settled(self, step: Step) -> bool:
        """Whether the last event is over."""
        return step.epoch > self._events(step) * self.period

    def begin(self, source: RandomSource) -> MethodState:
        """Return the first scores, and a flag for each group."""
        shapes = {name: self.structure.shape(axes) for name, axes in self.scored(source).items()}
        if self.first == "uniform":
            scores = {name: _uniform(source.seed, name, shape) for name, shape in shapes.items()}
        else:
            scores = {name: torch.full(shape, float(self.first)) for name, shape in shapes.items()}
        return MethodState(scores, {name: torch.ones(shape, dtype=torch.bool) for name, shape in shapes.items()})

    def phase(self, step: Step) -> Hashable:
        """Return the same in all steps, which are alike."""
        del step
        return None

    def order(self, state: MethodState) -> dict[str, Tensor]:
        """Return the scores, those without a flag below all others."""
        return {name: torch.where(state.fixed[name], one, one - 2.0) for name, one in state.trained.items()}

    def masks(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return what has a flag and, but for ``unflag``, a score above 1/2."""
        self._events(step)  # refuses a search that would never reach its density
        kept = (
            state.fixed if self.unflag else {name: _rounded(p, state.fixed[name]) for name, p in state.trained.items()}
        )
        return kept_whole({name: self.structure.expand(one, source.axes[name]) for name, one in kept.items()}, source)

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the weights that are rounded to be kept, straight through for those that have a flag."""
        del step
        found = {}
        for name, scores in state.trained.items():
            weight, flags = weights[name], state.fixed[name]
            if isinstance(self.structure, Weights):
                found[name] = product(scores, weight * flags, _rounded(scores, flags))
                continue
            passed = straight_through(scores, scores > 0.5) * flags
            found[name] = weight * self.structure.expand(passed, source.axes[name]).to(weight.dtype)
        return found

    def penalty(self, state: MethodState, source: RandomSource, step: Step) -> Tensor | None:
        """Return the regulariser; scores without a flag are in it, as published, and change nothing."""
        del source, step
        if not self.decay:
            return None
        sums = [scores.square().sum() if self.norm == "L2" else scores.sum() for scores in state.trained.values()]
        return self.decay * torch.stack(sums).sum()

    def after(self, state: MethodState, source: RandomSource, step: Step, weights: Tensors) -> MethodState:
        """Project the scores and, at an event, take flags away."""
        del weights
        above = torch._foreach_clamp_min(list(state.trained.values()), 0.0)  # few launches for all layers
        scores = dict(zip(state.trained, torch._foreach_clamp_max(above, 1.0), strict=True))
        if not step.ends_epoch or step.epoch == 1 or (step.epoch - 1) % self.period:
            return MethodState(scores, state.fixed)
        ranks = {name: torch.where(state.fixed[name], one, -1.0) for name, one in scores.items()}
        return MethodState(scores, largest(ranks, source.axes, self.share(step), self.structure, self.rounding))

    def unfrozen(self, result: SearchResult) -> dict[str, Tensor]:
        """Return the masks that keep all that has a flag, whatever its score, and all that is spared; bool [weight]."""
        axes = maskable(result.module)
        kept = {name: torch.from_numpy(array != 0) for name, array in result.ticket.mask.arrays.items()}
        return kept | {name: self.structure.expand(flags, axes[name]) for name, flags in result.fixed.items()}

    def _events(self, step: Step) -> int:
        """Return how many events a search has."""
        events = (step.epochs - 1) // self.period
        if events < 1:
            rule = f"is no shorter than the {step.epochs} epochs of the recipe: the density would never be reached"
            raise ArgumentError("period", self.period, rule, "search for more epochs, or freeze more often")
        return events


def _rounded(scores: Tensor, flags: Tensor) -> Tensor:
    """Return which groups are kept."""
    return (scores > 0.5) & flags


def _uniform(seed: int, name: str, shape: tuple[int, ...]) -> Tensor:
    """Return first scores of a weight, by the stream of its name."""
    generator = torch.Generator().manual_seed(int(Stream(seed, f"scores/{name}").raw(0, 1)[0] >> 1))
    return torch.rand(shape, generator=generator)
