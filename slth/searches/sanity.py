"""Sanity checks of a ticket: what its accuracy owes to which weights are kept, and to their values."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import cast

import numpy as np
import torch
from torch import Tensor

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks import apply_ticket, maskable
from slth.rng import Stream
from slth.searches.search import SearchResult
from slth.tickets import Mask, Ticket
from slth.training import Examples
from slth.training.evaluation import evaluate

_CLASSES = "compare losses by slth.training.evaluate(module, examples, loss=...)"


@dataclass(frozen=True)
class SanityChecks:
    """Accuracies of a ticket and of what is made of it; each check with random numbers once for every seed.

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
    inverted : float or None
        Its weights with the groups of smallest score in each layer, as many as before; with signs, coats, generations
        and what is locked or pruned beforehand as they are; of Gem-Miner what was frozen out, of slots the numbers of
        smallest score. None where there is no order of scores: evolution and minimum connection assurance have no
        scores, and a selection of one's own without ``order`` may keep whatever it wants.
    """

    ticket: float
    shuffled: tuple[float, ...]
    redrawn: tuple[float, ...]
    random: tuple[float, ...]
    inverted: float | None = None

    @property
    def means(self) -> dict[str, float]:
        """Mean accuracy of each check that was made, by its name."""
        return {name: fmean(found) for name, found in self._checks().items()}

    @property
    def deviations(self) -> dict[str, float]:
        """Standard deviation of each check over its seeds (of a sample); left out where there is one number."""
        return {name: stdev(found) for name, found in self._checks().items() if len(found) > 1}

    def _checks(self) -> dict[str, tuple[float, ...]]:
        found = {"shuffled": self.shuffled, "redrawn": self.redrawn, "random": self.random}
        return found if self.inverted is None else {**found, "inverted": (self.inverted,)}


def sanity_checks(result: SearchResult, examples: Examples, *, repetitions: int = 3) -> SanityChecks:
    """Return the accuracies of a ticket with masks shuffled, weights redrawn, both, and with its scores inverted.

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

    Raises
    ------
    slth.errors.ArgumentError
        Targets are no classes.

    Notes
    -----
    Source: Frankle, Dziugaite, Roy, Carbin, "Pruning Neural Networks at Initialization: Why Are We Missing the Mark?",
    ICLR 2021; Su et al., "Sanity-Checking Pruning Methods", NeurIPS 2020. Inverted scores are those of the search at
    its end, not of another search with the order turned round.
    """
    whole(repetitions, "repetitions", remedy="use 3")
    ticket, module = result.ticket, copy.deepcopy(result.module)
    examples = examples.normalised(result.normalisation)

    def accuracy(changed: Ticket) -> float:
        found = evaluate(apply_ticket(module, changed), examples).accuracy
        if found is None:
            raise ArgumentError("examples", str(examples.targets.dtype), "have targets that are no classes", _CLASSES)
        return found

    numbers = range(1, repetitions + 1)
    others = [replace(ticket, seed=(ticket.seed + number) % 2**64) for number in numbers]
    mixed = [replace(ticket, mask=shuffled_masks(ticket, number)) for number in numbers]
    mask = _inverted(result)
    inverted = result.inverted if mask is None else replace(ticket, mask=mask)
    return SanityChecks(
        accuracy(ticket),
        tuple(accuracy(one) for one in mixed),
        tuple(accuracy(one) for one in others),
        tuple(accuracy(replace(one, mask=two.mask)) for one, two in zip(others, mixed, strict=True)),
        None if inverted is None else accuracy(inverted),
    )


def shuffled_masks(ticket: Ticket, number: int) -> Mask:
    """Return the masks with the entries of each array in another order."""
    arrays = {}
    for name, array in ticket.mask.arrays.items():
        order = np.argsort(Stream(ticket.seed, f"sanity/{number}/{name}").raw(0, array.size), kind="stable")
        arrays[name] = array.reshape(-1)[order].reshape(array.shape)
    return replace(ticket.mask, arrays=arrays)


def _inverted(result: SearchResult) -> Mask | None:
    """Return the masks that keep as many groups, but those of smallest score, with signs and coats if there are any."""
    selection, mask = result.selection, result.ticket.mask
    if selection is None or any(selection.order(one) is None for one in result.scores.values()):
        return None
    axes, arrays = maskable(result.module), dict(mask.arrays)  # what is spared has no scores, and stays
    coated = max(map(abs, mask.alphabet))
    for name, groups in selection.select(result.scores, axes).items():
        scores = result.scores[name]
        order = cast("Tensor", selection.order(scores))
        coats = [groups.abs() >= coat if groups.dtype != torch.bool else groups for coat in range(1, coated + 1)]
        least = torch.stack([selection.structure.select(-order, int(coat.count_nonzero())) for coat in coats]).sum(0)
        kept = selection.structure.expand(least, axes[name]).cpu().numpy()
        signs = selection.structure.expand(torch.where(scores < 0, -1, 1), axes[name]).cpu().numpy()
        arrays[name] = kept * signs if min(mask.alphabet) < 0 else (kept if coated > 1 else kept != 0)
    return replace(mask, arrays=arrays)
