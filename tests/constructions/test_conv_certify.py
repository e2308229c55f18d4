"""The certificate of convolutions is never below a difference, and near it where that is known."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from network_samples import random_network
from network_samples import random_ticket as random_dense_ticket

from slth.constructions import certify
from slth.constructions.certify import certify_layers
from slth.constructions.conv_certify import certify_kernels, graph_ranges
from slth.constructions.conv_graph import Affine, EffectiveConv, Largest, Relu, effective_convs, graph_of
from slth.constructions.conv_linear import Carrier, Rows
from slth.constructions.conv_ranges import Ranges, start, through
from slth.constructions.conv_selections import by_lines, by_selections
from slth.constructions.conv_spectral import proved_norm, scaled, selection_bound
from slth.constructions.effective import EffectiveLayer
from slth.constructions.interval import Interval
from slth.errors import ArgumentError
from slth.networks import attack_difference
from slth.tickets import ConvLayer, ConvNetwork, DenseLayer, DenseNetwork, Flatten, Pool
from slth.tickets.conv_weights import source_blocks
from slth.tickets.geometry import convolve
from slth.tickets.steps import run
from tests.conv_samples import conv_cases, images_of_box, near_target, random_conv, random_target, random_ticket


def gaps(one, two, x):
    return np.abs(one.forward(x) - two.forward(x)).reshape(len(x), -1)


def check(certificate, differences):
    assert (differences <= certificate.per_output + certificate.float64_allowance).all()


def known(layer, spread=0.0):
    """A convolution without biases whose kernel is known to a tolerance."""
    size = np.abs(layer.weight) + spread
    kernel = Interval(layer.weight - spread, layer.weight + spread)
    return EffectiveConv(kernel, None, None, size, None, layer.weight[0].size, max(1.0, float(size.max())))


def unit_box(shape):
    return np.zeros(shape), np.ones(shape)


def plain_ranges(graph, box):
    """Ranges alone, without linear bounds."""
    ranges = [start(box[0].ravel(), box[1].ravel())]
    for number in range(1, len(graph.nodes) + 1):
        ranges.append(through(graph, number, ranges))
    return ranges


@given(conv_cases(), st.integers(0, 2**32 - 1))
def test_never_below_random_inputs_and_corners(case, seed):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    assert certificate.float64_allowance < 1e-7
    points = images_of_box(np.random.default_rng(seed), box, 800)  # 10^4 in all
    check(certificate, gaps(ticket, target, points).max(axis=0))


@given(conv_cases())
def test_never_below_gradient_ascent(case):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    worst = attack_difference(target, ticket, input_box=box, starts=2, steps=10)
    assert worst.error <= certificate.per_output[worst.output] + certificate.float64_allowance


def values_of_nodes(graph, x):
    """The target's and the ticket's values of each node for inputs [batch, n], kernels at mid-range."""

    def matrix(node, numbers):
        shape = (node.places.rows, node.places.columns)
        entries = (numbers.lower / 2 + numbers.upper / 2)[node.places.entry]
        return sp.csr_array((entries, node.places.inputs, node.places.first), shape=shape)

    known_values = [(x, x)]
    for node in graph.nodes:
        one, two = known_values[node.source]
        if isinstance(node, Affine):
            bias, wrong = node.bias.lower, node.bias_error.lower / 2 + node.bias_error.upper / 2
            negative = node.positive if node.negative is None else node.negative
            plus = (matrix(node, node.positive) @ np.maximum(two, 0.0).T).T
            minus = (matrix(node, negative) @ np.minimum(two, 0.0).T).T
            known_values.append(((matrix(node, node.weights) @ one.T).T + bias, plus + minus + bias + wrong))
        elif isinstance(node, Relu):
            known_values.append((np.maximum(one, 0.0), np.maximum(two, 0.0)))
        elif isinstance(node, Largest):
            known_values.append((one[:, node.windows].max(axis=2), two[:, node.windows].max(axis=2)))
        else:
            known_values.append(tuple(u + v for u, v in zip((one, two), known_values[node.other], strict=True)))
    return known_values


def graph_case(case, seed, *, narrow):
    """Graph, ranges, values at random inputs; in a narrow box many signs and many largest entries are known."""
    target, ticket, (low, high) = case
    if narrow:
        high = low + 0.03 * (high - low)
    graph = graph_of(target, effective_convs(ticket, target))
    x = images_of_box(np.random.default_rng(seed), (low, high), 300)
    known_values = values_of_nodes(graph, x.reshape(len(x), -1))
    for network, ours in zip((target, ticket), known_values[graph.output], strict=True):
        assert np.abs(network.forward(x).reshape(len(x), -1) - ours).max() < 1e-8
    return graph, graph_ranges(graph, (low, high)), known_values


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


@pytest.mark.parametrize("low", [0.0, -0.6])
@pytest.mark.parametrize("stride", [1, 2])
def test_one_convolution_is_solved(low, stride):
    """The first layer's ranges are exact: the largest difference is at the ends of the box or at 0."""
    rng = np.random.default_rng(1)
    target = ConvNetwork((2, 3, 3), [random_conv(rng, 2, 2, (2, 2), activation="identity", stride=stride)])
    ticket = random_ticket(rng, target)
    certificate = certify(target, ticket, input_box=(low, 1.0))
    shape = target.input_shape
    zero = ticket.forward(np.zeros((1, *shape))) - target.forward(np.zeros((1, *shape)))
    alone = []  # each output is a sum of functions of one pixel each
    for number, end in product(range(18), (low, 1.0)):
        x = np.zeros((1, *shape))
        x.ravel()[number] = end
        alone.append((ticket.forward(x) - target.forward(x) - zero).ravel())
    effects = np.array(alone).reshape(18, 2, -1)
    effects = np.concatenate([effects, np.zeros_like(effects[:, :1])], axis=1) if low < 0.0 else effects
    highest = zero.ravel() + np.maximum(effects.max(axis=1), 0.0).sum(axis=0)
    lowest = zero.ravel() + np.minimum(effects.min(axis=1), 0.0).sum(axis=0)
    worst = np.maximum(np.abs(highest), np.abs(lowest))
    assert certificate.per_output == pytest.approx(worst, rel=1e-9)


def test_images_of_one_pixel_agree_with_the_dense_certificate():
    rng = np.random.default_rng(2)
    sizes = (6, 10, 8, 3)
    dense, convolutions, effective, convs = [], [], [], []
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight, bias = rng.normal(size=(outputs, inputs)) / np.sqrt(inputs), rng.normal(size=outputs) * 0.1
        activation = "identity" if number == 2 else "relu"
        dense.append(DenseLayer(weight, bias, activation))
        convolutions.append(ConvLayer(weight[:, :, None, None], bias, activation))
        wrong = weight + 0.02 * rng.normal(size=weight.shape)
        constant = bias + 0.02 * rng.normal(size=bias.shape)
        both = np.column_stack([wrong, constant])
        places = np.arange(inputs + 1), np.arange(outputs)
        effective.append(EffectiveLayer(Interval.point(both), None, np.abs(both), inputs + 1, 1.0, *places))
        kernel, constants = wrong[:, :, None, None], constant[:, None, None]
        enclosed = Interval.point(kernel), None, Interval.point(constants)
        convs.append(EffectiveConv(*enclosed, np.abs(kernel), np.abs(constants), inputs + 1, 1.0))
    box = np.full(6, -0.3), np.ones(6)
    by_dense = certify_layers(DenseNetwork(dense), effective, box)
    images = tuple(end[:, None, None] for end in box)
    by_convolutions = certify_kernels(ConvNetwork((6, 1, 1), convolutions), convs, images)
    assert 0.5 * by_dense.error < by_convolutions.error < 1.2 * by_dense.error
    assert by_convolutions.norm_bound == pytest.approx(by_dense.norm_bound, rel=1e-6)
    assert by_convolutions.float64_allowance == pytest.approx(by_dense.float64_allowance, rel=0.5, abs=0.0)
    for ours, theirs in zip(by_convolutions.layers, by_dense.layers, strict=True):
        assert ours.largest_weight_error == pytest.approx(theirs.largest_weight_error, rel=1e-9)
        assert ours.median_weight_error == pytest.approx(theirs.median_weight_error, rel=1e-9)


def reference_like(rng, size=12, channels=4):
    steps = [
        random_conv(rng, 1, channels, (3, 3), bias=False, padding=1),
        Pool("max", 2),
        random_conv(rng, channels, 2 * channels, (3, 3), bias=False, padding=1),
        Pool("max", 2),
        Flatten(),
        random_conv(rng, 2 * channels * (size // 4) ** 2, 3, (1, 1), bias=False, activation="identity"),
    ]
    return ConvNetwork((1, size, size), steps)


def perturbed(rng, target, errors):
    steps, errors = [], iter(errors)
    for step in target.steps:
        if isinstance(step, ConvLayer):
            noise = rng.normal(size=step.weight.shape) * np.sqrt((step.weight**2).mean()) * next(errors)
            step = replace(step, weight=step.weight + noise)
        steps.append(step)
    return ConvNetwork(target.input_shape, steps)


def test_selections_sharpen_what_ranges_say():
    rng = np.random.default_rng(3)
    target = reference_like(rng)
    near = perturbed(rng, target, (0.04, 0.13, 0.012))
    convs, box = [known(layer) for layer in near.layers], unit_box(target.input_shape)
    certificate = certify_kernels(target, convs, box)
    by_ranges = plain_ranges(graph_of(target, convs), box)[-1].difference.magnitude.max()
    points = images_of_box(rng, box, 4000)
    worst = gaps(near, target, points).max()
    assert worst <= certificate.error + certificate.float64_allowance
    assert certificate.error < 0.8 * by_ranges


def test_linear_bounds_sharpen_deep_networks_without_pooling():
    rng = np.random.default_rng(4)
    steps = [random_conv(rng, inputs, 8, (3, 3), padding=1, stride=2, bias=False) for inputs in (1, 8, 8)]
    steps.append(random_conv(rng, 8, 2, (2, 2), activation="identity", bias=False))
    target = ConvNetwork((1, 16, 16), steps)
    near = perturbed(rng, target, (0.02,) * 4)
    convs, box = [known(layer) for layer in near.layers], unit_box((1, 16, 16))
    certificate = certify_kernels(target, convs, box)
    by_ranges = plain_ranges(graph_of(target, convs), box)[-1].difference.magnitude.max()
    assert gaps(near, target, images_of_box(rng, box, 4000)).max() <= certificate.error
    assert certificate.error < 0.5 * by_ranges


def test_too_much_work_falls_back_to_ranges(monkeypatch):
    rng = np.random.default_rng(5)
    target = random_target(rng)
    ticket = random_ticket(rng, target)
    sharp = certify(target, ticket, input_box=(0.0, 1.0))
    monkeypatch.setattr("slth.constructions.conv_certify._MOST_WORK", 0.0)
    monkeypatch.setattr("slth.constructions.conv_selections._LARGEST_ORDER", 0)
    blunt = certify(target, ticket, input_box=(0.0, 1.0))
    assert (sharp.per_output <= blunt.per_output * (1.0 + 1e-9)).all()
    points = images_of_box(rng, unit_box(target.input_shape), 1000)
    check(blunt, gaps(ticket, target, points).max(axis=0))


def test_kernels_known_to_a_tolerance_cover_all_that_meet_it():
    rng = np.random.default_rng(6)
    target = reference_like(rng, size=8, channels=2)
    box = unit_box(target.input_shape)
    certificate = certify_kernels(target, [known(layer, 0.01) for layer in target.layers], box)
    points = images_of_box(rng, box, 300)
    worst = 0.0
    for _ in range(40):
        steps = [
            replace(step, weight=step.weight + 0.01 * rng.choice([-1.0, 1.0], step.weight.shape))
            if isinstance(step, ConvLayer) else step for step in target.steps
        ]  # fmt: skip
        worst = max(worst, gaps(ConvNetwork(target.input_shape, steps), target, points).max())
    assert 0.01 * certificate.error < worst <= certificate.error


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


def test_a_maximum_passes_rounding_on():
    rng = np.random.default_rng(14)
    convolution = random_conv(rng, 2, 2, (2, 2), activation="identity", bias=False)
    plain = ConvNetwork((2, 5, 5), [convolution])
    pooled = ConvNetwork((2, 5, 5), [convolution, Pool("max", 2)])
    box = unit_box((2, 5, 5))
    one, two = (certify_kernels(network, [known(convolution)], box) for network in (plain, pooled))
    assert two.float64_allowance == pytest.approx(one.float64_allowance, rel=0.5, abs=0.0)


@given(conv_cases(most=4), st.integers(0, 2**32 - 1))
def test_allowance_covers_evaluation_in_float32(case, seed):
    target, ticket, (low, high) = case
    low, high = np.round(low * 64) / 64, np.maximum(np.round(low * 64), np.round(high * 64)) / 64
    certificate = certify(target, ticket, input_box=(low, high))
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(rng.uniform(low, high, (3, *low.shape)) * 1024) / 1024, low, high)
    seen = in_float32(ticket, x, rng).astype(np.float64) - target_in_float32(target, x).astype(np.float64)
    true = ticket.forward(x) - target.forward(x)
    lost = np.abs(seen - true).max()
    assert lost <= certificate.float32_allowance + certificate.float64_allowance


def target_in_float32(target, x):
    def weighted(number, values):
        layer = target.steps[number]
        result = convolve(values, layer.weight.astype(np.float32), layer.window, groups=layer.groups)
        return result if layer.bias is None else result + layer.bias.astype(np.float32)[:, None, None]

    return run(target.steps, x.astype(np.float32), weighted)


def in_float32(ticket, x, rng):
    """Every operation in float32, the hidden channels added in random order."""
    layers = ticket.description.layers
    gains = iter(ticket.gains.astype(np.float32))

    def weighted(number, values):
        pair = layers[number]
        each = pair.outputs // pair.groups
        rows, columns = pair.window.output_size(values.shape[2:])
        result = np.zeros((len(values), pair.outputs, rows, columns), np.float32)
        blocks = list(source_blocks(pair, ticket.mask, ticket.law, ticket.seed))
        channels = [(block, place) for block in blocks for place in range(len(block.first))]
        for pick in rng.permutation(len(channels)):
            block, place = channels[pick]
            ones = np.ones_like(values[:, :1])
            image = values[:, block.source, None] if block.source < pair.inputs else ones
            hidden = np.maximum(np.float32(block.first[place]) * image, np.float32(0.0))
            kernel = block.second[place].astype(np.float32).reshape(each, 1, *pair.kernel)
            group = pair.group_of(block.source)
            result[:, group * each : (group + 1) * each] += convolve(hidden, kernel, pair.window)
        assert result.dtype == np.float32
        return result * next(gains)

    return run(layers, x.astype(np.float32), weighted)


def test_allowances_are_of_the_order_of_the_rounding():
    rng = np.random.default_rng(7)
    target = ConvNetwork((1, 4, 4), [random_conv(rng, 1, 2, (3, 3), activation="identity", padding=1)])
    ticket = random_ticket(rng, target)
    certificate = certify(near_target(rng, target, ticket), ticket, input_box=(0.0, 1.0))
    assert 1e-16 < certificate.float64_allowance < 1e-11
    assert certificate.float32_allowance == pytest.approx(certificate.float64_allowance * 2.0**29, rel=1e-2)


def test_numbers_beyond_the_doubles_certify_nothing():
    huge = ConvLayer(np.full((1, 1, 1, 1), 1e200))
    target = ConvNetwork((1, 2, 2), [huge, huge, Pool("max", 2), replace(huge, activation="identity")])
    near = [replace(layer, weight=layer.weight * 1.01) for layer in target.layers]
    certificate = certify_kernels(target, [known(layer) for layer in near], unit_box((1, 2, 2)))
    assert math.isinf(certificate.error)
    assert math.isinf(certificate.float64_allowance)
    one = ConvNetwork((1, 2, 2), [replace(huge, weight=huge.weight / 1e150)])
    assert math.isinf(certify_kernels(one, [known(one.layers[0])], unit_box((1, 2, 2))).float32_allowance)


def test_a_box_of_one_point_is_evaluated():
    rng = np.random.default_rng(8)
    target = random_target(rng)
    ticket = random_ticket(rng, target)
    x = rng.normal(size=target.input_shape)
    certificate = certify(target, ticket, input_box=(x, x))
    assert certificate.per_output == pytest.approx(gaps(ticket, target, x[None])[0], abs=1e-9)


def test_layers_and_boxes_are_reported():
    rng = np.random.default_rng(9)
    target = reference_like(rng, size=8, channels=2)
    ticket = random_ticket(rng, target, removal="weights")
    certificate = certify(target, ticket, input_box=(np.zeros((1, 1, 8)), 1.0))
    assert certificate.input_box[0].shape == (1, 8, 8)
    assert certificate.error == certificate.per_output.max() <= certificate.norm_bound
    assert [row.layer for row in certificate.layers] == [0, 1, 2]
    assert certificate.layers[-1].difference == certificate.error
    hidden = target.layers[0].affine(rng.random((500, 1, 8, 8)))
    assert hidden.max() <= certificate.layers[0].value
    errors = np.abs(ticket.folded_kernels()[1].plus.reshape(2, 4, 3, 3).swapaxes(0, 1) - target.layers[1].weight)
    assert errors.max() <= certificate.layers[1].largest_weight_error <= errors.max() * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("box", [(1.0, 0.0), (0.0, np.inf), (0.0, np.nan), (np.zeros(3), np.ones(3)), "ab", (0.0,)])
def test_bad_boxes_are_refused(box):
    rng = np.random.default_rng(10)
    target = ConvNetwork((1, 2, 2), [random_conv(rng, 1, 1, (2, 2))])
    with pytest.raises(ArgumentError, match="input_box"):
        certify(target, random_ticket(rng, target), input_box=box)


def test_tickets_of_other_targets_are_refused():
    rng = np.random.default_rng(11)
    layer = random_conv(rng, 1, 2, (3, 3), padding=1)
    target = ConvNetwork((1, 4, 4), [layer, Pool("max", 2)])
    ticket = random_ticket(rng, target)
    for shape, steps in (
        ((1, 5, 4), [layer, Pool("max", 2)]),
        ((1, 4, 4), [layer]),
        ((1, 4, 4), [layer, Pool("average", 2)]),
        ((1, 4, 4), [replace(layer, padding=0), Pool("max", 2)]),
        ((1, 4, 4), [replace(layer, activation="identity"), Pool("max", 2)]),
    ):
        with pytest.raises(ArgumentError, match="ticket"):
            certify(ConvNetwork(shape, steps), ticket, input_box=(0.0, 1.0))
    dense = DenseNetwork([DenseLayer(np.ones((2, 16)))])
    with pytest.raises(ArgumentError, match="ticket"):
        certify(dense, ticket, input_box=(0.0, 1.0))
    with pytest.raises(ArgumentError, match="ticket"):
        certify(target, random_dense_ticket(rng, random_network(rng, (16, 2))), input_box=(0.0, 1.0))


@pytest.mark.slow
def test_the_reference_network_is_certified_below_its_ranges():
    """Random weights in the shape that experiments use."""
    rng = np.random.default_rng(12)
    target = reference_like(rng, size=28, channels=8)
    near = perturbed(rng, target, (0.04, 0.13, 0.012))
    convs, box = [known(layer) for layer in near.layers], unit_box(target.input_shape)
    certificate = certify_kernels(target, convs, box)
    assert gaps(near, target, images_of_box(rng, box, 2000)).max() <= certificate.error
    assert certificate.error < 0.75 * plain_ranges(graph_of(target, convs), box)[-1].difference.magnitude.max()
