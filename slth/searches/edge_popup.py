"""Edge-popup: each weight has a score, the largest scores are kept, and gradients reach the scores straight through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

import torch
from torch import Tensor, nn

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks.masking import Scope, maskable, select_masks, straight_through
from slth.networks.selection import Rounding
from slth.networks.structures import Axes, NOfM, Structure, Weights
from slth.rng import Stream
from slth.training import Method, MethodState
from slth.training.method import Step, Tensors


@dataclass(frozen=True)
class EdgePopup:
    r"""Edge-popup: keep the weights of largest score, exactly as many as the density says, at every step.

    The network computes with :math:`w_i m_i`, where :math:`m_i = 1` for the k largest of :math:`|s_i|`; the scores are
    trained by :math:`\partial L / \partial s_i = \partial L / \partial (w_i m_i) \cdot w_i \,\mathrm{sign}(s_i)`, also
    where the weight is removed. Weights are never trained.

    Parameters
    ----------
    density : float
        kept / total, in (0, 1].
    scope : {"layer", "global"}
        Whether each layer keeps its share, as published, or the scores of all layers are ranked together.
    structure : Structure
        What has one score: single weights, or :class:`~slth.networks.OutputChannels`, ``InputChannels``, ``Kernels``,
        ``Heads``, ``Blocks(size)``, ``NOfM(n, m)``. Density then counts these groups.
    magnitude : bool
        Whether :math:`|s_i|` is ranked, as in the published code, or :math:`s_i`, as the paper's text has it.
    rounding : {"up", "nearest", "down"}
        From a density to a number; the published code removes ``int((1 - density) total)``, which is "up".

    Raises
    ------
    slth.errors.ArgumentError
        The density is outside (0, 1], or the scope is another word.

    Notes
    -----
    Source: Ramanujan, Wortsman, Kembhavi, Farhadi, Rastegari, "What's Hidden in a Randomly Weighted Neural Network?",
    CVPR 2020. There, ``prune_rate`` is the share that is kept in one class and the share removed in another.

    Examples
    --------
    >>> method = EdgePopup(density=0.5).on(nn.Linear(4, 2, bias=False))
    >>> state = method.init({"weight": torch.ones(2, 4)}, 0)
    >>> int(method.mask(state, Step(0, 1, 1))["weight"].sum())
    4
    """

    density: float = 0.5
    scope: Scope = "layer"
    structure: Structure = field(default_factory=Weights)
    magnitude: bool = True
    rounding: Rounding = "up"

    def __post_init__(self) -> None:
        """Check density and scope."""
        if not 0.0 < as_double(self.density) <= 1.0:
            raise ArgumentError("density", self.density, "must lie in (0, 1]", "density = kept / total; use 0.5")
        if self.scope not in ("layer", "global"):
            raise ArgumentError("scope", self.scope, "is not a scope", 'use "layer" or "global"')
        if self.scope == "global" and isinstance(self.structure, NOfM):
            raise ArgumentError("scope", self.scope, "does not fit n of m", 'use scope="layer"')

    def on(self, module: nn.Module) -> Method:
        """Return the method for the weights of one module."""
        axes = maskable(module)
        for name, place in axes.items():
            if self.structure.kept(place, self.density, self.rounding) == 0 and self.scope == "layer":
                rule = f"keeps nothing of {name}, which has {prod(self.structure.shape(place))} scores"
                raise ArgumentError("density", self.density, rule, "raise it, or rank all layers together")
        return _OnModule(self, axes)


@dataclass(frozen=True)
class _OnModule(Method):
    """Edge-popup on weights whose axes are known."""

    method: EdgePopup
    axes: Mapping[str, Axes]

    def init(self, weights: Tensors, seed: int) -> MethodState:
        r"""Return scores uniform on :math:`\pm 1/\sqrt{m}`, m the inputs that an output sees, each by its address."""
        scores = {}
        for name, weight in weights.items():
            shape = self.method.structure.shape(self.axes[name])
            numbers = Stream(seed, f"scores/{name}").uniform(0, prod(shape))
            bound = fan_in(self.axes[name]) ** -0.5
            scores[name] = torch.from_numpy((2.0 * numbers - 1.0) * bound).reshape(shape).to(weight)
        return MethodState(scores)

    def mask(self, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the masks, exact forward and with the gradients of the scores backward."""
        del step
        chosen = self._chosen(state)
        return {
            name: self._spread(name, straight_through(self._ranked(scores), chosen[name]))
            for name, scores in state.trained.items()
        }

    def weights(self, weights: Tensors, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the products with the masks; of single weights in one pass forward and one backward."""
        if not isinstance(self.method.structure, Weights):
            return {name: weights[name] * mask for name, mask in self.mask(state, step).items()}
        chosen = self._chosen(state)
        sign = self.method.magnitude
        return {
            name: cast("Tensor", _Product.apply(scores, weights[name], chosen[name], sign))  # type: ignore[no-untyped-call]
            for name, scores in state.trained.items()
        }

    def _chosen(self, state: MethodState) -> dict[str, Tensor]:
        """Return which groups are kept, as bool in the shape of the scores."""
        method, structure = self.method, self.method.structure
        with torch.no_grad():
            ranked = {name: self._ranked(scores) for name, scores in state.trained.items()}
            if method.scope == "global":
                places = {name: Axes(tuple(scores.shape)) for name, scores in ranked.items()}
                return select_masks(ranked, method.density, axes=places, scope="global", rounding=method.rounding)
            counts = {name: structure.kept(self.axes[name], method.density, method.rounding) for name in ranked}
            return {name: structure.select(scores, counts[name]) for name, scores in ranked.items()}

    def _ranked(self, scores: Tensor) -> Tensor:
        """Return what is ranked."""
        return scores.abs() if self.method.magnitude else scores

    def _spread(self, name: str, groups: Tensor) -> Tensor:
        """Give each weight the value of its group."""
        return self.method.structure.expand(groups, self.axes[name])


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


def fan_in(axes: Axes) -> int:
    """Return how many inputs an output of a layer sees."""
    rest = prod(axes.shape[2:])
    return max(1, rest * (axes.shape[1] if axes.first == "outputs" else axes.shape[0] // axes.groups))
