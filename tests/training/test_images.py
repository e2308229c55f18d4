"""Training on images: what comes back is the trained module, described."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from slth.data.datasets import load
from slth.errors import ArgumentError
from slth.networks import cnn6, mlp, outputs_of, small_cnn
from slth.tickets import ConvNetwork, DenseNetwork
from slth.training import RECIPES, Training, accuracy, train_module

QUICK = Training(epochs=6, batch_size=64, learning_rate=0.05)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def trained(digits, seed=0):
    module = cnn6(input_shape=digits.shape, channels=(4, 4))
    return module, train_module(
        module, digits.inputs("train"), digits.labels("train"), input_shape=digits.shape, training=QUICK, seed=seed
    )


def test_it_learns_and_describes_what_it_learned(digits):
    module, network = trained(digits)
    assert isinstance(network, ConvNetwork)
    assert not module.training
    images = digits.inputs("test").reshape(-1, *digits.shape)
    assert accuracy(module, torch.tensor(images), torch.tensor(digits.labels("test"))) > 0.8
    expected = outputs_of(module, images)
    assert network.forward(images).reshape(expected.shape) == pytest.approx(expected, abs=1e-4)


def test_it_repeats_and_leaves_threads_and_the_global_generator_alone(digits):
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    (_, one), (_, same), (_, other) = (trained(digits, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert np.array_equal(one.layers[0].weight, same.layers[0].weight)
    assert not np.array_equal(one.layers[0].weight, other.layers[0].weight)


def test_dense_networks_come_back_dense(digits):
    network = train_module(
        mlp((64, 8, 10)), digits.inputs("train"), digits.labels("train"), input_shape=digits.shape, training=QUICK
    )
    assert isinstance(network, DenseNetwork)


def test_what_cannot_be_described_or_does_not_fit_is_refused_before_training(digits):
    inputs, labels = digits.inputs("train"), digits.labels("train")
    for module in (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh()), nn.Sequential(nn.Conv2d(3, 2, 3))):
        before = module[0].weight.detach().clone()
        with pytest.raises(ArgumentError, match="module"):
            train_module(module, inputs, labels, input_shape=digits.shape)
        assert torch.equal(before, module[0].weight)
    with pytest.raises(ArgumentError, match="inputs"):
        train_module(small_cnn(input_shape=(1, 9, 9)), inputs, labels, input_shape=(1, 9, 9))


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("name", "least"), [("small-cnn", 0.87), ("lenet5", 0.985)])
def test_recipes_reach_their_accuracy(data_dir, name, least):
    recipe = RECIPES[name]
    data = load(recipe.data, data_dir=data_dir)
    module = recipe.model(input_shape=data.shape, classes=data.classes, batch_norm=recipe.batch_norm)
    train_module(
        module, data.inputs("train"), data.labels("train"), input_shape=data.shape, training=recipe.training
    )  # fmt: skip
    images = torch.tensor(data.inputs("test").reshape(-1, *data.shape))
    assert accuracy(module, images, torch.tensor(data.labels("test"))) >= least
