"""Gradient ascent finds the largest difference where it is known, and never more than the certificate."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from slth.constructions import Dense, construct_dense
from slth.errors import ArgumentError
from slth.networks import attack_difference
from slth.tickets import DenseLayer, DenseNetwork


def network(rng, sizes):
    layers = [DenseLayer(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in pairwise(sizes)]
    layers[-1] = DenseLayer(layers[-1].weight, layers[-1].bias, "identity")
    return DenseNetwork(layers)


@pytest.mark.parametrize("low", [0.0, -0.7])
def test_one_layer_is_solved(low):
    """One layer's certificate is its largest difference; with inputs of both signs it has local maxima besides."""
    target = network(np.random.default_rng(0), (6, 3))
    construction = construct_dense(target, Dense(candidates=9), input_box=(low, 1.0))
    found = attack_difference(target, construction.ticket, input_box=(low, 1.0))
    assert found.error == pytest.approx(construction.certificate.error, rel=1e-9 if low == 0.0 else 1e-2)
    assert found.output == int(construction.certificate.per_output.argmax())


def test_the_answer_is_in_the_box_and_as_stated():
    rng = np.random.default_rng(1)
    target = network(rng, (4, 6, 3))
    low, high = rng.uniform(-1.0, 0.0, 4), rng.uniform(0.0, 1.0, 4)
    construction = construct_dense(target, Dense(candidates=8, depth="plus-one"), input_box=(low, high))
    found = attack_difference(target, construction.ticket, input_box=(low, high), starts=3, steps=20)
    assert ((low <= found.input) & (found.input <= high)).all()
    x = found.input[None]
    assert found.error == abs(construction.ticket.forward(x) - target.forward(x))[0, found.output]
    assert found.error <= construction.certificate.error + construction.certificate.float64_allowance


def test_climbing_beats_random_search():
    rng = np.random.default_rng(2)
    target = network(rng, (10, 12, 3))
    ticket = construct_dense(target, Dense(candidates=10)).ticket
    x = rng.random((20_000, 10))
    assert attack_difference(target, ticket).error > np.abs(ticket.forward(x) - target.forward(x)).max()


def test_same_seed_same_answer():
    target = network(np.random.default_rng(3), (4, 5, 2))
    ticket = construct_dense(target, Dense(candidates=6)).ticket
    one, two = (attack_difference(target, ticket, starts=2, steps=10, seed=5) for _ in range(2))
    assert one.error == two.error
    assert np.array_equal(one.input, two.input)


def test_bad_arguments_are_refused():
    target = network(np.random.default_rng(4), (3, 2))
    ticket = construct_dense(target, Dense(candidates=3)).ticket
    for options in ({"starts": 0}, {"steps": 0}):
        with pytest.raises(ArgumentError):
            attack_difference(target, ticket, **options)
    with pytest.raises(ArgumentError, match="other sizes"):
        attack_difference(network(np.random.default_rng(5), (4, 2)), ticket)
