"""Losses of the worst case: examples count for more, the larger their loss is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks.given import tensor_given
from slth.training import Step


def worst_case_weights(losses: Tensor, kl_weight: float) -> Tensor:
    r"""Return the weights of the worst case near the uniform ones, in closed form.

    .. math:: \operatorname{argmax}_{p \in \Delta} \sum_i p_i l_i - \lambda\, KL(p \,\|\, u)
        = \operatorname{softmax}(l / \lambda)

    Parameters
    ----------
    losses : Tensor [examples]
    kl_weight : float
        :math:`\lambda`, positive: from the largest loss alone (near 0) to the mean (infinite).

    Returns
    -------
    Tensor [examples]
        Not negative, with sum 1; differentiable in the losses.

    Raises
    ------
    slth.errors.ArgumentError
        :math:`\lambda` is not positive, or there is no loss.

    Notes
    -----
    Source: Sapkota, Wang, Tao, Yu, "Distributionally Robust Ensemble of Lottery Tickets Towards Calibrated Sparse
    Network Training", NeurIPS 2023 (by its code; title and authors unverified).

    Examples
    --------
    >>> import torch
    >>> slth.trainable.worst_case_weights(torch.tensor([0.0, 1.0, 1.0]), 1e-3).tolist()
    [0.0, 0.5, 0.5]
    >>> slth.trainable.worst_case_weights(torch.tensor([0.0, 4.0]), float("inf")).tolist()
    [0.5, 0.5]
    """
    losses = losses if isinstance(losses, Tensor) else tensor_given(losses, "losses")
    if losses.ndim != 1 or not len(losses) or not losses.is_floating_point():
        rule = "must be numbers [examples], of one example at least"
        raise ArgumentError("losses", list(losses.shape), rule, "pass the loss of each example")
    # Shifted first: a small weight makes no infinities of large losses; by less than a float no zero is divided.
    weight = max(checked_weight(kl_weight), torch.finfo(losses.dtype).tiny)
    return ((losses - losses.detach().max()) / weight).softmax(0)


@dataclass(frozen=True)
class WorstCase:
    r"""Cross entropy of the worst case: :math:`\sum_i p_i l_i` with :func:`worst_case_weights` of the batch.

    Training takes :meth:`at` of its step; called as it is, such as by evaluations, it is the mean cross entropy.

    Parameters
    ----------
    kl_weight : float
        :math:`\lambda_0`, positive; infinite for the mean.
    decay : bool
        Whether :math:`\lambda` falls from :math:`\lambda_0` by :math:`(1 + \cos(\pi e / E)) / 2` in epoch e of E:
        training begins near the mean and ends with the hardest examples.
    detached : bool
        Whether the weights are constants, which gives the gradient of the worst case itself (Danskin), or have a
        gradient too as in the published code, in which example i counts :math:`p_i (1 + (l_i - L) / \lambda)`: less
        than nothing where it is easy.

    Raises
    ------
    slth.errors.ArgumentError
        :math:`\lambda_0` is not positive.

    Notes
    -----
    Source: as :func:`worst_case_weights`.

    Examples
    --------
    >>> import torch
    >>> scores, labels = torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.tensor([0, 0])
    >>> loss = slth.trainable.WorstCase(0.01)
    >>> [round(float(one(scores, labels)), 3) for one in (loss, loss.at(slth.training.Step(0, per_epoch=1, epochs=2)))]
    [0.347, 0.693]
    """

    kl_weight: float = math.inf
    decay: bool = True
    detached: bool = False

    def __post_init__(self) -> None:
        checked_weight(self.kl_weight)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy of a batch."""
        return nn.functional.cross_entropy(outputs, targets)

    def at(self, step: Step) -> _Weighted:
        """Return the loss of a training step."""
        share = 0.5 * (1.0 + math.cos(math.pi * step.epoch / max(1, step.epochs))) if self.decay else 1.0
        return _Weighted(replace(self, kl_weight=max(self.kl_weight * max(share, _SMALLEST), _SMALLEST)))


_SMALLEST = 1e-30  # behind the last epoch the decay is at 0, and an infinite weight stays what it is


@dataclass(frozen=True)
class _Weighted:
    """The loss of one step."""

    now: WorstCase

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the weighted sum of the losses of a batch."""
        if math.isinf(self.now.kl_weight):
            return self.now(outputs, targets)
        losses = nn.functional.cross_entropy(outputs, targets, reduction="none")
        weights = worst_case_weights(losses.detach() if self.now.detached else losses, self.now.kl_weight)
        return torch.dot(weights, losses)


def checked_weight(kl_weight: float, name: str = "kl_weight") -> float:
    """Return the weight of the divergence, if it is positive."""
    if not as_double(kl_weight) > 0.0:
        raise ArgumentError(name, kl_weight, "must be positive", "use 10.0, or infinity for the mean")
    return float(kl_weight)
