"""Mixup: steps are those of a plain loop over mixed examples, and depend on seed and step alone."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import beta
from torch import nn

from slth.errors import ArgumentError
from slth.networks import mlp
from slth.rng import Stream
from slth.training import SGD, Constant, CrossEntropy, Examples, Recipe, TrainingRun
from slth.training.examples import order_of_epoch
from tests.training.recording import recording
from tests.training.test_captured import RECIPE, same
from tests.training.test_loop import blobs, convolutional, images


def test_steps_are_those_of_a_plain_loop_over_mixed_examples():
    data, seed, size = Examples(blobs(50).inputs.double(), blobs(50).targets), 3, 20
    first = mlp((2, 3))[1].double()
    plain = SGD(momentum=0.0, weight_decay=0.0)
    recipe = Recipe(epochs=2, batch_size=size, schedule=Constant(0.1), optimizer=plain, mixup=0.4)
    run = TrainingRun(copy.deepcopy(first), data, recipe, seed=seed)
    losses = [record.loss for record in run]
    weight, bias = first.weight.detach().numpy().copy(), first.bias.detach().numpy().copy()
    inputs, truth = data.inputs.numpy(), np.eye(3)[data.targets.numpy()]
    shares = beta.ppf(Stream(seed, "training/mixup").uniform(0, 6), 0.4, 0.4)
    for epoch in range(2):
        order, total = order_of_epoch(seed, epoch, 50), 0.0
        partners = np.argsort(Stream(seed, f"training/partners/{epoch}").raw(0, 50), kind="stable")
        for place in range(3):
            at, share = order[place * size : (place + 1) * size], shares[3 * epoch + place]
            mixed, targets = (share * one[at] + (1 - share) * one[partners[at]] for one in (inputs, truth))
            exponents = np.exp(mixed @ weight.T + bias)
            probabilities = exponents / exponents.sum(1, keepdims=True)
            total -= (targets * np.log(probabilities)).sum()
            gradient = (probabilities - targets) / len(at)  # of the loss against mixed targets, which is the mixed loss
            weight -= 0.1 * gradient.T @ mixed
            bias -= 0.1 * gradient.sum(0)
        assert losses[epoch] == pytest.approx(total / 50, rel=1e-5)  # the loop adds losses in float32
    np.testing.assert_allclose(run.module.weight.detach(), weight, rtol=1e-12)
    np.testing.assert_allclose(run.module.bias.detach(), bias, rtol=1e-12)


def test_evaluations_are_not_mixed():
    mixed = TrainingRun(convolutional(), images(), replace(RECIPE, mixup=1.0, epochs=1), seed=1)
    list(mixed)
    outputs = mixed.module(images().inputs).detach()
    assert mixed.evaluate(images()).loss == pytest.approx(float(CrossEntropy()(outputs, images().targets)))


def test_a_run_that_is_killed_or_played_is_the_run(monkeypatch, tmp_path):
    recipe = replace(RECIPE, mixup=0.3)
    whole, killed, taken, played = (TrainingRun(convolutional(), images(), recipe, seed=4) for _ in range(4))
    list(whole)
    next(killed.records(every=4))
    killed.save(tmp_path / "checkpoint")
    taken.resume(tmp_path / "checkpoint")
    list(taken)
    recording(monkeypatch, played)
    list(played)
    assert same(whole, taken)
    assert same(whole, played)


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(ArgumentError, match="mixup=-1"):
        Recipe(mixup=-1)
    tokens = Examples(torch.zeros(4, 3, dtype=torch.int64), [0, 1, 0, 1])
    module = nn.Sequential(nn.Embedding(2, 2), nn.Flatten(), nn.Linear(6, 2))
    with pytest.raises(ArgumentError, match="token indices"):
        TrainingRun(module, tokens, Recipe(mixup=0.2))


@pytest.mark.gpu
def test_mixup_in_graphs_on_cuda():
    recipes = (replace(RECIPE, mixup=0.3, cuda_graphs=graphs) for graphs in (False, True))
    plain, graphed = (TrainingRun(convolutional(), images(), one, seed=4, device="cuda") for one in recipes)
    losses = [[one.loss for one in run] for run in (plain, graphed)]
    torch.testing.assert_close(losses[1], losses[0], atol=1e-4, rtol=1e-3)
