"""One loop: it learns, it repeats, and it touches no global generator."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks import mlp
from slth.training import Training, accuracy, train


def blobs(count=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.tensor([[0.0, 3.0], [3.0, 0.0], [-3.0, -3.0]])
    return centres[labels] + 0.3 * torch.randn(count, 2, generator=generator), labels


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_it_learns(optimizer, schedule):
    inputs, labels = blobs()
    module = mlp((2, 8, 3))
    settings = Training(epochs=15, learning_rate=0.05, optimizer=optimizer, schedule=schedule)
    losses = train(module, inputs, labels, training=settings)
    assert len(losses) == 15
    assert losses[-1] < 0.2 * losses[0]
    assert accuracy(module, inputs, labels) == 1.0
    assert not module.training


def test_it_repeats_and_leaves_the_global_generator_alone():
    inputs, labels = blobs()
    weights, losses = [], []
    for seed in (1, 1, 2):
        module = mlp((2, 4, 3))
        state = torch.random.get_rng_state()
        losses.append(train(module, inputs, labels, training=Training(epochs=2), seed=seed))
        assert torch.equal(torch.random.get_rng_state(), state)
        weights.append(module[1].weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert losses[0] == losses[1]
    assert not torch.equal(weights[0], weights[2])


def test_sgd_step_is_the_textbook_one():
    """One full batch without momentum: w - rate * (gradient + decay * w)."""
    inputs, labels = blobs(6)
    module, other = nn.Linear(2, 3), nn.Linear(2, 3)
    other.load_state_dict(module.state_dict())
    nn.functional.cross_entropy(other(inputs), labels).backward()
    train(
        module,
        inputs,
        labels,
        training=Training(
            epochs=1, batch_size=6, learning_rate=0.1, schedule="constant", momentum=0.0, weight_decay=0.01
        ),
    )
    expected = other.weight - 0.1 * (other.weight.grad + 0.01 * other.weight)
    assert torch.allclose(module.weight, expected, atol=1e-6)


def test_cosine_reaches_zero():
    """Step sizes of a linear loss follow the rate: half a cosine from 1 to 0."""

    class Slope(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(()))

        def forward(self, x):
            seen.append(self.w.detach().clone())
            return torch.stack([self.w * torch.ones(len(x)), torch.zeros(len(x))], dim=1)

    seen: list[torch.Tensor] = []
    steps = 8
    train(
        Slope(),
        torch.zeros(steps, 1),
        torch.zeros(steps, dtype=torch.long),
        training=Training(epochs=1, batch_size=1, learning_rate=1e-4, momentum=0.0, weight_decay=0.0),
    )
    moves = [float(b - a) for a, b in pairwise(seen)]
    expected = [1e-4 * 0.5 * 0.5 * (1 + math.cos(math.pi * k / steps)) for k in range(steps - 1)]  # the gradient is 1/2
    assert moves == pytest.approx(expected, rel=1e-2)


def test_progress_and_zero_epochs():
    inputs, labels = blobs(20)
    calls = []
    assert train(mlp((2, 3)), inputs, labels, training=Training(epochs=0)) == []
    train(mlp((2, 3)), inputs, labels, training=Training(epochs=2), progress=lambda *call: calls.append(call))
    assert calls == [("training", 1, 2), ("training", 2, 2)]


def test_accuracy_in_parts_and_mode():
    inputs, labels = blobs(10)
    module = nn.Sequential(nn.Dropout(0.9), nn.Linear(2, 3))
    module.train()
    whole = accuracy(module, inputs, labels)
    assert accuracy(module, inputs, labels, batch_size=3) == whole
    assert module.training


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": -1},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"optimizer": "lbfgs"},
        {"schedule": "step"},
        {"momentum": 1.0},
        {"weight_decay": -1.0},
    ],
)
def test_bad_settings_are_refused(options):
    with pytest.raises(ArgumentError):
        Training(**options)


def test_examples_and_labels_must_match():
    inputs, labels = blobs(5)
    with pytest.raises(ArgumentError, match="labels"):
        train(mlp((2, 3)), inputs, labels[:4])
    with pytest.raises(ArgumentError, match="labels"):
        train(mlp((2, 3)), inputs[:0], labels[:0])
