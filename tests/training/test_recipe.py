"""Recipes, optimisers and losses refuse what is outside of their ranges."""

from __future__ import annotations

import math

import pytest

from slth.errors import ArgumentError
from slth.networks import mlp
from slth.training import SGD, Adam, CrossEntropy, Recipe, TrainingRun
from tests.training.test_loop import blobs


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": -1},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"batch_size": "64"},
        {"clip": "1"},
        {"normalisation": (("a",), (1.0,))},
        {"schedule": 0.1},
        {"optimizer": "sgd"},
        {"loss": 1.0},
        {"clip": 0.0},
        {"normalisation": ((0.5,), (0.0,))},
        {"normalisation": ((0.5, 0.5), (1.0,))},
    ],
)
def test_bad_recipes_are_refused(options):
    with pytest.raises(ArgumentError):
        Recipe(**options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(momentum=1.0),
        lambda: SGD(0.0, nesterov=True),
        lambda: SGD(weight_decay=-1.0),
        lambda: SGD(momentum="0.9"),
        lambda: SGD(decayed="none"),
        lambda: Adam(betas=(0.9, 1.0)),
        lambda: Adam(eps=math.inf),
        lambda: Adam(eps=0.0),
        lambda: CrossEntropy(1.0),
    ],
)
def test_bad_optimisers_and_losses_are_refused(make):
    with pytest.raises(ArgumentError):
        make()


def test_a_smaller_last_batch_may_be_left_out():
    run = TrainingRun(mlp((2, 3)), blobs(20), Recipe(epochs=1, batch_size=8, drop_last=True))
    assert [record.step for record in run] == [2]
