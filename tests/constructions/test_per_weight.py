"""The published experiment: one list of coefficients for each weight, or for each row."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from slth.constructions import approximate_weights
from slth.errors import ArgumentError
from slth.rng import Stream
from slth.subset_sum.laws import Normal, Uniform
from slth.tickets import DenseLayer, DenseNetwork


def smallest_error(values, target):
    subsets = (subset for size in range(len(values) + 1) for subset in combinations(values, size))
    return min(abs(math.fsum([*subset, -target])) for subset in subsets)


@pytest.mark.parametrize("shared", [None, "row"])
def test_each_weight_is_the_best_subset_sum_of_its_list(shared):
    weights = np.random.default_rng(0).normal(size=(3, 4))
    law = Uniform(-1.0, 2.0)
    result = approximate_weights([weights], n=5, law=law, shared=shared, seed=7)
    lists = law.sample(Stream(7, "per-weight.array0"), 60).reshape(12, 5)
    for place, (weight, found) in enumerate(zip(weights.ravel(), result.arrays[0].ravel(), strict=True)):
        values = lists[place if shared is None else place // 4].tolist()
        assert abs(found - weight) == pytest.approx(smallest_error(values, weight), abs=1e-15)


def test_published_size_of_errors_and_share_kept():
    """Weights of standard deviation 0.04 and 21 coefficients on the published interval: the numbers of an independent
    meet in the middle in numpy (median 5e-7, 47 % kept; the paper's own solver kept 44.7 %)."""
    weights = np.random.default_rng(1).normal(0.0, 0.04, (3000,))
    (row,) = approximate_weights([weights], n=21, law=Uniform(-0.4642, 0.5407)).table
    assert row.weights == 3000
    assert row.candidates == 63_000
    assert row.median_error == pytest.approx(5e-7, rel=0.4)
    assert row.density == pytest.approx(0.47, abs=0.01)  # 5 standard deviations of the mean of 63,000 bits
    assert row.kept == round(row.density * row.candidates)


def test_a_network_keeps_its_shape_and_comes_close():
    rng = np.random.default_rng(2)
    target = DenseNetwork(
        [DenseLayer(rng.normal(size=(4, 3)), rng.normal(size=4)), DenseLayer(rng.normal(size=(2, 4)), None, "identity")]
    )
    result = approximate_weights(target, n=16)
    assert [row.name for row in result.table] == ["layer0.weight", "layer0.bias", "layer1.weight"]
    x = rng.random((50, 3))
    assert result.network.forward(x) == pytest.approx(target.forward(x), abs=0.3)
    largest = max(row.largest_error for row in result.table)
    for layer, other in zip(target.layers, result.network.layers, strict=True):
        assert np.abs(layer.weight - other.weight).max() <= largest * (1 + 1e-9)
    assert result.network.layers[1].bias is None
    values = [*target.layers[0].weight.ravel(), *target.layers[0].bias, *target.layers[1].weight.ravel()]
    assert (result.law.low, result.law.high) == (min(values), max(values))


def test_tolerance_is_met_and_keeps_less():
    weights = np.random.default_rng(3).normal(0.0, 0.3, (500,))
    best = approximate_weights([weights], n=18, law=Uniform(-1.0, 1.0))
    close = approximate_weights([weights], n=18, law=Uniform(-1.0, 1.0), tolerance=0.01)
    assert close.table[0].largest_error <= 0.01
    assert close.table[0].kept < best.table[0].kept


def test_chunks_do_not_change_the_result(monkeypatch):
    weights = np.random.default_rng(4).normal(size=(5, 7))
    whole = approximate_weights([weights], n=6, law=Normal())
    monkeypatch.setattr("slth.constructions.per_weight._CHUNK", 6 * 4)
    steps = []
    parts = approximate_weights([weights], n=6, law=Normal(), progress=lambda *step: steps.append(step))
    assert np.array_equal(whole.arrays[0], parts.arrays[0])
    assert steps[0] == ("array0", 4, 35)
    assert steps[-1] == ("array0", 35, 35)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ([[1.0, 2.0]], {"n": 0}),
        ([[1.0, 2.0]], {"n": 61}),
        ([[1.0, 2.0]], {"n": True}),
        ([[1.0, 2.0]], {"shared": "column"}),
        ([[1.0, 1.0]], {}),
        ([], {}),
        ([[]], {}),
        ([[1.0, np.nan]], {}),
    ],
)
def test_bad_arguments_are_refused(target, options):
    with pytest.raises(ArgumentError):
        approximate_weights(target, **options)
