"""What was removed returns at zero and is trained; beside it the sparse network stays sparse."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from slth.errors import ArgumentError, ConstructionError
from slth.networks import mlp
from slth.trainable import DSD, IHT, train
from slth.training import Cosine, Recipe, TrainingRun
from tests.trainable.test_imp import by_hand, normed, same
from tests.training.test_loop import blobs, images

RECIPE = Recipe(2, 16, Cosine(0.1))
TUNING = replace(RECIPE, schedule=Cosine(0.01))


def kinds(found):
    return [(level.number, level.kind) for level in found.levels]


def test_phases_are_trainings_one_behind_the_other():
    found = train(normed(), images(), DSD(0.4, spared=["5.*"]), recipe=RECIPE)
    assert kinds(found) == [(0, "dense"), (1, "sparse"), (1, "restored"), (1, "fine-tuned")]
    dense, sparse, restored, tuned = found.levels
    assert same(dict(dense.state), by_hand(normed(), normed().state_dict(), {}, RECIPE))
    for name, mask in sparse.masks.items():
        assert int(mask.sum()) == (mask.numel() if name == "5.weight" else int(0.4 * mask.numel() + 0.5))
        if name != "5.weight":
            assert dense.state[name][mask].abs().min() >= dense.state[name][~mask].abs().max()
        assert not sparse.state[name][~mask].any()
        assert bool((restored.state[name][~mask] != 0).float().mean() > 0.5) or name == "5.weight"
        assert not tuned.state[name][~mask].any()
    assert same(dict(sparse.state), by_hand(normed(), dense.state, sparse.masks, RECIPE))
    assert same(dict(restored.state), by_hand(normed(), sparse.state, {}, TUNING))
    assert same(dict(tuned.state), by_hand(normed(), sparse.state, sparse.masks, TUNING))
    assert found.level() is restored
    assert restored.density == 1.0


def test_cycles_choose_anew_and_plain_fine_tuning_keeps_its_first_masks(tmp_path):
    method = IHT(0.3, scope="global", cycles=3, restored=replace(RECIPE, epochs=6))
    found = train(normed(), images(), method, recipe=RECIPE)
    assert kinds(found)[1:] == [(n, kind) for n in (1, 2, 3) for kind in ("sparse", "restored", "fine-tuned")]
    masks = [found.level(number, "sparse").masks for number in (1, 2, 3)]
    for number in (1, 2, 3):
        assert found.level(number, "sparse").kept.kept == 577  # of 1922
        assert same(dict(found.level(number, "fine-tuned").masks), dict(masks[0]))
        before = found.level(number - 1, "restored" if number > 1 else "dense").state
        chosen = torch.cat([before[name][mask].abs() for name, mask in masks[number - 1].items()])
        assert chosen.min() >= torch.cat([before[name][~mask].abs() for name, mask in masks[number - 1].items()]).max()
    assert not same(dict(masks[0]), dict(masks[2]))
    assert found.level() is found.level(3, "sparse")
    parts = train(normed(), images(), replace(method, cycles=1), recipe=RECIPE, folder=tmp_path)
    assert kinds(parts) == kinds(found)[:4]
    again = train(normed(), images(), method, recipe=RECIPE, folder=tmp_path)
    assert all(same(dict(a.state), dict(b.state)) for a, b in zip(again.levels, found.levels, strict=True))


def test_recipes_of_the_phases_are_theirs():
    one, two = replace(RECIPE, epochs=1), replace(RECIPE, epochs=3)
    found = train(mlp((2, 30, 3)), blobs(), IHT(0.3, cycles=1, sparse=one, restored=two, plain=False), recipe=RECIPE)
    assert [len(level.trace) for level in found.levels] == [2, 1, 3]
    run = TrainingRun(mlp((2, 30, 3)), blobs(), RECIPE)
    assert [record.loss for record in run] == [record.loss for record in found.level(0).trace]


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_a_density_that_keeps_nothing_of_a_layer_is_named(scope):
    with pytest.raises(ConstructionError, match="keeps none of the"):
        train(normed(), images(32), DSD(1e-4, scope), recipe=Recipe(1, 16))


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        (DSD, {"density": 1.0}, "density=1.0"),
        (IHT, {"cycles": 0}, "cycles=0"),
        (IHT, {"scope": "all"}, "scope='all'"),
        (DSD, {"spared": "a"}, "spared='a'"),
    ],
)
def test_options_outside_their_range_are_named(method, options, said):
    with pytest.raises(ArgumentError) as caught:
        method(**options)
    assert said in str(caught.value)
    with pytest.raises(ArgumentError, match="leaves nothing"):
        train(mlp((2, 30, 3)), blobs(), method(spared=["*"]), recipe=RECIPE)
