"""Bounds by selections and spectral norms: for all choices and corners, and where the worst input is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from slth.certificates.backward import Passes
from slth.certificates.bounds import passes_over
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Interval
from slth.certificates.ranges import Ranges
from slth.certificates.rules.affine import AffineRule
from slth.certificates.selections import by_lines, by_selections, sharpened
from slth.certificates.spectral import compact, proved_norm, scaled, selection_bound
from slth.graphs import Conv, Graph, Node, Pool, Relu
from slth.tickets.folded import Folded
from tests.certificates.samples import Builder, member, near, near_cases, points_of, through_layers


@given(near_cases(), st.integers(0, 2**32 - 1))
def test_each_bound_of_the_outputs_holds_by_itself(case, seed):
    target, folded, box = case
    problem, _ = problem_of_both(target, target, folded, nonnegative=False)
    passes = passes_over(problem, box)
    if not problem.output or not isinstance(problem.rule(problem.output), AffineRule):
        return
    rng = np.random.default_rng(seed)
    x = points_of(rng, box, 100)
    one, two = (through_layers(target, layers, x)[target.output] for layers in ({}, member(rng, folded)))
    worst = np.abs(two - one).reshape(len(x), -1).max(axis=0)
    bounds = passes.ranges[problem.output].difference.magnitude
    for method in (by_lines, by_selections):
        assert (worst - 1e-8 <= method(passes, problem.output, bounds)).all()
    assert (sharpened(passes) <= bounds).all()


def test_selections_hold_where_the_worst_input_is_known():
    """One neuron: the box's worst corner reaches the bound, so that no part of it can be left out."""
    rng = np.random.default_rng(13)
    for pooled, low in product((False, True), (0.0, -1.0)):
        b = Builder(rng, (3, 1, 1), bias=0.0)
        b.conv(1, bias=True)
        name = b.nodes[0].name
        b.nodes[0] = Node(name, Conv(b.nodes[0].step.weight, [9.0]), ("input",))  # always active
        b.relu()
        if pooled:
            b.add(Pool("max", 1))
        b.conv(1, bias=False)
        target = b.graph()
        folded = near(rng, target, spread=0.1, width=0.0)
        problem, _ = problem_of_both(target, target, folded, nonnegative=False)
        passes = passes_over(problem, (np.full((3, 1, 1), low), np.ones((3, 1, 1))))
        corners = np.array(list(product((low, 1.0), repeat=3)))[:, :, None, None]
        one, two = (through_layers(target, layers, corners)[target.output] for layers in ({}, folded))
        bound = by_selections(passes, problem.output, np.array([np.inf]))
        assert np.abs(two - one).max() <= bound[0] * (1.0 + 1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans())
def test_the_bilinear_bound_holds_for_all_choices_and_corners(seed, windows, important):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(3 * windows, int(rng.integers(1, 6)))) * 10.0 ** rng.integers(-3, 3)
    coefficients = np.repeat(rng.normal(size=3) * (rng.random(3) < 0.8), windows)
    base = rng.normal(size=len(matrix)) * np.abs(matrix).max()
    importance = np.maximum(np.abs(coefficients), 1e-3) if important else np.ones(len(matrix))
    scales = scaled(sp.csr_array(matrix) if seed % 2 else matrix, importance, rounds=3)
    bound = selection_bound(coefficients, Interval.point(base), scales, windows)
    corners = np.array(list(product((-1.0, 1.0), repeat=matrix.shape[1])))
    values = coefficients * (base + corners @ matrix.T)
    best = np.maximum(values.reshape(len(corners), 3, windows).max(axis=2), 0.0).sum(axis=1).max()
    assert best <= bound * (1.0 + 1e-12)


@pytest.mark.parametrize("density", [0.02, 0.5])
@given(st.integers(0, 2**32 - 1))
def test_the_proved_norm_is_a_norm_and_close(density, seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 30, 2)
    matrix = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < density)
    matrix[0, 0] = 1.0
    true = np.linalg.norm(matrix, 2)
    for form in (matrix, sp.csr_array(matrix), compact(sp.csr_array(matrix))):
        proved = proved_norm(form)
        assert proved is not None
        assert true <= proved <= 1.1 * true


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
    convs = [Conv([[weight]]) for weight in weights]
    nodes = [Node("a", convs[0], ("input",)), Node("b", convs[1], ("a",)), Node("r", Relu(), ("b",)),
             Node("c", convs[2], ("r",))]  # fmt: skip
    target, one, folded = Graph((1,), nodes), np.ones((1, 1, 1, 1)), {}
    for name, conv, (lower, upper, negative) in zip("abc", convs, enclosed, strict=True):
        below = None if negative is None else (negative * one, negative * one)
        folded[name] = Folded(conv.geometry, (lower * one, upper * one), below, None, 5 * one, None, 1, 5.0)
    problem, _ = problem_of_both(target, target, folded, nonnegative=False)
    ranges = [Ranges.shared(Interval(np.full(1, box[0]), np.full(1, box[1])))]
    for place in problem.places:  # without linear bounds
        ranges.append(place.rule.ranges(tuple(ranges[source] for source in place.sources)))
    bound = by_selections(Passes(problem, ranges), problem.output, np.array([np.inf]))[0]
    assert worst <= bound * (1.0 + 1e-12)
    assert bound < 3.0 * worst
