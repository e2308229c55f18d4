"""Ensembles: several networks whose outputs are averaged, and the one file of an ensemble of tickets."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn

from slth.arrays import one_of
from slth.errors import ArgumentError
from slth.networks import apply_ticket
from slth.networks.given import module_given, sequence
from slth.tickets import Layout, Ticket, joined, load_ticket, members
from slth.trainable.calibration import Averaged


class EnsembleModule(nn.Module):
    r"""A module that averages the outputs of its members.

    Parameters
    ----------
    modules : iterable of torch.nn.Module
        From the same inputs to logits [batch, classes].
    by : {"logits", "probabilities"}
        The mean logits, or the logarithm of the mean probabilities, which is a kind of logits too.

    Raises
    ------
    slth.errors.ArgumentError
        There is no member, or ``by`` is unknown.

    Examples
    --------
    >>> import torch
    >>> members = [torch.nn.Identity(), torch.nn.Threshold(1.0, 0.0)]
    >>> slth.trainable.EnsembleModule(members)(torch.tensor([[1.0, 3.0]])).tolist()
    [[0.5, 3.0]]
    >>> slth.trainable.EnsembleModule(members, by="probabilities")(torch.tensor([[1.0, 3.0]])).exp().sum().item()
    1.0
    """

    def __init__(self, modules: Iterable[nn.Module], *, by: Averaged = "logits") -> None:
        super().__init__()
        given = list(modules) if isinstance(modules, Iterable) else []
        self.members = nn.ModuleList(module_given(module, "modules") for module in given)
        self.by = checked(by)
        if not self.members:
            raise ArgumentError("modules", modules, "must be modules, one at least", "pass the members")

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the mean of the members' outputs."""
        outputs = torch.stack([member(inputs) for member in self.members])
        if self.by == "logits":
            return outputs.mean(0)
        return outputs.log_softmax(-1).logsumexp(0) - math.log(len(self.members))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Tickets of one random network whose outputs are averaged: one seed and M masks, in one file.

    Parameters
    ----------
    tickets : sequence of Ticket
        One to seven, with all but their masks and running statistics in common (:func:`slth.tickets.joined`).
    by : {"logits", "probabilities"}
        What is averaged.

    Raises
    ------
    slth.errors.ArgumentError
        The tickets are of different random networks, or ``by`` is unknown.

    Examples
    --------
    >>> from torch import nn
    >>> from slth.searches import EdgePopup, search
    >>> data, net = slth.training.Examples([[-1.0, 0.2], [1.0, 0.1]] * 8, [0, 1] * 8), nn.Linear(2, 2)
    >>> both = slth.trainable.Ensemble([search(net, data, EdgePopup(0.5), order=order).ticket for order in (0, 1)])
    >>> both.density, both.to_module(net)(data.inputs).shape
    (1.0, torch.Size([16, 2]))
    """

    tickets: Sequence[Ticket]
    by: Averaged = "logits"

    def __post_init__(self) -> None:
        tickets = sequence(self.tickets)
        if not tickets or not all(isinstance(one, Ticket) for one in tickets):
            raise ArgumentError("tickets", self.tickets, "must be tickets, one at least", "pass one for each member")
        object.__setattr__(self, "tickets", tickets)
        checked(self.by)
        joined(self.tickets)

    @property
    def density(self) -> float:
        """Kept weights of all members / weights of the network: what inference costs, above 1 for many members."""
        return sum(ticket.mask.density for ticket in self.tickets)

    @property
    def ticket(self) -> Ticket:
        """All members as one ticket, whose density is that of the weights which any member keeps."""
        return joined(self.tickets, "mixture" if self.by == "probabilities" else "members")

    def to_module(self, module: nn.Module) -> EnsembleModule:
        """Return the ensemble as a module in evaluation mode, made of copies of the one that it was searched on."""
        made = (apply_ticket(copy.deepcopy(module_given(module)), ticket) for ticket in self.tickets)
        return EnsembleModule(made, by=self.by).eval()

    def save(self, path: str | Path) -> None:
        """Write the ensemble to one file; what members have in common is coded once.

        Raises
        ------
        slth.errors.ArgumentError
            The path cannot be written.
        """
        self.ticket.save(path)


def load_ensemble(path: str | Path, *, by: Averaged | None = None) -> Ensemble:
    """Read an ensemble's file, or a ticket's as an ensemble of one, with all the checks of :func:`slth.load_ticket`.

    Parameters
    ----------
    path : str or Path
    by : {"logits", "probabilities"}, optional
        What is averaged, in the place of what the file says.

    Returns
    -------
    Ensemble

    Raises
    ------
    slth.errors.ArgumentError
        The path is no path, or the ticket is not one of a module.
    slth.errors.TicketError
        As :func:`slth.load_ticket`.

    Examples
    --------
    >>> try:
    ...     slth.trainable.load_ensemble("no such file")
    ... except slth.TicketError as problem:
    ...     print(problem)
    no such file: there is no such file
    """
    ticket = load_ticket(path)
    if not isinstance(ticket.source, Layout):
        rule = "holds a ticket that was constructed, which is a network of its own"
        raise ArgumentError("path", str(path), rule, "use slth.load_ticket and slth.to_torch")
    found: Averaged = "probabilities" if ticket.mask.reading == "mixture" else "logits"
    return Ensemble(members(ticket), found if by is None else by)


def checked(by: Averaged) -> Averaged:
    """Return how members are averaged, if it is known."""
    if not one_of(by, get_args(Averaged)):
        raise ArgumentError("by", by, "is not known", 'use "logits" or "probabilities"')
    return by
