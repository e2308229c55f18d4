"""Trainings that take turns are the trainings alone."""

import pytest
import torch

import slth
from slth.errors import ArgumentError
from slth.networks import mlp
from slth.trainable import COLT, IHT, IMP, train, train_many
from slth.training import Constant, Recipe, split
from tests.training.test_loop import blobs

RECIPE = Recipe(2, 32, Constant(0.1))


def alike(one, other):
    pairs = list(zip(one.levels, other.levels, strict=True))
    states = all(torch.equal(a.state[name], b.state[name]) for a, b in pairs for name in b.state)
    masks = all(torch.equal(a.masks[name], b.masks[name]) for a, b in pairs for name in b.masks)
    traces = [[row.loss for level in found.levels for row in level.trace] for found in (one, other)]
    return states and masks and traces[0] == traces[1] and [a.kind for a, _ in pairs] == [b.kind for _, b in pairs]


@pytest.mark.parametrize(
    "method",
    [IMP(levels=2, reset="rewind", rewind=3, branches=("shuffled",)), COLT(levels=1), IHT(cycles=1)],
    ids=lambda method: type(method).__name__,
)
def test_each_is_the_training_alone_bit_for_bit(method):
    data, held = split(blobs(), 0.2)
    told = []
    options = {"recipe": RECIPE, "validation": held, "law": slth.WeightLaw("normal")}
    found = train_many(
        mlp((2, 16, 3)), data, method, seeds=range(5, 1, -3), progress=lambda *how: told.append(how[1]), **options
    )
    alone = [train(mlp((2, 16, 3)), data, method, seed=seed, **options) for seed in (5, 2)]
    assert all(alike(one, other) for one, other in zip(found, alone, strict=True))
    assert not alike(*found)
    assert told == sorted(told)
    assert told[-1] == 2 * method.trainings * RECIPE.epochs


def test_a_module_for_each_seed_and_those_that_were_killed_go_on(tmp_path):
    def killed(what, done, of):
        del what, of
        if done == 5:
            raise KeyboardInterrupt

    modules = [mlp((2, 16, 3), seed=seed) for seed in range(2)]
    options = {"seeds": [0, 0], "recipe": RECIPE, "folder": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        train_many(modules, blobs(), IMP(levels=2), progress=killed, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
    found = train_many(modules, blobs(), IMP(levels=2), **options)
    alone = [train(module, blobs(), IMP(levels=2), recipe=RECIPE) for module in modules]
    assert all(alike(one, other) for one, other in zip(found, alone, strict=True))


@pytest.mark.parametrize(
    ("modules", "seeds", "named"),
    [
        (mlp((2, 4, 3)), [], "seeds"),
        ([mlp((2, 4, 3))], [0, 1], "seeds"),
        (mlp((2, 4, 3)), ["a"], "seeds"),
        ([], [0], "modules"),
        ([mlp((2, 4, 3)), 3], [0, 1], "modules"),
    ],
)
def test_numbers_of_seeds_and_modules_that_do_not_fit(modules, seeds, named):
    with pytest.raises(ArgumentError, match=f"^{named}"):
        train_many(modules, blobs(), IMP(levels=1), seeds=seeds)


@pytest.mark.gpu
@pytest.mark.parametrize("graphs", [False, True])
def test_on_cuda_too(graphs):
    recipe = Recipe(2, 32, Constant(0.1), drop_last=True, cuda_graphs=graphs)
    options = {"recipe": recipe, "device": "cuda", "law": slth.WeightLaw("normal")}
    found = train_many(mlp((2, 16, 3)), blobs(), IMP(levels=1), seeds=[0, 1, 2], **options)
    for seed, one in enumerate(found):
        other = train(mlp((2, 16, 3)), blobs(), IMP(levels=1), seed=seed, **options)
        for name, wanted in other.levels[0].state.items():
            torch.testing.assert_close(one.levels[0].state[name], wanted, atol=1e-4, rtol=1e-3)
