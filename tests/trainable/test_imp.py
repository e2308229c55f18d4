"""Iterative magnitude pruning removes exactly what it says, goes back to the same bits, and stays zero."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import slth
from slth.errors import ArgumentError, ConstructionError
from slth.networks import mlp
from slth.rng import Stream
from slth.searches import EdgePopup, fine_tune
from slth.trainable import IMP, RobustEnsemble, train
from slth.training import SGD, Constant, Cosine, Examples, FixedMasks, MultiStep, Recipe, TrainingRun, split
from tests.training.test_loop import blobs, images

HALF = Fraction(1, 2)
RECIPE = Recipe(4, 16, Cosine(0.1), SGD(0.9, weight_decay=0.01))


def normed(seed=0):
    """A convolutional network with batch statistics, of which nothing is drawn while it trains."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(216, 8), nn.Linear(8, 4)
        )


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def by_hand(module, state, masks, recipe):
    """Train under masks in the one loop, which other tests compare with plain torch."""
    module = copy.deepcopy(module)
    module.load_state_dict(dict(state))
    run = TrainingRun(module, images(), recipe, method=FixedMasks(masks))
    for _ in run:
        pass
    return module.state_dict()


def test_the_rewound_state_is_that_of_dense_training_bit_for_bit():
    """Weights, biases, norm parameters and batch statistics, for steps within an epoch and at its end."""
    for step in (1, 3, 5):
        found = train(normed(), images(), IMP(levels=1, reset="rewind", rewind=step), recipe=RECIPE)
        dense = normed()
        for record in TrainingRun(dense, images(), RECIPE).records(1):
            if record.step == step:
                break
        assert same(dict(found.start), dense.state_dict())
        assert found.start["1.num_batches_tracked"] == step


def test_training_goes_on_behind_the_rewound_step_as_a_plain_loop_would():
    """The order of the examples and the rate are those of the dense run behind step k; the momentum is fresh."""
    recipe = replace(RECIPE, schedule=MultiStep(0.1, milestones=(1.5, 3.0)))
    found = train(normed(), images(), IMP(rate=0.5, levels=1, reset="rewind", rewind=4), recipe=recipe, seed=7)
    level, plain = found.level(1), normed()
    plain.load_state_dict(dict(found.start))
    with torch.no_grad():
        for name, mask in level.masks.items():
            plain.get_parameter(name).mul_(mask)
    optimizer = torch.optim.SGD(plain.parameters(), lr=1.0, momentum=0.9, weight_decay=0.01)
    data, plain = images(), plain.train()
    for step in range(4, 12):
        epoch, place = divmod(step, 3)
        order = np.argsort(Stream(7, f"training/order/{epoch}").raw(0, 48), kind="stable")
        batch = torch.from_numpy(order[16 * place : 16 * place + 16])
        optimizer.param_groups[0]["lr"] = 0.1 * 0.1 ** ((step >= 4.5) + (step >= 9))
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(data.inputs[batch]), data.targets[batch]).backward()
        for name, mask in level.masks.items():
            plain.get_parameter(name).grad[~mask] = 0.0
        optimizer.step()
    assert [record.step for record in level.trace] == [6, 9, 12]
    for name, tensor in plain.state_dict().items():
        assert torch.allclose(level.state[name], tensor, atol=1e-6), name


def test_weights_of_another_training_start_where_the_recipe_says():
    """What trained the first weights may be a subset of the examples; here it is the dense run itself."""
    rewound = train(normed(), images(), IMP(levels=2, reset="rewind", rewind=5, branches=["random"]), recipe=RECIPE)
    module = normed()
    module.load_state_dict(dict(rewound.start))
    found = train(module, images(), IMP(levels=2, branches=["random"]), recipe=replace(RECIPE, start=5))
    assert same(dict(found.start), dict(rewound.start))
    for one, two in zip(found.levels, rewound.levels, strict=True):
        assert same(dict(one.state), dict(two.state))


def test_each_reset_starts_where_it_says():
    starts = {
        "init": (IMP(rate=0.3, levels=2), lambda first, found: (first, RECIPE)),
        "rewind": (
            IMP(rate=0.3, levels=2, reset="rewind", rewind=5),
            lambda first, found: (found.start, replace(RECIPE, start=5)),
        ),
        "learning-rate": (
            IMP(rate=0.3, levels=2, reset="learning-rate", rewind=5),
            lambda first, found: (found.level(1).state, replace(RECIPE, start=5)),
        ),
        "none": (
            IMP(rate=0.3, levels=2, reset="none"),
            lambda first, found: (found.level(1).state, replace(RECIPE, schedule=Cosine(0.01))),
        ),
        "tuning": (
            IMP(rate=0.3, levels=2, reset="none", tuning=replace(RECIPE, epochs=1)),
            lambda first, found: (found.level(1).state, replace(RECIPE, epochs=1)),
        ),
    }
    for name, (method, where) in starts.items():
        found = train(normed(), images(), method, recipe=RECIPE)
        state, recipe = where(normed().state_dict(), found)
        assert same(by_hand(normed(), state, found.level(2).masks, recipe), dict(found.level(2).state)), name


def test_what_is_removed_is_exactly_zero_and_never_returns():
    found = train(normed(), images(), IMP(rate=0.4, levels=3, spared=["5.*"]), recipe=RECIPE)
    for before, level in zip(found.levels, found.levels[1:], strict=False):
        for name, mask in level.masks.items():
            removed = level.state[name][~mask]
            assert not removed.any()
            assert not torch.signbit(removed).any()
            assert not bool((mask & ~before.masks[name]).any())
        left = {name: before.state[name][before.masks[name]].abs() for name in ("0.weight", "4.weight")}
        chosen = torch.cat([before.state[name][level.masks[name]].abs() for name in left])
        assert chosen.min() >= torch.cat(list(left.values())).sort(descending=True).values[len(chosen) - 1]
        assert bool(level.masks["5.weight"].all())
    assert [level.layers["5.weight"].density for level in found.levels] == [1.0] * 4


@given(st.integers(2, 60), st.integers(2, 60), st.sampled_from([0.1, 0.2, 0.29, 0.5]), st.integers(0, 99))
def test_masks_are_those_of_a_sorted_list(one, two, rate, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = {name: torch.randn(size, generator=generator) for name, size in (("a", one), ("b", two))}
    masks = {name: torch.rand(weight.shape, generator=generator) < 0.9 for name, weight in weights.items()}
    left = [(abs(float(weights[n][i])), n, i) for n in weights for i in range(len(weights[n])) if masks[n][i]]
    for scope, groups in (("global", [left]), ("layer", [[x for x in left if x[1] == n] for n in weights])):
        removed = [set(sorted(group)[: math.floor(Fraction(str(rate)) * len(group) + HALF)]) for group in groups]
        if any(len(gone) == len(group) for gone, group in zip(removed, groups, strict=True)):
            continue
        found = IMP(rate, scope=scope).next_masks(weights, masks, ["a", "b"], last=False)
        kept = {(n, i) for n in weights for i in range(len(weights[n])) if found[n][i]}
        assert kept == {(n, i) for _, n, i in set(left) - set().union(*removed)}


def test_the_published_code_removes_one_weight_more_and_counts_spared_ones():
    """Measured on open_lth: 201, 161 and 129 weights go of 1000, 799 and 638."""
    weights = {"a": torch.randn(1000), "b": torch.randn(100)}
    masks, left = {"a": torch.ones(1000, dtype=torch.bool)}, []
    for _ in range(3):
        masks = IMP(published_count=True).next_masks(weights, masks, ["a"], last=False)
        left.append(int(masks["a"].sum()))
    assert left == [799, 638, 509]
    both = {"a": torch.ones(1000, dtype=torch.bool), "b": torch.ones(100, dtype=torch.bool)}
    found = IMP(published_count=True).next_masks(weights, both, ["a"], last=False)
    assert (int(found["a"].sum()), int(found["b"].sum())) == (1000 - 221, 100)


def test_a_density_is_reached_exactly_and_rates_are_those_of_their_tensors():
    method = IMP(rate=0.2, density=0.1, spared=["3.weight"])
    found = train(mlp((2, 40, 3)), blobs(60), method, recipe=Recipe(1))
    counts = [level.layers["1.weight"].kept for level in found.levels]
    assert (counts[-1], len(counts)) == (8, 12)
    assert counts[:4] == [80, 64, 51, 41]
    apart = IMP(rate=0.5, levels=2, scope="layer", rates={"3.*": 0.1})
    found = train(mlp((2, 40, 3)), blobs(60), apart, recipe=Recipe(1))
    assert [one.kept for one in found.level().layers.values()] == [20, 97]


def test_level_zero_is_dense_training_and_the_table_says_what_each_level_does():
    train_set, held = split(blobs(200), 0.25)
    found = train(mlp((2, 8, 3)), train_set, IMP(levels=2), recipe=RECIPE, validation=held)
    dense = mlp((2, 8, 3))
    records = list(TrainingRun(dense, train_set, RECIPE, validation=held))
    assert same(dict(found.level(0).state), dense.state_dict())
    rows = found.rows(held)
    assert [(row["level"], row["kind"], row["kept"], row["total"]) for row in rows] == [
        (0, "ticket", 40, 40), (1, "ticket", 32, 40), (2, "ticket", 26, 40),
    ]  # fmt: skip
    assert rows[0]["accuracy"] == rows[0]["validation_accuracy"] == records[-1].validation.accuracy
    least = min(records, key=lambda record: record.validation.loss)
    assert (rows[0]["best_step"], rows[0]["best_validation_loss"]) == (least.step, least.validation.loss)
    assert found.rows()[0]["accuracy"] is None
    assert found.level(1) is found.levels[1]
    assert found.level(-2) is found.levels[1]
    with pytest.raises(ArgumentError, match="is no level of 0 to 2"):
        found.level(3)


def test_a_ticket_of_a_level_is_seed_and_mask_of_where_its_training_began():
    found = train(mlp((2, 8, 3)), blobs(), IMP(levels=2), recipe=RECIPE, law=slth.WeightLaw("normal"), seed=5)
    ticket = found.ticket()
    assert ticket.family == "trainable"
    fresh = slth.apply_to(mlp((2, 8, 3)), ticket)
    for name, mask in found.level().masks.items():
        assert torch.equal(fresh.get_parameter(name), found.start[name] * mask)
    assert same(by_hand_on(fresh, found), dict(found.level().state))
    with pytest.raises(ArgumentError, match="law"):
        train(mlp((2, 8, 3)), blobs(), IMP(levels=1), recipe=RECIPE).ticket()


def by_hand_on(module, found):
    for _ in TrainingRun(module, blobs(), RECIPE, method=FixedMasks(found.level().masks), seed=5):
        pass
    return module.state_dict()


def test_masks_are_written_by_the_names_of_their_weights(tmp_path):
    from safetensors.torch import load_file

    found = train(mlp((2, 8, 3)), blobs(), IMP(levels=1), recipe=RECIPE)
    found.save_masks(tmp_path / "masks.safetensors")
    assert same(load_file(tmp_path / "masks.safetensors"), dict(found.level().masks))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 1.0}, "rate=1.0"),
        ({"levels": 0}, "levels=0"),
        ({"levels": 2, "density": 0.5}, "and density say the same"),
        ({"density": 1.5}, "density=1.5"),
        ({"rates": {"a": 0.1}}, "rates"),
        ({"rates": 0.1, "scope": "layer"}, "rates=0.1 is no dictionary"),
        ({"reset": "rewind"}, "rewind=0"),
        ({"rewind": 3}, "rewind=3"),
        ({"reset": "back"}, "reset='back'"),
        ({"tuning": RECIPE}, "tuning"),
        ({"branches": ["other"]}, "branches"),
        ({"branches": "random"}, "branches='random' is no list"),
        ({"spared": "fc.weight"}, "spared='fc.weight' is no list"),
        ({"published_count": True, "scope": "layer"}, "published_count"),
        ({"scope": "all"}, "scope='all'"),
    ],
)
def test_options_that_do_not_go_together_are_named(options, said):
    with pytest.raises(ArgumentError) as caught:
        IMP(**options)
    assert said in str(caught.value)


def test_as_many_levels_as_a_density_needs():
    powers = [(0.5, 0.25, 2), (0.5, 0.24, 3), (0.2, 0.8, 1), (0.2, 0.512, 3), (0.1, 0.6561, 4), (0.2, 1 - 1e-12, 1)]
    assert [IMP(rate, density=density).count for rate, density, _ in powers] == [count for *_, count in powers]
    assert IMP(1e-6, density=0.1).count == 2302584  # at once


def test_inputs_are_normalised_in_every_table_as_in_training():
    """Ensembles and searches too: what is measured of a result is what was measured of held-out examples."""
    data = blobs(200)
    used, held = split(Examples(data.inputs * 5.0 + 20.0, data.targets), 0.25)
    options = {"recipe": replace(RECIPE, normalisation=((20.0,) * 2, (5.0,) * 2)), "validation": held}
    rows = train(mlp((2, 8, 3)), used, IMP(levels=1), **options).rows(held)
    assert all(row["accuracy"] == row["validation_accuracy"] for row in rows)
    found = RobustEnsemble((1.0, math.inf), EdgePopup(0.5)).train(mlp((2, 8, 3)), used, **options)
    measured = [one.trace[-1].validation.accuracy for one in found.members]
    assert [one.evaluate(held).accuracy for one in found.members] == measured
    assert [one.accuracy for one in found.member_predictions(held)] == measured
    assert found.predictions(held).accuracy == found.evaluate(held).accuracy > 0.6
    tuned = fine_tune(found.members[0], used, **options)
    assert tuned.evaluate(held).accuracy == tuned.trace[-1].validation.accuracy


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    found = train(mlp((2, 8, 3)), blobs(), IMP(levels=1), recipe=Recipe(1))
    with pytest.raises(ArgumentError, match=r"path=.* cannot be written"):
        found.save_masks(tmp_path / "file" / "masks.safetensors")
    with pytest.raises(ArgumentError, match=r"folder=.* cannot be written"):
        train(mlp((2, 8, 3)), blobs(), IMP(levels=1), recipe=Recipe(1), folder=tmp_path / "file")


def test_what_cannot_be_trained_is_refused():
    for method, said in (
        (IMP(spared=["nothing"]), "names no weight"),
        (IMP(spared=["*"]), "leaves nothing to remove"),
        (IMP(reset="rewind", rewind=52), "is not before the end"),
        (IMP, "is no TrainableMethod"),
    ):
        with pytest.raises(ArgumentError, match=said):
            train(mlp((2, 8, 3)), blobs(), method, recipe=RECIPE)
    with pytest.raises(ArgumentError, match="has no weight that a mask is for"):
        train(nn.BatchNorm1d(2), blobs(), IMP())
    with pytest.raises(ConstructionError, match="fewer levels"):
        train(mlp((2, 1)), Examples([[1.0, 0.0]] * 4, [0] * 4), IMP(rate=0.5, levels=3), recipe=Recipe(1))
    with pytest.raises(ConstructionError, match="the loss is nan in level 0"):
        train(mlp((2, 8, 3)), blobs(), IMP(), recipe=Recipe(5, schedule=Constant(1e30)))
