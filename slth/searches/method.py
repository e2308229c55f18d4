"""What a search method is: pure functions over a state, on the random network that is searched."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor

from slth.errors import ArgumentError
from slth.networks import Axes, Selection, Structure, TopK, Weights, totals
from slth.rng import WeightLaw
from slth.searches.edge_popup import EdgePopup
from slth.searches.random_source import RandomSource
from slth.training import SGD, Cosine, Method, MethodState, Recipe, Step
from slth.training.method import Tensors

RECIPE = Recipe(epochs=20, batch_size=128, schedule=Cosine(0.1), optimizer=SGD(momentum=0.9, weight_decay=1e-4))
"""What a search does unless it is told otherwise: the rates of the published recipe, with fewer epochs."""


class SearchMethod:
    """How the weights of a random network are kept or removed while scores are trained.

    A method is a frozen dataclass that inherits from this class and overrides what it needs. Its functions are pure:
    all that changes is in the state, whose tensors are named as the weights are. ``source`` is the random network: its
    maskable weights with their axes, and their random numbers. What is drawn in a step comes from torch's generators,
    which have the step's own address.
    """

    structure: Structure = Weights()
    spared: Sequence[str] = ()
    """Patterns of the names of weights that have no scores and are kept whole."""
    reading: Literal["factor", "choice"] = "factor"
    """Whether an entry of the ticket's mask multiplies a weight, or says which of its candidates is kept."""
    usual: ClassVar[Recipe] = RECIPE
    """How the scores are trained unless it is said otherwise."""
    collapsed: ClassVar[str] = 'raise the density, or rank each layer by itself (scope="layer")'
    """What to do where no weight of a layer is kept any more."""

    def scored(self, source: RandomSource) -> dict[str, Axes]:
        """Return the weights that have scores: all but those that are spared."""
        spared = self.spared
        return {name: one for name, one in source.axes.items() if not any(fnmatchcase(name, word) for word in spared)}

    def begin(self, source: RandomSource) -> MethodState:
        """Return the first state."""
        raise NotImplementedError

    def masks(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return what a ticket that is made now multiplies weights by, bool or int8 [weight]; without gradients."""
        raise NotImplementedError

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the weights of a training step, differentiable in ``state.trained``."""
        raise NotImplementedError

    def evaluated(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the weights that the ticket has: by default products with the masks and with the method's gains."""
        masks = self.masks(state, source, step)
        gains = self.gains(masks, state, source)
        found = {}
        for name, mask in masks.items():
            larger = gains[name] / source.gains[name]
            found[name] = weights[name] * mask if larger == 1.0 else weights[name] * mask * larger
        return found

    def penalty(self, state: MethodState, source: RandomSource, step: Step) -> Tensor | None:
        """Return what is added to the loss, if anything."""
        del state, source, step
        return None

    def after(self, state: MethodState, source: RandomSource, step: Step, weights: Tensors) -> MethodState:
        """Return the state behind a step (projection, freezing, redraw); without gradients, never changed in place."""
        del source, step, weights
        return state

    def phase(self, step: Step) -> Hashable:
        """Return what of a step its weights and its penalty depend on: a captured step serves while it stays."""
        return step.number

    def settled(self, step: Step) -> bool:
        """Whether the density is the one asked for by now: no earlier epoch is the best one."""
        del step
        return True

    def gains(self, masks: Tensors, state: MethodState, source: RandomSource) -> Mapping[str, float]:
        """Return what the ticket's weights are multiplied by beside their masks."""
        del state
        return source.scaled(masks)

    def law(self, law: WeightLaw) -> WeightLaw:
        """Return the law of the ticket's weights, where it is another function of the same random numbers."""
        return law

    def entries(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the entries of the ticket's mask, [weight]."""
        return self.entered(self.masks(state, source, step), state)

    def entered(self, masks: dict[str, Tensor], state: MethodState) -> dict[str, Tensor]:
        """Return the entries of masks, or of others that keep as much."""
        del state
        return masks

    def order(self, state: MethodState) -> Tensors | None:
        """Return what is kept where it is large, [groups]; None where masks follow no order of scores."""
        del state
        return None

    def inverted(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor] | None:
        """Return the entries of masks that keep as many groups of each weight, of least order; None without one."""
        order, masks = self.order(state), self.masks(state, source, step)
        if order is None or any(mask.dtype != torch.bool for mask in masks.values()):
            return None
        for name, one in order.items():
            axes = source.axes[name]
            kept = totals(self.structure, masks[name].float(), axes) > 0
            masks[name] = self.structure.expand(self.structure.select(-one, int(kept.sum())), axes)
        return self.entered(masks, state)


@dataclass(frozen=True)
class Selected(SearchMethod):
    """A selection of groups by their scores, exact forward and straight through backward."""

    selection: Selection

    @property
    def structure(self) -> Structure:  # type: ignore[override]
        """What has one score."""
        return self.selection.structure

    @property
    def density(self) -> float | Mapping[str, float]:
        """What a scale of the weights may be divided by: kept / total, 1 where the selection has none."""
        return getattr(self.selection, "density", 1.0)

    @property
    def collapsed(self) -> str:  # type: ignore[override]
        """What to do where nothing is kept: of a selection by a threshold there is no density to raise."""
        ranks = hasattr(self.selection, "density")
        return SearchMethod.collapsed if ranks else "lower the threshold, the weight decay, or the rate"

    def at(self, step: Step) -> Selection:
        """Return the selection of a step."""
        return self.selection.at(step) if isinstance(self.selection, EdgePopup) else self.selection

    def phase(self, step: Step) -> Hashable:
        """Return the epoch while the selection changes."""
        return None if self.settled(step) else step.epoch

    def settled(self, step: Step) -> bool:
        """Whether the selection is the last one."""
        return self.at(step) == self.selection

    def begin(self, source: RandomSource) -> MethodState:
        """Return the selection's first scores."""
        return MethodState(self.selection.first(source.axes, source.seed))

    def order(self, state: MethodState) -> Tensors | None:
        """Return the order of the selection."""
        found = {name: self.selection.order(scores.detach()) for name, scores in state.trained.items()}
        return {name: one for name, one in found.items() if one is not None} if None not in found.values() else None

    def masks(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the selection as it stands; what has no scores is kept."""
        chosen = self.at(step).chosen(state.trained, source.axes)
        return kept_whole(chosen, source)

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the products with the masks; of single weights kept or removed in one pass forward, one backward."""
        selection = self.at(step)
        kind = type(selection)
        own = (kind.ranked, kind.masks) != (TopK.ranked, TopK.masks)  # a gradient that a subclass has of its own
        plain = isinstance(selection, TopK) and not selection.signed and isinstance(selection.structure, Weights)
        if own or not plain:
            masks = selection.masks(state.trained, source.axes)
            return {name: weights[name] * mask.to(weights[name].dtype) for name, mask in masks.items()}
        chosen, magnitude = selection.chosen(state.trained, source.axes), cast("TopK", selection).magnitude
        return {
            name: product(scores, weights[name], chosen[name], magnitude=magnitude)
            for name, scores in state.trained.items()
        }


@dataclass(frozen=True)
class Searched(Method):
    """A search method on one random network, as the training loop takes it."""

    method: SearchMethod
    source: RandomSource = field(repr=False)

    def init(self, weights: Tensors, seed: int) -> MethodState:
        """Return the method's first state."""
        del weights, seed
        state = self.method.begin(self.source)
        if not state.trained:
            names = ", ".join(self.source.axes)
            named = type(getattr(self.method, "selection", self.method)).__name__
            raise ArgumentError("method", named, f"gives no weight a score ({names})", "spare fewer of them")
        return state

    def mask(self, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the masks as they stand."""
        return self.method.masks(state, self.source, step)

    def weights(self, weights: Tensors, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the weights of a training step, as large as the source's scale has them."""
        made = self.method.weights(weights, state, self.source, step)
        if self.source.scale != "local":
            return made
        gains = self.source.scaled(self.mask(state, step))
        return {name: weight * (gains[name] / self.source.gains[name]) for name, weight in made.items()}

    def evaluated(self, weights: Tensors, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the weights that a ticket has which is made now."""
        return self.method.evaluated(weights, state, self.source, step)

    def penalty(self, state: MethodState, step: Step) -> Tensor | None:
        """Return the method's penalty."""
        return self.method.penalty(state, self.source, step)

    def after(self, state: MethodState, step: Step, weights: Tensors) -> MethodState:
        """Return the method's state behind a step."""
        return self.method.after(state, self.source, step, weights)

    def phase(self, step: Step) -> Hashable:
        """Return the method's phase; densities that weights are divided by are read in each step."""
        return self.method.phase(step) if self.source.scale != "local" else step.number


def check_spared(spared: Sequence[str], axes: Mapping[str, Axes]) -> None:
    """Refuse what spares nothing: a mistyped name would have scores without a word."""
    for word in spared:
        if not any(fnmatchcase(name, word) for name in axes):
            raise ArgumentError("spared", word, "names no weight", f"the weights are {', '.join(axes)}")


def kept_whole(masks: Tensors, source: RandomSource) -> dict[str, Tensor]:
    """Return masks of all weights: those that have none are kept whole."""
    weights = {name: source.module.get_parameter(name) for name in source.axes if name not in masks}
    whole = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()}
    return {name: masks[name] if name in masks else whole[name] for name in source.axes}


def product(scores: Tensor, weight: Tensor, mask: Tensor, *, magnitude: bool = False) -> Tensor:
    """Return weights times masks, with the gradient of a straight-through mask for the score of each weight."""
    return cast("Tensor", _Product.apply(scores, weight, mask, magnitude))  # type: ignore[no-untyped-call]


class _Product(torch.autograd.Function):
    """Weights times masks with a gradient for every score: what the straight-through mask computes, faster."""

    generate_vmap_rule = True

    @staticmethod
    def forward(scores: Tensor, weight: Tensor, mask: Tensor, magnitude: bool) -> Tensor:  # noqa: FBT001
        """Return w m."""
        del scores, magnitude
        return weight * mask

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what the gradient needs."""
        del output
        scores, weight, _, ctx.magnitude = inputs
        ctx.save_for_backward(scores, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient of the scores: g w, times the sign of the score where magnitudes are ranked."""
        scores, weight = ctx.saved_tensors
        found = gradient * weight
        return found.mul_(scores.sign()) if ctx.magnitude else found, None, None, None
