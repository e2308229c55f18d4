"""Attention built by subset sums: matrices, softmax bounds, and a certificate that no input violates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.constructions.attention import Attention, construct_attention
from slth.constructions.attention_certificate import certify_attention
from slth.constructions.attention_parts import dense_parts, take_apart
from slth.constructions.attention_softmax import lemma_bound, total_variation
from slth.errors import ArgumentError
from slth.networks.attention_attack import attack_attention
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Greedy, solve
from slth.tickets import AttentionNetwork, DenseLayer, DenseNetwork, ProductPair, Ticket, ticket_bytes
from slth.tickets.attention_network import softmax
from tests.attention_samples import naive_target, naive_ticket, random_target, random_ticket

UNIFORM = WeightLaw("uniform")
rows = st.lists(st.floats(-30.0, 30.0), min_size=2, max_size=6)


@given(rows, st.data())
def test_total_variation_bound_holds_for_any_scores(scores, data):
    z = np.array(scores)
    size = data.draw(st.sampled_from([1e-9, 1e-3, 0.3, 2.0, 20.0]))
    moves = np.array(data.draw(st.lists(st.floats(-size, size), min_size=len(z), max_size=len(z))))
    shift = data.draw(st.floats(-3.0, 3.0))  # the same for all: nothing to softmax
    moved = 0.5 * np.abs(softmax(z + moves + shift) - softmax(z)).sum()
    spread = np.array(moves.max() - moves.min())
    assert moved <= math.tanh(float(spread) / 4.0) + 1e-12
    assert math.tanh(float(spread) / 4.0) <= float(total_variation(spread))


@given(st.floats(1e-3, 10.0))
def test_total_variation_bound_is_reached(spread):
    """By two tokens, one losing what the other gains."""
    moved = softmax(np.array([spread / 4, -spread / 4])) - softmax(np.array([-spread / 4, spread / 4]))
    assert abs(moved).max() == pytest.approx(math.tanh(spread / 4.0), rel=1e-6)


@given(rows, st.integers(1, 5), st.integers(0, 2**32 - 1), st.floats(1e-6, 0.5))
def test_the_lemma_holds_and_is_never_below_the_sharper_bound(scores, width, seed, size):
    rng = np.random.default_rng(seed)
    z = np.array(scores)
    x = rng.normal(size=(len(z), width)) * math.sqrt(width)
    moves = rng.uniform(-size, size, len(z))
    alpha = max(math.sqrt(width), np.linalg.norm(x, axis=1).max())
    change = np.linalg.norm((softmax(z + moves) - softmax(z)) @ x)
    spread = np.array(moves.max() - moves.min())
    sharp = float(total_variation(spread)) * np.linalg.norm(np.ptp(x, axis=0))
    lemma = lemma_bound(width, alpha, float(np.abs(moves).max()))
    assert change <= sharp + 1e-12
    assert sharp <= lemma


def test_the_lemma_ends_at_one_half():
    assert lemma_bound(2, 2.0, 0.5) < math.inf
    assert lemma_bound(2, 2.0, 0.51) == math.inf
    assert lemma_bound(2, 2.0, math.nan) == math.inf


def test_every_entry_is_the_best_subset_sum_of_its_products():
    """The bilinear lemma: entry (a, b) of a head by the products of row a's units, either sign, no ReLU."""
    rng = np.random.default_rng(0)
    target = random_target(rng)
    made = construct_attention(target, Attention(candidates=11, gain="unit"), seed=3)
    pairs = made.ticket.description.random_layers[1:3]
    for layer, matrices, folded, errors in zip(
        pairs, (target.scores, target.values), made.ticket.folded_heads(), made.errors[1:3], strict=True
    ):
        assert layer.units == 11
        first, second = (UNIFORM.weights(Stream(3, path), 0, layer.random_parameters) for path in layer.streams)
        for place, (h, a, b) in enumerate(itertools.product(range(2), range(4), range(layer.outputs))):
            products = [
                first[((k * 2 + h) * 4 + a) * 4 + a] * second[((k * 2 + h) * 4 + a) * layer.outputs + b]
                for k in range(11)
            ]
            best = solve(products, matrices[h, a, b]).error
            assert errors[place] == best
            assert abs(folded.middle[h, a, b] - matrices[h, a, b]) == pytest.approx(best, abs=1e-14)


@pytest.mark.parametrize("gain", ["unit", 2.0])
def test_gain_one_is_the_theorems_law(gain):
    """Queries and keys from U[-n^(1/4), n^(1/4)] and scores divided by sqrt(n) are products of U[-1, 1]."""
    made = construct_attention(random_target(np.random.default_rng(1)), Attention(candidates=8, gain=gain), seed=1)
    layer = made.ticket.description.random_layers[1]
    inner = layer.units * layer.inputs
    wide = WeightLaw("uniform", inner**0.25)
    first, second = (wide.weights(Stream(1, path), 0, 4) for path in layer.streams)
    ours = [UNIFORM.weights(Stream(1, path), 0, 4) for path in layer.streams]
    np.testing.assert_allclose(first * second / math.sqrt(inner), ours[0] * ours[1], rtol=1e-14)
    assert set(made.ticket.gains.tolist()) == {1.0 if gain == "unit" else 2.0}


def test_automatic_gain_grows_where_small_first_factors_leave_a_heavy_entry_out_of_reach():
    target = random_target(np.random.default_rng(5), width=6, residual=True)
    unit = construct_attention(target, Attention(candidates=18, gain="unit"), seed=2)
    auto = construct_attention(target, Attention(candidates=18), seed=2)
    for one, other in zip(unit.table, auto.table, strict=True):
        assert other.largest_error <= one.largest_error
        assert math.log2(other.gain).is_integer()
    assert auto.certificate.error < unit.certificate.error


@st.composite
def cases(draw):
    """Targets, tickets that keep anything at all or are constructed, and boxes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    target = random_target(
        rng,
        tokens=draw(st.integers(1, 4)),
        heads=draw(st.integers(1, 2)),
        embedding=draw(st.sampled_from([(), (3,)])),
        hidden=draw(st.sampled_from([(), (3,)])),
        last=draw(st.sampled_from(["relu", "identity"])),
        residual=draw(st.booleans()),
    )
    low = rng.uniform(-1.0, 1.0, target.inputs) if draw(st.booleans()) else np.zeros(target.inputs)
    box = (low, low + rng.uniform(0.0, 2.0, target.inputs) * (rng.random(target.inputs) < 0.9))
    candidates = draw(st.sampled_from([None, 6, 12]))
    if candidates is None:
        return target, random_ticket(rng, target), box, rng
    return target, construct_attention(target, Attention(candidates), input_box=box).ticket, box, rng


@given(cases())
def test_never_below_random_inputs_corners_and_gradient_ascent(case):
    target, ticket, box, rng = case
    certificate = certify_attention(target, ticket, input_box=box)
    low, high = box
    points = low + (high - low) * rng.random((400, target.inputs))
    points[:100] = np.where(rng.random((100, target.inputs)) < 0.5, low, high)
    worst = attack_attention(target, ticket, input_box=box, starts=2, steps=10)
    differences = np.abs(ticket.forward(points) - target.forward(points)).max(axis=0)
    allowed = certificate.per_output + certificate.float64_allowance
    assert (differences <= allowed).all()
    assert worst.error <= allowed[worst.output]
    assert certificate.error <= certificate.norm_bound
    assert certificate.float64_allowance < 1e-6
    assert certificate.softmax.sharp <= certificate.softmax.lemma


@pytest.mark.parametrize("last", ["relu", "identity"])
def test_constructed_tickets_survive_1e4_inputs_corners_and_gradient_ascent(last):
    rng = np.random.default_rng(3)
    target = random_target(rng, tokens=5, size=3, width=8, hidden=(6,), last=last)
    box = (np.full(15, -0.5), np.full(15, 1.0))
    made = construct_attention(target, Attention(candidates=22), input_box=box, seed=1)
    certificate = made.certificate
    points = rng.uniform(-0.5, 1.0, (10_000, 15))
    points[:2000] = np.where(rng.random((2000, 15)) < 0.5, -0.5, 1.0)
    sampled = np.abs(made.ticket.forward(points) - target.forward(points)).max()
    worst = attack_attention(target, made.ticket, input_box=box)
    assert sampled <= certificate.error + certificate.float64_allowance
    assert sampled / 2 < worst.error <= certificate.error + certificate.float64_allowance
    assert certificate.error < 200.0 * worst.error  # not only true but of use
    assert certificate.error < certificate.norm_bound / 5.0


def test_certificate_of_softmax_alone_is_near_the_worst_input():
    """Embedding and read-out of one weight, one box coordinate a token: what is lost is lost at softmax."""
    embedding = DenseNetwork([DenseLayer([[1.0, 0.0, 0.0]], activation="identity")])
    readout = DenseNetwork([DenseLayer([[1.0]], activation="identity")])
    target = AttentionNetwork(2, embedding, [[[0.7]]], [[[0.9]]], readout, residual=False)
    made = construct_attention(target, Attention(candidates=20), input_box=(-1.0, 1.0))
    grid = np.linspace(-1.0, 1.0, 101)
    points = np.array(list(itertools.product(grid, grid)))
    worst = np.abs(made.ticket.forward(points) - target.forward(points)).max()
    assert worst <= made.certificate.error + made.certificate.float64_allowance <= 6.0 * worst + 1e-12


def test_evaluation_in_double_stays_within_the_allowance():
    """Both networks in double beside both in long double, by the naive formulas."""
    rng = np.random.default_rng(0)
    target = random_target(rng, tokens=4, size=3, width=8)
    ticket = construct_attention(target, Attention(candidates=14)).ticket
    certificate = certify_attention(target, ticket, input_box=(0.0, 1.0))
    x = rng.random((50, target.inputs))
    wide = x.astype(np.longdouble)
    exact = [
        np.array([naive(network, row) for row in wide])
        for naive, network in ((naive_target, target), (naive_ticket, ticket))
    ]
    lost = sum(
        np.abs(network.forward(x) - values) for network, values in zip((target, ticket), exact, strict=True)
    ).max()
    assert exact[0].dtype == exact[1].dtype == np.longdouble
    assert 0.0 < lost <= certificate.float64_allowance < 1e-8


def test_parts_are_tickets_of_the_same_weights():
    rng = np.random.default_rng(1)
    target = random_target(rng)
    ticket = random_ticket(rng, target)
    embedding, readout = dense_parts(ticket)
    assert isinstance(embedding, Ticket)
    assert all(isinstance(layer, ProductPair) for layer in (*embedding.description.layers, *readout.description.layers))
    assert len(embedding.folded_layers()) == 1
    assert embedding.seed == ticket.seed
    with pytest.raises(ArgumentError, match="attention"):
        dense_parts(embedding)


def test_same_seed_same_bytes_other_seed_other_bytes():
    target = random_target(np.random.default_rng(2))
    made = [construct_attention(target, Attention(candidates=8), seed=seed).ticket for seed in (0, 0, 1)]
    contents = [ticket_bytes(ticket) for ticket in made]
    assert contents[0] == contents[1] != contents[2]


def test_zeros_keep_nothing():
    rng = np.random.default_rng(2)
    target = random_target(rng)
    silent = AttentionNetwork(
        target.tokens, target.embedding, np.zeros_like(target.scores), target.values, target.readout
    )
    made = construct_attention(silent, Attention(candidates=8))
    assert not made.ticket.mask["layer2.connections"].any()
    assert made.certificate.softmax.score_error < 1e-200
    assert made.table[1].weights == 0


def test_progress_and_solver_are_passed_on():
    seen = []
    target = random_target(np.random.default_rng(2))
    construct_attention(
        target,
        Attention(candidates=8, gain="unit", solver=Greedy()),
        progress=lambda path, done, total: seen.append((path, done, total)),
    )
    assert {"layer1", "layer2", "layer3", "layer5"} <= {path for path, _, _ in seen}
    assert ("layer2", 32, 32) in seen


def test_bad_arguments_are_refused():
    target = random_target(np.random.default_rng(2))
    for options in (
        {"candidates": 0},
        {"candidates": 49},
        {"candidates": 8, "gain": -1.0},
        {"candidates": 8, "solver": 3},
    ):
        with pytest.raises(ArgumentError):
            Attention(**options)
    with pytest.raises(ArgumentError, match="method"):
        construct_attention(target, "attention")
    with pytest.raises(ArgumentError, match="target"):
        construct_attention(target.embedding, Attention(candidates=8))
    with pytest.raises(ArgumentError, match="seed"):
        construct_attention(target, Attention(candidates=8), seed=-1)
    with pytest.raises(ArgumentError, match="input_box"):
        construct_attention(target, Attention(candidates=8), input_box=(1.0, 0.0))
    other = random_target(np.random.default_rng(2), tokens=2)
    ticket = construct_attention(other, Attention(candidates=4)).ticket
    with pytest.raises(ArgumentError, match="target's tokens"):
        take_apart(target, ticket)
