"""Forgetting, counted as the source counts it, against a loop by hand."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

from slth.data import datasets
from slth.errors import ArgumentError, ConstructionError
from slth.trainable import forgetting_scores
from slth.training import SGD, Constant, CrossEntropy, Examples, Recipe
from slth.training.examples import order_of_epoch
from slth.training.ranks import Ranks

RATE, BATCH, EPOCHS = 0.5, 32, 5
RECIPE = Recipe(EPOCHS, BATCH, Constant(RATE), SGD(0.0, weight_decay=0.0))


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits")
    return Examples(data.inputs("train", limit=150).reshape(-1, 64) * 2 - 1, data.labels("train", limit=150))


def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Linear(64, 10)


def by_hand(data, *, drop_last=False):
    """Each example's history: right or wrong, each time it is shown, before the step."""
    module, seen = net(), [[False] for _ in range(len(data))]
    for epoch in range(EPOCHS):
        order = order_of_epoch(4, epoch, len(data))
        for first in range(0, len(data), BATCH):
            places = torch.from_numpy(order[first : first + BATCH])
            if drop_last and len(places) < BATCH:
                continue
            outputs = module(data.inputs[places])
            for place, right in zip(places.tolist(), (outputs.argmax(1) == data.targets[places]).tolist(), strict=True):
                seen[place].append(right)
            module.zero_grad()
            nn.functional.cross_entropy(outputs, data.targets[places]).backward()
            with torch.no_grad():
                for one in module.parameters():
                    one -= RATE * one.grad
    return [
        sum(before and not after for before, after in pairwise(history)) if any(history) else EPOCHS for history in seen
    ]


@pytest.mark.parametrize("drop_last", [False, True])
def test_it_is_counted_when_an_example_is_in_the_batch(digits, drop_last):
    module = net()
    before = copy.deepcopy(module)
    recipe = Recipe(EPOCHS, BATCH, Constant(RATE), SGD(0.0, weight_decay=0.0), drop_last=drop_last)
    found = forgetting_scores(module, digits, recipe, seed=4)
    expected = by_hand(digits, drop_last=drop_last)
    assert len(set(expected)) > 2
    assert found.tolist() == expected
    assert torch.equal(module.weight, before.weight)


class Turning(CrossEntropy):
    """A loss with a schedule: what was learned is unlearned."""

    def at(self, step):
        return super().__call__ if step.epoch < EPOCHS // 2 else lambda *given: -nn.functional.cross_entropy(*given)


def test_a_loss_with_a_schedule_is_asked_for_that_of_each_step(digits):
    recipe = Recipe(EPOCHS, BATCH, Constant(RATE), loss=Turning())
    assert forgetting_scores(net(), digits, RECIPE).mean() < 0.5
    assert forgetting_scores(net(), digits, recipe).mean() > 0.8


def test_what_cannot_be_is_refused(digits, monkeypatch):
    with pytest.raises(ArgumentError, match="recipe"):
        forgetting_scores(net(), digits, None)
    with pytest.raises(ArgumentError, match="right"):
        forgetting_scores(net(), digits, Recipe(epochs=0))
    monkeypatch.setattr(Ranks, "here", classmethod(lambda cls: cls(0, 2)))
    with pytest.raises(ConstructionError, match="one process"):
        forgetting_scores(net(), digits, RECIPE)
