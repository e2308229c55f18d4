"""Paths between networks against formulas, and children that are one up to a step."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from slth.data import datasets
from slth.errors import ArgumentError
from slth.trainable import LinearPath, children, connectivity_scores, interpolated, linear_path
from slth.training import SGD, Constant, Examples, Recipe, TrainingRun, evaluate

RECIPE = Recipe(epochs=4, batch_size=64, schedule=Constant(0.1), optimizer=SGD(weight_decay=1e-3))


def net(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(64, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 10))


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits")
    train, test = (Examples(data.inputs(name).reshape(-1, 64) * 2 - 1, data.labels(name)) for name in ("train", "test"))
    return train, test


@pytest.fixture(scope="module")
def pair(digits):
    return children(net(), digits[0], RECIPE, step=0, seed=1)


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one, other):
    return all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_all_floating_tensors_lie_between_and_the_ends_are_exact(pair):
    before = [state(module) for module in pair]
    quarter = interpolated(*pair, 0.25)
    for name, tensor in quarter.state_dict().items():
        one, other = (held[name] for held in before)
        if tensor.is_floating_point():
            assert torch.allclose(tensor, 0.75 * one + 0.25 * other, atol=1e-6)
        else:
            assert torch.equal(tensor, one)
    assert same(interpolated(*pair, 0.0), pair[0])
    assert same(interpolated(*pair, 1.0), pair[1])
    assert not quarter.training
    for module, held in zip(pair, before, strict=True):
        assert all(torch.equal(tensor, held[name]) for name, tensor in module.state_dict().items())


def test_the_path_is_what_each_network_on_it_does(pair, digits):
    path = linear_path(*pair, digits[1], points=5)
    for share, error, loss in zip(path.shares, path.errors, path.losses, strict=True):
        measured = evaluate(interpolated(*pair, share), digits[1])
        assert error == pytest.approx(1 - measured.accuracy)
        assert loss == pytest.approx(measured.loss, abs=1e-5)
    ends = (path.errors[0] + path.errors[-1]) / 2
    assert path.barrier == pytest.approx(max(path.errors) - ends)
    assert path.midpoint_barrier == pytest.approx(path.errors[2] - ends)
    assert path.loss_barrier == pytest.approx(max(path.losses) - (path.losses[0] + path.losses[-1]) / 2)


def test_a_path_to_itself_is_flat_and_has_no_barrier(pair, digits):
    path = linear_path(pair[0], pair[0], digits[1], points=4)
    assert len(set(path.errors)) == 1
    assert path.barrier == path.midpoint_barrier == 0.0
    assert np.abs(connectivity_scores(pair[0], pair[0], digits[1])).max() == 0.0


def test_losses_of_linear_networks_are_convex_along_the_path():
    """Cross entropy is convex in the weights of a linear layer: the middle is below the mean of the ends."""
    generator = torch.Generator().manual_seed(0)
    data = Examples(torch.randn(200, 5, generator=generator), torch.randint(0, 3, (200,), generator=generator))
    ends = [nn.Linear(5, 3) for _ in range(2)]
    path = linear_path(*ends, data, points=9)
    assert (np.diff(path.losses, 2) >= -1e-7).all()
    assert (connectivity_scores(*ends, data) <= 1e-6).all()


def test_scores_add_up_to_the_loss_barrier_of_the_midpoint(pair, digits):
    path = linear_path(*pair, digits[1], points=3)
    scores = connectivity_scores(*pair, digits[1])
    assert scores.mean() == pytest.approx(path.losses[1] - (path.losses[0] + path.losses[2]) / 2)
    own = {"statistics": "recomputed", "data": digits[0].at(torch.arange(50))}
    path, scores = linear_path(*pair, digits[1], points=3, **own), connectivity_scores(*pair, digits[1], **own)
    assert scores.mean() == pytest.approx(path.losses[1] - (path.losses[0] + path.losses[2]) / 2)


def test_networks_of_two_starts_have_a_barrier_and_late_children_have_none(pair, digits):
    train, test = digits
    stranger = children(net(7), train, RECIPE, step=0, seed=2)[0]
    apart = linear_path(pair[0], stranger, test, points=11)
    total = RECIPE.steps_per_epoch(len(train)) * RECIPE.epochs
    late = linear_path(*children(net(), train, RECIPE, step=total - 4, seed=1), test, points=11)
    assert apart.barrier > 0.05
    assert late.barrier < 0.02


def test_recomputed_statistics_are_those_of_the_network_itself(pair, digits):
    middle = interpolated(*pair, 0.5, statistics="recomputed", data=digits[0])
    with torch.no_grad():
        given = middle[0](digits[0].inputs).double()
    norm = middle[1]
    # The mean of two batches' variances leaves out how far their means lie apart.
    parts = [one.var(0) for one in torch.chunk(given, 2)]
    means = [one.mean(0) for one in torch.chunk(given, 2)]
    assert torch.allclose(norm.running_mean.double(), (means[0] + means[1]) / 2, atol=1e-4)
    assert torch.allclose(norm.running_var.double(), (parts[0] + parts[1]) / 2, rtol=1e-3)
    assert norm.momentum == 0.1
    assert not norm.training
    assert not torch.equal(norm.running_var, interpolated(*pair, 0.5)[1].running_var)


def test_children_are_the_one_training_up_to_the_step(digits):
    train = digits[0]
    per_epoch = RECIPE.steps_per_epoch(len(train))
    step = per_epoch + 3
    short = replace(RECIPE, epochs=2)
    one, other = children(net(), train, short, step=2 * per_epoch, seed=1)
    assert same(one, other)  # nothing is left to do apart
    whole = copy.deepcopy(net())
    for _ in TrainingRun(whole, train, short, seed=1):
        pass
    assert same(one, whole)
    first, second = children(net(), train, RECIPE, step=step, seed=1)
    assert not same(first, second)


def test_masks_hold_in_children_and_on_the_path(digits):
    train, test = digits
    masks = {"0.weight": torch.rand(24, 64, generator=torch.Generator().manual_seed(0)) < 0.3}
    ends = children(net(), train, RECIPE, step=5, seed=1, masks=masks)
    for module in (*ends, interpolated(*ends, 0.5, masks=masks)):
        assert (module[0].weight[~masks["0.weight"]] == 0.0).all()
        assert (module[0].weight[masks["0.weight"]] != 0.0).all()
    other = {"0.weight": torch.ones(24, 64, dtype=torch.bool), "3.weight": torch.zeros(10, 24)}
    assert (interpolated(*ends, 0.5, masks=other)[3].weight == 0.0).all()
    assert linear_path(*ends, test, points=3, masks=masks).errors.max() < 0.9


class KilledError(Exception):
    pass


def test_killed_children_go_on_to_the_same_bits(digits, tmp_path):
    expected = children(net(), digits[0], RECIPE, step=10, seed=3)
    seen = []

    def kill(label, done, total):
        seen.append((label, done, total))
        if len(seen) in (2, 5):
            raise KilledError

    for _ in range(2):
        with pytest.raises(KilledError):
            children(net(), digits[0], RECIPE, step=10, seed=3, folder=tmp_path, progress=kill)
    found = children(net(), digits[0], RECIPE, step=10, seed=3, folder=tmp_path, progress=kill)
    assert all(same(*both) for both in zip(expected, found, strict=True))
    assert seen == [(f"child {one} of 2", done, 4) for one in (1, 2) for done in (1, 2, 3, 4)]


def test_a_folder_of_other_children_is_refused(digits, tmp_path):
    def killed(*_):
        raise KilledError

    with pytest.raises(KilledError):
        children(net(), digits[0], RECIPE, step=10, folder=tmp_path, progress=killed)
    shutil.rmtree(tmp_path / "child1")
    with pytest.raises(ArgumentError, match="another last step"):
        children(net(), digits[0], RECIPE, step=7, folder=tmp_path)
    with pytest.raises(ArgumentError, match="another first weights"):
        children(net(1), digits[0], RECIPE, step=10, folder=tmp_path)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data: interpolated(nn.Linear(2, 2), nn.Linear(2, 3), 0.5), "another network"),
        (lambda data: interpolated(nn.Linear(2, 2), nn.Linear(2, 2), 1.5), "share"),
        (lambda data: interpolated(nn.Linear(2, 2), nn.Linear(2, 2), 0.5, statistics="recomputed"), "statistics"),
        (lambda data: interpolated(nn.Linear(2, 2), nn.Linear(2, 2), 0, masks={"a": torch.ones(2)}), "fits no weight"),
        (lambda data: interpolated(nn.Linear(1, 1), nn.Linear(1, 1), 0.5, masks={"weight": [1]}), "must be a tensor"),
        (lambda data: interpolated(nn.Linear(1, 1), nn.Linear(1, 1), 0.5, masks=[1]), "tensors by name"),
        (lambda data: children(net(), data, RECIPE, masks={"0.weight": [1]}), "must be a tensor"),
        (lambda data: linear_path(net(), net(), data, points=1), "points"),
        (
            lambda data: interpolated(net(), net(), 0.5, statistics="recomputed", data=data.at(torch.arange(1))),
            "more than 1 value",
        ),
        (lambda data: children(net(), data, RECIPE, step=10**6), "step"),
        (lambda data: children(net(), data, None), "recipe"),
        (lambda data: LinearPath([0.0], [np.nan], [0.0]), "errors"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, words, digits):
    with pytest.raises(ArgumentError, match=words):
        call(digits[0])
