"""Gradient ascent on convolutional tickets finds the largest difference where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from slth.constructions import certify
from slth.errors import ArgumentError
from slth.networks import attack_difference
from slth.tickets import ConvNetwork, Flatten, Pool
from tests.conv_samples import images_of_box, random_conv, random_target, random_ticket


def gaps(ticket, target, x):
    return np.abs(ticket.forward(x) - target.forward(x)).reshape(len(x), -1)


def pooled(rng):
    steps = [random_conv(rng, 1, 4, (3, 3), padding=1), Pool("max", 2), Flatten()]
    return ConvNetwork((1, 8, 8), [*steps, random_conv(rng, 64, 3, (1, 1), activation="identity")])


def test_one_convolution_is_solved():
    rng = np.random.default_rng(0)
    layer = random_conv(rng, 2, 3, (3, 3), activation="identity", stride=2, padding=1)
    target = ConvNetwork((2, 5, 4), [layer])
    ticket = random_ticket(rng, target)
    certificate = certify(target, ticket, input_box=(0.0, 1.0))
    found = attack_difference(target, ticket, starts=4, steps=40)
    assert found.error == pytest.approx(certificate.error, rel=1e-9)
    assert found.output == int(certificate.per_output.argmax())


def test_the_answer_is_in_the_box_and_as_stated():
    rng = np.random.default_rng(1)
    for _ in range(5):
        target = random_target(rng)
        ticket = random_ticket(rng, target)
        low = rng.uniform(-1.0, 0.5, target.input_shape)
        high = low + rng.uniform(0.0, 1.0, target.input_shape)
        found = attack_difference(target, ticket, input_box=(low, high), starts=2, steps=10)
        assert found.input.shape == target.input_shape
        assert ((low <= found.input) & (found.input <= high)).all()
        assert not found.input.flags.writeable
        assert found.error == pytest.approx(gaps(ticket, target, found.input[None])[0, found.output], rel=1e-12)


def test_climbing_beats_random_search():
    rng = np.random.default_rng(2)
    target = pooled(rng)
    ticket = random_ticket(rng, target)
    x = images_of_box(rng, (np.zeros((1, 8, 8)), np.ones((1, 8, 8))), 5000)
    assert attack_difference(target, ticket).error > gaps(ticket, target, x).max()


def test_same_seed_same_answer():
    rng = np.random.default_rng(3)
    target = pooled(rng)
    ticket = random_ticket(rng, target)
    one, two = (attack_difference(target, ticket, starts=2, steps=10, seed=5) for _ in range(2))
    assert one.error == two.error
    assert np.array_equal(one.input, two.input)


def test_bad_arguments_are_refused():
    rng = np.random.default_rng(4)
    target = pooled(rng)
    ticket = random_ticket(rng, target)
    for options in ({"starts": 0}, {"steps": 0}):
        with pytest.raises(ArgumentError):
            attack_difference(target, ticket, **options)
    other = ConvNetwork((1, 8, 8), [random_conv(rng, 1, 2, (8, 8))])
    with pytest.raises(ArgumentError, match="other sizes"):
        attack_difference(other, ticket)
