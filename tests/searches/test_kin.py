"""What holds for every search: the ticket computes what was searched, travels, and is found again after a kill."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.networks import mlp
from slth.networks.layouts import apply_ticket
from slth.networks.masking import maskable
from slth.networks.structures import OutputChannels
from slth.rng import Stream, WeightLaw
from slth.searches import (
    Annealing,
    Biprop,
    EdgePopup,
    IteRand,
    Multicoated,
    PartiallyFrozen,
    SignedSupermask,
    SlotMachine,
    sanity_checks,
    search,
)
from slth.training import SGD, Cosine, Examples, Recipe
from tests.searches.test_search import TEST, TRAIN, squares

RECIPE = Recipe(epochs=6, batch_size=32, schedule=Cosine(0.2), optimizer=SGD(weight_decay=1e-4))
KIN = {
    "iterand": IteRand(period=7, rate=0.3),
    "iterand, channels": IteRand(EdgePopup(0.5, OutputChannels(), magnitude=False, spared=["4.weight"]), period=5),
    "annealed": EdgePopup(0.1, scope="global", anneal=Annealing(4)),
    "biprop": Biprop(EdgePopup(0.3, anneal=Annealing(3))),
    "partially frozen": PartiallyFrozen(locked=0.3, pruned=0.3),
    "slots": SlotMachine(3, draw="sampled"),
    "slots, removable": SlotMachine(4, removable=True),
    "multicoated": Multicoated(0.6, coats=3),
    "signed": SignedSupermask(0.02),
}


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 4))


@pytest.fixture(scope="module", params=KIN)
def found(request):
    method = KIN[request.param]
    common = {"recipe": RECIPE, "validation": squares(64, 2), "seed": 3, "law": WeightLaw("normal")}
    return method, common, search(net(), TRAIN, method, **common)


def test_the_ticket_computes_what_was_searched(found):
    _, common, result = found
    last, now = result.trace[-1].validation, result.evaluate(common["validation"])
    assert now.accuracy == last.accuracy
    assert now.loss == pytest.approx(last.loss, rel=1e-6)
    assert result.trace[-1].loss < result.trace[0].loss
    assert result.ticket.family == "strong"


def test_the_ticket_travels_bit_for_bit(found, tmp_path):
    result = found[2]
    result.ticket.save(tmp_path / "net.ticket")
    ticket = slth.load_ticket(tmp_path / "net.ticket")
    fresh = apply_ticket(net(), ticket).eval()
    assert torch.equal(fresh(TEST.inputs), result.module(TEST.inputs))
    assert ticket.to_bytes() == result.ticket.to_bytes()
    assert {name: one.kept for name, one in result.density.items()} == {
        name: int(np.count_nonzero(array)) for name, array in ticket.mask.arrays.items()
    }
    checks = sanity_checks(result, TEST, repetitions=1)
    assert checks.ticket == result.evaluate(TEST).accuracy


def test_each_weight_is_a_number_of_the_stream(found):
    """Redone without our ticket: entry c of a choice takes number i + (c - 1) n, a factor multiplies number i."""
    ticket, module = found[2].ticket, found[2].module
    for name in maskable(module):
        entries = ticket.mask[name].reshape(-1).astype(np.int64)
        places, factors = np.arange(entries.size), entries
        if ticket.mask.reading == "choice":
            places, factors = places + np.maximum(entries - 1, 0) * entries.size, entries != 0
        numbers = ticket.law.weights_at(Stream(ticket.seed, name), places) * ticket.gain(name) * factors
        assert np.array_equal(module.get_parameter(name).detach().reshape(-1).numpy(), numbers.astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_search_that_was_killed_goes_on_to_the_same_ticket(found, tmp_path, keep):
    method, common, whole = found
    if keep == "best":
        whole = search(net(), TRAIN, method, keep=keep, **common)

    class KilledError(Exception):
        pass

    def progress(name, done, total):
        if done in deaths:
            deaths.remove(done)
            raise KilledError

    deaths = [2, 5]
    while deaths:
        with pytest.raises(KilledError):
            search(net(), TRAIN, copy.deepcopy(method), keep=keep, folder=tmp_path, progress=progress, **common)
    again = search(net(), TRAIN, method, keep=keep, folder=tmp_path, **common)
    assert again.ticket.to_bytes() == whole.ticket.to_bytes()
    assert [record.loss for record in again.trace] == [record.loss for record in whole.trace]


def test_what_was_found_is_said_without_pages_of_numbers():
    found = slth.search(mlp((4, 8, 3)), Examples(np.zeros((4, 4)), [0, 1, 2, 0]), slth.EdgePopup(density=0.5),
                        recipe=Recipe(epochs=1))  # fmt: skip
    trained = slth.train(mlp((4, 8, 3)), Examples(np.zeros((4, 4)), [0, 1, 2, 0]), slth.IMP(levels=1),
                         recipe=Recipe(epochs=1))  # fmt: skip
    assert "tensor" not in repr(found) + repr(trained)
