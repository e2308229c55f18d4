"""IteRand's steps are those of the published algorithm written naively; its generations are numbers of the stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks.masking import maskable
from slth.networks.supermasks import Threshold
from slth.rng import Stream, WeightLaw
from slth.searches import EdgePopup, IteRand, search
from slth.searches.iterand import GENERATIONS
from slth.searches.method import Searched
from slth.searches.random_source import random_source
from slth.training import SGD, Constant, Examples, MethodState, Recipe, Step, TrainingRun
from tests.searches.test_edge_popup import Published
from tests.searches.test_search import RECIPE, TRAIN

DATA = Examples(np.random.default_rng(0).normal(size=(6, 5)), [0, 1, 2, 0, 1, 2])
STEPS = Recipe(epochs=20, batch_size=6, schedule=Constant(0.3), optimizer=SGD(0.9, weight_decay=1e-2))
LAW = WeightLaw("uniform")


def small():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))


def run_of(method, seed=4):
    source = random_source(small(), law=LAW, seed=seed, scale="kaiming", density=1.0)
    return source, TrainingRun(source.module, DATA, STEPS, method=Searched(method, source), seed=seed)


def naive(source, scores, *, density, rate, period, steps):
    """Refresh in front of step it where (it + 1) % K == 0, as published; a fresh number for each removed weight hit."""
    scores = {name: one.detach().clone().requires_grad_() for name, one in scores.items()}
    optimizer = torch.optim.SGD(scores.values(), lr=0.3, momentum=0.9, weight_decay=1e-2)
    generation = {name: np.zeros(one.numel(), np.int64) for name, one in scores.items()}
    labels = DATA.targets
    for step in range(steps):
        masks = {name: Published.apply(one, math.ceil(density * one.numel())) for name, one in scores.items()}
        if (step + 1) % period == 0:
            for name, mask in masks.items():
                dice = Stream(source.seed, f"redraw/{(step + 1) // period}/{name}").uniform(0, mask.numel())
                generation[name] += (dice < rate) & (mask.detach().reshape(-1).numpy() == 0)
        weights = {}
        for name, one in generation.items():
            numbers = LAW.weights_at(Stream(source.seed, name), np.arange(one.size) + one * one.size)
            tensor = torch.from_numpy(numbers * source.gains[name]).float()
            weights[name] = tensor.reshape(scores[name].shape) * masks[name]
        hidden = torch.relu(DATA.inputs @ weights["0.weight"].T)
        loss = nn.functional.cross_entropy(hidden @ weights["2.weight"].T, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return scores, generation


@pytest.mark.parametrize("period", [2, 3])
def test_steps_are_those_of_the_published_algorithm(period):
    method = IteRand(EdgePopup(0.4, magnitude=False), rate=0.3, period=period)
    source, run = run_of(method)
    first = {name: one.detach().clone() for name, one in run.state.trained.items()}
    for record in run:
        if record.epoch == 18:  # neither period has a refresh right behind this step
            break
    scores, generation = naive(source, first, density=0.4, rate=0.3, period=period, steps=18)
    entries = method.entries(run.state, source, run.step)
    for name, one in scores.items():
        assert torch.allclose(run.state.trained[name], one, rtol=1e-3, atol=1e-4)
        made = run.state.fixed[f"generation/{name}"].reshape(-1).numpy()
        assert np.array_equal(made, generation[name])
        assert made.max() >= 1
        kept = Published.apply(one.detach(), math.ceil(0.4 * one.numel())).reshape(-1).numpy()
        assert np.array_equal(entries[name].reshape(-1).numpy(), kept * (made + 1))


def test_kept_weights_stay_and_a_share_of_the_removed_ones_is_drawn_again():
    method = IteRand(EdgePopup(0.3, magnitude=False), rate=0.2, period=5)
    source = random_source(nn.Linear(200, 100), law=LAW, seed=1, scale="none", density=1.0)
    before = method.begin(source)
    assert method.after(before, source, Step(3, 1, 9), {}) is before
    state = method.after(before, source, Step(4, 1, 9), {})
    mask = method.masks(before, source, Step(4, 1, 9))["weight"]
    changed = state.fixed["values/weight"] != before.fixed["values/weight"]
    assert not (changed & mask).any()
    assert torch.equal(changed, state.fixed["generation/weight"] == 1)
    # 14,000 removed weights: five deviations of the share, fails once in 10^6.
    assert float(changed.sum() / (~mask).sum()) == pytest.approx(0.2, abs=5 * math.sqrt(0.16 / 14_000))
    other = (
        method.after(state, source, Step(9, 1, 20), {}).fixed["generation/weight"] - state.fixed["generation/weight"]
    )
    assert not torch.equal(other == 1, changed)


def test_without_redrawing_it_is_edge_popup():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 4))
    selection = EdgePopup(0.4, magnitude=False)
    plain = search(flat, TRAIN, selection, recipe=RECIPE, seed=2)
    found = search(flat, TRAIN, IteRand(selection, rate=0.0, period=3, first=1.0), recipe=RECIPE, seed=2)
    assert all(torch.equal(found.scores[name], one) for name, one in plain.scores.items())
    for name, array in plain.ticket.mask.arrays.items():
        assert np.array_equal(found.ticket.mask[name], array)
    assert torch.equal(found.module(TRAIN.inputs), plain.module(TRAIN.inputs))


def test_first_scores_have_the_published_bound():
    source = random_source(nn.Linear(400, 50), law=LAW, seed=1, scale="none", density=1.0)
    scores = IteRand().begin(source).trained["weight"]
    assert 0.99 * math.sqrt(6 / 400) < float(scores.abs().max()) <= math.sqrt(6 / 400)


def test_behind_the_last_generation_comes_the_first():
    method = IteRand(EdgePopup(0.5, magnitude=False), rate=1.0, period=1)
    source = random_source(nn.Linear(4, 3), law=LAW, seed=0, scale="none", density=1.0)
    state = method.begin(source)
    values, removed = state.fixed["values/weight"], ~method.masks(state, source, Step(0, 1, 1))["weight"]
    last = torch.full((3, 4), GENERATIONS - 1, dtype=torch.int16)
    worn = MethodState(state.trained, {**state.fixed, "generation/weight": last, "values/weight": values + 9.0})
    state = method.after(worn, source, Step(7, 1, 9), {})
    assert torch.equal(state.fixed["values/weight"][removed], values[removed])
    entries = {"weight": torch.where(removed, 0, last + 1)}
    gains = dict.fromkeys(maskable(source.module), 1.0)
    ticket = source.ticket(entries, source.stored(), gains=gains, reading="choice")
    assert ticket.mask.candidates == GENERATIONS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate": 1.5}, "rate"),
        ({"period": 0}, "period"),
        ({"first": 0.0}, "first"),
        ({"selection": EdgePopup(signed=True)}, "selection"),
        ({"selection": Threshold(0.1)}, "selection"),
    ],
)
def test_what_is_no_method_is_refused(changes, said):
    with pytest.raises(ArgumentError, match=said):
        IteRand(**changes)
