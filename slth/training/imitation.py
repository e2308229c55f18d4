"""Imitation: a network that learns the outputs of another one in the place of labels."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks.given import instance, module_given
from slth.networks.outputs import outputs_of
from slth.training.examples import Examples

_MADE = "make them with slth.training.Examples(inputs, targets)"


@dataclass(frozen=True)
class ReverseKL:
    r"""Mean divergence of a network's classes q from those p of another one: :math:`\sum_c q_c (\log q_c - \log p_c)`.

    Both are softmax of scores over the temperature. What is unlikely under p must become unlikely under q, while
    classes that q leaves out cost nothing.

    Parameters
    ----------
    temperature : float
        Positive.

    Notes
    -----
    Source: the objective of Arora, Teuscher, "Winning the Lottery by Preserving Network Training Dynamics with Concrete
    Ticket Search", 2025, arXiv:2512.07142 (unverified).

    Examples
    --------
    >>> import torch
    >>> from slth.training import ReverseKL
    >>> scores = torch.log(torch.tensor([[0.25, 0.75]]))
    >>> float(ReverseKL()(scores, scores)), round(float(ReverseKL()(torch.zeros(1, 2), scores)), 4)
    (0.0, 0.1438)
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < as_double(self.temperature) < math.inf:
            raise ArgumentError("temperature", self.temperature, "must be positive and finite", "use 1.0")

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch, of scores [batch, classes] of both networks."""
        own, other = ((scores / self.temperature).log_softmax(1) for scores in (outputs, targets))
        return (own.exp() * (own - other)).sum(1).mean()


def imitation(module: nn.Module, data: Examples) -> Examples:
    """Return examples whose targets are the outputs of a network, in evaluation mode, in the place of labels.

    Parameters
    ----------
    module : torch.nn.Module
        On the device of the inputs; what a loss such as :class:`ReverseKL` or ``torch.nn.functional.mse_loss``
        compares with.
    data : Examples
        As the network takes them: augmentation and normalisation of a recipe are not in it.

    Returns
    -------
    slth.training.Examples
        Of the same inputs.

    Examples
    --------
    >>> import torch
    >>> slth.training.imitation(torch.nn.Flatten(), slth.training.Examples(torch.ones(2, 1, 2), [0, 1])).targets
    tensor([[1., 1.],
            [1., 1.]])
    """
    ready = copy.deepcopy(module_given(module, ready=True)).eval()
    outputs = torch.from_numpy(outputs_of(ready, instance(data, Examples, "data", _MADE).inputs))
    return Examples(data.inputs, outputs.to(data.inputs.device))
