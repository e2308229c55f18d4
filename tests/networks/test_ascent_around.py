"""Attacks around inputs: never beyond what is certified, and as far as the corners of small balls."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certify
from slth.errors import ArgumentError
from slth.graphs import Conv, Graph, Node
from slth.networks import attack_around
from tests.certificates.samples import random_graph, random_ticket


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.02, 0.2]))
def test_what_is_found_is_within_what_is_certified(seed, radius):
    rng = np.random.default_rng(seed)
    target = random_graph(rng, blocks=2)
    ticket = random_ticket(rng, target)
    x = rng.uniform(0.0, 1.0, (2, *target.input_shape))
    box = (0.0, 1.0)
    proved = certify(target, ticket, inputs=x, radius=radius, input_box=box)
    found = attack_around(target, ticket, x, radius=radius, input_box=box, steps=5, seed=seed)
    assert (found.errors <= proved.errors + proved.float64_allowance).all()
    assert (found.margins >= proved.margins - proved.float64_allowance - 1e-9).all()
    assert (found.classes == proved.classes).all()
    assert found.agreement >= proved.agreement


def linear(weight, bias):
    return Graph((3,), [Node("a", Conv(weight, bias), ("input",))])


def test_a_linear_network_is_climbed_to_its_worst_corner():
    rng = np.random.default_rng(0)
    one, other = (linear(rng.normal(size=(4, 3)), rng.normal(size=4)) for _ in range(2))
    x, radius = rng.random((3, 3)), 0.25
    found = attack_around(one, other, x, radius=radius, steps=40)
    corners = radius * np.array(list(product((-1.0, 1.0), repeat=3)))
    for example, error, margin, own in zip(x, found.errors, found.margins, found.classes, strict=True):
        values = [network.forward(example + corners).reshape(len(corners), -1) for network in (one, other)]
        assert error == pytest.approx(np.abs(values[1] - values[0]).max(), rel=1e-9)
        least = min((v[:, own] - np.delete(v, own, axis=1).max(axis=1)).min() for v in values)
        assert margin == pytest.approx(least, rel=1e-9)


def test_radius_zero_is_what_the_networks_give():
    rng = np.random.default_rng(1)
    one, other = (linear(rng.normal(size=(2, 3)), rng.normal(size=2)) for _ in range(2))
    x = rng.random((5, 3))
    found = attack_around(one, other, x, radius=0.0)
    first, second = (network.forward(x).reshape(5, -1) for network in (one, other))
    assert found.errors == pytest.approx(np.abs(first - second).max(axis=1), rel=1e-12)
    assert (found.agrees <= (first.argmax(axis=1) == second.argmax(axis=1))).all()


def test_one_output_has_no_rival():
    one, other = linear([[1.0, 2.0, 3.0]], [0.0]), linear([[1.0, 2.0, 2.0]], [0.0])
    found = attack_around(one, other, [[0.5, 0.5, 0.5]], radius=0.5)
    assert found.margins.tolist() == [np.inf]
    assert found.agreement == 1.0
    assert found.errors[0] == pytest.approx(1.0, rel=1e-9)


def test_inputs_outside_the_box_are_refused():
    with pytest.raises(ArgumentError, match=r"inputs=\[1, 3\] lie outside"):
        attack_around(linear(np.eye(3), np.zeros(3)), linear(np.eye(3), np.zeros(3)), [[2.0, 0.0, 0.0]], radius=0.1,
                      input_box=(0.0, 1.0))  # fmt: skip
