"""Masks of several tasks on one random network: each keeps its accuracy, and inputs tell their task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from slth.data import datasets
from slth.errors import ArgumentError
from slth.networks import apply_ticket
from slth.rng import WeightLaw
from slth.searches import EdgePopup, Superposition, search
from slth.training import Cosine, Examples, Recipe

RECIPE = Recipe(epochs=6, batch_size=64, schedule=Cosine(0.3))
TASKS = 5


def net():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


@pytest.fixture(scope="module")
def permuted():
    """Digits with their pixels in another order for each task, train and test."""
    data = datasets.load("digits")
    orders = [np.random.default_rng(task).permutation(64) for task in range(TASKS)]

    def examples(split, order):
        return Examples(data.inputs(split).reshape(-1, 64)[:, order] * 2 - 1, data.labels(split))

    return [(examples("train", order), examples("test", order)) for order in orders]


@pytest.fixture(scope="module")
def several(permuted):
    return Superposition([search(net(), train, EdgePopup(0.5), recipe=RECIPE, seed=7).ticket for train, _ in permuted])


def test_permuted_digits_are_told_apart_and_classified(several, permuted):
    for task, (_, test) in enumerate(permuted):
        chosen = several.infer(net(), test.inputs[:128])
        assert chosen == task
        found = apply_ticket(net(), several.tickets[chosen])
        right = found(test.inputs).argmax(1) == test.targets
        assert right.float().mean() > 0.85  # chance is 1/10
        wrong = apply_ticket(net(), several.tickets[(task + 1) % TASKS])(test.inputs).argmax(1) == test.targets
        assert wrong.float().mean() < 0.5


def test_slopes_are_differences_of_the_entropy_of_mixed_weights(several, permuted):
    inputs = permuted[2][1].inputs[:32].double()
    # Sums of equal magnitudes are often 0, where a ReLU has no derivative: those of other weights are not.
    several = Superposition([replace(ticket, law=WeightLaw("normal")) for ticket in several.tickets])
    made = [apply_ticket(net(), ticket).double() for ticket in several.tickets]

    def entropy(shares):
        first, second = (
            sum(share * one.get_parameter(name).detach() for share, one in zip(shares, made, strict=True))
            for name in ("0.weight", "2.weight")
        )
        odds = (torch.relu(inputs @ first.T) @ second.T).log_softmax(1)
        return float(-(odds.exp() * odds).sum(1).mean())

    step = 1e-5
    slopes = several.slopes(net(), inputs.float())
    for task in range(TASKS):
        more, less = (np.full(TASKS, 1 / TASKS) for _ in range(2))
        more[task] += step
        less[task] -= step
        assert float(slopes[task]) == pytest.approx(-(entropy(more) - entropy(less)) / (2 * step), rel=1e-3, abs=1e-4)


def test_tickets_of_different_networks_are_refused(several, permuted):
    first = several.tickets[0]
    small = search(nn.Linear(64, 10), permuted[0][0], EdgePopup(0.5), recipe=RECIPE, seed=7).ticket
    stored = replace(first, buffers={name: array + 1 for name, array in first.buffers.items()})
    for other, said in ((replace(first, seed=8), "seed or law"), (small, "the module"), (stored, "stored number")):
        with pytest.raises(ArgumentError, match=said):
            Superposition([first, other])
    with pytest.raises(ArgumentError, match="two at least"):
        Superposition([first])
