"""Certificates around inputs: errors of each ball, and classes on which both networks provably agree."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certify
from slth.certificates.around import certify_around
from slth.constructions import Shallow
from slth.errors import ArgumentError
from slth.graphs import INPUT, Conv, Graph, Node, Relu
from tests.certificates.samples import Builder, near, points_of, random_graph, random_ticket


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.2]))
def test_errors_and_margins_hold_in_every_ball(seed, radius):
    rng = np.random.default_rng(seed)
    target = random_graph(rng, blocks=2)
    ticket = random_ticket(rng, target)
    x = rng.uniform(-1.0, 1.0, (2, *target.input_shape))
    found = certify(target, ticket, inputs=x, radius=radius)
    for example, error, margin, own in zip(x, found.errors, found.margins, found.classes, strict=True):
        points = points_of(rng, (example - radius, example + radius), 80)
        one, two = (network.forward(points).reshape(len(points), -1) for network in (target, ticket))
        assert np.abs(two - one).max() <= error + found.float64_allowance
        if one.shape[1] == 1:
            assert margin == np.inf
            continue
        for values in (one, two):
            others = np.delete(values, own, axis=1).max(axis=1)
            assert (values[:, own] - others >= margin - 1e-9 * (1.0 + np.abs(values).max())).all()
        assert radius or margin <= np.sort(one[0])[-1] - np.sort(one[0])[-2] + 1e-9
    assert found.radius == radius
    assert (found.agrees == (found.margins > 0.0)).all()
    assert found.agreement == found.agrees.mean()


def network():
    b = Builder(np.random.default_rng(0), (3, 1, 1))
    b.conv(4, relu=True)
    b.conv(3)
    return b.graph()


TARGET = network()
TICKET = random_ticket(np.random.default_rng(1), TARGET)
INPUTS = np.random.default_rng(2).random((4, 3, 1, 1))


def test_a_single_point_is_a_box_of_one_point():
    found = certify(TARGET, TICKET, inputs=INPUTS, radius=0.0)
    for example, error in zip(INPUTS, found.errors, strict=True):
        assert error == pytest.approx(certify(TARGET, TICKET, input_box=(example, example)).error, rel=1e-9)


def test_wider_balls_are_certified_less_and_reports_are_made():
    reports = []
    radii = (0.0, 0.01, 0.1, 1.0)
    found = [certify(TARGET, TICKET, inputs=INPUTS, radius=radius,
                     progress=lambda *report: reports.append(report)) for radius in radii]  # fmt: skip
    for one, two in pairwise(found):
        assert (two.errors >= one.errors * (1 - 1e-9)).all()
        assert two.agreement <= one.agreement
    assert reports[:4] == [("inputs certified", number, 4) for number in (1, 2, 3, 4)]


def test_balls_are_clipped_to_a_box():
    free = certify(TARGET, TICKET, inputs=INPUTS, radius=5.0)
    clipped = certify(TARGET, TICKET, inputs=INPUTS, radius=5.0, input_box=(0.0, 1.0), effort=0)
    assert clipped.errors == pytest.approx(clipped.errors[0], rel=1e-12)
    assert clipped.errors == pytest.approx(certify(TARGET, TICKET).error, rel=0.1)
    assert (clipped.errors < free.errors).all()


def test_the_same_network_agrees_wherever_its_own_margin_reaches():
    layers = near(np.random.default_rng(3), TARGET, spread=0.0, width=0.0)
    found = certify_around(TARGET, TARGET, layers, INPUTS, radius=0.0)
    outputs = np.sort(TARGET.forward(INPUTS).reshape(4, -1), axis=1)
    assert found.margins == pytest.approx(outputs[:, -1] - outputs[:, -2], rel=1e-6)
    assert found.agreement == 1.0
    assert found.errors.max() < 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": INPUTS, "radius": -1.0}, "radius=-1.0 must not be negative"),
        ({"inputs": INPUTS, "radius": None}, "radius=None must be a finite number"),
        ({"inputs": INPUTS, "radius": np.nan}, "radius=nan must be a finite number"),
        ({"inputs": INPUTS[:0], "radius": 0.1}, "inputs.*hold no input"),
        ({"inputs": INPUTS[0], "radius": 0.1}, "must have shape"),
        ({"inputs": INPUTS * np.nan, "radius": 0.1}, "inputs"),
        ({"inputs": INPUTS, "radius": 0.1, "input_box": (0.9, 1.0)}, "lie outside the box"),
        ({"radius": 0.1}, "radius=0.1 is that of a ball around inputs"),
    ],
)
def test_bad_inputs_and_radii_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        certify(TARGET, TICKET, **options)


@pytest.mark.parametrize("effort", [0, 2])
def test_neurons_in_copies_are_certified_around_inputs(effort):
    rng = np.random.default_rng(4)
    layers = [Node("a", Conv(rng.normal(size=(4, 3)) / 2), ("input",)), Node("b", Relu(), ("a",))]
    target = Graph((3,), [*layers, Node("c", Conv(rng.normal(size=(2, 4)) / 2), ("b",))])
    ticket = Shallow(candidates=10).construct(target, seed=1).ticket
    x = rng.uniform(-0.5, 0.5, (3, 3))
    found = certify(target, ticket, inputs=x, radius=0.05, effort=effort)
    for example, error, margin, own in zip(x, found.errors, found.margins, found.classes, strict=True):
        points = points_of(rng, (example - 0.05, example + 0.05), 300)
        one, two = target.forward(points), ticket.forward(points)
        assert np.abs(two - one).max() <= error + found.float64_allowance
        assert error <= 1.05 * certify(target, ticket, input_box=(example - 0.05, example + 0.05)).error
        assert min((each[:, own] - each[:, 1 - own]).min() for each in (one, two)) >= margin - 1e-9


def chain(*weights, shape=(1,)):
    names = [f"l{number}" for number in range(len(weights))]
    inputs = [INPUT, *names]
    return Graph(shape, [Node(n, Conv([[w]]), (i,)) for n, w, i in zip(names, weights, inputs, strict=False)])


@pytest.mark.parametrize(
    ("one", "other", "x", "difference"),
    [
        ((1e-200, 1e-200, 1e200), (1e-200, 2e-200, 1e200), 1e300, 1e100),
        ((1e-160, 1e-160, 1e160, 1e160), (1e-160, 2e-160, 1e160, 1e160), 1e30, 1e30),
        ((1e-160, 1e-164, 1.0), (1e-160, 2e-164, 1.0), 1e100, 1e-224),
    ],
)
def test_what_underflows_is_covered(one, other, x, difference):
    found = certify(chain(*one), chain(*other), inputs=[[x]], radius=0.0)
    assert difference * (1.0 - 1e-9) <= found.errors[0] <= difference * (1.0 + 1e-6) + found.float64_allowance


def test_numbers_at_the_ends_of_the_doubles_end_in_a_bound():
    rng, scales = np.random.default_rng(0), (1e-320, 1e-200, 1e-100, 1.0, 1e100, 1e300)
    for _ in range(60):
        sizes, factors = rng.integers(1, 4, size=4), rng.choice(scales, size=3)
        weights = [rng.normal(size=(sizes[n + 1], sizes[n])) * factor for n, factor in enumerate(factors)]
        moved = [weight * (1.0 + 0.5 * rng.normal(size=weight.shape)) for weight in weights]
        x = rng.normal(size=(1, sizes[0])) * rng.choice((0.0, 1e-310, 1.0, 1e200))
        one, other = (
            Graph((int(sizes[0]),), [
                Node(f"l{n}", Conv(each), (INPUT if n == 0 else f"l{n - 1}",)) for n, each in enumerate(parts)])
            for parts in (weights, moved)
        )  # fmt: skip
        with np.errstate(all="ignore"):
            seen = np.abs(other.forward(x) - one.forward(x)).max()
        found = certify(one, other, inputs=x, radius=float(rng.choice((0.0, 1e-3, 1e3))))
        assert not seen > found.errors[0] + found.float64_allowance


def test_agreement_is_never_lost_against_bounds_of_every_neuron():
    def network(weight, bias):
        steps = [Node("l", Conv(np.array(weight), np.array(bias)), (INPUT,)), Node("r", Relu(), ("l",))]
        return Graph((1,), steps)

    one, other = network([[0.0], [1.0]], [0.6, -0.5]), network([[0.0], [0.0]], [0.6, 0.0])
    found = certify(one, other, inputs=[[0.0]], radius=1.0)
    assert found.margins[0] == pytest.approx(0.1, rel=1e-6)


def test_large_images_take_no_square_of_their_size():
    rng = np.random.default_rng(0)
    shape = (3, 64, 64)
    one, other = (Graph(shape, [Node("c", Conv(rng.normal(size=(2, 3, 3, 3)), stride=4), (INPUT,))]) for _ in range(2))
    tracemalloc.start()
    certify(one, other, inputs=rng.random((1, *shape)), radius=0.01)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**29
