"""Each bound that a convolutional certificate takes the smallest of: it holds at every node, by itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from conv_certificate_samples import graph_case, known, plain_ranges, values_of_nodes
from hypothesis import given
from hypothesis import strategies as st

from slth.constructions.conv_certify import graph_ranges
from slth.constructions.conv_graph import Affine, EffectiveConv, effective_convs, graph_of
from slth.constructions.conv_linear import Carrier, Rows
from slth.constructions.conv_ranges import Ranges, through
from slth.constructions.conv_selections import by_lines, by_selections
from slth.constructions.conv_spectral import proved_norm, scaled, selection_bound
from slth.constructions.interval import Interval
from slth.tickets import ConvLayer, ConvNetwork, Flatten, Pool
from tests.conv_samples import conv_cases, random_conv, random_ticket


@given(conv_cases(), st.integers(0, 2**32 - 1), st.booleans())
def test_ranges_of_every_node_hold(case, seed, narrow):
    """Not only at the outputs: later steps may hide a range that is too small."""
    _, ranges, known_values = graph_case(case, seed, narrow=narrow)
    for known_range, (one, two) in zip(ranges, known_values, strict=True):
        for interval, values in (
            (known_range.target, one), (known_range.ticket, two), (known_range.difference, two - one),
        ):  # fmt: skip
            assert (interval.lower <= values.min(axis=0) + 1e-9).all()
            assert (values.max(axis=0) - 1e-9 <= interval.upper).all()


@given(conv_cases(), st.integers(0, 2**32 - 1), st.booleans())
def test_linear_bounds_of_every_node_hold(case, seed, narrow):
    graph, ranges, known_values = graph_case(case, seed, narrow=narrow)
    rng = np.random.default_rng(seed)
    for number in range(1, len(graph.nodes) + 1):
        one, two = known_values[number]
        on_values, on_differences = (
            rng.normal(size=(6, one.shape[1])) * (rng.random((6, one.shape[1])) < 0.3) for _ in range(2)
        )
        on_values[3:5] = 0.0
        rows = Rows(sp.csr_array(on_values), sp.csr_array(on_differences))
        bounds = Carrier(graph, ranges, number, rows).upper_bounds()
        reached = one @ on_values.T + (two - one) @ on_differences.T
        assert (reached.max(axis=0) - 1e-8 <= bounds).all()


@given(conv_cases(), st.integers(0, 2**32 - 1), st.booleans())
def test_each_bound_of_the_outputs_holds_by_itself(case, seed, narrow):
    """The certificate is the smallest of several bounds: one that is too large could hide one that is wrong."""
    graph, ranges, known_values = graph_case(case, seed, narrow=narrow)
    known_range = np.full(known_values[-1][0].shape[1], np.inf)
    if not isinstance(graph.nodes[graph.output - 1], Affine):
        return
    worst = np.abs(known_values[graph.output][1] - known_values[graph.output][0]).max(axis=0)
    for method in (by_lines, by_selections):
        assert (worst - 1e-8 <= method(graph, ranges, graph.output, known_range)).all()


def test_selections_hold_where_the_worst_input_is_known():
    """One neuron: the box's worst corner reaches the bound, so that no part of it can be left out."""
    rng = np.random.default_rng(13)
    for pooled in (False, True):
        first = random_conv(rng, 3, 1, (1, 1))
        first = replace(first, bias=np.array([9.0]))  # always active
        steps = [first, *([Pool("max", (1, 1))] if pooled else []), ConvLayer([[[[2.0]]]], activation="identity")]
        target = ConvNetwork((3, 1, 1), steps)
        ticket = random_ticket(rng, target, channels=8, density=1.0)
        for low in (0.0, -1.0):
            graph = graph_of(target, effective_convs(ticket, target))
            ranges = graph_ranges(graph, (np.full((3, 1, 1), low), np.ones((3, 1, 1))))
            corners = np.array(list(product((low, 1.0), repeat=3)))[:, :, None, None]
            one, two = values_of_nodes(graph, corners.reshape(len(corners), -1))[graph.output]
            bound = by_selections(graph, ranges, graph.output, np.array([np.inf]))
            assert np.abs(two - one).max() <= bound * (1.0 + 1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans())
def test_the_bilinear_bound_holds_for_all_choices_and_corners(seed, windows, important):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(3 * windows, int(rng.integers(1, 6)))) * 10.0 ** rng.integers(-3, 3)
    coefficients = np.repeat(rng.normal(size=3) * (rng.random(3) < 0.8), windows)
    base = rng.normal(size=len(matrix)) * np.abs(matrix).max()
    importance = np.maximum(np.abs(coefficients), 1e-3) if important else np.ones(len(matrix))
    scales = scaled(sp.csr_array(matrix), importance, rounds=3)
    bound = selection_bound(coefficients, Interval.point(base), scales, windows)
    corners = np.array(list(product((-1.0, 1.0), repeat=matrix.shape[1])))
    values = coefficients * (base + corners @ matrix.T)
    best = np.maximum(values.reshape(len(corners), 3, windows).max(axis=2), 0.0).sum(axis=1).max()
    assert best <= bound * (1.0 + 1e-12)


@given(st.integers(0, 2**32 - 1))
def test_the_proved_norm_is_a_norm_and_close(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 30, 2)
    matrix = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < 0.5)
    matrix[0, 0] = 1.0
    true = np.linalg.norm(matrix, 2)
    proved = proved_norm(sp.csr_array(matrix))
    assert proved is not None
    assert true <= proved <= 1.1 * true


def one_pixel(weight, activation):
    return ConvLayer([[[[weight]]]], activation=activation)


@pytest.mark.parametrize(
    ("weights", "enclosed", "box", "worst"),
    [
        # The ticket's weights are 1.5 at most: 1.5^3 x instead of x.
        ((1.0, 1.0, 1.0), [(0.5, 1.5, None)] * 3, (1.0, 2.0), 4.75),
        # Behind the first layer -2.2 instead of -2; the second is -5 there instead of -1.
        ((1.0, -1.0, 1.0), [(1.1, 1.1, None), (-1.0, -1.0, -5.0), (1.0, 1.0, None)], (-2.0, -1.0), 9.0),
        # Only the first layer differs, and only on negative inputs does the second pass much of it on.
        ((1.0, -5.0, 1.0), [(1.5, 1.5, None), (-1.0, -1.0, -5.0), (1.0, 1.0, None)], (-2.0, -1.9), 5.0),
    ],
)
def test_selections_see_all_that_the_ticket_may_be(weights, enclosed, box, worst):
    activations = ("identity", "relu", "identity")
    target = ConvNetwork((1, 1, 1), [one_pixel(*pair) for pair in zip(weights, activations, strict=True)])
    convs = []
    for lower, upper, negative in enclosed:
        kernel = np.full((1, 1, 1, 1), 1.0)
        below = None if negative is None else Interval.point(kernel * negative)
        convs.append(EffectiveConv(Interval(kernel * lower, kernel * upper), below, None, kernel * 5, None, 1, 5.0))
    graph = graph_of(target, convs)
    ranges = plain_ranges(graph, tuple(np.full((1, 1, 1), end) for end in box))
    bound = by_selections(graph, ranges, graph.output, np.array([np.inf]))[0]
    assert worst <= bound * (1.0 + 1e-12)
    assert bound < 3.0 * worst


def test_a_maximum_that_one_entry_leads_is_that_entry():
    """Differences of entries that can never be the largest do not count."""
    steps = [ConvLayer([[[[1.0]]]]), Pool("max", (1, 3)), Flatten(), ConvLayer([[[[1.0]]]], activation="identity")]
    target = ConvNetwork((1, 1, 3), steps)
    graph = graph_of(target, [known(layer) for layer in target.layers])
    value = Interval(np.array([2.0, 0.0, 0.0]), np.array([3.0, 1.0, 1.5]))
    difference = Interval(np.array([-0.1, -0.5, -0.4]), np.array([0.2, 0.5, 0.3]))
    before = Ranges(value, value + difference, difference)
    number = next(place for place, node in enumerate(graph.nodes, 1) if type(node).__name__ == "Largest")
    behind = through(graph, number, [before] * number)
    assert behind.difference.lower == pytest.approx([-0.1], abs=1e-12)
    assert behind.difference.upper == pytest.approx([0.2], abs=1e-12)
