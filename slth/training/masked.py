"""Training under masks that stay: the weights that are kept are trained, the others are zero."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slth.errors import ArgumentError
from slth.training.method import Method, MethodState, Step, Tensors


@dataclass(frozen=True, eq=False)
class FixedMasks(Method):
    r"""Train :math:`w \odot m` for masks that stay: what a mask removes is zero in each step, and gets no gradient.

    A removed weight is set to zero in the module when the run is made, and is exactly zero from there on, under
    momentum and weight decay too. A step costs what one of dense training does, and one product a weight.

    Parameters
    ----------
    masks : mapping of str to Tensor
        By name of a weight, of bool and in its shape; a weight without a mask is trained as a whole.

    Raises
    ------
    slth.errors.ArgumentError
        When training begins: a mask has another shape, or is for no weight of the module.

    Examples
    --------
    >>> import torch
    >>> from slth.training import Examples, Recipe, TrainingRun
    >>> module = torch.nn.Linear(1, 2)
    >>> masks = slth.training.FixedMasks({"weight": torch.tensor([[True], [False]])})
    >>> run = TrainingRun(module, Examples(torch.tensor([[-1.0], [1.0]]), [0, 1]), Recipe(epochs=5), method=masks)
    >>> for record in run:
    ...     pass
    >>> module.weight.detach()[1].item(), record.density
    (0.0, 0.5)
    """

    masks: Mapping[str, Tensor]

    @property
    def trains_weights(self) -> bool:
        return True

    @property
    def masks_gradients(self) -> bool:
        return True

    def init(self, weights: Tensors, seed: int) -> MethodState:
        """Return the masks, as they are for good."""
        del seed
        return MethodState({}, {name: mask.detach() != 0 for name, mask in fitting(self.masks, weights).items()})

    def mask(self, state: MethodState, step: Step) -> Tensors:
        """Return the masks."""
        del step
        return state.fixed

    def weights(self, weights: Tensors, state: MethodState, step: Step) -> Tensors:
        """Return what is kept, and zeros without a sign."""
        del step
        return {name: torch.where(mask, weights[name], 0.0) for name, mask in state.fixed.items()}

    def phase(self, step: Step) -> Hashable:
        """Return the same in all steps, which are alike."""
        del step
        return None


def fitting(masks: object, weights: Tensors) -> Mapping[str, Tensor]:
    """Return masks, each of which is a tensor in the shape of its weight."""
    remedy = "see slth.networks.maskable(module)"
    if not isinstance(masks, Mapping):
        raise ArgumentError("masks", masks, "must be tensors by name of a weight", remedy)
    for name, mask in masks.items():
        if name not in weights:
            raise ArgumentError("masks", name, "fits no weight of the module", remedy)
        if not isinstance(mask, Tensor) or mask.shape != weights[name].shape:
            value = (name, list(mask.shape) if isinstance(mask, Tensor) else mask)
            raise ArgumentError("masks", value, "must be a tensor in the shape of its weight", remedy)
    return masks


def hold(masks: Tensors, weights: Tensors, leaves: Tensors) -> list[tuple[Tensor, Tensor]]:
    """Set what is removed to zero; return the trained weights, and what their gradients are multiplied by.

    As many numbers as the weights, not truth values: that takes a tenth of the time.
    """
    held = []
    with torch.no_grad():
        for name, mask in masks.items():
            weights[name].masked_fill_(mask == 0, 0.0)
            if name in leaves:
                held.append((leaves[name], torch.empty_like(weights[name]).copy_(mask)))
    return held


def mask_gradients(held: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Let what is removed have no gradient."""
    for leaf, mask in held:
        if leaf.grad is not None:
            leaf.grad.mul_(mask)  # not *=, which sets the gradient anew
