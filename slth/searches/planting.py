"""A ticket planted in a random network: the ground truth that a search is asked to find again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.networks import Kept, Structure, TopK, Weights, apply_ticket, densities
from slth.networks.given import instance, tensor_given
from slth.rng import Stream, WeightLaw
from slth.searches.baseline import Baseline, Problem
from slth.searches.connected import MiCA
from slth.searches.random_source import RandomSource, Scale, random_source
from slth.tickets import Ticket
from slth.training import Examples, evaluate
from slth.training.fit import check_fit, device_of

_BATCH = 1024
"""As evaluation has it: the planted ticket computes its targets again to the last bit."""


@dataclass(frozen=True)
class RelativeError:
    r"""Mean squared error over the variance of the targets: 0 for the planted ticket, 1 for the best constant.

    .. math:: \frac{1}{v N K} \sum_{n,k} (y_{nk} - t_{nk})^2

    The gains of layers cancel, where a network is positively homogeneous.

    Parameters
    ----------
    variance : float
        v: of each output over the examples that a ticket was planted with, in the mean over the K outputs.

    Examples
    --------
    >>> import torch
    >>> float(slth.searches.RelativeError(4.0)(torch.tensor([[2.0]]), torch.tensor([[0.0]])))
    1.0
    """

    variance: float

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        return nn.functional.mse_loss(outputs, targets) / self.variance


@dataclass(frozen=True)
class Recovery:
    """How much of a planted ticket another one has, counted in weights of all layers together.

    Parameters
    ----------
    found : int
        Planted weights that the other ticket keeps, with their sign.
    planted : int
        Weights of the planted ticket.
    kept : int
        Weights of the other.
    expected : float
        Mean of ``found`` if each layer's kept weights were drawn at random (hypergeometric distributions).
    error : float
        :class:`RelativeError` of the other ticket, on the inputs that were given.

    Examples
    --------
    >>> slth.searches.Recovery(found=5, planted=10, kept=20, expected=2.0, error=0.3).share
    0.5
    """

    found: int
    planted: int
    kept: int
    expected: float
    error: float

    @property
    def share(self) -> float:
        """Recall: found / planted, which is the precision too where as many weights are kept as were planted."""
        return self.found / self.planted

    @property
    def precision(self) -> float:
        """Return found / kept."""
        return self.found / self.kept

    @property
    def chance(self) -> float:
        """Recall that random masks with these layer densities have in the mean."""
        return self.expected / self.planted


@dataclass(frozen=True, eq=False)
class Planted:
    """A random network with a known ticket inside, and the data that this ticket solves: what :func:`plant` makes.

    Parameters
    ----------
    source : RandomSource
        The random network, which a search with the same module, law, scale and seed starts from.
    masks : mapping of str to Tensor
        The planted masks, bool [weight].
    ticket : Ticket
        The same as a ticket.
    module : torch.nn.Module
        Computes what the ticket says, in evaluation mode.
    data : Examples
        The given inputs, and the outputs of the planted ticket as their targets.
    loss : RelativeError
        What a search should be trained on.
    """

    source: RandomSource
    masks: Mapping[str, Tensor]
    ticket: Ticket
    module: nn.Module
    data: Examples
    loss: RelativeError

    @property
    def density(self) -> dict[str, Kept]:
        """How many of each weight are planted."""
        return densities(self.masks)

    def examples(self, inputs: Tensor | ArrayLike) -> Examples:
        """Return other inputs with the outputs of the planted ticket."""
        return _answered(self.module, inputs)

    def recovery(self, ticket: Ticket, inputs: Tensor | ArrayLike | None = None) -> Recovery:
        """Return how much of the planted ticket another ticket of the same random network has.

        Its error is measured on the given inputs, best held out, or on those that the ticket was planted with.
        """
        if ticket.seed != self.source.seed or ticket.source != self.source.layout:
            rule = f"is not of the random network with seed {self.source.seed}"
            raise ArgumentError("ticket", f"seed {ticket.seed}", rule, "search the same module with the same seed")
        found = kept = 0
        expected = 0.0
        for name, mask in self.masks.items():
            entries, wanted = ticket.mask.arrays[name], mask.numpy()
            found += int(np.count_nonzero(wanted & (entries == 1)))
            count = int(np.count_nonzero(entries))
            kept += count
            expected += count * np.count_nonzero(wanted) / wanted.size
        data = self.data if inputs is None else self.examples(inputs)
        made = apply_ticket(copy.deepcopy(self.source.module), ticket)
        error = evaluate(made, data, loss=self.loss, batch_size=_BATCH).loss
        return Recovery(found, self.ticket.mask.kept, kept, float(expected), error)


def plant(
    module: nn.Module,
    inputs: Tensor | ArrayLike,
    *,
    density: float | Mapping[str, float],
    method: Baseline | None = None,
    structure: Structure | None = None,
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    seed: int = 0,
) -> Planted:
    r"""Plant a random ticket in a random network, and let it answer the inputs: data that a known ticket solves.

    With the random weights :math:`w` of the seed and a random mask :math:`m`, the targets are :math:`f(x; w \odot m)`.
    So among the masks of this very network there is one of known density whose loss is 0, and whether a search finds
    it, or another as good, is a question with an answer.

    Parameters
    ----------
    module : torch.nn.Module
        Gives the architecture, as in :func:`search`. A norm by statistics of the batch computes other outputs in
        training than the targets are.
    inputs : Tensor or array_like [examples, ...]
        Floating-point numbers.
    density : float or mapping of str to float
        kept / total of each weight, rounded to the nearest number; for each apart if it is a mapping.
    method : Baseline, optional
        What draws the mask: :class:`MiCA` by default, which plants no weight that leads nowhere (one such could not be
        found again) and has ``units=``, in chains of layers; :class:`Random` for any module.
    structure : Structure, optional
        What is planted together; density then counts groups. Needs ``method=Random()``.
    law : WeightLaw, optional
        Of the weights; signed constant by default, as in :func:`search`.
    scale : {"kaiming", "kept", "local", "removed", "none"}
        As :func:`search` has it.
    seed : int
        Of the weights, and under another address of the mask; 0 <= seed < 2**64. A search with the same seed has the
        same weights, and scores that know nothing of the mask.

    Returns
    -------
    Planted

    Raises
    ------
    slth.errors.ArgumentError
        The module has nothing to mask or does not take the inputs, the targets are constant (no path is kept), or an
        argument breaks a rule.

    Notes
    -----
    Source of the idea: Fischer, Burkholz, "Plant 'n' Seek: Can You Find the Winning Ticket?", ICLR 2022. They plant
    tickets made by hand for four tasks, by changing weights of the network; here no weight is changed, so that the
    ticket is a mask of an ordinary random network, and what it computes is whatever it computes.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
    >>> planted = slth.searches.plant(net, np.random.default_rng(0).normal(size=(64, 8)), density=0.25, seed=1)
    >>> planted.ticket.mask.kept, planted.recovery(planted.ticket).error
    (64, 0.0)
    """
    method = MiCA() if method is None else instance(method, Baseline, "method", "use slth.searches.Random()")
    selection = TopK(density, Weights() if structure is None else structure, magnitude=False)
    law = WeightLaw("signed-constant") if law is None else law
    source = random_source(module, law=law, seed=seed, scale=scale, density=density)
    given = _examples(inputs)
    other = int(Stream(source.seed, "planting").raw(0, 1)[0])
    problem = Problem(source.module, given, nn.functional.mse_loss, other, selection, source.axes)
    chosen = method.find(problem).chosen
    masks = {name: selection.structure.expand(groups, source.axes[name]).cpu() for name, groups in chosen.items()}
    ticket = source.ticket(masks, source.stored(), gains=source.scaled(masks))
    made = apply_ticket(copy.deepcopy(source.module), ticket).eval()
    data = _answered(made, given.inputs)
    variance = float(data.targets.double().reshape(len(data), -1).var(dim=0, correction=0).mean())
    if not 0.0 < variance < np.inf:
        rule = "gives targets that are all the same: no path is kept, or there is one example"
        raise ArgumentError("density", density, rule, "raise it, or plant with method=MiCA()")
    return Planted(source, masks, ticket, made, data, RelativeError(variance))


def _examples(inputs: Tensor | ArrayLike) -> Examples:
    """Return inputs without answers."""
    return Examples(inputs, torch.zeros(tensor_given(inputs, "inputs").shape[:1]))


def _answered(module: nn.Module, inputs: Tensor | ArrayLike) -> Examples:
    """Return inputs with what a module says to them."""
    given = _examples(inputs).to(device_of(module))
    with torch.no_grad():
        check_fit(module, given, lambda two: module(two.inputs))
        answers = [module(part) for part in torch.split(given.inputs, _BATCH)]
    return Examples(given.inputs, torch.cat(answers))
