"""Gates: masks that are random while they are searched, each open with a probability of its own."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks import Structure, Weights
from slth.searches.method import SearchMethod, kept_whole
from slth.searches.random_source import RandomSource
from slth.searches.ranking import check_ranked, largest
from slth.training import Adam, Cosine, MethodState, Recipe, Step
from slth.training.method import Tensors


@dataclass(frozen=True)
class Gates(SearchMethod):
    """What methods with random gates have in common: log-odds of each group, and how their density is held.

    A subclass says how a gate is drawn from its log-odds, and how likely it is open.
    """

    density: float | None = None
    structure: Structure = field(default_factory=Weights)
    decay: float = 0.0
    balance: float = 0.5
    first: float = 0.0
    spared: Sequence[str] = ()
    usual: ClassVar[Recipe] = Recipe(20, 128, Cosine(0.3), Adam())
    collapsed: ClassVar[str] = "ask for a larger density, lower the decay, or lower the rate"

    def __post_init__(self) -> None:
        """Check each number."""
        check_ranked(0.5 if self.density is None else self.density, self.structure, below=True)
        for name in ("decay", "balance"):
            if not 0.0 <= as_double(getattr(self, name)) < math.inf:
                raise ArgumentError(name, getattr(self, name), "must not be negative", "use 0.0 for none")
        if not math.isfinite(as_double(self.first)):
            raise ArgumentError("first", self.first, "is no number", "use 0.0 for even odds")

    def gate(self, odds: Tensor) -> Tensor:
        """Return gates that are drawn now, in [0, 1], with a gradient for their log-odds."""
        raise NotImplementedError

    def opened(self, odds: Tensor) -> Tensor:
        """Return the probability that a gate is open, with a gradient for its log-odds."""
        return odds.sigmoid()

    def begin(self, source: RandomSource) -> MethodState:
        """Return the first log-odds, the same for all groups."""
        shapes = {name: self.structure.shape(axes) for name, axes in self.scored(source).items()}
        return MethodState({name: torch.full(shape, float(self.first)) for name, shape in shapes.items()})

    def phase(self, step: Step) -> Hashable:
        """Return the same in all steps, which are alike."""
        del step
        return None

    def order(self, state: MethodState) -> Tensors:
        """Return the log-odds."""
        return {name: odds.detach() for name, odds in state.trained.items()}

    def masks(self, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the likeliest gates, exactly as many as the density says; without one, those that are rather open."""
        del step
        if self.density is None:
            kept = {name: odds > 0.0 for name, odds in state.trained.items()}
        else:
            kept = largest(state.trained, source.axes, self.density, self.structure)
        return kept_whole({name: self.structure.expand(one, source.axes[name]) for name, one in kept.items()}, source)

    def weights(self, weights: Tensors, state: MethodState, source: RandomSource, step: Step) -> dict[str, Tensor]:
        """Return the weights times gates that are drawn now."""
        del step
        found = {}
        for name, odds in self._held(state.trained).items():
            gates = self.structure.expand(self.gate(odds), source.axes[name])
            found[name] = weights[name] * gates.to(weights[name].dtype)
        return found

    def penalty(self, state: MethodState, source: RandomSource, step: Step) -> Tensor | None:
        """Return the expected number of open gates times the decay."""
        del source, step
        if not self.decay:
            return None
        return self.decay * torch.stack([self.opened(odds).sum() for odds in state.trained.values()]).sum()

    def _held(self, odds: Tensors) -> dict[str, Tensor]:
        """Return the log-odds as they are; where too many gates are open, gradients behind them push the density."""
        if self.density is None or not self.balance:
            return dict(odds)
        with torch.enable_grad():
            leaves = [one.detach().requires_grad_() for one in odds.values()]
            opened = [self.opened(one) for one in leaves]
            pushes = torch.autograd.grad([one.sum() for one in opened], leaves)
        expected = torch.stack([one.detach().sum() for one in opened]).sum() / sum(one.numel() for one in opened)
        factor = torch.where(expected > self.density, self.balance, 0.0)
        held: Any = _Balanced.apply(factor, pushes, *odds.values())  # type: ignore[no-untyped-call]
        return dict(zip(odds, held, strict=True))


class _Balanced(torch.autograd.Function):
    """The identity, which adds other gradients to those that pass, as long as these all together, times a factor."""

    @staticmethod
    def forward(ctx: Any, factor: Tensor, pushes: tuple[Tensor, ...], *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the tensors."""
        ctx.save_for_backward(factor, *pushes)
        return tuple(one.view_as(one) for one in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return g + c d |g| / |d|, with norms over all tensors."""
        factor, *pushes = ctx.saved_tensors
        ratio = _norm(gradients) / _norm(pushes).clamp(min=1e-30)
        added = (one + factor * ratio * push for one, push in zip(gradients, pushes, strict=True))
        return None, None, *added


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    """Return the Euclidean norm of all numbers together."""
    return torch.stack([torch.linalg.vector_norm(one) for one in tensors]).square().sum().sqrt()
