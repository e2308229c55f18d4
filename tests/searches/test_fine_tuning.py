"""A fine-tuned ticket begins at the random weights, stays zero where it was, and is strong no longer."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from slth.errors import ArgumentError
from slth.networks import apply_ticket
from slth.searches import EdgePopup, GemMiner, SlotMachine, fine_tune, search
from slth.training import SGD, Constant, Recipe
from tests.searches.test_gem_miner import RECIPE, flat
from tests.searches.test_search import TEST, TRAIN, squares

METHOD = GemMiner(0.3, period=3, decay=1e-3)


@pytest.fixture(scope="module")
def found():
    return search(flat(), TRAIN, METHOD, recipe=RECIPE, seed=2)


def test_training_goes_on_from_the_ticket_and_removes_nothing_else(found):
    before = copy.deepcopy(found.module.state_dict())
    begun = fine_tune(found, TRAIN, recipe=Recipe(epochs=0))
    assert all(torch.equal(one, before[name]) for name, one in begun.module.state_dict().items())
    tuned = fine_tune(
        found, TRAIN, recipe=Recipe(5, 32, Constant(0.05), SGD(weight_decay=0.01)), validation=squares(64, 2)
    )
    assert tuned.start.family == "trainable"
    assert found.ticket.family == "strong"
    assert tuned.evaluate(TEST).loss < found.evaluate(TEST).loss
    assert len(tuned.trace) == 5
    assert tuned.trace[-1].validation.examples == 64
    for name, mask in found.ticket.mask.arrays.items():
        weight = tuned.module.get_parameter(name).detach().numpy()
        assert not weight[~mask].any()
        assert (weight != before[name].numpy())[mask].mean() > 0.9
    assert all(torch.equal(one, before[name]) for name, one in found.module.state_dict().items())
    assert not tuned.module.training


def test_unflagged_weights_come_back_with_their_random_values(found):
    masks = METHOD.unfrozen(found)
    assert sum(int(mask.sum()) for mask in masks.values()) > found.ticket.mask.kept
    begun = fine_tune(found, TRAIN, recipe=Recipe(epochs=0), masks=masks)
    assert begun.start.mask.kept == sum(int(mask.sum()) for mask in masks.values())
    fresh = apply_ticket(flat(), begun.start)
    for name, mask in masks.items():
        weight = begun.module.get_parameter(name)
        assert torch.equal(weight != 0, mask)
        assert torch.equal(weight, fresh.get_parameter(name))
        kept = torch.from_numpy(np.array(found.ticket.mask[name]))
        assert torch.equal(weight[kept], found.module.get_parameter(name)[kept])


def test_masks_of_other_weights_are_refused(found):
    with pytest.raises(ArgumentError, match="masks"):
        fine_tune(found, TRAIN, masks={"1.weight": torch.ones(24, 64)})


@pytest.mark.parametrize("method", [EdgePopup(0.5, signed=True), SlotMachine(3)])
def test_masks_of_ones_own_leave_signs_and_choices_as_they_were(method):
    found = search(flat(), TRAIN, method, recipe=Recipe(epochs=1))
    masks = {name: torch.from_numpy(array != 0) for name, array in found.ticket.mask.arrays.items()}
    name = next(iter(masks))
    masks[name][0] = False
    begun = fine_tune(found, TRAIN, recipe=Recipe(epochs=0), masks=masks)
    for one, mask in masks.items():
        assert torch.equal(begun.module.get_parameter(one), found.module.get_parameter(one) * mask)
