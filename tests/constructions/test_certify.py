"""The certificate is never below a difference, and equals the largest one where that is known."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from network_samples import (
    cases,
    exact_difference,
    exact_target,
    exact_ticket,
    points_of,
    random_network,
    random_ticket,
)

from slth.constructions import Dense, certify, construct_dense
from slth.constructions.certify import certify_layers
from slth.constructions.effective import effective_layers
from slth.constructions.shares import within
from slth.errors import ArgumentError
from slth.networks import attack_difference
from slth.rng import Stream
from slth.tickets import DenseLayer, DenseNetwork, Mask, Ticket


def check(certificate, differences):
    assert (differences <= certificate.per_output + certificate.float64_allowance).all()


@given(cases(), st.integers(0, 2**32 - 1))
def test_never_below_random_inputs_and_corners(case, seed):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    points = points_of(np.random.default_rng(seed), box, 4000)  # 10^5 in all
    check(certificate, np.abs(ticket.forward(points) - target.forward(points)).max(axis=0))


@given(cases())
def test_never_below_gradient_ascent(case):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    worst = attack_difference(target, ticket, input_box=box, starts=2, steps=15)
    assert worst.error <= certificate.per_output[worst.output] + certificate.float64_allowance


@pytest.mark.parametrize("depth", ["double", "plus-one"])
def test_constructed_tickets_survive_1e5_inputs_and_gradient_ascent(depth):
    rng = np.random.default_rng(3)
    target = random_network(rng, (12, 10, 8, 4))
    box = (np.full(12, -0.5), np.full(12, 1.0))
    construction = construct_dense(target, Dense(candidates=12, depth=depth), input_box=box, seed=1)
    certificate, ticket = construction.certificate, construction.ticket
    for _ in range(10):
        points = points_of(rng, box, 10_000)
        check(certificate, np.abs(ticket.forward(points) - target.forward(points)).max(axis=0))
    worst = attack_difference(target, ticket, input_box=box)
    assert 0.02 * certificate.error < worst.error <= certificate.error + certificate.float64_allowance


@given(cases(most_layers=3, widest=3), st.integers(0, 2**32 - 1))
def test_never_below_the_exact_difference(case, seed):
    """No allowance for float64: both networks in rational arithmetic."""
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    for x in points_of(np.random.default_rng(seed), box, 4):
        exact = exact_difference(target, ticket, x.tolist())
        assert all(Fraction(b) >= e for b, e in zip(certificate.per_output.tolist(), exact, strict=True))


@given(cases(most_layers=1, widest=3))
def test_one_layer_is_exact_and_rounded_outwards(case):
    """Piecewise linear in each coordinate: the largest difference is at the ends of the box or at 0."""
    target, ticket, (low, high) = case
    target = DenseNetwork([DenseLayer(target.layers[0].weight, target.layers[0].bias, "identity")])
    ticket = random_ticket(np.random.default_rng(ticket.seed), target)
    ends = [{a, b} | ({0.0} if a < 0.0 < b else set()) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    differences = [exact_difference(target, ticket, x) for x in product(*ends)]
    largest = [max(column) for column in zip(*differences, strict=True)]
    certificate = certify(target, ticket, input_box=(low, high))
    for bound, exact in zip(certificate.per_output.tolist(), largest, strict=True):
        assert exact <= Fraction(bound) <= exact * (1 + Fraction(1, 10**10)) + Fraction(1, 10**13)


def test_error_is_the_largest_output_and_below_the_norm_bound():
    rng = np.random.default_rng(5)
    for _ in range(40):
        target = random_network(rng, rng.integers(1, 6, rng.integers(2, 5)).tolist())
        ticket = random_ticket(rng, target, copies=int(rng.integers(0, 3)) if len(target.layers) > 1 else 0)
        certificate = certify(target, ticket, input_box=(-1.0, 1.0))
        assert certificate.error == certificate.per_output.max()
        assert certificate.error <= certificate.norm_bound * (1.0 + 1e-9)
        assert certificate.layers[-1].difference == certificate.error


def test_layer_bounds_hold():
    rng = np.random.default_rng(6)
    target = random_network(rng, (4, 5, 3))
    construction = construct_dense(target, Dense(candidates=10), seed=2)
    folded = construction.ticket.folded_layers()
    for layer, bounds, enclosed in zip(target.layers, construction.certificate.layers, folded, strict=True):
        errors = np.abs(enclosed.plus - np.column_stack([layer.weight, layer.bias]))
        assert errors.max() <= bounds.largest_weight_error <= errors.max() * (1 + 1e-6) + 1e-12
        assert bounds.median_weight_error <= bounds.largest_weight_error
    hidden = np.maximum(target.layers[0].weight @ rng.random((4, 1000)) + target.layers[0].bias[:, None], 0.0)
    assert hidden.max() <= construction.certificate.layers[0].value


def test_weights_known_to_a_tolerance_cover_all_that_meet_it():
    """What eps shares rest on: the certificate of intervals of weights bounds every network within them."""
    rng = np.random.default_rng(7)
    target = random_network(rng, (5, 6, 4, 3))
    tolerances = [0.01, 0.003, 0.02]
    box = (np.full(5, -1.0), np.ones(5))
    before = certify_layers(target, [within(*pair) for pair in zip(target.layers, tolerances, strict=True)], box)
    points = points_of(rng, box, 2000)
    worst = 0.0
    for _ in range(50):
        layers = []
        for layer, tolerance in zip(target.layers, tolerances, strict=True):
            signs = rng.choice([-1.0, 1.0], layer.weight.shape) * (layer.weight != 0.0)
            bias = layer.bias + tolerance * rng.choice([-1.0, 1.0], layer.bias.shape)
            layers.append(DenseLayer(layer.weight + tolerance * signs, bias, layer.activation))
        worst = max(worst, np.abs(DenseNetwork(layers).forward(points) - target.forward(points)).max())
    assert 0.1 * before.error < worst <= before.error


def test_linear_bounds_sharpen_deep_certificates(monkeypatch):
    target = random_network(np.random.default_rng(11), (10, 12, 12, 4))
    sharp = construct_dense(target, Dense(eps=0.1, delta=0.1), seed=1)
    monkeypatch.setattr("slth.constructions.propagation._MOST_LINEAR", 0)
    plain = certify(target, sharp.ticket, input_box=(0.0, 1.0))
    assert sharp.certificate.error < 0.8 * plain.error


@pytest.mark.parametrize("digits", [53, 24])
@given(case=cases(most_layers=3, widest=3), seed=st.integers(0, 2**32 - 1))
def test_allowance_covers_evaluation_in_any_order(digits, case, seed):
    target, ticket, box = case
    rng = np.random.default_rng(seed)
    dtype = np.float64 if digits == 53 else np.float32
    # Inputs that the format holds: rounding toward the middle of the box, or the ends themselves if they are dyadic.
    low, high = (np.round(end * 64) / 64 for end in box)
    certificate = certify(target, ticket, input_box=(low, np.maximum(low, high)))
    allowance = certificate.float64_allowance if digits == 53 else certificate.float32_allowance
    for _ in range(3):
        x = np.round(rng.uniform(low, np.maximum(low, high)) * 1024) / 1024
        exact = exact_difference(target, ticket, x.tolist())
        observed = np.abs(shuffled_ticket(ticket, x, dtype, rng) - shuffled_target(target, x, dtype, rng))
        for seen, true in zip(observed.tolist(), exact, strict=True):
            assert Fraction(seen) <= true + Fraction(allowance)


def test_allowance_covers_the_tickets_own_rounding():
    """The target is 0 and rounds nothing. Many terms cancel in the first layer, and one connection passes that on."""
    rng = np.random.default_rng(12)
    target = DenseNetwork([DenseLayer(np.zeros((1, 6))), DenseLayer([[0.0]], None, "identity")])
    dense = random_ticket(rng, target, units=20, density=1.0, halves="both")
    arrays = dict(dense.mask.arrays)
    kept = np.zeros(arrays["layer1.connections"].shape, bool)
    first = dense.law.weights(Stream(dense.seed, "layer1.first"), 0, 20 * 4).reshape(20, 2, 2)
    kept[int(np.argmax(first[:, 0, 0])), 0, 0] = True
    arrays |= {"layer1.connections": kept, "layer1.units": kept.any(axis=2)}
    ticket = Ticket(dense.description, dense.law, dense.seed, Mask(arrays), np.ones(2))
    inputs = np.round(rng.uniform(-1.0, 1.0, (4000, 6)) * 1024) / 1024
    outputs = np.abs(ticket.forward(inputs)[:, 0])
    shares = []
    for x in inputs[np.argsort(np.where(outputs > 0.0, outputs, np.inf))[:5]]:
        allowance = certify(target, ticket, input_box=(x, x)).float32_allowance
        exact = exact_ticket(ticket, x.tolist())[0]
        for _ in range(10):
            seen = Fraction(float(shuffled_ticket(ticket, x, np.float32, rng)[0]))
            assert abs(seen - exact) <= Fraction(allowance)
            shares.append(float(abs(seen - exact)) / allowance)
    assert max(shares) > 1e-3


def test_allowance_covers_the_targets_own_rounding():
    """The ticket keeps nothing and is 0; the box is one point, where the target's terms nearly cancel."""
    rng = np.random.default_rng(13)
    weight = np.round(rng.normal(size=40) * 2**20) / 2**20
    x = np.round(rng.random(40) * 1024) / 1024
    bias = -float(sum((Fraction(w) * Fraction(v) for w, v in zip(weight, x, strict=True)), Fraction(0)))
    target = DenseNetwork([DenseLayer(weight[None], [bias], "identity")])
    ticket = random_ticket(rng, target, density=0.0)
    allowance = certify(target, ticket, input_box=(x, x)).float32_allowance
    (exact,) = exact_target(target, x.tolist())
    seen = [Fraction(float(shuffled_target(target, x, np.float32, rng)[0])) for _ in range(20)]
    assert all(abs(value - exact) <= Fraction(allowance) for value in seen)
    assert max(abs(value - exact) for value in seen) > allowance / 1000


def test_allowance_is_of_the_order_of_the_rounding():
    target = DenseNetwork([DenseLayer([[0.3, -0.7]], [0.1], "identity")])
    certificate = construct_dense(target, Dense(candidates=8)).certificate
    assert 1e-16 < certificate.float64_allowance < 1e-13
    assert certificate.float32_allowance == pytest.approx(certificate.float64_allowance * 2.0**29, rel=1e-3)


def test_allowance_is_infinite_where_float32_may_overflow():
    target = DenseNetwork([DenseLayer([[1e30]], None, "identity"), DenseLayer([[1e30]], None, "identity")])
    certificate = construct_dense(target, Dense(candidates=4)).certificate
    assert math.isinf(certificate.float32_allowance)
    assert math.isfinite(certificate.float64_allowance)


def shuffled_sum(terms, dtype, rng):
    """A sum in the format, in random order and with random brackets."""
    terms = [dtype(t) for t in terms]
    while len(terms) > 1:
        i, j = sorted(rng.choice(len(terms), 2, replace=False).tolist())
        second, first = terms.pop(j), terms.pop(i)
        terms.append(dtype(first + second))
    return terms[0] if terms else dtype(0.0)


def shuffled_target(target, x, dtype, rng):
    values = [dtype(v) for v in x]
    for layer in target.layers:
        bias = [] if layer.bias is None else layer.bias.tolist()
        sums = []
        for o, row in enumerate(layer.weight.tolist()):
            terms = [dtype(w) * v for w, v in zip(row, values, strict=True)]
            sums.append(shuffled_sum([*terms, *([dtype(bias[o])] if bias else [])], dtype, rng))
        values = [max(v, dtype(0.0)) for v in sums] if layer.activation == "relu" else sums
    return np.array(values)


def shuffled_ticket(ticket, x, dtype, rng):
    """As exact_ticket, with every operation in the format."""
    from network_samples import drawn

    values = [dtype(v) for v in x]
    for layer, gain in zip(ticket.description.layers, ticket.gains.tolist(), strict=True):
        terms = [[] for _ in range(layer.outputs)]
        if hasattr(layer, "units"):
            sources = layer.inputs + 1
            values = [*values, dtype(1.0)]
            first = drawn(ticket, f"{layer.path}.first", layer.units * sources**2).reshape(-1, sources, sources)
            second = drawn(ticket, f"{layer.path}.second", layer.units * sources * layer.outputs)
            second = second.reshape(layer.units, sources, layer.outputs)
            for k, j, o in np.argwhere(ticket.mask[f"{layer.path}.connections"]).tolist():
                hidden = max(dtype(first[k, j, j]) * values[j], dtype(0.0))
                terms[o].append(dtype(second[k, j, o]) * hidden)
        else:
            weights = drawn(ticket, layer.path, layer.inputs * layer.outputs).reshape(layer.inputs, layer.outputs)
            for i, o in np.argwhere(ticket.mask[layer.path]).tolist():
                terms[o].append(dtype(weights[i, o]) * values[i])
        values = [dtype(gain) * shuffled_sum(column, dtype, rng) for column in terms]
        if layer.activation == "relu":
            values = [max(v, dtype(0.0)) for v in values]
    return np.array(values)


def test_the_oracle_agrees_with_the_forward_pass():
    rng = np.random.default_rng(8)
    target = random_network(rng, (3, 4, 2))
    for copies in (0, 2):
        ticket = random_ticket(rng, target, copies=copies)
        x = rng.normal(size=3)
        exact = [float(value) for value in exact_ticket(ticket, x.tolist())]
        assert ticket.forward(x[None])[0] == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize("box", [(1.0, 0.0), (0.0, np.inf), (0.0, np.nan), (np.zeros(3), np.ones(3)), "ab", (0.0,)])
def test_bad_boxes_are_refused(box):
    rng = np.random.default_rng(9)
    target = random_network(rng, (2, 1))
    with pytest.raises(ArgumentError, match="input_box"):
        certify(target, random_ticket(rng, target), input_box=box)


def test_tickets_of_other_targets_are_refused():
    rng = np.random.default_rng(10)
    target = random_network(rng, (2, 3, 1))
    ticket = random_ticket(rng, target)
    for other in (
        random_network(rng, (2, 1)),
        random_network(rng, (2, 4, 1)),
        random_network(rng, (3, 3, 1)),
        random_network(rng, (2, 3, 1), last="relu"),
        random_network(rng, (2, 3, 2)),
    ):
        with pytest.raises(ArgumentError, match="ticket"):
            effective_layers(ticket, other)
