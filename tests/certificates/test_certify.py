"""The certificate is never below a difference, whatever the graph, and equals the largest one where that is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certified_error, certify, certify_folded, within
from slth.certificates.backward import Passes, narrowed
from slth.certificates.bounds import passes_over
from slth.certificates.correspond import problem_of_both
from slth.certificates.problem import RULES
from slth.certificates.ranges import Ranges
from slth.graphs import Conv, Flatten, Graph, Node, Pool, Relu
from tests.certificates.rationals import exact_target, exact_ticket, exactly
from tests.certificates.samples import (
    Builder,
    ascended,
    boxes,
    cases,
    in_copies,
    member,
    near,
    near_cases,
    points_of,
    random_graph,
    random_ticket,
    source_of,
    through_layers,
)
from tests.graph_samples import everything


def differences(target, ticket, x):
    return np.abs(ticket.forward(x) - target.forward(x)).reshape(len(x), -1)


def gaps(target, layers, x):
    """Differences of a target and one network of folded layers, float64[batch, outputs]."""
    found = through_layers(target, layers, x)[target.output].reshape(len(x), -1)
    return np.abs(found - target.forward(x).reshape(len(x), -1))


@given(cases(), st.integers(0, 2**32 - 1))
def test_never_below_random_inputs_corners_and_ascent(case, seed):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    assert certificate.float64_allowance < 1e-7
    rng = np.random.default_rng(seed)
    most = certificate.per_output + certificate.float64_allowance
    assert (differences(target, ticket, points_of(rng, box, 400)).max(axis=0) <= most).all()
    assert (ascended(lambda x: differences(target, ticket, x), rng, box) <= most).all()


@given(near_cases(), st.integers(0, 2**32 - 1))
def test_never_below_any_network_that_the_layers_may_be(case, seed):
    target, folded, box = case
    certificate = certify_folded(target, target, folded, box)
    rng = np.random.default_rng(seed)
    x = points_of(rng, box, 100)
    for _ in range(4):
        found = gaps(target, member(rng, folded), x).max(axis=0)
        assert (found <= certificate.per_output + certificate.float64_allowance).all()


@settings(max_examples=12)
@given(cases(blocks=2, attention=False), st.integers(0, 2**32 - 1))
def test_never_below_the_exact_difference(case, seed):
    """No allowance for float64: both networks in rational arithmetic, hidden channel by hidden channel."""
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    for x in points_of(np.random.default_rng(seed), box, 2):
        one, two = exactly(target, exact_target, x), exactly(ticket.source, exact_ticket(ticket), x)
        for bound, a, b in zip(certificate.per_output.tolist(), one, two, strict=True):
            assert Fraction(bound) >= abs(a - b)


@given(st.integers(0, 2**32 - 1), st.data())
def test_one_convolution_is_solved(seed, data):
    """Each output is a sum of functions of one input each, linear on either side of 0: the ends and 0 decide."""
    rng = np.random.default_rng(seed)
    b = Builder(rng, [(3, 1, 1), (2, 2, 3)][seed % 2])
    b.conv(2, (1, min(2, b.shape[2])), padding=((0, 1), (0, 0)) if b.shape[1] > 1 else 0, stride=(2, 1))
    target = b.graph()
    ticket, box = random_ticket(rng, target), data.draw(boxes(target.input_shape, rng))
    low, high = (end.ravel() for end in box)
    count = len(low)

    def change(x):
        return (ticket.forward(x) - target.forward(x)).reshape(len(x), -1)

    zero = change(np.zeros((1, *target.input_shape)))
    ends = np.stack([low, high, np.clip(0.0, low, high)])  # [end, input]
    alone = np.zeros((3, count, count))
    alone[:, np.arange(count), np.arange(count)] = ends
    effects = change(alone.reshape(-1, *target.input_shape)).reshape(3, count, -1) - zero
    highest, lowest = zero[0] + effects.max(axis=0).sum(axis=0), zero[0] + effects.min(axis=0).sum(axis=0)
    worst = np.maximum(np.abs(highest), np.abs(lowest))
    assert certify(target, ticket, input_box=box).per_output == pytest.approx(worst, rel=1e-9, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_one_layer_of_intervals_is_solved(seed):
    """Of inputs of both signs each meets the half of its own: the worst ends of all intervals are reached together."""
    rng = np.random.default_rng(seed)
    b = Builder(rng, (4, 1, 1))
    b.conv(2, bias=True)
    target, low = b.graph(), rng.uniform(-1.0, 1.0, 4)
    (name,), (conv,) = [node.name for node in target.nodes], [node.step for node in target.nodes]
    folded, box = near(rng, target, width=0.05), (low, low + rng.random(4))
    one, weight = folded[name], conv.weight[:, :, 0, 0]
    below = one.positive if one.negative is None else one.negative
    effects = []
    for x in (box[0], box[1], np.clip(0.0, *box)):
        for end in (0, 1):
            effects.append((np.where(x >= 0.0, one.positive[end][:, :, 0, 0], below[end][:, :, 0, 0]) - weight) * x)
    constant = [end.ravel() - conv.bias for end in one.constant]
    highest = np.max(effects, axis=0).sum(axis=1) + constant[1]
    lowest = np.min(effects, axis=0).sum(axis=1) + constant[0]
    worst = np.maximum(np.abs(highest), np.abs(lowest))
    found = certify_folded(target, target, folded, tuple(end.reshape(4, 1, 1) for end in box))
    assert found.per_output == pytest.approx(worst, rel=1e-9)
    assert found.error <= certified_error(target, target, folded, tuple(end.reshape(4, 1, 1) for end in box)) * (
        1 + 1e-9
    )


@settings(max_examples=12)
@given(cases())
def test_the_error_is_the_largest_output_and_at_most_the_norm_bound(case):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    assert certificate.error == certificate.per_output.max()
    assert certificate.per_output.shape == (target.outputs,)
    assert not certificate.per_output.flags.writeable
    assert certificate.error <= certificate.norm_bound
    assert [row.node for row in certificate.layers] == [node.name for node in target.weighted]
    for row in certificate.layers:
        assert 0.0 <= row.median_weight_error <= row.largest_weight_error
        assert row.difference <= row.norm_bound
    assert all(np.array_equal(*pair) for pair in zip(certificate.input_box, box, strict=True))


@pytest.mark.parametrize("narrow", [False, True])
@given(case=near_cases(), seed=st.integers(0, 2**32 - 1))
def test_ranges_of_every_node_hold(case, seed, narrow):
    """Values of both networks and their difference, node by node; many signs are known in a narrow box."""
    target, folded, (low, high) = case
    box = low, low + 0.03 * (high - low) if narrow else high
    rng = np.random.default_rng(seed)
    problem, _ = problem_of_both(target, target, folded, nonnegative=bool((low >= 0.0).all()))
    ranges = passes_over(problem, box).ranges
    x = points_of(rng, box, 60)
    one, two = through_layers(target, {}, x), through_layers(target, member(rng, folded), x)
    for name, number in problem.numbers.items():
        seen = [each[name].reshape(len(x), -1) for each in (one, two)]
        known = ranges[number]
        slack = 1e-9 * (1.0 + np.abs(seen[1]).max())
        for values, part in ((seen[0], known.target), (seen[1], known.ticket), (seen[1] - seen[0], known.difference)):
            assert (values >= part.lower - slack).all()
            assert (values <= part.upper + slack).all()


@settings(max_examples=12)
@given(case=near_cases(), seed=st.integers(0, 2**32 - 1))
def test_a_smaller_box_has_smaller_ranges(case, seed):
    target, folded, (low, high) = case
    rng = np.random.default_rng(seed)
    middle = low + (high - low) * rng.random(low.shape)
    smaller = low + 0.7 * (middle - low), middle
    problem, _ = problem_of_both(target, target, folded, nonnegative=False)
    outer, inner = (_plain_ranges(problem, box) for box in ((low, high), smaller))
    for wide, slim in zip(outer, inner, strict=True):
        for part in ("target", "ticket", "difference"):
            one, two = getattr(wide, part), getattr(slim, part)
            slack = 1e-12 * (1.0 + one.magnitude)
            assert ((two.lower >= one.lower - slack) & (two.upper <= one.upper + slack)).all()


def _plain_ranges(problem, box):
    """Interval bound propagation alone."""
    ranges = passes_over(problem, box).ranges[:1]
    for place in problem.places:
        ranges.append(place.rule.ranges(tuple(ranges[source] for source in place.sources)))
    return ranges


@given(st.integers(0, 2**32 - 1))
def test_weights_known_to_a_tolerance_cover_all_that_meet_it(seed):
    """What shares of an error rest on: the certificate of intervals of weights bounds every network within them."""
    rng = np.random.default_rng(seed)
    target = random_graph(rng, blocks=2)
    if any(node.step.geometry.window.inner_tap(target.shapes[node.inputs[0]][1:]) is None for node in target.weighted):
        return
    folded = within(target, {node.name: 0.01 * (number + 1) for number, node in enumerate(target.weighted)})
    box = -np.ones(target.input_shape), np.ones(target.input_shape)
    certificate = certify_folded(target, target, folded, box)
    x = points_of(rng, box, 60)
    for _ in range(3):
        assert (gaps(target, member(rng, folded), x).max(axis=0) <= certificate.per_output + 1e-9).all()
    quick = certified_error(target, target, folded, box)
    assert certificate.error <= quick * (1.0 + 1e-9)
    exact = certify_folded(target, target, within(target, {}), box)
    assert exact.error < 1e-9 * (1.0 + max(row.value for row in certificate.layers))


def test_linear_bounds_sharpen_what_ranges_say(monkeypatch):
    rng = np.random.default_rng(3)
    b = Builder(rng, (10, 1, 1))
    for outputs in (12, 12, 4):
        b.conv(outputs, relu=outputs > 4)
    target = b.graph()
    folded, box = near(rng, target, spread=0.02), (np.zeros((10, 1, 1)), np.ones((10, 1, 1)))
    both = certify_folded(target, target, folded, box).error
    lines = certified_error(target, target, folded, box)
    monkeypatch.setattr("slth.certificates.bounds._MOST_WORK", -1.0)
    plain = certified_error(target, target, folded, box)
    assert both <= lines < 0.95 * plain


def test_too_much_work_falls_back_to_ranges(monkeypatch):
    rng = np.random.default_rng(4)
    b = Builder(rng, (2, 3, 3))
    b.conv(2, (2, 2), relu=True)
    b.conv(3, (2, 2), relu=True)
    target = b.graph()
    folded, box = near(rng, target), (-np.ones((2, 3, 3)), np.ones((2, 3, 3)))
    problem, _ = problem_of_both(target, target, folded, nonnegative=False)
    ranges = _plain_ranges(problem, box)
    passes = Passes(problem, ranges[:3])
    kept, work = narrowed(passes, 3, ranges[3], most_work=1.0)
    assert kept is ranges[3]
    assert work > 1.0
    better, _ = narrowed(passes, 3, ranges[3], most_work=np.inf)
    assert isinstance(better, Ranges)
    assert better.difference.magnitude.sum() < ranges[3].difference.magnitude.sum()


def test_the_reference_network_is_certified_below_its_ranges():
    rng = np.random.default_rng(5)
    b = Builder(rng, (1, 12, 12), scale=1.4)
    for outputs in (4, 8):
        b.conv(outputs, (3, 3), relu=True, bias=False, padding=1)
        b.add(Pool("max", 2))
    b.add(Flatten())
    b.conv(3, bias=False)
    target = b.graph()
    folded, box = near(rng, target, spread=0.003, width=0.0), (np.zeros((1, 12, 12)), np.ones((1, 12, 12)))
    certificate = certify_folded(target, target, folded, box)
    problem, _ = problem_of_both(target, target, folded, nonnegative=True)
    plain = _plain_ranges(problem, box)[problem.output].difference.magnitude
    assert (certificate.per_output < 0.8 * plain).all()
    assert certificate.error < 0.95 * certified_error(target, target, folded, box)  # by selections
    found = ascended(lambda x: gaps(target, folded, x), rng, box, starts=1, rounds=2)
    assert (found <= certificate.per_output).all()
    assert (found > 0.01 * certificate.per_output).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3]), st.booleans())
def test_copies_of_neurons_are_certified_as_what_they_compute(seed, copies, loud):
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, 4)) for _ in range(int(rng.integers(3, 5)))]
    scale, bias = (0.3, 5.0) if loud else (1.0, 0.5)
    target, ticket = in_copies(rng, sizes, copies, last=["identity", "relu"][seed % 2], scale=scale, bias=bias)
    low = rng.uniform(-1.0, 1.0, sizes[0])
    box = low, low + rng.uniform(0.0, 2.0, sizes[0]) * (rng.random(sizes[0]) < 0.8)
    certificate = certify(target, ticket, input_box=box)
    assert (differences(target, ticket, points_of(rng, box, 300)).max(axis=0) <= certificate.per_output + 1e-9).all()
    assert certificate.error <= certificate.norm_bound
    x = points_of(rng, box, 4)[1]
    one, two = exactly(target, exact_target, x), exactly(ticket.source, exact_ticket(ticket), x)
    for bound, a, b in zip(certificate.per_output.tolist(), one, two, strict=True):
        assert Fraction(bound) >= abs(a - b)


def test_a_single_computed_copy_of_the_constant_is_as_wrong_as_a_neuron():
    """Weights far from what the target needs, on a box of one point: the constant is off by all of 1."""
    rng = np.random.default_rng(2)
    nodes = [Node("a", Conv([[0.1]], [0.0]), ("input",)), Node("r", Relu(), ("a",)),
             Node("b", Conv([[0.1]], [5.0]), ("r",))]  # fmt: skip
    target = Graph((1,), nodes)
    _, ticket = in_copies(rng, (1, 1, 1), 1, density=0.0)
    source = Graph((1,), [Node(new.name, old.step, new.inputs)
                          for new, old in zip(nodes, ticket.source.nodes, strict=True)])  # fmt: skip
    empty = random_ticket(rng, target, source=source, density=0.0)
    certificate = certify(target, empty, input_box=(0.0, 0.0))
    assert certificate.error == pytest.approx(5.0)
    assert certificate.norm_bound >= 5.0


def test_every_kind_of_step_has_a_rule():
    graph = everything()
    assert {type(node.step) for node in graph.nodes} <= set(RULES)
    folded, box = near(np.random.default_rng(0), graph, width=0.0), (np.zeros((2, 6, 6)), 0.01 * np.ones((2, 6, 6)))
    certificate = certify_folded(graph, graph, folded, box)
    found = gaps(graph, folded, points_of(np.random.default_rng(1), box, 40)).max(axis=0)
    assert (found <= certificate.per_output).all()
    (attention,) = certificate.attention
    assert attention.node == "attend"
    assert attention.moved <= attention.lemma
    assert attention.score_spread <= 2.0 * attention.score_error * (1 + 1e-9)


def test_zero_networks_keep_to_their_norm_bound():
    """Outward rounding of zeros adds denormals, differently to each of the two bounds."""
    for box, sizes in product(((0.0, 1.0), (-1.0, 1.0)), ((3, 2), (3, 4, 2), (2, 3, 3, 2))):
        b = Builder(np.random.default_rng(0), (sizes[0], 1, 1), scale=0.0, bias=0.0)
        for outputs in sizes[1:]:
            b.conv(outputs, relu=True)
        target = b.graph()
        ticket = random_ticket(np.random.default_rng(1), target, density=0.0)
        certificate = certify(target, ticket, input_box=box)
        assert certificate.error <= certificate.norm_bound < 1e-300
        assert all(row.difference <= row.norm_bound for row in certificate.layers)


def test_a_box_of_one_point_is_evaluated():
    rng = np.random.default_rng(6)
    for _ in range(8):
        target = random_graph(rng, attention=False)  # no exponential is evaluated
        ticket = random_ticket(rng, target)
        x = rng.uniform(-1.0, 1.0, target.input_shape)
        certificate = certify(target, ticket, input_box=(x, x))
        assert certificate.per_output == pytest.approx(differences(target, ticket, x[None])[0], rel=1e-6, abs=1e-9)


def test_numbers_beyond_the_doubles_certify_nothing():
    b = Builder(np.random.default_rng(7), (2, 1, 1), scale=1e200)
    for _ in range(3):
        b.conv(2, relu=True)
    target = b.graph()
    ticket = random_ticket(np.random.default_rng(8), target, source=source_of(np.random.default_rng(9), target))
    certificate = certify(target, ticket)
    assert certificate.error == certificate.norm_bound == np.inf
    assert certificate.float64_allowance == np.inf
