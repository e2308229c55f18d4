"""Tickets: what they compute, against a pass through the random network unit by unit; what they refuse."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.graphs import Conv, Graph, Node, Relu
from slth.rng import WeightLaw
from slth.tickets import blocks, evaluation
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import Ticket
from tests.ticket_sources import (
    UNIFORM,
    chain,
    layers_of,
    mixed,
    naive_forward,
    pair_and_plain,
    random_mask,
    stream_of,
    ticket_of,
    two_pairs,
)

SOURCES = [two_pairs, pair_and_plain, mixed]


@given(
    st.sampled_from(SOURCES),
    st.sampled_from(
        [
            WeightLaw("uniform", 1.0),
            WeightLaw("uniform", 0.25),
            WeightLaw("normal", 2.0),
            WeightLaw("signed-constant", 0.5),
        ]
    ),
    st.integers(0, 2**64 - 1),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_both_forms_are_the_naive_pass_through_the_random_network(source, law, seed, density):
    ticket = ticket_of(source(), law=law, seed=seed, density=density, mask_seed=seed)
    x = np.random.default_rng(seed).normal(size=(2, *ticket.source.input_shape))
    wanted = naive_forward(ticket, x)
    for form in ("masked", "folded"):
        np.testing.assert_allclose(ticket.forward(x, form=form), wanted, rtol=1e-10, atol=1e-10 * (1 + law.scale) ** 10)


@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 2),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    removal=st.sampled_from(["weights", "channels"]),
    rectified=st.booleans(),
    seed=st.integers(0, 100),
)
def test_pairs_of_every_geometry_fold_to_what_they_compute(
    kernel, stride, padding, dilation, groups, bias, removal, rectified, seed
):
    pair = Pair(
        "p", 2, 4, 3, kernel, stride, (padding, padding[::-1]), dilation, groups, bias, removal, "both", rectified
    )
    source = Graph((2, 5, 5), [Node("p", pair, ("input",))])
    ticket = ticket_of(source, density=0.6, mask_seed=seed)
    x = np.random.default_rng(seed).normal(size=(2, 2, 5, 5))
    wanted = naive_forward(ticket, x)
    np.testing.assert_allclose(ticket.forward(x, form="masked"), wanted, atol=1e-12)
    np.testing.assert_allclose(ticket.forward(x), wanted, atol=1e-12)
    folded = ticket.folded["p"]
    assert (folded.positive[0] <= folded.positive[1]).all()
    assert (folded.negative is None) == (not rectified)
    assert (folded.constant is None) == (not bias)


def test_enclosures_hold_the_exact_sums():
    """Every product of two doubles is rational: the exact sums, in fractions, lie between the ends."""
    ticket = ticket_of(
        Graph((2,), [Node("p", Pair("p", 2, 3, 6, halves="both"), ("input",))]), law=UNIFORM, gains=[0.3]
    )
    folded, mask = ticket.folded["p"], ticket.mask
    for source in range(3):
        first = stream_of(f"p.first.{source}", ticket, 6)
        second = stream_of(f"p.second.{source}", ticket, 18).reshape(6, 3)
        for output in range(3):
            for half, sign in ((folded.positive, 1), (folded.negative, -1)):
                kept = [k for k in range(6) if mask["p.weights"][k, source, output] and first[k] * sign > 0]
                exact = sum(Fraction(first[k]) * Fraction(second[k, output]) for k in kept) * Fraction(0.3)
                ends = half if source < 2 else folded.constant
                if source == 2 and sign < 0:
                    continue
                index = (output, source, 0, 0) if source < 2 else (output, 0, 0)
                assert Fraction(float(ends[0][index])) <= exact <= Fraction(float(ends[1][index]))
                assert ends[1][index] - ends[0][index] <= 1e-13
                size = folded.magnitude if source < 2 else folded.constant_magnitude
                assert abs(exact) <= Fraction(float(size[index]))


@pytest.mark.parametrize("source", SOURCES)
def test_batches_and_blocks_do_not_show(source, monkeypatch):
    ticket = ticket_of(source(), density=0.9)
    x = np.random.default_rng(2).normal(size=(23, *ticket.source.input_shape))
    whole, before = ticket.forward(x, form="masked"), x.copy()
    assert (np.ptp(whole, axis=0) > 0.0).any()
    for name, module in (("_HIDDEN_NUMBERS", evaluation), ("_ROWS", evaluation), ("_BLOCK_WEIGHTS", blocks)):
        monkeypatch.setattr(module, name, 11)
        np.testing.assert_allclose(ticket.forward(x, form="masked"), whole, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(x, before)
    assert ticket.kept_weights_sha256() == ticket_of(source(), density=0.9).kept_weights_sha256()
    assert ticket.forward(x[:0]).shape == (0, *ticket.source.output_shape)


def test_more_candidates_extend_the_same_network():
    pair = Pair("p", 3, 2, 4, halves="both")
    ticket = ticket_of(Graph((3,), [Node("p", pair, ("input",))]))
    larger = replace(pair, units=9)
    arrays = {}
    for name, shape in larger.mask_shapes.items():
        arrays[name] = np.zeros(shape, bool)
        arrays[name][:4] = ticket.mask[name]
    grown = Ticket(Graph((3,), [Node("p", larger, ("input",))]), ticket.law, ticket.seed, Mask(arrays), ticket.gains)
    assert grown.kept_weights_sha256() == ticket.kept_weights_sha256()
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(grown.forward(x), ticket.forward(x))


def test_a_layer_at_two_nodes_is_one_layer_with_one_gain():
    pair = Pair("p", 3, 3, 4, halves="both")
    source = Graph((3,), [Node("p", pair, ("input",)), Node("again", pair, ("p",))])
    ticket = ticket_of(source, gains=[0.5])
    assert len(ticket.layers) == 1
    x = np.random.default_rng(0).normal(size=(5, 3))
    once = Ticket(Graph((3,), [Node("p", pair, ("input",))]), ticket.law, ticket.seed, ticket.mask, ticket.gains)
    np.testing.assert_allclose(ticket.forward(x), once.forward(once.forward(x)), atol=1e-13)


def test_statistics():
    ticket = ticket_of(two_pairs())
    kept = sum(int(array.sum()) for array in ticket.mask.arrays.values())
    positions = 5 * 4 * (1 + 4) + 3 * 5 * (1 + 2)
    statistics = ticket.statistics()
    assert (statistics.kept, statistics.open_positions) == (kept, positions)
    assert statistics.density == kept / positions
    assert statistics.random_parameters == 5 * 4 * (4 + 4) + 3 * 5 * (5 + 2)
    assert statistics.target_weights == 4 * 4 + 5 * 2
    assert statistics.entropy_bound_bits == ticket.mask.entropy_bound_bits
    assert statistics.entropy_bound_bits_per_weight == statistics.entropy_bound_bits / 26
    assert ticket_of(pair_and_plain()).statistics().target_weights is None
    assert ticket_of(pair_and_plain()).statistics().entropy_bound_bits_per_weight is None


def test_a_ticket_is_said_in_a_line_and_travels_between_processes():
    ticket = ticket_of(mixed())
    assert len(repr(ticket)) < 100
    assert pickle.loads(pickle.dumps(ticket)).to_bytes() == ticket.to_bytes()


def built(**changes):
    ticket = ticket_of(two_pairs())
    parts = {name: getattr(ticket, name) for name in ("source", "law", "seed", "mask", "gains", "family")}
    return Ticket(**parts | changes)


def mask_with(**changes):
    arrays = {name: array.copy() for name, array in random_mask(layers_of(two_pairs())).arrays.items()}
    return Mask(arrays | {name.replace("_", "."): array for name, array in changes.items()})


def source_with(*steps):
    nodes = [Node(f"n{number}", step, (f"n{number - 1}" if number else "input",)) for number, step in enumerate(steps)]
    return Graph((3,), nodes)


def test_names_that_only_look_like_a_source_are_streams_of_their_own():
    for path in ("a.first.4", "a.first.00", "a.first.x", "b.first.0"):
        assert ticket_of(source_with(Pair("a", 3, 3, 2), RandomLayer(path, 3, 3))).layers[1].path == path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "784-500-10"}, "source=.* must be a Graph"),
        ({"source": source_with(Relu())}, "has no random layer"),
        ({"source": source_with(Conv(np.ones((1, 3))))}, r"has weights at node n0 \(Conv\)"),
        ({"source": source_with(Pair("a", 3, 3, 2), Pair("a", 3, 3, 4))}, "path='a' names two random layers"),
        ({"source": source_with(Pair("a", 3, 3, 2), RandomLayer("a.first", 3, 3))}, "names two streams or masks"),
        ({"source": source_with(Pair("a", 3, 3, 2), RandomLayer("a.first.0", 3, 3))}, "names two streams or masks"),
        ({"source": source_with(RandomLayer("a.second.3", 3, 3), Pair("a", 3, 3, 2))}, "names two streams or masks"),
        ({"law": "uniform"}, "law='uniform' must be a WeightLaw"),
        ({"mask": {}}, "mask={} must be a Mask"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**64}, "seed="),
        ({"seed": True}, "seed=True"),
        ({"seed": 1.0}, "seed=1.0"),
        ({"family": "weak"}, "family='weak'"),
        ({"gains": [1.0]}, "gains=.* must be 2 positive numbers"),
        ({"gains": [1.0, 0.0]}, "gains=.* must be 2 positive numbers"),
        ({"gains": [1.0, np.inf]}, "must be finite"),
        ({"mask": random_mask(layers_of(pair_and_plain()))}, "missing or unknown arrays"),
        ({"mask": mask_with(other=np.zeros(2, bool))}, r"mask=\['other'\] are missing or unknown"),
        ({"mask": mask_with(layer0_units=np.zeros((4, 5), bool))}, r"\[4, 5\] must have shape \[5, 4\]"),
        ({"mask": mask_with(layer0_units=np.ones((5, 4), bool))}, "exactly where one of its weights is kept"),
        ({"mask": mask_with(layer0_units=np.zeros((5, 4), bool))}, "exactly where one of its weights is kept"),
        ({"buffers": {"mean": np.array(["a"])}}, "buffer mean"),
        ({"buffers": {"a b": np.ones(2)}}, "name='a b'"),
    ],
)
def test_bad_tickets_are_named(changes, message):
    with pytest.raises(ArgumentError, match=message):
        built(**changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pair("a b", 1, 1, 1), "name='a b'"),
        (lambda: Pair("a", 1, 1, 0), "units=0 must be"),
        (lambda: Pair("a", 1, 3, 1, groups=2), "groups=2 must divide"),
        (lambda: Pair("a", 1, 1, 1, removal="rows"), "removal='rows'"),
        (lambda: Pair("a", 1, 1, 1, halves="negative"), "halves='negative'"),
        (lambda: Pair("a", 1, 1, 1, rectified="yes"), "rectified='yes'"),
        (lambda: Pair("a", 2**40, 2**40, 2**40), "more than a stream has"),
        (lambda: RandomLayer("a", 2**40, 2**40), "more than a stream has"),
        (lambda: chain(Pair("a", 2, 2, 1), Pair("b", 3, 1, 1)), "node b=.*inputs=3 must be the 2 channels"),
    ],
)
def test_bad_random_layers_are_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_bad_batches_and_forms_are_named():
    for wrong in ([1.0, 2.0, 3.0], [[1.0, 2.0]], [[np.nan, 0.0, 0.0]]):
        with pytest.raises(ArgumentError, match="x="):
            ticket_of(two_pairs()).forward(wrong)
    with pytest.raises(ArgumentError, match="form='small'"):
        ticket_of(two_pairs()).forward([[1.0, 2.0, 3.0]], form="small")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["masked", "folded"])
def test_forward_in_bounded_memory(form):
    ticket = ticket_of(chain(Pair("a", 784, 500, 40), RandomLayer("b", 500, 10)), density=0.7)
    x = np.zeros((30_000, 784))
    tracemalloc.start()
    ticket.forward(x, form=form)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**30
