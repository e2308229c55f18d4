"""A target and another network of its architecture are compared as a target and a ticket are: searched tickets too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.networks import small_cnn
from slth.training import Cosine, Examples, Recipe, train


def examples():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 240)
    images = rng.uniform(0, 0.4, (240, 1, 6, 6))
    for image, label in zip(images, labels, strict=True):
        image[0, 2 * label : 2 * label + 2] += 0.6
    return Examples(images, labels)


@pytest.fixture(scope="module")
def networks():
    make = {"input_shape": (1, 6, 6), "classes": 3, "channels": [4, 6]}
    data, recipe = examples(), Recipe(epochs=4, batch_size=32, schedule=Cosine(0.05))
    trained = small_cnn(**make, seed=1)
    train(trained, data, recipe)
    found = slth.search(small_cnn(**make), data, slth.EdgePopup(density=0.6), recipe=recipe, seed=2)
    return slth.describe(trained, input_shape=(1, 6, 6)), found


def test_the_certificate_holds_against_inputs_and_attacks(networks):
    target, found = networks
    certificate = slth.certify(target, found.module)
    worst = slth.attack(target, found.module, starts=4, steps=30)
    x = np.random.default_rng(1).uniform(0, 1, (500, 1, 6, 6))
    sampled = np.abs(slth.describe(found.module, input_shape=(1, 6, 6)).forward(x) - target.forward(x)).max()
    assert sampled <= certificate.error
    assert 0.5 * sampled < worst.error <= certificate.error
    around = slth.certify(target, found.module, inputs=x[:3], radius=0.0)
    with torch.no_grad():
        gaps = np.abs(found.module.double()(torch.from_numpy(x[:3])).numpy() - target.forward(x[:3])).max(axis=1)
    found.module.float()
    assert np.allclose(around.errors, gaps, rtol=1e-6)


def test_a_network_is_itself(networks):
    target, _ = networks
    assert slth.certify(target, target).error < 1e-9
    assert slth.attack(target, target, starts=1, steps=2).error == 0.0


def test_what_cannot_be_compared_is_refused(networks):
    target, found = networks
    with pytest.raises(slth.ArgumentError, match="describe"):
        slth.certify(found.module, found.module)
    other = slth.describe(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), input_shape=(1, 6, 6))
    with pytest.raises(slth.ArgumentError, match="ticket"):
        slth.certify(target, other)
    for wrong in (3, "net"):
        with pytest.raises(slth.ArgumentError, match="ticket"):
            slth.certify(target, wrong)
