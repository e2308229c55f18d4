"""A planted ticket solves its data exactly; what is found of it is counted, fully where a search can, and by chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom
from torch import nn

from slth.errors import ArgumentError
from slth.networks import OutputChannels, mlp
from slth.rng import WeightLaw
from slth.searches import EdgePopup, MiCA, Random, RelativeError, plant, prune, search
from slth.training import Adam, Cosine, Recipe, evaluate


def inputs(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def shares(*kept, sizes):
    """Densities of the layers of a chain that keeps so many weights in each."""
    totals = [a * b for a, b in pairwise(sizes)]
    return {f"{2 * k + 1}.weight": kept / total for k, (kept, total) in enumerate(zip(kept, totals, strict=True))}


def sought(planted, sizes, density, *, seed, **options):
    recipe = Recipe(epochs=40, batch_size=64, schedule=Cosine(0.01), optimizer=Adam(), loss=planted.loss)
    method = EdgePopup(density, rounding="nearest", **options)
    return search(mlp(sizes, bias=False), planted.data, method, recipe=recipe, seed=seed).ticket


@pytest.mark.parametrize("law", ["signed-constant", "normal"])
def test_the_planted_ticket_has_no_loss_and_its_targets_are_those_of_plain_sums(law):
    x = inputs(1500, 6)
    planted = plant(mlp((6, 9, 3)), x, density=0.4, law=WeightLaw(law), seed=4)
    assert evaluate(planted.module, planted.data, loss=planted.loss).loss == 0.0
    first, last = (
        planted.source.module.get_parameter(name).detach().double().numpy() * mask.numpy()
        for name, mask in planted.masks.items()
    )
    answers = np.maximum(np.float32(x) @ first.T, 0.0) @ last.T
    assert np.allclose(planted.data.targets.numpy(), answers, rtol=0, atol=1e-5)
    assert planted.loss.variance == pytest.approx(answers.var(axis=0).mean(), rel=1e-5)
    constant = nn.Sequential(nn.Flatten(), nn.Linear(6, 3))
    nn.init.zeros_(constant[1].weight)
    constant[1].bias.data[:] = torch.from_numpy(answers.mean(axis=0))
    assert evaluate(constant, planted.data, loss=planted.loss).loss == pytest.approx(1.0, rel=1e-5)


def test_as_many_weights_are_planted_as_asked_between_few_units():
    sizes = (10, 40, 40, 5)
    planted = plant(mlp(sizes), inputs(20, 10), density=shares(17, 9, 11, sizes=sizes), method=MiCA(units=4), seed=2)
    assert [one.kept for one in planted.density.values()] == [17, 9, 11]
    first, second, third = planted.masks.values()
    for before, after in ((first, second), (second, third)):
        assert torch.equal(before.any(dim=1), after.any(dim=0))
        assert int(before.any(dim=1).sum()) == 4


def test_masks_belong_to_the_seed_and_know_nothing_of_random_masks_with_it():
    one, same, other = (plant(mlp((8, 30, 4)), inputs(20, 8), density=0.3, seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(mask, same.masks[name]) for name, mask in one.masks.items())
    assert not all(torch.equal(mask, other.masks[name]) for name, mask in one.masks.items())
    drawn = prune(mlp((8, 30, 4)), one.data, MiCA(), density=0.3, allocation="uniform", loss=one.loss, seed=1)
    assert one.recovery(drawn.ticket).share < 0.6


def test_a_search_finds_all_of_a_dense_ticket():
    sizes, density = (32, 4, 32), 0.5
    planted = plant(mlp(sizes, bias=False), inputs(512, 32), density=density, seed=0)
    found = planted.recovery(sought(planted, sizes, density, seed=0, magnitude=False), inputs(64, 32, seed=1))
    assert (found.found, found.share, found.precision, found.error) == (128, 1.0, 1.0, 0.0)
    assert found.chance == 0.5


def test_a_search_misses_a_sparse_ticket_of_few_units_in_a_wide_layer():
    sizes = (32, 32, 32)
    density = shares(26, 26, sizes=sizes)
    planted = plant(mlp(sizes, bias=False), inputs(512, 32), density=density, method=MiCA(units=8), seed=0)
    for magnitude in (True, False):
        found = planted.recovery(sought(planted, sizes, density, seed=0, magnitude=magnitude), inputs(64, 32, seed=1))
        assert found.kept == found.planted == 52
        assert found.chance < found.share < 0.75
        assert found.error > 0.1


def test_random_masks_find_what_chance_says():
    sizes, total = (8, 20, 4), 0
    density = shares(50, 24, sizes=sizes)
    variance = expected = 0.0
    for seed in range(40):
        planted = plant(mlp(sizes), inputs(8, 8), density=density, seed=seed)
        other = prune(mlp(sizes), planted.data, Random(), density=density, loss=planted.loss, seed=seed).ticket
        found = planted.recovery(other)
        laws = [hypergeom(one.total, one.kept, one.kept) for one in planted.density.values()]
        assert found.expected == pytest.approx(sum(law.mean() for law in laws))
        total += found.found
        expected += found.expected
        variance += sum(law.var() for law in laws)
    assert abs(total - expected) < 4.0 * variance**0.5  # p < 1e-4


def test_weights_with_the_other_sign_are_not_found():
    planted = plant(mlp((8, 20, 4)), inputs(64, 8), density=0.3, seed=3)
    mask = planted.ticket.mask
    arrays = {name: array.astype(np.int8) for name, array in mask.arrays.items()}
    name = next(iter(arrays))
    places = tuple(np.argwhere(arrays[name] == 1)[0])
    arrays[name][places] = -1
    flipped = replace(planted.ticket, mask=replace(mask, arrays=arrays, alphabet=(-1, 0, 1)))
    found = planted.recovery(flipped)
    assert (found.planted, found.kept, found.found) == (mask.kept, mask.kept, mask.kept - 1)
    assert found.error > 0.0


def test_channels_of_convolutions_are_planted():
    net = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 9, 3))
    density = {"0.weight": 0.25, "3.weight": 1.0}
    planted = plant(
        net, inputs(10, 2, 5, 5), density=density, method=Random(), structure=OutputChannels(), seed=1
    )  # fmt: skip
    kept = planted.masks["0.weight"].flatten(1)
    assert kept.all(dim=1).sum() == kept.any(dim=1).sum() == 2
    assert planted.recovery(planted.ticket, inputs(3, 2, 5, 5)).error == 0.0


def test_what_cannot_be_planted_or_compared_is_refused():
    x = inputs(16, 8)
    planted = plant(mlp((8, 20, 4)), x, density=0.3, seed=3)
    other = plant(mlp((8, 20, 4)), x, density=0.3, seed=4)
    with pytest.raises(ArgumentError, match=r"ticket=.*seed 4.*random network with seed 3"):
        planted.recovery(other.ticket)
    with pytest.raises(ArgumentError, match="seed 3"):
        planted.recovery(plant(mlp((8, 21, 4)), x, density=0.3, seed=3).ticket)
    with pytest.raises(ArgumentError, match=r"density=.*all the same"):
        plant(mlp((8, 20, 4)), x[:1], density=0.3)
    with pytest.raises(ArgumentError, match="method="):
        plant(mlp((8, 20, 4)), x, density=0.3, method=EdgePopup(0.5))
    with pytest.raises(ArgumentError, match="density="):
        plant(mlp((8, 20, 4)), x, density=1.5)
    with pytest.raises(ArgumentError, match="inputs="):
        plant(mlp((8, 20, 4)), np.zeros((0, 8)), density=0.5)
    with pytest.raises(ArgumentError, match="inputs="):
        plant(mlp((8, 20, 4)), 3.0, density=0.5)
    with pytest.raises(ArgumentError, match="does not take examples of shape"):
        plant(mlp((8, 20, 4)), inputs(16, 7), density=0.5)


def test_the_loss_is_relative():
    loss = RelativeError(2.0)
    outputs, targets = (torch.from_numpy(inputs(5, 3, seed=seed)) for seed in (0, 1))
    assert float(loss(outputs, targets)) == pytest.approx(float(((outputs - targets) ** 2).mean()) / 2.0)
