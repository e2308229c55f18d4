"""Ensembles of masks of one random network: what they share, their averages, their file, killing and resuming."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.data import datasets
from slth.errors import ArgumentError
from slth.networks import Threshold
from slth.searches import EdgePopup, search
from slth.tickets import load_ticket
from slth.trainable import Ensemble, EnsembleModule, RobustEnsemble, WorstCase, averaged, load_ensemble
from slth.training import CrossEntropy, Examples, Recipe, evaluate, split

RECIPE = Recipe(epochs=4, batch_size=64)
METHOD = RobustEnsemble((0.5, 5.0, math.inf), EdgePopup(0.2))


def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96, affine=False), nn.ReLU(), nn.Linear(96, 10))


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits")
    train, test = (Examples(data.inputs(name).reshape(-1, 64) * 2 - 1, data.labels(name)) for name in ("train", "test"))
    return train, test


@pytest.fixture(scope="module")
def found(digits):
    return METHOD.train(net(), digits[0], recipe=RECIPE, seed=3)


def test_members_are_masks_of_the_same_weights_and_differ(found):
    first, *others = found.ensemble.tickets
    assert all(one.seed == first.seed for one in others)
    for name in first.mask.arrays:
        counts = {int(one.mask[name].sum()) for one in found.ensemble.tickets}
        assert counts == {math.ceil(0.2 * first.mask[name].size)}
        assert not np.array_equal(first.mask[name], others[0].mask[name])
    whole = sum(mask.size for mask in first.mask.arrays.values())
    kept = sum(int(array.sum()) for one in found.ensemble.tickets for array in one.mask.arrays.values())
    assert found.density == pytest.approx(kept / whole)


def test_the_ensemble_averages_its_members_and_learns(found, digits):
    test = digits[1]
    members = found.member_predictions(test)
    expected = averaged(members, by="logits")
    assert found.predictions(test).log_probabilities == pytest.approx(expected.log_probabilities, abs=1e-5)
    measured = found.evaluate(test)
    assert measured.accuracy == found.predictions(test).accuracy > 0.9  # chance is 1/10
    assert measured.loss == pytest.approx(found.predictions(test).negative_log_likelihood, abs=1e-5)
    by_probability = EnsembleModule(found.module.members, by="probabilities")
    with torch.no_grad():
        mean = torch.stack([one(test.inputs).softmax(1) for one in found.module.members]).mean(0)
        assert torch.allclose(by_probability(test.inputs).exp(), mean, atol=1e-6)


def test_the_infinite_member_is_an_ordinary_search_of_that_order(found, digits):
    plain = search(net(), digits[0], EdgePopup(0.2), recipe=RECIPE, seed=3, order=None)
    alone = RobustEnsemble((math.inf,), EdgePopup(0.2)).train(net(), digits[0], recipe=RECIPE, seed=3)
    assert alone.ensemble.tickets[0].to_bytes() == plain.ticket.to_bytes()
    assert found.ensemble.tickets[0].to_bytes() != plain.ticket.to_bytes()


def test_one_file_holds_all_members_and_their_statistics(found, digits, tmp_path):
    path = tmp_path / "ensemble.ticket"
    found.ensemble.save(path)
    back = load_ensemble(path)
    inputs = digits[1].inputs
    with torch.no_grad():
        assert torch.equal(back.to_module(net())(inputs), found.module(inputs))
    means = [one.buffers["1.running_mean"] for one in back.tickets]
    assert not np.array_equal(means[0], means[1])
    alone = 0
    for number, ticket in enumerate(found.ensemble.tickets):
        ticket.save(tmp_path / f"{number}.ticket")
        alone += (tmp_path / f"{number}.ticket").stat().st_size
        assert [one.to_bytes() for one in load_ensemble(tmp_path / f"{number}.ticket").tickets] == [ticket.to_bytes()]
    assert path.stat().st_size < 0.8 * alone


@pytest.mark.parametrize("by", ["logits", "probabilities"])
def test_the_file_says_what_is_averaged(found, digits, tmp_path, by):
    path = tmp_path / "ensemble.ticket"
    made = replace(found.ensemble, by=by)
    made.save(path)
    back, inputs = load_ensemble(path), digits[1].inputs
    assert back.by == by
    assert torch.equal(back.to_module(net())(inputs), made.to_module(net())(inputs))
    other = load_ensemble(path, by="logits").to_module(net())(inputs)
    assert torch.equal(other, made.to_module(net())(inputs)) == (by == "logits")


class KilledError(Exception):
    pass


def test_killed_in_any_member_it_goes_on_to_the_same_file(found, digits, tmp_path):
    seen = []

    def kill(label, done, total):
        seen.append((label, done))
        if len(seen) in (2, 5):
            raise KilledError

    for _ in range(2):
        with pytest.raises(KilledError):
            METHOD.train(net(), digits[0], recipe=RECIPE, seed=3, folder=tmp_path, progress=kill)
    again = METHOD.train(net(), digits[0], recipe=RECIPE, seed=3, folder=tmp_path, progress=kill)
    assert again.ensemble.ticket.to_bytes() == found.ensemble.ticket.to_bytes()
    assert list(dict.fromkeys(seen)) == [(f"member {one} of 3", done) for one in (1, 2, 3) for done in (1, 2, 3, 4)]


def test_members_of_the_best_epoch_are_chosen_on_held_out_examples(digits):
    train, held = split(digits[0], 0.2, seed=0)
    best = METHOD.train(net(), train, recipe=RECIPE, seed=3, validation=held, keep="best")
    for member in best.members:
        assert member.epoch == 1 + int(np.argmax([one.validation.accuracy for one in member.trace]))
        assert evaluate(member.module, held).accuracy == member.trace[member.epoch - 1].validation.accuracy


def test_robust_members_have_smaller_largest_losses_in_training(digits):
    """The point of the weights: with the same order of examples, the hardest are learnt better."""
    train = digits[0]

    def worst(kl_weight):
        method = RobustEnsemble((kl_weight,), EdgePopup(0.3), decay=False, detached=True)
        made = method.train(net(), train, recipe=Recipe(epochs=12, batch_size=64), seed=1).module
        with torch.no_grad():
            return float(nn.functional.cross_entropy(made(train.inputs), train.targets, reduction="none").max())

    assert worst(0.5) < worst(math.inf)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data: RobustEnsemble(()), "kl_weights"),
        (lambda data: RobustEnsemble((1.0,) * 8), "kl_weights"),
        (lambda data: RobustEnsemble((1.0, 0.0)), "kl_weight"),
        (lambda data: RobustEnsemble(3.0), "kl_weights"),
        (lambda data: RobustEnsemble(method=EdgePopup(0.5, signed=True)), "signs"),
        (lambda data: RobustEnsemble(method="edge-popup"), "method"),
        (lambda data: RobustEnsemble(by="votes"), "by"),
        (lambda data: METHOD.train(net(), data, scale="local"), "scale"),
        (lambda data: METHOD.train(net(), data, recipe=Recipe(loss=CrossEntropy(0.1))), "loss"),
        (lambda data: EnsembleModule([]), "modules"),
        (lambda data: EnsembleModule([3]), "modules"),
        (lambda data: EnsembleModule(3), "modules"),
        (lambda data: Ensemble([]), "tickets"),
        (lambda data: Ensemble([3]), "tickets"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, words, digits):
    with pytest.raises(ArgumentError, match=words):
        call(digits[0])


def test_any_selection_makes_members(digits):
    found = RobustEnsemble((1.0, math.inf), Threshold(0.0)).train(net(), digits[0], recipe=Recipe(epochs=1))
    assert found.density == sum(one.mask.density for one in found.ensemble.tickets)
    assert found.members[0].trace[0].loss > 0.0
    assert isinstance(RobustEnsemble((1.0,)).loss(0), WorstCase)


def test_a_file_of_several_masks_is_no_ticket_of_one(found, tmp_path):
    found.ensemble.save(tmp_path / "ensemble.ticket")
    ticket = load_ticket(tmp_path / "ensemble.ticket")
    assert ticket.mask.members == 3
    assert 0.2 < ticket.mask.density < found.density  # what any member keeps, stored once


def test_a_constructed_ticket_is_no_ensemble(tmp_path):
    target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25]]), ("input",))])
    slth.construct(target, method=slth.PerWeight(candidates=6)).ticket.save(tmp_path / "net.ticket")
    with pytest.raises(ArgumentError, match=r"net\.ticket.*was constructed"):
        load_ensemble(tmp_path / "net.ticket")
