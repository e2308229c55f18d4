"""One layer more than the target: plain random weights over copies of neurons, and which targets that takes."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from slth.constructions import Shallow
from slth.constructions.copies import chain_of, with_constant
from slth.constructions.copies_budget import known_to
from slth.constructions.layout import Work
from slth.errors import ArgumentError
from slth.graphs import Conv, Flatten, Graph, Node, Pool, Relu
from slth.rng import Stream, WeightLaw
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import ticket_from_bytes
from tests.constructions.graph_samples import attention, chain, conv, residual, worst

UNIFORM = WeightLaw("uniform", 1.0)


def test_every_weight_of_a_plain_layer_is_the_best_subset_sum():
    target = chain(np.random.default_rng(2), (2, 3, 2))
    count = 4
    ticket, rows = Shallow(candidates=count).ticket(target, seed=5)
    assert [type(layer) for layer in ticket.layers] == [Pair, RandomLayer]
    assert [layer.outputs for layer in ticket.layers] == [count * 4, 2]
    drawn = UNIFORM.weights(Stream(5, "layer1"), 0, count * 4 * 2).reshape(count, 4, 2)
    kept = ticket.mask["layer1"].reshape(count, 4, 2)
    gain = ticket.gain("layer1")
    weights = with_constant(target.node("layer1").step)[:-1]
    worst_error = 0.0
    for o, j in np.ndindex(2, 4):
        best = smallest_error(drawn[:, j, o].tolist(), weights[o, j] / gain)
        found = abs(math.fsum([*drawn[kept[:, j, o], j, o], -weights[o, j] / gain]))
        assert found == pytest.approx(best, abs=1e-15)
        worst_error = max(worst_error, gain * found)
    assert rows[1].largest_error == pytest.approx(worst_error, abs=1e-12)
    assert [row.channels for row in rows] == [None, None]


def smallest_error(candidates, goal):
    subsets = (subset for size in range(len(candidates) + 1) for subset in combinations(candidates, size))
    return min(abs(math.fsum([*subset, -goal])) for subset in subsets)


def test_copies_stand_for_their_neurons_and_for_the_constant():
    target = chain(np.random.default_rng(3), (3, 4, 2), bias=False)
    ticket, rows = Shallow(candidates=16).ticket(target, seed=6)
    kernel, _, constant = ticket.folded["layer0"].middle()
    found = np.column_stack([kernel[:, :, 0, 0], constant[:, 0, 0]])
    neurons = with_constant(target.node("layer0").step)
    assert np.median(np.abs(found - np.tile(neurons, (16, 1)))) < 1e-3
    assert rows[0].instances == 16 * np.count_nonzero(neurons)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_tickets_are_near_the_target_and_regenerate(low):
    target = chain(np.random.default_rng(1), (3, 4, 4, 2))
    ticket, _ = Shallow(candidates=30).ticket(target, input_box=(low, 1.0), seed=1)
    assert worst(target, ticket, low=low) < 0.1
    assert ticket.layers[0].halves == ("positive" if low == 0.0 else "both")
    assert ticket_from_bytes(ticket.to_bytes()).kept_weights_sha256() == ticket.kept_weights_sha256()
    x = np.random.default_rng(0).uniform(low, 1.0, (5, 3))
    assert ticket.forward(x) == pytest.approx(ticket.forward(x, form="masked"), abs=1e-12)


def test_flattened_images_and_layers_at_every_pixel_are_chains():
    rng = np.random.default_rng(0)
    flat = Graph((1, 2, 2), [Node("flat", Flatten(), ("input",)), Node("a", conv(rng, 3, 4), ("flat",)),
                             Node("relu", Relu(), ("a",)), Node("b", conv(rng, 2, 3), ("relu",))])  # fmt: skip
    pixels = Graph((2, 2, 2), [Node("a", conv(rng, 3, 2), ("input",)), Node("b", conv(rng, 2, 3), ("a",)),
                               Node("relu", Relu(), ("b",))])  # fmt: skip
    for target in (flat, pixels):
        assert [node.name for node in chain_of(target)] == ["a", "b"]
        assert worst(target, Shallow(candidates=20).ticket(target)[0]) < 0.1


def test_other_targets_are_refused_with_the_nodes_name():
    rng = np.random.default_rng(0)
    two = [Node("a", conv(rng, 3, 2), ("input",)), Node("b", conv(rng, 2, 3), ("a",))]
    cases = {
        "node pool": Graph((2, 2, 2), [two[0], Node("pool", Pool("max", 2), ("a",))]),
        "node flat": Graph(
            (2, 2, 2), [two[0], Node("flat", Flatten(), ("a",)), Node("c", conv(rng, 2, 12), ("flat",))]
        ),
        "node b": Graph((2,), [two[0], Node("b", conv(rng, 2, 2), ("input",))]),
        "node conv1": residual(rng),
        "node where": attention(rng),
        "node relu": Graph((2,), [*two, Node("relu", Relu(), ("b",))], output="b"),
        "two layers": Graph((2,), two[:1]),
    }
    for message, target in cases.items():
        with pytest.raises(ArgumentError, match=message):
            Shallow(candidates=4).ticket(target)
    with pytest.raises(ArgumentError, match="device"):
        Shallow(candidates=4).ticket(Graph((2,), two), device="cuda")


def test_a_layer_known_to_a_tolerance_holds_every_ticket_within_it():
    rows = with_constant(Conv([[0.5, 0.0]], [0.25])).T
    work = Work(("a",), Conv([[0.5, 0.0]]), Pair("a", 2, 2, 1), rows)
    folded = known_to(work, 0.125)
    lower, upper = (end[:, :, 0, 0] for end in folded.positive)
    assert (lower[0, 0], upper[0, 0]) == (np.nextafter(0.375, 0.0), np.nextafter(0.625, 1.0))
    assert lower[0, 1] == pytest.approx(0.0, abs=1e-300)
    assert [end[:, 0, 0].round(9).tolist() for end in folded.constant] == [[0.125, 0.875], [0.375, 1.125]]
    exact = known_to(work, 0.0)
    assert np.array_equal(exact.positive[0], exact.positive[1])
