"""Edge-popup: each weight has a score, the largest scores are kept, and gradients reach the scores straight through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks import Axes, Selection, TopK, Weights
from slth.networks.selection import Rounding
from slth.training import Method, MethodState, Step
from slth.training.method import Tensors


@dataclass(frozen=True)
class EdgePopup(TopK):
    r"""Edge-popup: keep the weights of largest score, exactly as many as the density says, at every step.

    The network computes with :math:`w_i m_i`, where :math:`m_i = 1` for the k largest of :math:`|s_i|`; the scores are
    trained by :math:`\partial L / \partial s_i = \partial L / \partial (w_i m_i) \cdot w_i \,\mathrm{sign}(s_i)`, also
    where the weight is removed. Weights are never trained.

    Parameters
    ----------
    density : float or mapping of str to float
        kept / total, in (0, 1]; for each weight apart if it is a mapping.
    structure : Structure, optional
        What has one score: single weights, or :class:`~slth.networks.OutputChannels`, ``InputChannels``, ``Kernels``,
        ``Heads``, ``Blocks(size)``, ``NOfM(n, m)``. Density then counts these groups.
    scope : {"layer", "global"}
        Whether each layer keeps its share, as published, or the scores of all layers are ranked together.
    magnitude : bool
        Whether :math:`|s_i|` is ranked, as in the published code, or :math:`s_i`, as the paper's text has it.
    signed : bool
        Whether a kept weight is multiplied by the sign of its score (a signed supermask).
    rounding : {"up", "nearest", "down"}
        From a density to a number; the published code removes ``int((1 - density) total)``, which is "up".

    Raises
    ------
    slth.errors.ArgumentError
        The density is outside (0, 1], or scope, structure and density do not fit together.

    Notes
    -----
    Source: Ramanujan, Wortsman, Kembhavi, Farhadi, Rastegari, "What's Hidden in a Randomly Weighted Neural Network?",
    CVPR 2020. In its code ``prune_rate`` is the share that is kept in one class and the share removed in another.

    Examples
    --------
    >>> scores = {"weight": torch.tensor([[0.1, -0.9, 0.3]])}
    >>> EdgePopup(density=0.5).chosen(scores, {"weight": Axes((1, 3))})["weight"].tolist()
    [[False, True, True]]
    """

    density: float | Mapping[str, float] = 0.5
    rounding: Rounding = "up"

    def __post_init__(self) -> None:
        """Check density and scope."""
        super().__post_init__()
        for one in self.density.values() if isinstance(self.density, Mapping) else [self.density]:
            if as_double(one) == 0.0:
                raise ArgumentError("density", self.density, "keeps nothing", "density = kept / total; use 0.5")


@dataclass(frozen=True)
class Searched(Method):
    """A selection method on the weights of one module, as the training loop takes it."""

    selection: Selection
    axes: Mapping[str, Axes]

    def init(self, weights: Tensors, seed: int) -> MethodState:
        """Return the method's first scores."""
        return MethodState(self.selection.first({name: self.axes[name] for name in weights}, seed))

    def mask(self, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the masks, exact forward and with the gradients of the scores backward."""
        del step
        return self.selection.masks(state.trained, self.axes)

    def weights(self, weights: Tensors, state: MethodState, step: Step) -> dict[str, Tensor]:
        """Return the products with the masks; of single weights kept or removed in one pass forward, one backward."""
        selection = self.selection
        plain = isinstance(selection, TopK) and not selection.signed and isinstance(selection.structure, Weights)
        if not plain:
            return {name: weights[name] * mask.to(weights[name].dtype) for name, mask in self.mask(state, step).items()}
        chosen, magnitude = selection.chosen(state.trained, self.axes), cast("TopK", selection).magnitude
        return {
            name: cast("Tensor", _Product.apply(scores, weights[name], chosen[name], magnitude))  # type: ignore[no-untyped-call]
            for name, scores in state.trained.items()
        }


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
