"""The gradient attack on convolutional tickets, and certificates that it and random inputs try to break."""

from __future__ import annotations

import numpy as np
import pytest

from slth.constructions import Conv, Structured, construct_conv, construct_structured
from slth.errors import ArgumentError
from slth.networks import attack_difference, folded_outputs
from slth.tickets import Branch, ConvLayer, ConvNetwork, Flatten, Join, Pool


def network(seed=0, *, operation="max"):
    rng = np.random.default_rng(seed)

    def layer(outputs, inputs, size, activation="relu", **options):
        weight = rng.normal(size=(outputs, inputs, size, size)) / (size * inputs**0.5)
        return ConvLayer(weight, 0.2 * rng.normal(size=outputs), activation, **options)

    return ConvNetwork(
        (1, 8, 8),
        [
            layer(4, 1, 3, padding=1),
            Pool(operation, 2),
            Branch(),
            layer(4, 4, 3, "identity", padding=1),
            Join("relu"),
            Pool(operation, 3, stride=1),
            Flatten(),
            layer(3, 16, 1, "identity"),
        ],
    )


MADE = {}


def made(operation, method, low):
    """One construction for all tests that look at it."""
    key = operation, type(method).__name__, low
    if key not in MADE:
        target = network(operation=operation)
        construct = construct_structured if isinstance(method, Structured) else construct_conv
        MADE[key] = target, construct(target, method, input_box=(low, 1.0), seed=2)
    return MADE[key]


WAYS = [
    ("max", Structured(channels=150, gain="unit"), 0.0),
    ("average", Structured(channels=150, gain="unit"), -1.0),
    ("max", Conv(candidates=10), -1.0),
]


@pytest.mark.slow
@pytest.mark.parametrize(("operation", "method", "low"), WAYS)
def test_a_hundred_thousand_random_inputs_do_not_break_the_certificate(operation, method, low):
    target, construction = made(operation, method, low)
    bound = construction.certificate.error + construction.certificate.float64_allowance
    rng = np.random.default_rng(0)
    largest = 0.0
    for part in range(10):
        x = rng.uniform(low, 1.0, size=(10_000, *target.input_shape))
        if part % 2:
            x = np.where(x > 0.5 * (low + 1.0), 1.0, low)  # corners of the box
        wanted = target.forward(x).reshape(len(x), -1)
        largest = max(largest, float(np.abs(folded_outputs(construction.ticket, x) - wanted).max()))
    assert 0.0 < largest <= bound


@pytest.mark.parametrize(("operation", "method", "low"), WAYS)
def test_gradient_ascent_does_not_break_it_either_and_finds_more(operation, method, low):
    target, construction = made(operation, method, low)
    found = attack_difference(target, construction.ticket, input_box=(low, 1.0), starts=10, steps=100, seed=1)
    certificate = construction.certificate
    assert found.error <= certificate.error + certificate.float64_allowance
    assert ((found.input >= low) & (found.input <= 1.0)).all()
    gap = construction.ticket.forward(found.input[None]) - target.forward(found.input[None])
    assert abs(abs(float(gap.ravel()[found.output])) - found.error) < 1e-12
    x = np.random.default_rng(1).uniform(low, 1.0, size=(2_000, *target.input_shape))
    wanted = target.forward(x).reshape(len(x), -1)
    assert found.error > np.abs(folded_outputs(construction.ticket, x) - wanted).max()
    again = attack_difference(target, construction.ticket, input_box=(low, 1.0), starts=10, steps=100, seed=1)
    assert again.error == found.error


def test_networks_of_other_sizes_are_refused():
    target, construction = made(*WAYS[0])
    other = ConvNetwork((1, 8, 8), [*network().steps[:-1], ConvLayer(np.ones((2, 16, 1, 1)))])
    with pytest.raises(ArgumentError, match="other sizes"):
        attack_difference(other, construction.ticket)
    with pytest.raises(ArgumentError, match="starts"):
        attack_difference(target, construction.ticket, starts=0)
