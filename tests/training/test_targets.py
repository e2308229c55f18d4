"""Standard targets: they learn what they are for, and come back as what can be described."""

from __future__ import annotations

import pytest
import torch

from slth.data.datasets import load
from slth.networks import cnn6, describe, outputs_of
from slth.training import TARGETS, Cosine, Examples, Recipe, accuracy, train


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_it_learns_and_what_is_described_is_what_it_learned(digits):
    module, threads = cnn6(input_shape=digits.shape, channels=(4, 4)), torch.get_num_threads()
    examples = Examples(digits.inputs("train"), digits.labels("train"), shape=digits.shape)
    train(module, examples, Recipe(epochs=6, schedule=Cosine(0.05)))
    assert torch.get_num_threads() == threads
    network = describe(module, digits.shape)
    images = digits.inputs("test").reshape(-1, *digits.shape)
    assert accuracy(module, torch.tensor(images), torch.tensor(digits.labels("test"))) > 0.8
    expected = outputs_of(module, images)
    assert network.forward(images).reshape(expected.shape) == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("name", "least"), [("small-cnn", 0.87), ("lenet5", 0.985)])
def test_recipes_reach_their_accuracy(data_dir, name, least):
    target = TARGETS[name]
    data = load(target.data, data_dir=data_dir)
    module = target.model(input_shape=data.shape, classes=data.classes, batch_norm=target.batch_norm)
    train(module, Examples(data.inputs("train"), data.labels("train"), shape=data.shape), target.recipe)
    images = torch.tensor(data.inputs("test").reshape(-1, *data.shape))
    assert accuracy(module, images, torch.tensor(data.labels("test"))) >= least
