"""Sanity checks of a ticket: what its accuracy owes to which weights are kept, and to their values."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from slth.arrays import whole
from slth.networks.layouts import apply_ticket
from slth.rng import Stream
from slth.searches.search import SearchResult
from slth.tickets import Mask, Ticket
from slth.training import Examples
from slth.training.evaluation import evaluate


@dataclass(frozen=True)
class SanityChecks:
    """Accuracies of a ticket and of what is made of it; each check once for every seed.

    Parameters
    ----------
    ticket : float
        Accuracy of the ticket.
    shuffled : tuple of float
        Its masks shuffled within each layer: layer densities stay.
    redrawn : tuple of float
        Its masks over other weights of the same law.
    random : tuple of float
        Both: other weights, shuffled masks.
    """

    ticket: float
    shuffled: tuple[float, ...]
    redrawn: tuple[float, ...]
    random: tuple[float, ...]


def sanity_checks(result: SearchResult, examples: Examples, *, repetitions: int = 3) -> SanityChecks:
    """Return the accuracies of a ticket with its masks shuffled, with its weights redrawn, and with both.

    A strong ticket that is more than its layer densities loses its accuracy under each of them.

    Parameters
    ----------
    result : SearchResult
    examples : Examples
        Of classes, such as the test set. Statistics of norm layers stay as the ticket declares them.
    repetitions : int
        Seeds of each check.

    Returns
    -------
    SanityChecks

    Notes
    -----
    Source: Frankle, Dziugaite, Roy, Carbin, "Pruning Neural Networks at Initialization: Why Are We Missing the Mark?",
    ICLR 2021; Su et al., "Sanity-Checking Pruning Methods", NeurIPS 2020.
    """
    whole(repetitions, "repetitions", remedy="use 3")
    ticket, module = result.ticket, copy.deepcopy(result.module)

    def accuracy(changed: Ticket) -> float:
        found = evaluate(apply_ticket(module, changed), examples).accuracy
        assert found is not None, "labels are classes"
        return found

    numbers = range(1, repetitions + 1)
    others = [replace(ticket, seed=(ticket.seed + number) % 2**64) for number in numbers]
    mixed = [replace(ticket, mask=_shuffled(ticket, number)) for number in numbers]
    return SanityChecks(
        accuracy(ticket),
        tuple(accuracy(one) for one in mixed),
        tuple(accuracy(one) for one in others),
        tuple(accuracy(replace(one, mask=two.mask)) for one, two in zip(others, mixed, strict=True)),
    )


def _shuffled(ticket: Ticket, number: int) -> Mask:
    """Return the masks with the entries of each array in another order."""
    arrays = {}
    for name, array in ticket.mask.arrays.items():
        order = np.argsort(Stream(ticket.seed, f"sanity/{number}/{name}").raw(0, array.size), kind="stable")
        arrays[name] = array.reshape(-1)[order].reshape(array.shape)
    return replace(ticket.mask, arrays=arrays)
