"""Training under masks that stay: the weights that are kept are trained, the others are zero."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from slth.errors import ArgumentError
from slth.training.method import Method, MethodState, Step, Tensors


@dataclass(frozen=True, eq=False)
class FixedMasks(Method):
    r"""Train :math:`w \odot m` for masks that stay: what a mask removes is zero in each step, and gets no gradient.

    A removed weight that is zero when training starts is so in the module at any time, under momentum and weight decay
    too; one that is not becomes so by :meth:`TrainingRun.write_weights`.

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
    >>> from slth.training import Examples, Recipe, TrainingRun
    >>> module = torch.nn.Linear(1, 2)
    >>> masks = FixedMasks({"weight": torch.tensor([[True], [False]])})
    >>> run = TrainingRun(module, Examples(torch.tensor([[-1.0], [1.0]]), [0, 1]), Recipe(epochs=5), method=masks)
    >>> for record in run:
    ...     pass
    >>> run.write_weights()
    >>> module.weight.detach()[1].item(), record.density
    (0.0, 0.5)
    """

    masks: Mapping[str, Tensor]

    @property
    def trains_weights(self) -> bool:
        return True

    def init(self, weights: Tensors, seed: int) -> MethodState:
        """Return the masks, as they are for good."""
        del seed
        for name, mask in self.masks.items():
            if name not in weights or mask.shape != weights[name].shape:
                rule = "fits no weight of the module" if name not in weights else "has another shape than its weight"
                raise ArgumentError("masks", (name, list(mask.shape)), rule, "see slth.networks.maskable(module)")
        return MethodState({}, {name: mask.detach() != 0 for name, mask in self.masks.items()})

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
