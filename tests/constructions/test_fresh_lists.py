"""The published experiments: one list of coefficients for each weight, or for each row, bit for bit."""

from __future__ import annotations

import math
from hashlib import sha256
from itertools import combinations

import numpy as np
import pytest

from slth.constructions import PerWeight, approximate_kernels, approximate_weights
from slth.errors import ArgumentError
from slth.graphs import Conv, Flatten, Graph, Node, Pool, Relu
from slth.rng import Stream
from slth.subset_sum.laws import Normal, Uniform
from tests.constructions.graph_samples import KINDS, chain, residual


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
    target = chain(np.random.default_rng(2), (3, 4, 2), scale=2.0)
    result = approximate_weights(target, n=16)
    assert [row.name for row in result.table] == ["layer0.weight", "layer0.bias", "layer1.weight", "layer1.bias"]
    x = np.random.default_rng(3).random((50, 3))
    assert result.network.forward(x) == pytest.approx(target.forward(x), abs=0.3)
    largest = max(row.largest_error for row in result.table)
    arrays = []
    for node, other in zip(target.weighted, result.network.weighted, strict=True):
        assert np.abs(node.step.weight - other.step.weight).max() <= largest * (1 + 1e-9)
        arrays += [node.step.weight.ravel(), node.step.bias]
    assert (result.law.low, result.law.high) == (np.concatenate(arrays).min(), np.concatenate(arrays).max())


@pytest.mark.parametrize("name", KINDS)
def test_networks_of_every_kind_are_approximated(name):
    target = KINDS[name](np.random.default_rng(0))
    network = approximate_weights(target, n=18, law=Uniform(-1.0, 1.0)).network
    x = np.random.default_rng(3).random((20, *target.input_shape))
    assert network.forward(x) == pytest.approx(target.forward(x), abs=0.05)
    assert len({id(node.step) for node in network.weighted}) == len({id(node.step) for node in target.weighted})


def test_the_numbers_of_the_published_experiment_stay_what_they_are():
    """sha256 of the arrays that version 0.1 gave for these weights, whose streams are those of the paper's tables."""
    rng = np.random.default_rng(5)
    nodes = [
        Node("conv", Conv(rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3), padding=1), ("input",)),
        Node("relu", Relu(), ("conv",)),
        Node("pool", Pool("average", 2), ("relu",)),
        Node("flat", Flatten(), ("pool",)),
        Node("head", Conv(rng.normal(size=(2, 12)), rng.normal(size=2)), ("flat",)),
    ]
    target = Graph((2, 4, 4), nodes)
    by_name, stages = approximate_weights(target, n=13, seed=3), approximate_kernels(target, n=13, seed=3)
    assert digest(by_name.arrays) == NETWORK
    assert digest([stages.network.node("conv").step.weight, stages.network.node("conv").step.bias]) == KERNELS


def digest(arrays):
    return sha256(b"".join(np.ascontiguousarray(array, "<f8").tobytes() for array in arrays)).hexdigest()[:16]


NETWORK, KERNELS = "a2a301ba8b3e52f8", "5595406cc8e3db0a"


def test_tolerance_is_met_and_keeps_less():
    weights = np.random.default_rng(3).normal(0.0, 0.3, (500,))
    best = approximate_weights([weights], n=18, law=Uniform(-1.0, 1.0))
    close = approximate_weights([weights], n=18, law=Uniform(-1.0, 1.0), tolerance=0.01)
    assert close.table[0].largest_error <= 0.01
    assert close.table[0].kept < best.table[0].kept


def test_pieces_do_not_change_the_result(monkeypatch):
    weights = np.random.default_rng(4).normal(size=(5, 7))
    whole = approximate_weights([weights], n=6, law=Normal())
    monkeypatch.setattr("slth.constructions.fresh_lists._CHUNK", 6 * 4)
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


def test_stages_end_in_front_of_flatten_or_behind_a_number_of_layers():
    target = residual(np.random.default_rng(0))
    short = approximate_kernels(target, n=14, convolutions=1)
    assert [node.name for node in short.network.nodes] == ["conv1", "relu1", "pool"]
    every = approximate_kernels(target, n=14)
    assert every.network.nodes[-1].name == "relu2"
    x = np.random.default_rng(1).random((5, 2, 6, 6))
    assert 0.0 < every.output_error(x) < 0.1
    largest = np.abs(every.target.forward(x)).max()
    assert np.abs(every.network.forward(x) - every.target.forward(x)).max() == every.output_error(x) * largest
    assert 0.0 < every.weight_error < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [({"convolutions": 0}, "convolutions"), ({"convolutions": 5}, "convolutions"), ({"convolutions": 2}, "node short")],
)
def test_bad_stages_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        approximate_kernels(residual(np.random.default_rng(0)), n=8, **options)


def test_other_targets_are_refused():
    with pytest.raises(ArgumentError, match="in front of Flatten"):
        approximate_kernels(Graph((4,), [Node("flat", Flatten(), ("input",))]), n=8)
    ticket = PerWeight(candidates=2).ticket(chain(np.random.default_rng(0), (2, 1)))[0]
    with pytest.raises(ArgumentError, match="no convolution's"):
        approximate_weights(ticket.source, n=8)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (0.5, {}, r"target=0\.5 must hold arrays"),
        ("abc", {}, "target=.* must hold real numbers"),
        ([1, "a"], {}, "target="),
        ([[0.5, 0.25]], {"law": "uniform"}, "law='uniform' is not a law of values: pass one"),
    ],
)
def test_what_holds_no_weights_or_is_no_law_is_refused(target, options, message):
    with pytest.raises(ArgumentError, match=message):
        approximate_weights(target, n=8, **options)
