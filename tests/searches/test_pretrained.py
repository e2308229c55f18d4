"""Masks over trained weights: the weights stay, masks are better than magnitudes, and nothing is called a ticket."""

from __future__ import annotations

import copy
import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import slth
from slth.data.datasets import load
from slth.errors import ArgumentError, ConstructionError
from slth.jobs.standardising import Standardised
from slth.networks import InputChannels, OutputChannels, Threshold, attach_masks
from slth.searches import IteRand, PretrainedMasks, mask_pretrained
from slth.training import Adam, Constant, Cosine, Recipe, evaluate, train


@pytest.fixture(scope="module")
def digits():
    """1,000 images to train on, and the test images."""
    found = Standardised.of(load("digits"), (64,), limit=1000)
    return found.examples("train"), found.examples("test")


@pytest.fixture(scope="module")
def trained(digits):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    recipe = Recipe(epochs=10, batch_size=50, schedule=Constant(0.01), optimizer=Adam())
    train(module, digits[0], recipe)
    assert evaluate(module, digits[1]).accuracy > 0.9
    return module


def test_without_an_epoch_it_is_magnitude_pruning(trained, digits):
    found = mask_pretrained(trained, digits[0], slth.EdgePopup(density=0.3), recipe=Recipe(epochs=0))
    for name in ("0.weight", "2.weight"):
        weight = trained.get_parameter(name).detach().abs().numpy().reshape(-1)
        kept = np.zeros(weight.size, bool)
        kept[np.argsort(-weight)[: -(-weight.size * 3 // 10)]] = True
        assert np.array_equal(found.masks[name].numpy().reshape(-1), kept)
    channels = mask_pretrained(
        trained, digits[0], slth.EdgePopup(0.5, OutputChannels(), spared=["2.weight"]), recipe=Recipe(epochs=0)
    )
    sums = trained[0].weight.detach().abs().sum(1)
    assert torch.equal(channels.masks["0.weight"][:, 0], sums >= sums.sort(descending=True).values[15])
    assert bool(channels.masks["2.weight"].all())


def test_weights_stay_and_masks_become_better_than_magnitudes(trained, digits):
    before, (data, test) = copy.deepcopy(trained.state_dict()), digits
    method = slth.EdgePopup(density=0.1)
    first = mask_pretrained(trained, data, method, recipe=Recipe(epochs=0))
    recipe = Recipe(epochs=15, batch_size=50, schedule=Cosine(0.1))
    found = mask_pretrained(trained, data, method, recipe=recipe, validation=test)
    assert found.evaluate(test).accuracy > first.evaluate(test).accuracy + 0.05
    assert found.trace[-1].validation.accuracy == found.evaluate(test).accuracy
    assert all(torch.equal(trained.state_dict()[name], tensor) for name, tensor in before.items())
    for name, mask in found.masks.items():
        wanted = torch.where(mask, before[name], 0.0)
        assert torch.equal(found.module.get_parameter(name), wanted)
        assert int(mask.sum()) == found.density[name].kept
    for name in ("0.bias", "2.bias"):
        assert torch.equal(found.module.state_dict()[name], before[name])


def test_it_says_what_it_is_not_and_has_no_ticket(trained, digits, tmp_path):
    found = mask_pretrained(trained, digits[0], slth.EdgePopup(density=0.3), recipe=Recipe(epochs=1))
    assert "neither a strong ticket nor one of a seed" in repr(found)
    assert not {"ticket", "last", "seed", "family"} & set(dir(found))
    assert isinstance(found, PretrainedMasks)
    assert not isinstance(found, slth.SearchResult)
    found.save(tmp_path / "masks.safetensors")
    content = (tmp_path / "masks.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    said = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["slth"])
    assert said["nature"] == "masks over trained weights: neither a strong ticket nor one of a seed"
    with pytest.raises(slth.TicketError):
        slth.load_ticket(tmp_path / "masks.safetensors")
    masks = load_file(tmp_path / "masks.safetensors")
    assert all(torch.equal(masks[name], mask) for name, mask in found.masks.items())
    again = attach_masks(copy.deepcopy(trained), masks).eval()
    x = digits[1].inputs[:20]
    assert torch.equal(again(x), found.module(x))


def test_norms_stay_but_for_their_running_statistics(digits):
    module = nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))
    before = copy.deepcopy(module.state_dict())
    found = mask_pretrained(module, digits[0], slth.EdgePopup(density=0.5), recipe=Recipe(epochs=1)).module
    assert torch.equal(found[1].weight, before["1.weight"])
    assert not torch.equal(found[1].running_mean, before["1.running_mean"])
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in before.items())


def test_signs_begin_as_those_of_the_weights(trained, digits):
    found = mask_pretrained(trained, digits[0], slth.EdgePopup(0.3, signed=True), recipe=Recipe(epochs=0))
    assert {int(value) for value in found.masks["0.weight"].unique()} == {0, 1}
    assert found.masks["0.weight"].dtype == torch.int8


def test_what_it_is_not_for_is_refused(trained, digits, tmp_path):
    data, method = digits[0], slth.EdgePopup(0.5)
    masked = attach_masks(copy.deepcopy(trained), {"0.weight": torch.ones(32, 64)})
    for arguments, said in (
        ((trained, data, IteRand(method)), "method='IteRand' is no Selection: use slth.EdgePopup"),
        ((trained, data, None), "method='NoneType' is no Selection"),
        ((nn.ReLU(), data, method), "module='ReLU' has no weight that a mask is for"),
        ((masked, data, method), "has masks already"),
        ((None, data, method), "is no torch.nn.Module"),
        ((trained, None, method), "data='NoneType' is no Examples"),
        ((trained, data, slth.EdgePopup(0.5, spared=["fc"])), "spared='fc' names no weight"),
        ((trained, data, slth.EdgePopup(0.5, InputChannels(), spared=["*"])), "gives no weight a score"),
    ):
        with pytest.raises(ArgumentError, match=said):
            mask_pretrained(*arguments)
    with pytest.raises(ConstructionError, match=r"no weight of 0\.weight is kept"):
        mask_pretrained(trained, data, Threshold(1e6), recipe=Recipe(epochs=1))
    with pytest.raises(ArgumentError, match="path='/proc/none/x' cannot be written"):
        mask_pretrained(trained, data, method, recipe=Recipe(epochs=0)).save("/proc/none/x")
