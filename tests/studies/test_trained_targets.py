"""Targets that cells share: the same from the cache as trained anew, and another recipe is another file."""

from __future__ import annotations

import numpy as np
import pytest

from slth.constructions.fresh_lists import weighted_steps
from slth.errors import DataError
from slth.grids.context import Context
from slth.studies import trained_targets
from slth.studies.trained_targets import data_of, dense_target, digest_of, lenet_target
from tests.data.samples import small_mnist


@pytest.fixture
def data():
    return data_of("synthetic", Context())


def test_cached_target_is_the_trained_one(tmp_path, data):
    fresh = dense_target(data, Context(), hidden=[6], epochs=1, seed=3)
    kept = dense_target(data, Context(cache=tmp_path), hidden=[6], epochs=1, seed=3)
    again = dense_target(data, Context(cache=tmp_path, threads=2), hidden=[6], epochs=1, seed=3)
    assert len(list(tmp_path.iterdir())) == 1
    for one, two, three in zip(*map(weighted_steps, (fresh, kept, again)), strict=True):
        assert np.array_equal(one.weight, two.weight)
        assert np.array_equal(two.weight, three.weight)
    assert digest_of(fresh) == digest_of(again)


def test_a_cached_target_is_not_trained_again(tmp_path, data, monkeypatch):
    context = Context(cache=tmp_path)
    dense_target(data, context, hidden=[6], epochs=1, seed=3)
    monkeypatch.setattr(trained_targets, "save_graph", None)  # whoever trains would write
    dense_target(data, context, hidden=[6], epochs=1, seed=3)
    with pytest.raises(TypeError):
        dense_target(data, context, hidden=[6], epochs=1, seed=4)


@pytest.mark.parametrize("change", [{"hidden": [7]}, {"epochs": 2}, {"seed": 4}, {"bias": True}])
def test_another_recipe_is_another_target(tmp_path, data, change):
    recipe = {"hidden": [6], "epochs": 1, "seed": 3}
    context = Context(cache=tmp_path)
    first, other = dense_target(data, context, **recipe), dense_target(data, context, **(recipe | change))
    assert len(list(tmp_path.iterdir())) == 2
    assert digest_of(first) != digest_of(other)


def test_a_damaged_file_is_made_again(tmp_path, data):
    context = Context(cache=tmp_path)
    first = dense_target(data, context, hidden=[6], epochs=1, seed=3)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert digest_of(dense_target(data, context, hidden=[6], epochs=1, seed=3)) == digest_of(first)


@pytest.mark.filterwarnings("ignore::slth.data.datasets.DataWarning")
def test_lenet_has_the_published_convolutions(tmp_path):
    small_mnist(tmp_path)
    context = Context(folders=(tmp_path,))
    network = lenet_target(data_of("mnist", context), context, epochs=1, seed=0)
    first, second = weighted_steps(network)[:2]
    assert [first.weight.shape, second.weight.shape] == [(6, 1, 5, 5), (16, 6, 5, 5)]
    assert first.parameters + second.parameters == 2572


def test_missing_data_are_said(tmp_path):
    with pytest.raises(DataError, match="mnist"):
        data_of("mnist", Context(folders=(tmp_path,)))
