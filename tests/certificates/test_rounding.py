"""Allowances cover evaluation in binary32 and binary64, whatever the order of sums, and are of the order of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certify, certify_folded
from slth.certificates.around import certify_around
from slth.graphs import Add, Conv, Graph, Node, Pool, Rearrange, Relu
from tests.certificates.formats import evaluated, terms_of_target, terms_of_ticket
from tests.certificates.rationals import exact_target, exact_ticket, exactly
from tests.certificates.samples import Builder, cases, in_copies, near, random_ticket, source_of

DIGITS = {np.float32: "float32_allowance", np.float64: "float64_allowance"}


def dyadic(box):
    """A box and points of few digits, which every format holds."""
    low, high = (np.round(end * 64) / 64 for end in box)
    return low, np.maximum(low, high)


def lost(target, ticket, x, dtype, rng):
    """What evaluation in a format adds to either network's outputs, and the difference of the two."""
    parts = []
    for graph, layer in ((target, terms_of_target), (ticket.source, terms_of_ticket(ticket))):
        true = evaluated(graph, layer, x, np.longdouble)
        seen = evaluated(graph, layer, x, dtype, rng)
        parts.append(np.abs(seen.astype(np.longdouble) - true))
    return float((parts[0] + parts[1]).max())


@pytest.mark.parametrize("dtype", DIGITS)
@settings(max_examples=20)
@given(case=cases(blocks=2), seed=st.integers(0, 2**32 - 1))
def test_allowances_cover_both_networks_in_any_order(dtype, case, seed):
    target, ticket, box = case
    box, rng = dyadic(box), np.random.default_rng(seed)
    allowance = getattr(certify(target, ticket, input_box=box), DIGITS[dtype])
    for _ in range(2):
        x = np.clip(np.round(rng.uniform(*box) * 1024) / 1024, *box)
        assert lost(target, ticket, x, dtype, rng) <= allowance


@pytest.mark.parametrize("dtype", DIGITS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_allowances_cover_copies_in_any_order(dtype, seed):
    rng = np.random.default_rng(seed)
    target, ticket = in_copies(rng, (2, 3, 2), int(rng.integers(1, 3)))
    box = np.full(2, -0.5), np.ones(2)
    allowance = getattr(certify(target, ticket, input_box=box), DIGITS[dtype])
    x = np.round(rng.uniform(*box) * 1024) / 1024
    assert lost(target, ticket, x, dtype, rng) <= allowance


def test_the_oracle_agrees_with_the_forward_pass():
    rng = np.random.default_rng(8)
    for case in range(6):
        target, ticket = in_copies(rng, (2, 3, 2), 2) if case == 0 else (None, None)
        if target is None:
            b = Builder(rng, (2, 1, 3))
            b.conv(4, (1, 2), groups=2, padding=((0, 0), (1, 0)), relu=case % 2 == 0)
            b.add(Pool(["max", "average"][case % 2], (1, 2)))
            target = b.graph()
            ticket = random_ticket(rng, target)
        x = rng.normal(size=target.input_shape)
        for network, graph, layer in (
            (target, target, terms_of_target),
            (ticket, ticket.source, terms_of_ticket(ticket)),
        ):
            seen = evaluated(graph, layer, x, np.float64, rng)
            assert seen == pytest.approx(network.forward(x[None]).ravel(), rel=1e-10, abs=1e-12)


def test_an_allowance_covers_the_tickets_own_rounding_and_is_near_it():
    """The target is 0 and rounds nothing. Many terms cancel in the first layer, and one connection passes that on."""
    rng = np.random.default_rng(12)
    b = Builder(rng, (6, 1, 1), scale=0.0)
    b.conv(1, relu=True, bias=False)
    b.conv(1, bias=False)
    target = b.graph()
    source = source_of(rng, target, units=20)
    ticket = random_ticket(rng, target, source=source, density=1.0)
    x = np.round(rng.uniform(-1.0, 1.0, (6, 1, 1)) * 1024) / 1024
    allowance = certify(target, ticket, input_box=(x, x)).float32_allowance
    (exact,) = exactly(ticket.source, exact_ticket(ticket), x)
    seen = [evaluated(ticket.source, terms_of_ticket(ticket), x, np.float32, rng)[0] for _ in range(20)]
    distances = [abs(Fraction(float(value)) - exact) for value in seen]
    assert 0 < max(distances) <= Fraction(allowance)
    assert max(distances) > allowance / 10_000


def test_an_allowance_covers_the_targets_own_rounding_and_is_near_it():
    """The ticket keeps nothing and is 0; the box is one point, where the target's terms nearly cancel."""
    rng = np.random.default_rng(13)
    weight = np.round(rng.normal(size=40) * 2**20) / 2**20
    x = np.round(rng.random(40) * 1024) / 1024
    bias = -float(sum((Fraction(w) * Fraction(v) for w, v in zip(weight, x, strict=True)), Fraction(0)))
    target = Graph((40,), [Node("a", Conv(weight[None], [bias]), ("input",))])
    ticket = random_ticket(rng, target, density=0.0)
    allowance = certify(target, ticket, input_box=(x, x)).float32_allowance
    (exact,) = exactly(target, exact_target, x)
    seen = [Fraction(float(evaluated(target, terms_of_target, x, np.float32, rng)[0])) for _ in range(20)]
    assert all(abs(value - exact) <= Fraction(allowance) for value in seen)
    assert max(abs(value - exact) for value in seen) > allowance / 1000


def test_allowances_are_of_the_order_of_the_rounding():
    rng = np.random.default_rng(7)
    b = Builder(rng, (1, 4, 4))
    b.conv(2, (3, 3), padding=1)
    target = b.graph()
    certificate = certify_folded(target, target, near(rng, target), (np.zeros((1, 4, 4)), np.ones((1, 4, 4))))
    assert 1e-16 < certificate.float64_allowance < 1e-11
    assert 2.0**27 < certificate.float32_allowance / certificate.float64_allowance < 2.0**29


def test_an_allowance_is_infinite_where_float32_may_overflow():
    b = Builder(np.random.default_rng(1), (1, 1, 1), scale=1e30)
    b.conv(1, bias=False)
    b.conv(1, bias=False)
    target = b.graph()
    certificate = certify_folded(
        target, target, near(np.random.default_rng(2), target), (np.zeros((1, 1, 1)), np.ones((1, 1, 1)))
    )
    assert np.isinf(certificate.float32_allowance)
    assert np.isfinite(certificate.float64_allowance)


def test_a_maximum_and_a_rearrangement_pass_rounding_on():
    found = []
    for steps in (0, 1, 2):
        b = Builder(np.random.default_rng(3), (2, 5, 5))
        b.conv(2, (2, 2), bias=False)
        if steps:
            b.add(Pool("max", 2))
        if steps > 1:
            b.add(Rearrange((2, 2, 2), (8,), (-1,), 7))
        target = b.graph()
        layers = near(np.random.default_rng(4), target)
        found.append(
            certify_folded(target, target, layers, (np.zeros((2, 5, 5)), np.ones((2, 5, 5)))).float64_allowance
        )
    assert found[1] == pytest.approx(found[0], rel=0.5, abs=0.0)
    assert found[2] == pytest.approx(found[1], rel=1e-9, abs=0.0)


def deep(rng, radius):
    """Maxima, sums and many layers, most of whose neurons have one sign near an input: with input and radius."""
    b = Builder(rng, (2, 3, 3), scale=1.5)
    first = b.conv(3, (3, 3), padding=1, relu=True)
    b.conv(3, (3, 3), padding=1, relu=True)
    second = b.conv(3, (3, 3), padding=1)
    b.add(Add(), first, second)
    b.add(Relu())
    b.add(Pool("max", 2))
    b.conv(4, (1, 1), relu=True)
    b.conv(3)
    x = np.round(rng.uniform(0.0, 1.0, (2, 3, 3)) * 64) / 64
    return b.graph(), x, radius


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), radius=st.sampled_from([0.0, 2.0**-8]))
def test_allowances_around_inputs_cover_deep_networks(seed, radius):
    rng = np.random.default_rng(seed)
    target, x, radius = deep(rng, radius)
    ticket = random_ticket(rng, target)
    found = certify(target, ticket, inputs=x[None], radius=radius, effort=0)
    point = x + np.round(rng.uniform(-1.0, 1.0, x.shape) * 64) / 64 * radius
    assert lost(target, ticket, point, np.float32, rng) <= found.float32_allowance
    assert lost(target, ticket, point, np.float64, rng) <= found.float64_allowance


def test_an_allowance_does_not_grow_with_the_products_of_absolute_weights():
    """Each pair of layers turns the plane back and forth: by absolute weights alone every turn doubles an error."""
    turn = np.sqrt(0.5) * np.array([[1.0, -1.0], [1.0, 1.0]])
    nodes, name = [], "input"
    for number in range(24):
        nodes += [Node(f"c{number}", Conv(turn if number % 2 else turn.T, np.full(2, 4.0)), (name,))]
        nodes += [Node(f"r{number}", Relu(), (f"c{number}",))]
        name = f"r{number}"
    target = Graph((2,), nodes)
    layers = near(np.random.default_rng(5), target, spread=0.0, width=0.0)
    found = certify_around(target, target, layers, [[4.0, 4.0]], radius=0.125)
    assert found.float32_allowance < 1e-2
