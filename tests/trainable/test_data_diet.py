"""Networks trained on few examples: the rates and the number of steps of the whole recipe."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from slth.data import datasets
from slth.errors import ArgumentError
from slth.trainable import mislabelled, pretrained
from slth.training import SGD, Cosine, Examples, Recipe, TrainingRun

RECIPE = Recipe(epochs=5, batch_size=32, schedule=Cosine(0.1), optimizer=SGD(momentum=0.0, weight_decay=0.0))


def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits")
    return Examples(data.inputs("train", limit=400) * 2 - 1, data.labels("train", limit=400))


def same(one, other):
    return all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_on_all_examples_it_is_the_beginning_of_the_training(digits):
    run = TrainingRun(net(), digits, RECIPE, seed=3)
    for record in run.records(20):
        if record.step == 20:
            break
    assert same(pretrained(net(), digits, RECIPE, steps=20, seed=3), run.module)


def test_few_examples_are_passed_over_at_the_rates_of_the_whole_recipe(digits):
    """Against a loop of one's own: full batches, plain gradient descent."""
    places = np.arange(5, 37)
    found = pretrained(net(), digits, RECIPE, steps=9, places=places, seed=1)
    own, few = net(), digits.at(torch.from_numpy(places))
    per_epoch = RECIPE.steps_per_epoch(len(digits))
    for step in range(9):
        loss = nn.functional.cross_entropy(own(few.inputs), few.targets)
        slopes = torch.autograd.grad(loss, list(own.parameters()))
        rate = RECIPE.schedule.rate(step, per_epoch, RECIPE.epochs)
        with torch.no_grad():
            for tensor, slope in zip(own.parameters(), slopes, strict=True):
                tensor -= rate * slope
    for one, other in zip(found.parameters(), own.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_no_step_leaves_the_module_as_it_is_and_copies_are_made(digits):
    start = net()
    assert same(pretrained(start, digits, RECIPE, steps=0), net())
    pretrained(start, digits, RECIPE, steps=3, places=[1, 2])
    assert same(start, net())


def test_it_goes_on_from_its_folder(digits, tmp_path):
    expected = pretrained(net(), digits, RECIPE, steps=11, places=np.arange(64), seed=2)
    pretrained(net(), digits, RECIPE, steps=11, places=np.arange(64), seed=2, folder=tmp_path)
    assert (tmp_path / "pretrained" / "last.checkpoint").is_file()
    assert same(expected, pretrained(net(), digits, RECIPE, steps=11, places=np.arange(64), seed=2, folder=tmp_path))


def test_a_share_of_the_labels_is_drawn_anew(digits):
    noisy = mislabelled(digits, 0.5, seed=4)
    changed = (noisy.targets != digits.targets).sum()
    # Of 200 that are drawn anew a tenth stays right: 180 of deviation 4.2, four of which are allowed.
    assert int(changed) == pytest.approx(180, abs=17)
    assert torch.equal(noisy.targets, mislabelled(digits, 0.5, seed=4).targets)
    assert torch.equal(mislabelled(digits, 0.0).targets, digits.targets)
    assert torch.equal(noisy.inputs, digits.inputs)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data: pretrained(net(), data, RECIPE, steps=10**6), "steps"),
        (lambda data: pretrained(net(), data, RECIPE, steps=1, places=[400]), "places"),
        (lambda data: pretrained(net(), data, RECIPE, steps=1, places=[0.5]), "places"),
        (lambda data: pretrained(net(), data, RECIPE, steps=1, places=[]), "places"),
        (lambda data: pretrained(net(), data, RECIPE, steps=1, places=["a"]), "places"),
        (lambda data: mislabelled(data, 1.5), "share"),
        (lambda data: mislabelled(Examples(data.inputs, data.inputs), 0.5), "targets"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, words, digits):
    with pytest.raises(ArgumentError, match=words):
        call(digits)
