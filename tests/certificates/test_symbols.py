"""Units, forms and rows carried back: any slopes are admissible, gradients are the bound's, cases lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slth
from slth.certificates import near as nearby
from slth.certificates.around import _leads
from slth.certificates.bounds import nonnegative, passes_over
from slth.certificates.branching import Cases
from slth.certificates.carried import Carried, _parted, _through, upper_bounds
from slth.certificates.certify import certify
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Interval
from slth.certificates.near import Nearby, Walk
from slth.certificates.selections import sharpened
from slth.certificates.slopes import MEMORIES, take_step
from slth.certificates.symbols import Forms, Symbols, Units, negative, stacked
from slth.graphs import Conv, Graph, Node, Pool, Relu
from tests.certificates.samples import Builder, points_of, random_graph, random_ticket

seeds = st.integers(0, 2**32 - 1)


def deep(rng, inputs, widths):
    """A network of linear layers with ReLUs between them."""
    b = Builder(rng, (inputs, 1, 1))
    for width in widths[:-1]:
        b.conv(width, relu=True)
    b.conv(widths[-1])
    return b.graph()


def walk_of(rng, radius, *, steps=0, **options):
    target = random_graph(rng, **options)
    ticket = random_ticket(rng, target)
    x = rng.uniform(-1.0, 1.0, target.input_shape)
    box = x - radius, x + radius
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    problem, _ = problem_of_both(target, ticket.graph, folded, nonnegative=nonnegative(box))
    points = points_of(rng, box, 200)
    one, two = (each.forward(points).reshape(len(points), -1) for each in (target, ticket))
    return Walk(Nearby(problem), box, steps), one, two - one, 1e-11 * (1.0 + np.abs(one).max() + np.abs(two).max())


@given(seeds)
def test_no_point_of_the_rectangle_exceeds_the_eleven(seed):
    rng = np.random.default_rng(seed)
    count, none = 60, Forms(np.zeros((60, 1)), np.zeros(60))
    low, high = np.sort(rng.normal(size=(2, count)), axis=0)
    below, above = np.sort(rng.choice([0.01, 0.3, 2.0]) * rng.normal(size=(2, count)), axis=0)
    points = Units(1, none, none, Interval(low, high), Interval(below, above)).points
    z, e, h, r = (each[:, 0] for each in points)
    assert (h == np.maximum(z, 0.0)).all()
    assert (r == np.maximum(z + e, 0.0) - h).all()
    p, a, beta, sigma = rng.normal(size=(4, count))
    total = p * h + a * r - beta * z - sigma * e
    share, other = rng.random((2, 400, count)).round(1)
    e = below + share * (above - below)
    z = np.where(rng.random(e.shape) < 0.5, low + other * (high - low), np.clip(-e * (other > 0.5), low, high))
    h = np.maximum(z, 0.0)
    inside = p * h + a * (np.maximum(z + e, 0.0) - h) - beta * z - sigma * e
    assert (inside.max(axis=0) <= total.max(axis=0) + 1e-12).all()
    assert (
        (p * h - beta * z).max(axis=0) <= (p * points[2][:3, 0] - beta * points[0][:3, 0]).max(axis=0) + 1e-12
    ).all()


@settings(max_examples=25)
@given(seeds, st.sampled_from([0.001, 0.1, 1.0]))
def test_any_slopes_are_admissible_and_bounds_hold_at_random_points(seed, radius):
    rng = np.random.default_rng(seed)
    walk, values, moves, rounded = walk_of(rng, radius, blocks=2)
    both = walk.output
    rows = stacked([both.target, both.difference, negative(both.target), negative(both.difference)])
    largest = np.concatenate([values.max(axis=0), moves.max(axis=0), -values.min(axis=0), -moves.min(axis=0)])
    carried = Carried(walk.symbols, rows)
    assert (largest <= carried.bounds() + rounded).all()
    for units in carried.units:
        slopes = rng.uniform(-0.5, 1.5, (3, len(rows.wrong), units.count))
        slopes[2] *= rng.choice([0.0, 1.0, -2.0])
        carried.slopes[units.first] = slopes
    assert (largest <= carried.bounds() + rounded).all()
    ranges = walk.ranges[-1] if walk.nearby.problem.output == len(walk.ranges) - 1 else None
    if ranges is not None:
        assert (moves <= ranges.difference.upper + rounded).all()
        assert (moves >= ranges.difference.lower - rounded).all()
        assert (values + moves <= ranges.ticket.upper + rounded).all()


@settings(max_examples=12)
@given(seeds, st.sampled_from([0.05, 0.5]))
def test_cases_hold_and_lose_nothing_on_one_bound(seed, radius):
    rng = np.random.default_rng(seed)
    walk, _, moves, rounded = walk_of(rng, radius, steps=2, blocks=2, attention=False)
    both = walk.output.difference
    rows = stacked([both, negative(both)])
    whole = float(Cases(walk.symbols, rows, -np.inf).bound)
    found = Cases.of(walk.symbols, rows, enough=-np.inf, most=60).bound
    assert np.abs(moves).max(initial=0.0) - rounded <= found <= whole


@settings(max_examples=10)
@given(seeds)
def test_margins_hold_for_the_target_and_the_ticket(seed):
    rng = np.random.default_rng(seed)
    walk, values, moves, rounded = walk_of(rng, 0.1, steps=4, blocks=2)
    own = int(values[0].argmax())
    bounds = upper_bounds(walk.symbols, _leads(walk, own), steps=4)
    leads = [each - each[:, own : own + 1] for each in (values, values + moves)]
    largest = np.concatenate([np.delete(each, own, axis=1).max(axis=0) for each in leads])
    assert (largest <= bounds + rounded).all()


def test_cases_prove_far_more_where_two_units_are_one():
    none, one = Forms(np.zeros((1, 2)), np.zeros(1)), Forms(np.array([[0.0, 1.0]]), np.zeros(1))
    symbols = Symbols(np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    unit, nothing = Interval(np.array([-1.0]), np.array([1.0])), Interval(np.zeros(1), np.zeros(1))
    for _ in range(2):
        symbols.add(one, none, unit, nothing)
    rows = Forms(np.array([[0.0, 0.0, 1.0, 0.0, -1.0, 0.0]]), np.zeros(1))  # max(x, 0) - max(x, 0)
    assert upper_bounds(symbols, rows)[0] > 0.49
    assert Cases.of(symbols, rows, enough=-np.inf, most=20).bound < 0.2


def test_gradients_are_those_of_the_bound():
    rng = np.random.default_rng(7)
    target = deep(rng, 3, (6, 6, 6, 2))
    ticket = random_ticket(rng, target)
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    x = rng.uniform(0.2, 0.8, target.input_shape)
    problem, _ = problem_of_both(target, ticket.graph, folded, nonnegative=True)
    walk = Walk(Nearby(problem), (x - 0.2, x + 0.2))
    carried = Carried(walk.symbols, walk.output.difference)
    carried.bounds()
    assert len(carried.units) > 1
    slopes = {first: rng.uniform(0.2, 0.8, each.shape) for first, each in carried.slopes.items()}
    carried.slopes = slopes
    chain = carried.chain()
    moments = [np.zeros((2, *link.slopes.shape), np.float32) for link in chain.links]
    take_step(chain, moments, 0.0)
    found = {link.first: moment[0] / (1.0 - MEMORIES[0]) for link, moment in zip(chain.links, moments, strict=True)}

    def bound(first, place, step):
        carried.slopes = {key: each.copy() for key, each in slopes.items()}
        carried.slopes[first][place] += step
        rows, total = carried.rows.matrix, 0.0
        for units in reversed(carried.units):
            on_values, on_differences, rows = _parted(rows, units)
            passed = _through(on_values, on_differences, carried.slopes[units.first], units.points, units.chord)
            total = total + passed.sums.max(axis=0).sum(axis=1)
            rows[:, : units.target.matrix.shape[1]] += passed.beta @ units.target.matrix
            if passed.sigma is not None:
                rows[:, : units.difference.matrix.shape[1]] += passed.sigma @ units.difference.matrix
        count = rows.shape[1]
        ends = np.maximum(rows, 0.0) @ walk.symbols.upper[:count] + np.minimum(rows, 0.0) @ walk.symbols.lower[:count]
        return (total + ends)[place[1]]

    for first, gradient in found.items():
        for place in np.ndindex(gradient.shape):
            numeric = (bound(first, place, 1e-6) - bound(first, place, -1e-6)) / 2e-6
            assert gradient[place] == pytest.approx(numeric, rel=2e-3, abs=2e-4)


def test_steps_and_cases_lower_the_bounds_of_a_deep_network():
    rng = np.random.default_rng(3)
    target = deep(rng, 4, (10, 10, 10, 10, 3))
    ticket = slth.construct(target, method=slth.PerWeight(candidates=16), seed=0).ticket
    x = rng.uniform(0.0, 1.0, (2, *target.input_shape))
    found = [certify(target, ticket, inputs=x, radius=0.3, effort=effort) for effort in (0, 1, 3)]
    assert (found[1].errors < 0.99 * found[0].errors).all()
    assert (found[2].errors <= found[1].errors).all()
    assert (found[2].margins >= found[0].margins).all()


def test_effort_says_which_bounds_are_loose():
    rng = np.random.default_rng(3)
    target = deep(rng, 4, (10, 10, 10, 10, 3))
    ticket = slth.construct(target, method=slth.PerWeight(candidates=16), seed=0).ticket
    x = rng.uniform(0.0, 1.0, (6, *target.input_shape))[5:]
    (at,) = certify(target, ticket, inputs=x, radius=0.0).errors
    (first,), (usual,), (more,) = (certify(target, ticket, inputs=x, radius=0.05, effort=k).errors for k in (0, 1, 4))
    assert 1.25 * at < usual == first < 2.0 * at  # classes are proved, and an effort of 1 takes that for tight
    assert more < 1.25 * at


def test_a_relu_in_front_of_a_maximum_is_taken_behind_it():
    first = Conv(np.array([[[[1.0]]], [[[-1.0]]]]))
    nodes = [Node("a", first, ("input",)), Node("b", Relu(), ("a",)), Node("c", Pool("max", (1, 2)), ("b",))]
    target = Graph((1, 1, 2), nodes)
    ticket = random_ticket(np.random.default_rng(0), target)
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    problem, _ = problem_of_both(target, ticket.graph, folded, nonnegative=True)
    assert Nearby(problem).late == {2}
    found = certify(target, ticket, inputs=np.full((1, 1, 1, 2), 0.5), radius=0.5)
    points = np.random.default_rng(1).random((200, 1, 1, 2))
    assert np.abs(ticket.forward(points) - target.forward(points)).max() <= found.errors[0] + 1e-12


def test_what_is_too_large_is_bounded_by_backward_passes(monkeypatch):
    rng = np.random.default_rng(5)
    target = random_graph(rng, blocks=1, attention=False)
    ticket = random_ticket(rng, target)
    x = rng.uniform(0.0, 1.0, target.input_shape)
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    problem, _ = problem_of_both(target, ticket.graph, folded, nonnegative=nonnegative((x - 0.1, x + 0.1)))
    low, high = np.nextafter(x - 0.1, -np.inf), np.nextafter(x + 0.1, np.inf)
    wanted = sharpened(passes_over(problem, (low, high))).max()
    monkeypatch.setattr(nearby, "_MOST_ENTRIES", 0)
    assert certify(target, ticket, inputs=x[None], radius=0.1).errors[0] == wanted
