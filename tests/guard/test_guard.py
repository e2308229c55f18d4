"""The frozen numbers mean what they are said to, and constructions are like the frozen ones.

That certificates of frozen numbers are never worse is asked in ``tests/certificates/test_frozen.py``.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.guard.distribution import frozen_constructions, ratios, unlike
from tests.guard.frozen import FAMILIES, FOLDER, evaluate, load
from tests.guard.targets import targets
from tests.tools.guard_times import TASKS

CASES = load()


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


@pytest.mark.parametrize("name", CASES)
def test_the_smallest_rule_is_published(name):
    published = CASES[name].published
    bounds = published["rules"]
    assert published["per_output"] == pytest.approx(np.min(list(bounds.values()), axis=0), rel=1e-12)
    for output, rule in enumerate(published["decided_by"]):
        assert bounds[rule][output] == min(each[output] for each in bounds.values())


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
