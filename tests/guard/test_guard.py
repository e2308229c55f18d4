"""Certificates of frozen numbers are never worse than the frozen ones; constructions are like the frozen ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.guard import today
from tests.guard.distribution import frozen_constructions, ratios, unlike
from tests.guard.frozen import FAMILIES, FOLDER, evaluate, load
from tests.guard.targets import targets
from tests.tools.guard_times import TASKS

CASES = load()
# Bounds by spectral norms begin at estimates of an iteration that other libraries round in other ways.
CLOSE = {"dense": 1e-9, "convolutional": 1e-4, "attention": 1e-9}
PUBLISHED = ("error", "norm_bound", "float64_allowance", "float32_allowance")


@pytest.fixture(scope="module")
def recomputed():
    """What the package certifies of the frozen numbers, by target."""
    return {name: today.certified(case) for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_certificates_of_frozen_numbers_are_never_worse(name, recomputed):
    """The guard itself: given the same weights and enclosures, at most a thousandth above what was published."""
    frozen, now = CASES[name].published, recomputed[name]
    for part in PUBLISHED:
        assert now[part] <= 1.001 * frozen[part], part
    assert (np.array(now["per_output"]) <= 1.001 * np.array(frozen["per_output"])).all()


@pytest.mark.parametrize("name", CASES)
def test_the_frozen_numbers_are_all_that_the_certificate_takes(name, recomputed):
    """They reproduce what the ticket itself was certified with, layer by layer."""
    frozen, now, close = CASES[name].published, recomputed[name], CLOSE[CASES[name].family]
    for part in PUBLISHED:
        assert now[part] == pytest.approx(frozen[part], rel=close), part
    assert now["per_output"] == pytest.approx(frozen["per_output"], rel=close)
    for mine, yours in zip(now["layers"], frozen["layers"], strict=True):
        assert mine == pytest.approx(yours, rel=close)
    assert now.get("softmax", {}) == pytest.approx(frozen.get("softmax", {}), rel=close)


@pytest.mark.parametrize("name", CASES)
def test_no_frozen_certificate_is_below_a_difference(name):
    """Naively evaluated from the plain numbers, at corners and random inputs: the data mean what they are said to."""
    case = CASES[name]
    rng = np.random.default_rng(0)
    low, high = case.box
    shares = rng.random((60, *low.shape))
    shares[:20] = np.round(shares[:20])
    x = low + shares * (high - low)
    target, ticket = (evaluate(case, x, ticket=one).reshape(len(x), -1) for one in (False, True))
    bounds = np.array(case.published["per_output"])
    assert (np.abs(ticket - target).max(axis=0) <= bounds + case.published["float64_allowance"]).all()
    assert (np.abs(ticket - target).max(axis=0) > 0.005 * bounds).any()
    assert today.forward(case, x).reshape(len(x), -1) == pytest.approx(target, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_smallest_rule_is_published(name):
    published = CASES[name].published
    bounds = published["rules"]
    assert published["per_output"] == pytest.approx(np.min(list(bounds.values()), axis=0), rel=1e-12)
    for output, rule in enumerate(published["decided_by"]):
        assert bounds[rule][output] == min(each[output] for each in bounds.values())
    again = today.rules(CASES[name])
    for rule, each in bounds.items():
        assert again[rule] == pytest.approx(each, rel=CLOSE[CASES[name].family]), rule


def test_the_targets_are_those_of_the_generator():
    made = targets()
    assert [case.name for case in made] == list(CASES)
    assert len(made) == 30
    for case in made:
        frozen = CASES[case.name]
        for name, array in case.arrays.items():
            assert array == pytest.approx(frozen.arrays[name], rel=1e-14), (case.name, name)
        assert (case.method, list(case.input_shape)) == (frozen.method, frozen.input_shape)
        kept = [{key: node[key] for key in own} for own, node in zip(case.nodes, frozen.nodes, strict=True)]
        assert kept == case.nodes


def test_the_frozen_files_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.npz")) < 2**20
    assert {path.stem for path in FOLDER.glob("*.npz")} == set(FAMILIES)


@pytest.mark.parametrize("name", CASES)
def test_constructions_of_the_same_seed_are_the_frozen_ones(name):
    """Holds for the classes that were frozen alone: others draw other weights, and are asked to be alike below."""
    frozen, now = frozen_constructions()[name]["seeds"]["0"], today.measured(today.constructed(CASES[name], 0))
    assert now["kept"] == frozen["kept"]
    assert now["bytes"] == frozen["bytes"]
    for mine, yours in zip(now["layers"], frozen["layers"], strict=True):
        assert mine == pytest.approx(yours, rel=1e-9)


@pytest.mark.slow
def test_constructions_of_other_seeds_are_alike():
    """Ten other seeds; how far they may differ is stated beside the tolerances."""
    table = {
        name: [today.measured(today.constructed(case, seed)) for seed in range(10, 20)] for name, case in CASES.items()
    }
    assert unlike(ratios(table), {name: case.family for name, case in CASES.items()}) == []


def test_worse_constructions_are_noticed():
    families = {name: case.family for name, case in CASES.items()}
    same = {name: list(rows["seeds"].values()) for name, rows in frozen_constructions().items()}
    assert unlike(ratios(same), families) == []
    worse = {
        name: [{**row, "layers": [{**layer, "median_weight_error": 1.5 * layer["median_weight_error"]}
                                  for layer in row["layers"]]} for row in rows]
        for name, rows in same.items()
    }  # fmt: skip
    assert unlike(ratios(worse), families) == [
        f"all {family}: median_weight_error 1.500" for family in sorted(FAMILIES)
    ]


def test_every_timed_task_has_a_frozen_time():
    frozen = json.loads((FOLDER / "times.json").read_text(encoding="utf-8"))
    assert set(frozen["tasks"]) == set(TASKS)
    assert all(min(each.values()) > 0.0 for each in frozen["tasks"].values())
