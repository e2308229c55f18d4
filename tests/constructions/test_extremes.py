"""The ends of the doubles, networks of zeros, and numbers of numpy: what is taken, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from slth.constructions import PerWeight, Shallow, Structured, approximate_weights
from slth.constructions.budget import failure_level
from slth.errors import ArgumentError, ConstructionError
from slth.graphs import Conv, Graph, Node, Relu
from slth.rng import WeightLaw
from tests.constructions.graph_samples import chain, worst


def one_layer(*weights):
    return Graph((len(weights),), [Node("layer0", Conv([list(weights)]), ("input",))])


PAIR = one_layer(0.5, -0.25)


@pytest.mark.parametrize("scale", [1e-170, 1e-100, 1e100, 1e200])
@pytest.mark.parametrize("name", ["uniform", "normal"])
@pytest.mark.parametrize("method", [PerWeight(candidates=6), Structured(channels=6)])
def test_laws_whose_products_leave_the_doubles_are_refused(name, scale, method):
    with pytest.raises(ArgumentError, match="scale from 1e-75 to 1e"):
        method.construct(PAIR, law=WeightLaw(name, scale))


@pytest.mark.parametrize("scale", [2.0**-249, 2.0**249])  # 1.1e-75 and 9.0e74
@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_laws_at_the_ends_of_the_range_work(name, scale):
    """A power of two scales every product exactly, and the gain back: the same weights are kept."""
    method = PerWeight(candidates=8)
    usual, made = (method.construct(PAIR, law=WeightLaw(name, size)) for size in (1.0, scale))
    assert np.array_equal(usual.ticket.mask["layer0.weights"], made.ticket.mask["layer0.weights"])
    assert made.certificate.error == pytest.approx(usual.certificate.error, rel=1e-9)


def test_weights_beyond_every_gain_are_refused():
    with pytest.raises(ArgumentError, match=r"node layer0=1e\+308 holds a weight whose gain"):
        PerWeight(candidates=6).construct(one_layer(1e308, 1.0))
    with pytest.raises(ArgumentError, match=r"node layer0=1e\+200 holds a weight whose gain"):
        PerWeight(candidates=6).construct(one_layer(1e200, 1.0), law=WeightLaw("uniform", 1e-75))
    with pytest.raises(ArgumentError, match="gain=1e-300 is too small for a weight of"):
        PerWeight(candidates=6, gain=1e-300).construct(one_layer(1e100))


def test_the_smallest_weights_have_a_gain():
    made = PerWeight(candidates=6).construct(one_layer(5e-324, -5e-324), law=WeightLaw("normal", 1e75))
    assert made.ticket.gains.tolist() == [2.0**-1022]
    assert made.certificate.error < 1e-300


@pytest.mark.parametrize("eps", [1e150, 1e160, 1e300, 1.7e308])
@pytest.mark.parametrize("method", [PerWeight, Shallow])
def test_a_huge_eps_is_met(eps, method):
    target = chain(np.random.default_rng(0), (3, 4, 2))
    made = method(eps=eps, delta=0.1).construct(target, input_box=(-1.0, 1.0))
    assert made.certificate.error <= eps
    assert max(row.candidates for row in made.table) <= 4


def test_delta_has_a_smallest_value():
    with pytest.raises(ArgumentError, match=r"delta=1e-21 must be at least 1e-20 and below 1"):
        PerWeight(eps=0.1, delta=1e-21)
    target = chain(np.random.default_rng(0), (3, 4, 2))
    for method in (PerWeight, Shallow):
        with pytest.raises(ArgumentError, match=r"delta=1e-19 is too small for 26 subset-sum instances"):
            method(eps=0.1, delta=1e-19).construct(target)
    assert PerWeight(eps=0.1, delta=1e-19).construct(PAIR).certificate.error <= 0.1  # two instances


@pytest.mark.parametrize("instances", [11, 97, 12345])
def test_the_delta_that_the_message_names_is_taken(instances):
    with pytest.raises(ArgumentError) as caught:
        failure_level(PerWeight(eps=0.1, delta=1e-20), np.array([instances]))
    named = float(caught.value.remedy.split()[4])
    assert failure_level(PerWeight(eps=0.1, delta=named), np.array([instances])) >= 1e-20


@pytest.mark.parametrize("method", [PerWeight(candidates=3), PerWeight(eps=0.1, delta=0.5), Structured(channels=5),
                                    Shallow(candidates=12), Shallow(eps=0.1, delta=0.5)])  # fmt: skip
def test_networks_of_zeros_keep_nothing_of_them(method):
    nodes = [Node("a", Conv(np.zeros((2, 2))), ("input",)), Node("relu", Relu(), ("a",)),
             Node("b", Conv(np.zeros((1, 2)), [0.0]), ("relu",))]  # fmt: skip
    made = method.construct(Graph((2,), nodes), input_box=(-1.0, 1.0))
    assert made.certificate.error < 1e-6
    assert made.table[1].kept == 0
    assert made.table[1].relative_error == made.table[1].median_error == 0.0
    if not isinstance(method, Shallow):
        assert made.ticket.mask.kept == made.table[0].instances == 0


def test_numpy_numbers_are_numbers():
    plain = PerWeight(candidates=6, gain=2.0).construct(PAIR, seed=3)
    method = PerWeight(candidates=np.int64(6), gain=np.int64(2))
    other = method.construct(PAIR, seed=np.int64(3))
    assert type(method.candidates) is int
    assert type(other.ticket.seed) is int
    assert other.ticket.to_bytes() == plain.ticket.to_bytes()
    assert PerWeight(eps=np.float32(0.5), delta=np.float64(0.25)) == PerWeight(eps=0.5, delta=0.25)
    assert Structured(channels=np.int64(7), beam=np.int32(2)) == Structured(channels=7, beam=2)
    one, two = (approximate_weights([[0.3, -0.1]], n=n, seed=s) for n, s in ((9, 1), (np.int64(9), np.int64(1))))
    assert np.array_equal(one.arrays[0], two.arrays[0])


def test_more_candidates_than_are_offered_help_sources_that_have_few(monkeypatch):
    """Beyond the most nothing more is offered, and every source has its full number of usable ones."""
    monkeypatch.setattr("slth.constructions.solving.MOST_CANDIDATES", 18)
    target = one_layer(0.3)
    ticket, (row,) = PerWeight(candidates=26).ticket(target)
    assert ticket.layers[0].units == 52
    assert row.channels is None
    assert worst(target, ticket) < 1e-4


def test_predicted_errors_are_too_low_in_the_tails():
    """Weights near the largest sums of their candidates: why the table's docstring warns."""
    _, (row,) = PerWeight(candidates=20, gain="unit").ticket(one_layer(*np.linspace(1.0, 1.5, 40)), seed=1)
    assert row.largest_error > 10.0 * row.predicted_largest
    assert "far too low" in " ".join(type(row).__doc__.split())


@pytest.mark.parametrize("size", [1e30, 1e300])
def test_few_candidates_of_huge_weights_are_forecast(size):
    made = PerWeight(candidates=3).construct(one_layer(0.5 * size, -0.25 * size), seed=1)
    assert 0.0 < made.table[0].predicted_median <= made.table[0].predicted_largest <= 0.5 * size * 1.001
    assert 0.0 < made.table[0].relative_error <= 1.001


def test_errors_of_tiny_weights_are_relative():
    made = PerWeight(candidates=3).construct(one_layer(5e-200, -2e-200), seed=1)
    usual = PerWeight(candidates=3).construct(one_layer(5e-200 * 2.0**660, -2e-200 * 2.0**660), seed=1)
    assert made.table[0].relative_error == usual.table[0].relative_error > 0.0


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1e307])
def test_channels_are_found_for_weights_at_the_ends_of_the_doubles(scale):
    """Squares of such weights are 0 or infinite, and a probe of their size is 0."""
    target = one_layer(0.5 * scale, -scale, 0.25 * scale)
    made = Structured(eps=max(0.01 * scale, 1e-300)).construct(target)
    assert made.certificate.error <= max(0.01 * scale, 1e-300)
    assert worst(target, made.ticket) <= made.certificate.error


@pytest.mark.parametrize("method", [Structured(eps=0.5), PerWeight(eps=0.5, delta=0.1)])
def test_an_error_far_below_huge_weights_is_refused_at_their_layer(method):
    with pytest.raises(ArgumentError, match=r"weights at node layer0 costs more .* could be reached is 2.2e"):
        method.construct(one_layer(1e200, -1e200))
    twice = Graph(
        (1,), [Node("a", Conv([[1e200]]), ("input",)), Node("r", Relu(), ("a",)), Node("b", Conv([[1e200]]), ("r",))]
    )
    with pytest.raises(ConstructionError, match="leave the range of doubles at node b; use a smaller input box"):
        method.construct(twice)


def test_a_gain_that_leaves_the_doubles_is_refused_at_its_layer():
    with pytest.raises(ArgumentError, match="node layer0=1e-300 has a gain, or weights over it, that leave"):
        Structured(channels=6, gain=1e-300).construct(one_layer(1e100))
    with pytest.raises(ArgumentError, match="node layer0=inf has a gain"):
        Structured(channels=6, gain="theorem").construct(one_layer(1e308, 1e308))
