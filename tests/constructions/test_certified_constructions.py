"""No part of a certificate is below what an input shows in rational arithmetic, for whatever a method constructs."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from network_samples import (
    exact_difference,
    exact_target_layers,
    exact_ticket_layers,
    hard_targets,
    points_of,
)

from slth.constructions import Dense, certify, construct_dense
from slth.errors import ConstructionError
from slth.tickets import DenseLayer, DenseNetwork


def corners_of(box):
    return np.array(list(product(*({a, b} for a, b in zip(*(end.tolist() for end in box), strict=True)))))


def ascended(target, ticket, box, points, rng, steps=4):
    """The worst of some inputs, after random steps of shrinking size that make the difference larger."""

    def gaps(x):
        return np.abs(ticket.forward(x) - target.forward(x)).max(axis=1)

    best = points[np.argsort(gaps(points))[-4:]]
    for step in range(steps):
        around = best + rng.normal(size=(16, *best.shape)) * (box[1] - box[0]) * 0.5**step
        around = np.clip(around.reshape(-1, best.shape[1]), *box)
        every = np.concatenate([best, around])
        best = every[np.argsort(gaps(every))[-4:]]
    return best[-2:]


def assert_certified(target, ticket, certificate, x):
    """Every number of the certificate against one input, exactly."""
    exact = exact_difference(target, ticket, x)
    assert all(Fraction(bound) >= e for bound, e in zip(certificate.per_output.tolist(), exact, strict=True))
    assert Fraction(certificate.error) >= max(exact)
    assert Fraction(certificate.norm_bound) >= max(exact)
    behind = zip(certificate.layers, exact_target_layers(target, x), exact_ticket_layers(ticket, x), strict=True)
    for bounds, values, made in behind:
        neurons = values if len(made) == len(values) else [*values, Fraction(1)]
        copies = neurons * (len(made) // len(neurons))
        gap = max(abs(own - other) for own, other in zip(made, copies, strict=True))
        assert gap <= Fraction(bounds.difference) <= Fraction(bounds.norm_bound)
        assert max(map(abs, values)) <= Fraction(bounds.value)


@pytest.mark.parametrize("depth", ["double", "plus-one"])
@given(case=hard_targets(), seed=st.integers(0, 2**16))
def test_no_part_of_a_certificate_is_violated(depth, case, seed):
    target, options, box = case
    try:
        made = construct_dense(target, Dense(**options, depth=depth), input_box=box, seed=seed)
    except ConstructionError:  # an eps that is out of reach is refused, never broken
        return
    assert made.certificate.error <= options.get("eps", np.inf)
    rng = np.random.default_rng(seed)
    points = np.concatenate([corners_of(box), points_of(rng, box, 100)])
    for x in ascended(target, made.ticket, box, points, rng):
        assert_certified(target, made.ticket, made.certificate, x.tolist())


def test_a_single_copy_of_the_constant_is_as_wrong_as_a_neuron():
    """A bias far larger than the weight is handed on by one computed copy of the constant 1."""
    target = DenseNetwork([DenseLayer([[0.1]], [0.0]), DenseLayer([[0.1]], [5.0], "identity")])
    made = construct_dense(target, Dense(candidates=1, depth="plus-one"), seed=2, input_box=(0.0, 0.0))
    (difference,) = exact_difference(target, made.ticket, [0.0])
    assert difference > 4
    assert_certified(target, made.ticket, made.certificate, [0.0])


def test_one_copy_of_each_neuron_over_a_cube():
    rng = np.random.default_rng(1)
    broken = 0
    for seed in range(40):
        layers = [
            DenseLayer(rng.normal(size=(outputs, inputs)) * 0.1, rng.normal(size=outputs) * 5.0, activation)
            for inputs, outputs, activation in ((3, 2, "relu"), (2, 1, "identity"))
        ]
        target = DenseNetwork(layers)
        made = construct_dense(target, Dense(candidates=1, depth="plus-one"), seed=seed, input_box=(0.0, 1.0))
        for x in corners_of((np.zeros(3), np.ones(3))).tolist():
            assert_certified(target, made.ticket, made.certificate, x)
        broken += made.certificate.error > 1.0
    assert broken > 10  # the certificates are of tickets that are far from their targets


def test_an_exact_constant_costs_the_norm_bound_nothing():
    """Pairs hand the constant 1 on exactly: a large bias of a later layer does not multiply the error before it."""
    small = DenseNetwork([DenseLayer([[0.6]]), DenseLayer([[0.7]], [0.5], "identity")])
    large = DenseNetwork([DenseLayer([[0.6]]), DenseLayer([[0.7]], [64.0], "identity")])
    ticket = construct_dense(small, Dense(candidates=10, gain="unit"), seed=3).ticket
    one, two = (certify(target, ticket, input_box=(0.0, 1.0)) for target in (small, large))
    assert two.norm_bound == pytest.approx(one.norm_bound + 63.5, abs=1e-2)
