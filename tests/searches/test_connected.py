"""No weight is kept in vain, whatever the density: synaptic flow, summed over paths, passes through each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks import OutputChannels, kept_count, layer_densities, maskable, prunable_weights
from slth.searches import MiCA, Random, SynFlow, prune
from slth.training import Examples
from tests.searches.test_search import TRAIN, Net

LOSS = nn.functional.cross_entropy


def linear():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 4)
    )


def convolutional():
    inner = nn.Sequential(nn.Conv2d(6, 8, 3), nn.ReLU(), nn.MaxPool2d(2))  # without padding each tap sees inputs
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), inner, nn.Flatten(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4)
    )


def in_vain(found):
    """How many kept weights no path goes through, of the module that was made."""
    scores = SynFlow().score(found.module, Examples(TRAIN.inputs[:1], [0]), LOSS, 0)
    kept = {name: torch.tensor(mask) for name, mask in found.ticket.mask.arrays.items()}
    return sum(int((kept[name] & (one == 0)).sum()) for name, one in scores.items())


@pytest.mark.parametrize("make", [linear, convolutional])
@pytest.mark.parametrize("allocation", ["erk", "epl", "igq"])
@pytest.mark.parametrize("density", [0.01, 0.03, 0.1, 0.5])
def test_a_path_goes_through_each_kept_weight(make, allocation, density):
    options = {"density": density, "allocation": allocation, "seed": 3}
    found = prune(make(), TRAIN, MiCA(), **options)
    shares, axes = layer_densities(make(), density, allocation), maskable(make())
    for name, kept in found.density.items():
        assert kept.kept == kept_count(shares[name], int(np.prod(axes[name].shape)))
    assert found.ticket.mask.kept == kept_count(density, prunable_weights(make()))
    assert in_vain(found) == 0
    if density < 0.05:  # with random masks it is not so
        assert in_vain(prune(make(), TRAIN, Random(), **options)) > 0


def test_masks_are_random_and_have_an_address():
    one, same, other = (
        prune(linear(), TRAIN, MiCA(), density=0.1, allocation="erk", seed=seed).ticket.mask for seed in (1, 1, 2)
    )
    for name, mask in one.arrays.items():
        assert np.array_equal(mask, same[name])
        assert not np.array_equal(mask, other[name])


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        (linear(), {"density": 0.1}, "allocation"),
        (linear(), {"density": 0.5, "allocation": "erk", "structure": OutputChannels()}, "allocation"),
        (Net(), {"density": 0.1, "allocation": "erk"}, "chain"),
        (nn.Sequential(nn.Flatten(), nn.Embedding(3, 4)), {"density": 0.5, "allocation": "erk"}, "take|Embedding"),
        (linear(), {"density": {"1.weight": 0.9, "3.weight": 0.002, "6.weight": 0.5}}, r"1\.weight"),
    ],
)
def test_what_is_no_chain_or_has_no_room_is_named(module, options, said):
    with pytest.raises(ArgumentError, match=said):
        prune(module, TRAIN, MiCA(), **options)


@pytest.mark.parametrize("units", [5, 12])
def test_no_more_units_of_a_layer_are_used_than_is_said(units):
    found = prune(linear(), TRAIN, MiCA(units=units), density=0.01, allocation="erk", seed=2)
    first, second, third = (torch.tensor(mask) for mask in found.ticket.mask.arrays.values())
    for before, after in ((first, second), (second, third)):
        assert torch.equal(before.any(dim=1), after.any(dim=0))
        assert int(before.any(dim=1).sum()) <= units
    assert in_vain(found) == 0
    with pytest.raises(ArgumentError, match="units="):
        MiCA(units=0)
    with pytest.raises(ArgumentError, match=r"between units that its neighbours reach are \d+"):
        prune(linear(), TRAIN, MiCA(units=2), density=0.5, allocation="erk")
