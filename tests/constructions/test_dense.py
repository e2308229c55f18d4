"""The real construction: every weight is the best subset sum on offer, and a given error is reached or refused."""

from __future__ import annotations

import importlib
import math
from dataclasses import fields, replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from network_samples import random_network

from slth.constructions import Dense, approximate_weights, certify, construct_dense
from slth.constructions.layout import lay_out_pairs
from slth.constructions.shares import weight_tolerances
from slth.errors import ArgumentError, ConstructionError
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Status, TwoList
from slth.tickets import DenseLayer, DenseNetwork, ProductPair, RandomLinear, Ticket

UNIFORM = WeightLaw("uniform", 1.0)


def small_network(sizes, seed=0, **options):
    return random_network(np.random.default_rng(seed), sizes, **options)


def folded_forward(ticket, x):
    values = x
    for layer, folded in zip(ticket.description.layers, ticket.folded_layers(), strict=True):
        positive, negative = folded.plus, folded.minus
        if isinstance(layer, ProductPair):
            values = np.column_stack([values, np.ones(len(values))])
        else:
            positive, negative = positive[:, :-1], negative[:, :-1]
        values = np.maximum(values, 0.0) @ positive.T + np.minimum(values, 0.0) @ negative.T
        values = np.maximum(values, 0.0) if layer.activation == "relu" else values
    return values


def smallest_error(candidates, target):
    subsets = (subset for size in range(len(candidates) + 1) for subset in combinations(candidates, size))
    return min(abs(math.fsum([*subset, -target])) for subset in subsets)


@pytest.mark.parametrize("law", [UNIFORM, WeightLaw("normal", 0.5)])
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_every_weight_of_a_pair_is_the_best_subset_sum(law, low):
    """Against enumeration of all subsets of the products that the description says are on offer."""
    target = small_network((2, 3), seed=1)
    count = 5
    construction = construct_dense(target, Dense(candidates=count), input_box=(low, 1.0), seed=9, law=law)
    (pair,), (gain,) = construction.ticket.description.layers, construction.ticket.gains.tolist()
    assert pair.units == 2 * count
    assert pair.halves == ("positive" if low == 0.0 else "both")
    first = law.weights(Stream(9, "layer0.first"), 0, 10 * 9).reshape(10, 3, 3)
    second = law.weights(Stream(9, "layer0.second"), 0, 10 * 9).reshape(10, 3, 3)
    (folded,) = construction.ticket.folded_layers()
    weights = np.column_stack([target.layers[0].weight, target.layers[0].bias])
    for o in range(3):
        for j in range(3):
            for sign, effective in ((1.0, folded.plus), (-1.0, folded.minus)):
                if sign < 0.0 and (low == 0.0 or j == 2):
                    assert effective[o, j] == 0.0
                    continue
                usable = [k for k in range(10) if sign * first[k, j, j] > 0.0][:count]
                best = gain * smallest_error([first[k, j, j] * second[k, j, o] for k in usable], weights[o, j] / gain)
                assert abs(effective[o, j] - weights[o, j]) == pytest.approx(best, abs=1e-15)


def test_every_weight_of_a_plain_layer_is_the_best_subset_sum():
    target = small_network((2, 3, 2), seed=2)
    count = 4
    ticket = construct_dense(target, Dense(candidates=count, depth="plus-one"), seed=5).ticket
    assert [type(layer) for layer in ticket.description.layers] == [ProductPair, RandomLinear]
    assert [layer.outputs for layer in ticket.description.layers] == [count * 4, 2]
    drawn = UNIFORM.weights(Stream(5, "layer1"), 0, count * 4 * 2).reshape(count, 4, 2)
    kept = ticket.mask["layer1"].reshape(count, 4, 2)
    gain = float(ticket.gains[1])
    weights = np.column_stack([target.layers[1].weight, target.layers[1].bias])
    for o in range(2):
        for j in range(4):
            best = smallest_error(drawn[:, j, o].tolist(), weights[o, j] / gain)
            found = abs(math.fsum([*drawn[kept[:, j, o], j, o], -weights[o, j] / gain]))
            assert found == pytest.approx(best, abs=1e-15)


def test_copies_stand_for_their_neurons_and_for_the_constant():
    target = small_network((3, 4, 2), seed=3)
    ticket = construct_dense(target, Dense(candidates=16, depth="plus-one"), seed=6).ticket
    (folded, _) = ticket.folded_layers()
    first = np.column_stack([target.layers[0].weight, target.layers[0].bias])
    neurons = np.vstack([first, [0.0, 0.0, 0.0, 1.0]])
    assert np.median(np.abs(folded.plus - np.tile(neurons, (16, 1)))) < 1e-3


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(["double", "plus-one"]))
def test_forward_is_the_folded_forward(seed, negative, depth):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, rng.integers(3, 5)).tolist()
    target = random_network(rng, sizes)
    low = -1.0 if negative else 0.0
    ticket = construct_dense(target, Dense(candidates=6, depth=depth), input_box=(low, 1.0), seed=seed % 97).ticket
    x = rng.uniform(low, 1.0, (20, sizes[0]))
    assert ticket.forward(x) == pytest.approx(folded_forward(ticket, x), abs=1e-12)


def test_nothing_of_the_target_is_in_the_ticket():
    """Description, law, seed, bools and one power of two per layer: two targets with one mask have one ticket."""
    target = small_network((3, 4, 2), seed=4)
    ticket = construct_dense(target, Dense(candidates=8), seed=1).ticket
    assert {field.name for field in fields(Ticket)} == {"description", "law", "seed", "mask", "gains", "family"}
    assert all(array.dtype == np.bool_ for array in ticket.mask.arrays.values())
    assert [math.frexp(gain)[0] for gain in ticket.gains.tolist()] == [0.5, 0.5]
    numbers = [number for layer in target.layers for number in [*layer.weight.ravel(), *layer.bias]]
    text = ticket.description.to_json() + repr(ticket.gains.tolist())
    assert not any(repr(float(number)) in text for number in numbers if number)
    moved = [DenseLayer(np.nextafter(layer.weight, 9.0), layer.bias, layer.activation) for layer in target.layers]
    other = construct_dense(DenseNetwork(moved), Dense(candidates=8), seed=1).ticket
    assert all(np.array_equal(ticket.mask[name], other.mask[name]) for name in ticket.mask.arrays)
    assert ticket.description == other.description


def test_zero_weights_and_missing_biases_keep_nothing():
    target = DenseNetwork([DenseLayer([[0.0, 0.4], [0.3, 0.0]], None, "identity")])
    construction = construct_dense(target, Dense(candidates=6), input_box=(-1.0, 1.0))
    kept = construction.ticket.mask["layer0.connections"]
    assert not kept[:, 2].any()
    assert not kept[:, 0, 0].any()
    assert not kept[:, 1, 1].any()
    assert kept[:, 0, 1].any()
    assert kept[:, 1, 0].any()
    assert construction.table[0].weights == 4  # two weights, two signs


def test_a_bias_is_a_weight_from_the_constant():
    target = DenseNetwork([DenseLayer([[0.5]], [-0.7], "identity")])
    construction = construct_dense(target, Dense(candidates=18))
    assert construction.ticket.forward([[0.0]])[0, 0] == pytest.approx(-0.7, abs=1e-3)
    assert construction.certificate.error < 1e-3


def test_more_candidates_are_never_worse():
    target = small_network((3, 4), seed=5)
    errors = [construct_dense(target, Dense(candidates=n), seed=3).errors[0] for n in (4, 6, 9, 14)]
    for fewer, more in pairwise(errors):
        assert (more <= fewer + 1e-15).all()


@pytest.mark.parametrize("depth", ["double", "plus-one"])
@given(seed=st.integers(0, 2**32 - 1), exponent=st.integers(1, 2), negative=st.booleans())
def test_eps_and_delta_are_met(depth, seed, exponent, negative):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, rng.integers(3, 5)).tolist()
    target = random_network(rng, sizes, bias=bool(rng.random() < 0.5), scale=float(rng.choice([0.1, 1.0, 3.0])))
    box = (-1.0 if negative else 0.0, 1.0)
    eps = 10.0**-exponent
    construction = construct_dense(target, Dense(eps=eps, delta=0.05, depth=depth), input_box=box, seed=seed % 101)
    assert construction.certificate.error <= eps
    assert certify(target, construction.ticket, input_box=box).error == construction.certificate.error
    x = rng.uniform(*box, (200, sizes[0]))
    differences = np.abs(construction.ticket.forward(x) - target.forward(x))
    assert differences.max() <= eps + construction.certificate.float64_allowance


def test_layers_grow_until_eps_is_met(monkeypatch):
    """A prediction that is far too small: only what misses its share is searched again, and eps is still met."""
    monkeypatch.setattr("slth.constructions.growth.candidates_needed", lambda *_: 3)
    target = small_network((3, 4, 2), seed=6)
    labels = []
    construction = construct_dense(
        target, Dense(eps=1e-3, delta=0.1), progress=lambda label, done, total: labels.append((label, done, total))
    )
    assert construction.certificate.error <= 1e-3
    assert max(row.candidates for row in construction.table) > 3
    totals = [total for label, done, total in labels if label == "layer0" and done == total]
    assert totals[0] == max(totals) == 12 + 4 - np.count_nonzero(target.layers[0].weight == 0.0)
    assert min(totals) < totals[0] / 2


@pytest.mark.parametrize("depth", ["double", "plus-one"])
def test_impossible_eps_is_refused_with_what_was_reached(depth, monkeypatch):
    monkeypatch.setattr("slth.constructions.growth.LARGEST_LAYER", 12)
    monkeypatch.setattr("slth.constructions.growth.MOST_CANDIDATES", 10)
    target = small_network((2, 3, 1), seed=7)
    with pytest.raises(ConstructionError, match=r"eps=1e-09 could not be certified: 1[02] candidates .* came to \d"):
        construct_dense(target, Dense(eps=1e-9, delta=0.1, depth=depth))


def test_eps_below_the_doubles_is_refused():
    """Weights are met exactly to rounding at best; the enclosures of the ticket's weights are wider than 1e-18."""
    target = DenseNetwork([DenseLayer([[0.3]], None, "identity")])
    with pytest.raises(ConstructionError, match="could not be certified"):
        construct_dense(target, Dense(eps=1e-18, delta=0.5, solver=TwoList()))


def test_shares_certify_eps_and_spend_most_of_it():
    target = small_network((6, 5, 4), seed=8)
    box = (np.zeros(6), np.ones(6))
    counts = [work.instances for work in lay_out_pairs(target, box[0], candidates=[1, 1], gain="auto", law=UNIFORM)]
    tolerances = weight_tolerances(target, 0.01, box, counts)
    assert all(tolerance > 0.0 for tolerance in tolerances)
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(50):  # every weight at one end of its share or the other
        moved = DenseNetwork(
            [
                DenseLayer(
                    layer.weight + np.where(layer.weight, rng.choice([-1, 1], layer.weight.shape) * tolerance, 0.0),
                    layer.bias + rng.choice([-1, 1], layer.bias.shape) * tolerance,
                    layer.activation,
                )
                for layer, tolerance in zip(target.layers, tolerances, strict=True)
            ]
        )
        x = np.vstack([rng.random((100, 6)), np.ones((1, 6))])
        worst = max(worst, float(np.abs(moved.forward(x) - target.forward(x)).max()))
    assert 0.0005 < worst <= 0.01


@pytest.mark.parametrize(("gain", "expected"), [("auto", [2.0, 0.125]), ("unit", [1.0, 1.0]), (3.0, [3.0, 3.0])])
def test_gains(gain, expected):
    target = DenseNetwork([DenseLayer([[1.5], [-0.2]]), DenseLayer([[0.125, 0.1]], None, "identity")])
    construction = construct_dense(target, Dense(candidates=16, gain=gain))
    assert construction.ticket.gains.tolist() == expected
    assert [row.gain for row in construction.table] == expected


def test_gain_follows_the_scale_of_the_law():
    """With weights of a tenth the size, products are a hundredth: the gain makes up for it."""
    target = small_network((3, 3), seed=9)
    construction = construct_dense(target, Dense(candidates=16), law=WeightLaw("uniform", 0.1))
    assert construction.certificate.error < 0.05


def test_table_agrees_with_the_ticket():
    target = small_network((4, 5, 3), seed=10)
    construction = construct_dense(target, Dense(candidates=9), input_box=(-1.0, 1.0))
    for layer, row, errors in zip(
        construction.ticket.description.layers, construction.table, construction.errors, strict=True
    ):
        kept = sum(int(construction.ticket.mask[name].sum()) for name in layer.mask_shapes)
        assert (row.kept, row.open_positions, row.candidates) == (kept, layer.open_positions, 9)
        assert row.density == kept / row.open_positions
        assert row.weights == len(errors)
        assert row.largest_error == pytest.approx(errors.max(), rel=1e-6)
        assert row.tolerance == 0.0
    assert construction.table[0].weights == 2 * np.count_nonzero(target.layers[0].weight) + 5
    assert construction.table[1].weights == np.count_nonzero(target.layers[1].weight) + 3


def test_errors_are_as_predicted():
    """Over 1,000 weights of n = 14: within 20 %, six standard deviations of the sample median of an exponential."""
    target = small_network((40, 30), seed=11)
    (row,) = construct_dense(target, Dense(candidates=14), seed=12).table
    assert row.median_error == pytest.approx(row.predicted_median, rel=0.2)
    assert row.predicted_largest > 50 * row.predicted_median


def test_same_seed_same_ticket_and_other_seed_another():
    target = small_network((3, 4), seed=12)
    one, same, other = (construct_dense(target, Dense(candidates=6), seed=seed).ticket for seed in (4, 4, 5))
    assert np.array_equal(one.mask["layer0.connections"], same.mask["layer0.connections"])
    assert one.kept_weights_sha256() == same.kept_weights_sha256() != other.kept_weights_sha256()


def test_chunks_do_not_change_the_ticket(monkeypatch):
    target = small_network((5, 6), seed=13)
    whole = construct_dense(target, Dense(candidates=7), input_box=(-1.0, 1.0)).ticket
    monkeypatch.setattr("slth.constructions.solving._CHUNK", 16)
    parts = construct_dense(target, Dense(candidates=7), input_box=(-1.0, 1.0)).ticket
    assert np.array_equal(whole.mask["layer0.connections"], parts.mask["layer0.connections"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"candidates": 0},
        {"candidates": 2.0},
        {"candidates": True},
        {"candidates": 10, "eps": 0.1},
        {"candidates": 10, "delta": 0.1},
        {"eps": 0.0, "delta": 0.1},
        {"eps": 0.1},
        {"eps": 0.1, "delta": 1.0},
        {"eps": math.nan, "delta": 0.1},
        {"candidates": 10, "gain": 0.0},
        {"candidates": 10, "gain": "large"},
        {"candidates": 10, "depth": "triple"},
        {"candidates": 10, "solver": "two-list"},
    ],
)
def test_bad_methods_are_refused(options):
    with pytest.raises(ArgumentError):
        Dense(**options)


def test_plus_one_needs_two_layers():
    with pytest.raises(ArgumentError, match="two layers"):
        construct_dense(small_network((2, 1)), Dense(candidates=4, depth="plus-one"))


@pytest.mark.parametrize("module", ["solving", "per_weight"])
def test_an_interrupted_search_makes_no_ticket(module, monkeypatch):
    parts = importlib.import_module(f"slth.constructions.{module}")
    answer = parts.solve_batch

    def interrupted(*arguments, **options):
        rows = answer(*arguments, **options)
        return replace(rows, status=np.full(len(rows), Status.INTERRUPTED, np.uint8))

    monkeypatch.setattr(parts, "solve_batch", interrupted)
    dense = DenseNetwork([DenseLayer([[0.5, -0.25]])])
    job = {
        "solving": lambda: construct_dense(dense, Dense(candidates=8)),
        "per_weight": lambda: approximate_weights(dense),
    }
    with pytest.raises(KeyboardInterrupt):
        job[module]()
