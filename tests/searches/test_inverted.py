"""Tickets of smallest scores: of every method whose scores have an order, and of none that has none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from slth.networks import OutputChannels, Selection, apply_ticket
from slth.rng import WeightLaw
from slth.searches import (
    Bernoulli,
    Biprop,
    Concrete,
    EdgePopup,
    GemMiner,
    IteRand,
    PartiallyFrozen,
    SlotMachine,
    sanity_checks,
    search,
)
from slth.searches.method import Selected
from slth.searches.random_source import random_source
from slth.training import Cosine, Recipe
from tests.searches.test_search import TEST, TRAIN

RECIPE = Recipe(epochs=4, batch_size=32, schedule=Cosine(0.3))
BY_SCORE = {
    "iterand": IteRand(EdgePopup(0.3, magnitude=False), period=3, rate=0.5),
    "iterand of magnitudes": IteRand(EdgePopup(0.3), period=3, rate=0.5),
    "biprop": Biprop(EdgePopup(0.3)),
    "concrete": Concrete(density=0.3),
    "bernoulli": Bernoulli(density=0.3, rescale=True),
    "bernoulli without a density": Bernoulli(),
    "gem-miner": GemMiner(density=0.3, period=1),
    "channels": Concrete(density=0.5, structure=OutputChannels(), spared=["3.weight"]),
}


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))


def found_by(method):
    return search(net(), TRAIN, method, recipe=RECIPE, seed=3)


@pytest.mark.parametrize("name", BY_SCORE)
def test_as_many_groups_stay_and_their_scores_are_the_smallest(name):
    found = found_by(BY_SCORE[name])
    for weight, entries in found.inverted.mask.arrays.items():
        kept, before = entries != 0, found.ticket.mask[weight] != 0
        assert kept.sum() == before.sum()
        if weight not in found.scores:
            assert kept.all()
            continue
        scores = found.scores[weight].double().numpy()
        scores = np.abs(scores) if name in ("iterand of magnitudes", "biprop") else scores
        if name == "gem-miner":  # what was frozen out lies below
            scores = scores - 2 * ~found.fixed[weight].numpy()
        if scores.ndim == 1:
            kept, before = kept[:, 0], before[:, 0]
        assert scores[kept].max() <= scores[~kept].min()
        assert scores[before].min() >= scores[~before].max()
    assert found.inverted.seed == found.ticket.seed
    checks = sanity_checks(found, TEST, repetitions=1)
    assert checks.inverted is not None
    assert checks.inverted <= checks.ticket


def test_weights_under_inverted_masks_have_the_generations_that_they_had():
    found = found_by(BY_SCORE["iterand"])
    for weight, entries in found.inverted.mask.arrays.items():
        generations = found.fixed[f"generation/{weight}"].numpy()
        assert generations.max() > 0
        assert np.array_equal(entries[entries != 0], generations[entries != 0] + 1)


def test_what_is_frozen_stays_frozen():
    found = found_by(PartiallyFrozen(EdgePopup(0.5), locked=0.2, pruned=0.3))
    for weight, entries in found.inverted.mask.arrays.items():
        frozen, scores = found.fixed[weight].numpy(), found.scores[weight].abs().numpy()
        assert entries[frozen > 0].all()
        assert not entries[frozen < 0].any()
        assert entries.sum() == (found.ticket.mask[weight] != 0).sum()
        free = frozen == 0
        assert scores[free & (entries != 0)].max() <= scores[free & (entries == 0)].min()


def test_of_slots_the_numbers_of_smallest_score_are_chosen():
    found = found_by(SlotMachine(4))
    for weight, entries in found.inverted.mask.arrays.items():
        assert np.array_equal(entries, found.scores[weight].numpy().argmin(0) + 1)
    assert sanity_checks(found, TEST, repetitions=1).inverted < 0.6


def test_binary_weights_have_the_size_of_what_stays():
    law = WeightLaw("normal")
    found = search(net(), TRAIN, Biprop(EdgePopup(0.3)), recipe=RECIPE, seed=3, law=law)
    drawn = random_source(net(), law=law, seed=3, scale="kaiming", density=0.3).module
    made = apply_ticket(net(), found.inverted)
    for weight, entries in found.inverted.mask.arrays.items():
        numbers = drawn.get_parameter(weight).detach().numpy()
        wanted = np.where(entries, np.sign(numbers) * np.abs(numbers[entries]).mean(), 0.0)
        np.testing.assert_allclose(made.get_parameter(weight).detach().numpy(), wanted, rtol=1e-5)


def test_what_a_selection_of_ones_own_keeps_has_no_order():
    class Odd(Selection):
        def select(self, scores, axes):
            return {name: torch.arange(one.numel()).reshape(one.shape) % 2 == 0 for name, one in scores.items()}

    for method in (Odd(), Selected(Odd())):
        found = found_by(method)
        assert found.inverted is None
        assert sanity_checks(found, TEST, repetitions=1).inverted is None
