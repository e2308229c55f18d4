"""Many tasks on one random network: a mask for each, and the task of unlabelled inputs from one gradient."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.networks import apply_ticket
from slth.networks.calls import Calling
from slth.networks.given import tensor_given
from slth.tickets import Layout, Ticket


@dataclass(frozen=True, eq=False)
class Superposition:
    r"""Supermasks in superposition: tickets of one random network, one a task, that tell which task inputs are of.

    The weights of the tasks are mixed, :math:`W = \sum_t \alpha_t W_t` with :math:`\alpha_t = 1/n`, and the task is
    the one by whose share the entropy H of the outputs falls fastest: the largest of
    :math:`-\partial H / \partial \alpha_t`. It takes one evaluation and one gradient, however many tasks there are.

    Parameters
    ----------
    tickets : sequence of Ticket
        Two at least, of one module, one seed and one law, with the same stored numbers: norm layers of the module
        keep no running statistics.

    Raises
    ------
    slth.errors.ArgumentError
        The tickets are of different random networks.

    Notes
    -----
    Source: Wortsman, Ramanujan, Liu, Kembhavi, Rastegari, Yosinski, Farhadi, "Supermasks in Superposition", NeurIPS
    2020 (one-shot inference of tasks that share their outputs). It fails where networks are badly calibrated.

    Examples
    --------
    >>> import torch
    >>> from slth.searches import Superposition
    >>> from slth.searches import EdgePopup, search
    >>> signs, places = torch.tensor([[-1.0, 0.0], [1.0, 0.0]] * 8), torch.tensor([[0.0, -1.0], [0.0, 1.0]] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    >>> recipe = slth.training.Recipe(epochs=60, batch_size=16)
    >>> tasks = [slth.training.Examples(inputs, [0, 1] * 8) for inputs in (signs, places)]
    >>> several = Superposition([search(net, task, EdgePopup(0.5), recipe=recipe).ticket for task in tasks])
    >>> several.infer(net, signs), several.infer(net, places)
    (0, 1)
    """

    tickets: Sequence[Ticket]

    def __post_init__(self) -> None:
        """Check that all tickets are of one random network."""
        object.__setattr__(self, "tickets", tuple(self.tickets))
        if len(self.tickets) < 2:
            raise ArgumentError("tickets", len(self.tickets), "must be two at least", "search one for each task")
        first = self.tickets[0]
        for number, ticket in enumerate(self.tickets):
            difference = _difference(first, ticket)
            if difference is not None:
                rule = f"{difference} of ticket {number} is not that of ticket 0"
                raise ArgumentError("tickets", number, rule, "search all tasks on one module, with one seed and law")

    def infer(self, module: nn.Module, inputs: Tensor) -> int:
        """Return the number of the task that inputs are of.

        Parameters
        ----------
        module : torch.nn.Module
            That the tickets were searched for; it stays as it is. Its outputs are logits.
        inputs : Tensor
            Of one task, all together: the more, the surer.

        Returns
        -------
        int
        """
        return int(self.slopes(module, inputs).argmax())

    def slopes(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Return how fast the mean entropy of the outputs falls with the share of each task, float[tasks].

        Parameters
        ----------
        module, inputs
            As :meth:`infer` has them.

        Returns
        -------
        Tensor
        """
        inputs = tensor_given(inputs, "inputs")
        made = [apply_ticket(copy.deepcopy(module), ticket).eval() for ticket in self.tickets]
        names = list(self.tickets[0].mask.arrays)
        with torch.enable_grad():
            shares = torch.full((len(made),), 1.0 / len(made), device=inputs.device, requires_grad=True)
            mixed = {
                name: torch.stack([one.get_parameter(name).detach() for one in made], -1)
                @ shares.to(made[0].get_parameter(name).dtype)
                for name in names
            }
            odds = Calling(made[0])(made[0], mixed, (inputs,)).log_softmax(-1)
            entropy = -(odds.exp() * odds).sum(-1).mean()
            return -torch.autograd.grad(entropy, shares)[0]


def _difference(one: Ticket, other: Ticket) -> str | None:
    """Return in what two tickets are of different random networks."""
    if not isinstance(one.source, Layout) or not isinstance(other.source, Layout) or one.source != other.source:
        return "the module"
    if one.seed != other.seed or one.law != other.law:
        return "seed or law"
    stored = one.buffers.keys() == other.buffers.keys() and all(
        np.array_equal(array, other.buffers[name]) for name, array in one.buffers.items()
    )
    return None if stored and one.mask.arrays.keys() == other.mask.arrays.keys() else "a stored number"
