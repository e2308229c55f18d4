"""Slot machines choose by argmax or by a softmax, with the gradient of the published one-hot written naively."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.rng import Stream, WeightLaw
from slth.searches import SlotMachine
from slth.searches.random_source import random_source
from slth.training import MethodState, Step

STEP = Step(0, 1, 1)


def source_of(module, seed=0):
    return random_source(module, law=WeightLaw("uniform"), seed=seed, scale="kaiming", density=1.0)


@given(st.integers(2, 6), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_weights_and_gradients_are_those_of_the_naive_choice(count, removable, tied, seed):
    source = source_of(nn.Linear(5, 3, bias=False), seed)
    method = SlotMachine(count, removable=removable)
    scores = method.begin(source).trained["weight"]
    scores = (scores * 10).round() if tied else scores
    state = MethodState({"weight": scores.clone().requires_grad_()}, method.begin(source).fixed)
    made = method.weights({}, state, source, STEP)["weight"]
    wanted = torch.randn(3, 5, generator=torch.Generator().manual_seed(seed))
    (made * wanted).sum().backward()
    numbers = WeightLaw("uniform").weights(Stream(seed, "weight"), 0, 15 * count) * source.gains["weight"]
    values = np.concatenate([np.zeros(15 * removable), numbers]).reshape(-1, 3, 5).astype(np.float32)
    entries = method.entries(state, source, STEP)["weight"]
    for row in range(3):
        for column in range(5):
            slots = scores[:, row, column].tolist()
            best = slots.index(max(slots))  # of equal ones the first
            assert made[row, column].item() == values[best, row, column]
            assert entries[row, column] == best + (not removable)
            gradient = state.trained["weight"].grad[:, row, column].numpy()
            assert np.array_equal(gradient, wanted[row, column].item() * values[:, row, column])
    weight = {"weight": source.module.weight.detach()}
    assert torch.equal(method.evaluated(weight, state, source, STEP)["weight"], made)


def test_sampled_slots_have_the_probabilities_of_a_softmax():
    source = source_of(nn.Linear(200, 200, bias=False))
    method = SlotMachine(3, draw="sampled")
    odds = torch.tensor([0.0, 1.0, -1.0])
    scores = odds.reshape(3, 1, 1).expand(3, 200, 200).clone()
    state = MethodState({"weight": scores}, method.begin(source).fixed)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = method.weights({}, state, source, STEP)["weight"]
    values = state.fixed["values/weight"]
    shares = [float((made == one).float().mean()) for one in values]
    # 40,000 draws: five deviations of each share, fails once in 10^5.
    for share, wanted in zip(shares, odds.softmax(0).tolist(), strict=True):
        assert share == pytest.approx(wanted, abs=5 * math.sqrt(wanted * (1 - wanted) / 40_000))
    assert torch.equal(method.evaluated({}, state, source, STEP)["weight"], values[1])


def test_more_values_extend_the_same_network():
    source = source_of(nn.Linear(5, 3))
    few, many = (SlotMachine(count).begin(source).fixed["values/weight"] for count in (2, 5))
    assert torch.equal(many[:2], few)
    assert torch.equal(few[0], source.module.weight.detach())


@pytest.mark.parametrize(
    ("changes", "said"), [({"values": 1}, "values"), ({"values": 255}, "values"), ({"draw": "a"}, "draw")]
)
def test_what_is_no_method_is_refused(changes, said):
    with pytest.raises(ArgumentError, match=said):
        SlotMachine(**changes)
