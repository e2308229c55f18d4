"""Concrete gates: a relaxation of Bernoulli masks through which the gradient of their log-odds is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.searches.gates import Gates


@dataclass(frozen=True)
class Concrete(Gates):
    r"""Concrete gates: draw relaxed Bernoulli masks, and train their log-odds; a term or a balance thins them out.

    In each step, with u uniform in (0, 1) and log-odds a of a group, its weights are multiplied by

    .. math:: z = \min(1, \max(0, s (1 + 2 \gamma) - \gamma)), \quad
              s = \sigma\bigl((\log u - \log(1 - u) + a) / \tau\bigr),

    a hard concrete gate; binary concrete where the stretch :math:`\gamma` is 0. It is open, z > 0, with probability
    :math:`P(a) = \sigma(a - \tau \log(\gamma / (1 + \gamma)))` (without a stretch, z > 1/2 with :math:`\sigma(a)`).
    The ticket has whole gates.

    Parameters
    ----------
    density : float, optional
        The share of groups that the ticket keeps, in (0, 1): exactly the likeliest, of equal ones those that come
        first. Without one the ticket keeps the groups with a > 0, and its density is an outcome of ``decay``.
    structure : Structure, optional
        What has one gate: single weights, or neurons and channels (``OutputChannels``, ``InputChannels``), ``Kernels``,
        ``Heads``, ``Blocks(size)``. Density and regulariser count groups, each as one.
    decay : float
        The factor :math:`\lambda` of the term :math:`\lambda \sum P(a)`, the expected number of open gates.
    balance : float
        With a density: while the expected one, the mean of P, lies above it, the gradient of that mean is added to the
        gradient of the loss, as long as it times this factor. 1.0 is published, 0.0 holds the density at the
        end only.
    first : float
        First log-odds of all gates: 0.0 is even. Those of a low density leave nothing that gradients pass through.
    spared : sequence of str
        Names, or patterns of names, of weights that have no gates and are kept whole; density does not count them.
    temperature : float
        :math:`\tau`, positive.
    stretch : float
        :math:`\gamma`, not negative; 0.1 is usual where a term thins the gates out.

    Raises
    ------
    slth.errors.ArgumentError
        A number is outside its range, or a structure has fixed rows.

    Notes
    -----
    Sources: Maddison, Mnih, Teh, "The Concrete Distribution", ICLR 2017; Louizos, Welling, Kingma, "Learning Sparse
    Neural Networks through L0 Regularization", ICLR 2018, Section 2.2 (gate, term, 2/3 and 0.1); for strong tickets,
    also of neurons, Tsayag, Lindenbaum 2026, arXiv:2603.08914 (unverified); the balance: Arora, Teuscher, "Winning the
    Lottery by Preserving Network Training Dynamics with Concrete Ticket Search", 2025, arXiv:2512.07142 (unverified:
    reconstructed. There its factor is smoothed over steps, gates are binary concrete and begin at the log-odds of the
    density, and the optimiser is Adam).

    A network may imitate another one instead of learning labels: the loss is any function of outputs and targets, and
    targets may be the outputs of a dense network, see :func:`slth.training.imitation` and
    :class:`slth.training.ReverseKL`, as Concrete Ticket Search has it.

    Examples
    --------
    >>> import torch
    >>> from slth.training import Adam, Constant, Examples, Recipe
    >>> data = Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> recipe = Recipe(epochs=20, schedule=Constant(0.1), optimizer=Adam())
    >>> found = slth.search(net, data, slth.searches.Concrete(density=0.25), recipe=recipe)
    >>> found.ticket.mask.density, found.evaluate(data).accuracy
    (0.25, 1.0)
    """

    temperature: float = 2.0 / 3.0
    stretch: float = 0.0

    def __post_init__(self) -> None:
        """Check each number."""
        super().__post_init__()
        if not 0.0 < as_double(self.temperature) < math.inf:
            raise ArgumentError("temperature", self.temperature, "must be positive and finite", "use 2/3")
        if not 0.0 <= as_double(self.stretch) < math.inf:
            raise ArgumentError("stretch", self.stretch, "must not be negative", "use 0.0 for none, or 0.1")

    def gate(self, odds: Tensor) -> Tensor:
        """Return relaxed gates that are drawn now."""
        noise = torch.rand_like(odds).logit(1e-6)
        gates = ((odds + noise) / self.temperature).sigmoid()
        return (gates * (1.0 + 2.0 * self.stretch) - self.stretch).clamp(0.0, 1.0) if self.stretch else gates

    def opened(self, odds: Tensor) -> Tensor:
        """Return the probability that a gate is open."""
        shift = self.temperature * math.log(self.stretch / (1.0 + self.stretch)) if self.stretch else 0.0
        return (odds - shift).sigmoid()
