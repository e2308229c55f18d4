"""Arguments of the wrong type and numbers at the ends of the doubles: an answer that holds, or an error that tells."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from network_samples import random_network

import slth
from slth.constructions import Dense, approximate_weights, certify, construct_dense
from slth.constructions.growth import _level
from slth.errors import ArgumentError, ConstructionError
from slth.networks import attack_difference, describe_module, mlp
from slth.rng import WeightLaw
from slth.tickets import DenseLayer, DenseNetwork

PAIR = DenseNetwork([DenseLayer([[0.5, -0.25]], None, "identity")])


def one_layer(*weights):
    return DenseNetwork([DenseLayer([list(weights)], None, "identity")])


@pytest.mark.parametrize(
    ("target", "method"),
    [(one_layer(1e120, -1e120), Dense(candidates=10)), (PAIR, Dense(candidates=6, gain=1e103))],
)
def test_allowance_of_huge_gains(target, method):
    """The cube of the largest random number overflows: a value may too, as far as the allowance knows."""
    made = construct_dense(target, method)
    assert math.isinf(made.certificate.float64_allowance)
    corners = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    difference = np.abs(made.ticket.forward(corners) - target.forward(corners)).max()
    assert difference <= made.certificate.error * (1.0 + 1e-9)
    assert math.isfinite(made.certificate.error)


@pytest.mark.parametrize("scale", [1e-170, 1e-100, 1e100, 1e200])
@pytest.mark.parametrize("name", ["uniform", "normal"])
@pytest.mark.parametrize("gain", ["auto", "unit"])
def test_laws_whose_products_leave_the_doubles_are_refused(name, scale, gain):
    with pytest.raises(ArgumentError, match=r"law=WeightLaw.*scale from 1e-75 to 1e\+?75"):
        construct_dense(PAIR, Dense(candidates=6, gain=gain), law=WeightLaw(name, scale))


@pytest.mark.parametrize("scale", [2.0**-249, 2.0**249])  # 1.1e-75 and 9.0e74
@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_laws_at_the_ends_of_the_range_work(name, scale):
    """A power of two scales every product exactly, and the gain back: the same connections are kept."""
    for method in (Dense(candidates=12), Dense(eps=0.01, delta=0.1)):
        usual, made = (construct_dense(PAIR, method, law=WeightLaw(name, size)) for size in (1.0, scale))
        assert np.array_equal(usual.ticket.mask["layer0.connections"], made.ticket.mask["layer0.connections"])
        assert made.certificate.error == pytest.approx(usual.certificate.error, rel=1e-9)


def test_weights_beyond_every_gain_are_refused():
    with pytest.raises(ArgumentError, match=r"target=1e\+308 is a weight whose gain"):
        construct_dense(one_layer(1e308, 1.0), Dense(candidates=6))
    with pytest.raises(ArgumentError, match=r"target=1e\+200 is a weight whose gain"):
        construct_dense(one_layer(1e200, 1.0), Dense(candidates=6), law=WeightLaw("uniform", 1e-75))
    with pytest.raises(ArgumentError, match="gain=1e-300 is too small for a weight of"):
        construct_dense(one_layer(1e100), Dense(candidates=6, gain=1e-300))


def test_the_smallest_weights_have_a_gain():
    made = construct_dense(one_layer(5e-324, -5e-324), Dense(candidates=6), law=WeightLaw("normal", 1e75))
    assert made.ticket.gains.tolist() == [2.0**-1022]
    assert made.certificate.error < 1e-300


@pytest.mark.parametrize("eps", [1e150, 1e160, 1e300, 1.7e308])
@pytest.mark.parametrize("depth", ["double", "plus-one"])
def test_a_huge_eps_is_met(eps, depth):
    target = random_network(np.random.default_rng(0), (3, 4, 2))
    made = construct_dense(target, Dense(eps=eps, delta=0.1, depth=depth), input_box=(-1.0, 1.0))
    assert made.certificate.error <= eps
    assert max(row.candidates for row in made.table) <= 4


def test_a_target_whose_values_overflow_has_no_eps():
    target = DenseNetwork([DenseLayer([[1e200]]), DenseLayer([[1e200]], None, "identity")])
    with pytest.raises(ConstructionError, match=r"eps=0\.1 could not be certified: the target's own values"):
        construct_dense(target, Dense(eps=0.1, delta=0.1))


def test_delta_has_a_smallest_value():
    with pytest.raises(ArgumentError, match=r"delta=1e-21 must be at least 1e-20 and below 1"):
        Dense(eps=0.1, delta=1e-21)
    target = random_network(np.random.default_rng(0), (3, 4, 2))
    for depth in ("double", "plus-one"):
        with pytest.raises(ArgumentError, match=r"delta=1e-19 is too small for \d+ subset-sum instances"):
            construct_dense(target, Dense(eps=0.1, delta=1e-19, depth=depth))
    assert construct_dense(PAIR, Dense(eps=0.1, delta=1e-19)).certificate.error <= 0.1  # two instances


def test_the_delta_that_the_message_names_is_taken():
    for instances in (11, 97, 12345):
        with pytest.raises(ArgumentError) as caught:
            _level(1e-20, [instances])
        assert _level(float(caught.value.remedy.split()[4]), [instances]) >= 1e-20


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"method": "dense"}, "method='dense' must be an instance of Dense: pass slth.Dense"),
        ({"method": slth.Dense}, "method=<class .* must be an instance of Dense: pass slth.Dense"),
        ({"method": None}, "method=None must be"),
        ({"law": "uniform"}, "law='uniform' is not a law of weights: pass"),
        ({"seed": True}, "seed=True must be an integer"),
        ({"seed": -1}, "seed=-1 must be an integer"),
        ({"seed": 0.5}, r"seed=0\.5 must be an integer"),
        ({"seed": 2**64}, r"seed=\d+ must be an integer"),
        ({"input_shape": 2}, "input_shape=2 must have 2 numbers in all: leave it out"),
        ({"input_shape": (3,)}, r"input_shape=\(3,\) must have 2 numbers"),
    ],
)
def test_construct_names_the_wrong_argument(options, named):
    with pytest.raises(ArgumentError, match=named):
        slth.construct(PAIR, **{"method": Dense(candidates=4), **options})


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"candidates": 4, "gain": np.array([1.0, 2.0])}, "gain"),
        ({"candidates": 4, "gain": True}, "gain"),
        ({"candidates": 4, "gain": 10**400}, "gain"),
        ({"candidates": np.bool_(True)}, "candidates"),
        ({"candidates": np.array([1, 2])}, "candidates"),
        ({"candidates": "4"}, "candidates"),
        ({"candidates": 4, "depth": np.array(["double", "plus-one"])}, "depth"),
        ({"eps": np.array([0.1, 0.2]), "delta": 0.1}, "eps"),
        ({"eps": 0.1, "delta": "0.1"}, "delta"),
        ({"eps": 10**400, "delta": 0.1}, "eps"),
    ],
)
def test_dense_names_the_wrong_argument(options, argument):
    with pytest.raises(ArgumentError) as caught:
        Dense(**options)
    assert caught.value.argument == argument


def test_numpy_numbers_are_numbers():
    plain = slth.construct(PAIR, method=Dense(candidates=6, gain=2.0), seed=3, input_shape=(2,))
    method = Dense(candidates=np.int64(6), gain=np.int64(2))
    other = slth.construct(PAIR, method=method, seed=np.int64(3), input_shape=(np.int64(2),))
    assert type(method.candidates) is int
    assert type(other.ticket.seed) is int
    assert other.ticket.kept_weights_sha256() == plain.ticket.kept_weights_sha256()
    assert other.certificate.error == plain.certificate.error
    assert Dense(eps=np.float32(0.5), delta=np.float64(0.25)) == Dense(eps=0.5, delta=0.25)
    one, two = (approximate_weights([[0.3, -0.1]], n=n, seed=s) for n, s in ((9, 1), (np.int64(9), np.int64(1))))
    assert np.array_equal(one.arrays[0], two.arrays[0])
    options = {"starts": np.int64(2), "steps": np.int64(3), "seed": np.int64(1)}
    assert attack_difference(PAIR, plain.ticket, **options) is not None
    with pytest.raises(ArgumentError, match="starts=True"):
        attack_difference(PAIR, plain.ticket, starts=True)


def test_zero_networks_keep_to_their_norm_bound():
    """Outward rounding of zeros adds denormals, differently to each of the two bounds."""
    for sizes in ((3, 2), (3, 4, 2), (2, 3, 3, 2)):
        layers = [
            DenseLayer(np.zeros((n, m)), np.zeros(n), "relu" if number + 2 < len(sizes) else "identity")
            for number, (m, n) in enumerate(pairwise(sizes))
        ]
        for box in ((0.0, 1.0), (-1.0, 1.0)):
            certificate = construct_dense(DenseNetwork(layers), Dense(candidates=2), input_box=box).certificate
            assert certificate.error <= certificate.norm_bound
            assert (certificate.per_output <= certificate.norm_bound).all()
            assert certificate.error == certificate.per_output.max()
            assert all(bounds.difference <= bounds.norm_bound for bounds in certificate.layers)
            assert not certificate.per_output.flags.writeable


def test_the_certificate_is_of_the_folded_network():
    module, normalisation = mlp((4, 3, 2), seed=5), ([0.1, 0.2, 0.3, 0.4], 0.7)
    made = slth.construct(module, method=Dense(candidates=8), normalisation=normalisation)
    network = describe_module(module, normalisation=normalisation)
    assert certify(network, made.ticket, input_box=(0.0, 1.0)).error == made.certificate.error
    for text in (slth.construct.__doc__, describe_module.__doc__):
        assert "folded network" in " ".join(text.split())
    assert "rounded to float64 once each" not in describe_module.__doc__


def test_predicted_errors_are_too_low_in_the_tails():
    """Weights near the largest sums of their candidates: why the table's docstring warns."""
    target = one_layer(*np.linspace(1.0, 1.5, 40))
    (row,) = construct_dense(target, Dense(candidates=20, gain="unit"), seed=1).table
    assert row.largest_error > 10.0 * row.predicted_largest
    assert "far too low" in " ".join(type(row).__doc__.split())
