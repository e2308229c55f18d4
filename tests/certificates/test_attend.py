"""Attention's joint rule: softmax's bounds, exact cases, either form of the scores' errors, keys of every kind."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certify_folded
from slth.certificates.bounds import passes_over
from slth.certificates.correspond import problem_of_both
from slth.certificates.rules.attend import AttendRule
from slth.certificates.softmax import lemma_share, total_variation
from slth.graphs import Add, Attend, Conv, Graph, Node, Relu
from slth.graphs.attend import softmax
from tests.certificates.samples import ascended, boxes, member, near, points_of, through_layers

rows = st.lists(st.floats(-30.0, 30.0), min_size=2, max_size=6)
seeds = st.integers(0, 2**32 - 1)


@given(rows, st.data())
def test_the_total_variation_bound_holds_for_any_scores(scores, data):
    z = np.array(scores)
    size = data.draw(st.sampled_from([1e-9, 1e-3, 0.3, 2.0, 20.0]))
    moves = np.array(data.draw(st.lists(st.floats(-size, size), min_size=len(z), max_size=len(z))))
    shift = data.draw(st.floats(-3.0, 3.0))  # the same for all: nothing to softmax
    moved = 0.5 * np.abs(softmax(z + moves + shift) - softmax(z)).sum()
    spread = np.array(moves.max() - moves.min())
    assert moved <= math.tanh(float(spread) / 4.0) + 1e-12
    assert math.tanh(float(spread) / 4.0) <= float(total_variation(spread))


@given(st.floats(1e-3, 10.0))
def test_the_total_variation_bound_is_reached(spread):
    """By two tokens, one losing what the other gains."""
    moved = softmax(np.array([spread / 4, -spread / 4])) - softmax(np.array([-spread / 4, spread / 4]))
    assert abs(moved).max() == pytest.approx(math.tanh(spread / 4.0), rel=1e-6)


@given(rows, seeds, st.floats(1e-6, 0.5))
def test_the_lemma_holds_and_is_never_below_the_sharper_bound(scores, seed, size):
    rng = np.random.default_rng(seed)
    z = np.array(scores)
    x, moves = rng.uniform(-1.0, 1.0, len(z)), rng.uniform(-size, size, len(z))
    change = abs((softmax(z + moves) - softmax(z)) @ x)
    sharp = float(total_variation(np.array(np.ptp(moves)))) * np.ptp(x)
    assert change <= sharp + 1e-12
    assert sharp <= lemma_share(float(np.abs(moves).max()))


def test_the_lemma_ends_at_one_half():
    assert lemma_share(0.125) == 0.5
    assert lemma_share(0.51) == lemma_share(math.nan) == 2.0


def convolution(rng, outputs, inputs, *, bias=True, scale=1.0):
    weight = scale * rng.normal(size=(outputs, inputs, 1, 1)) / math.sqrt(inputs)
    return Conv(weight, rng.normal(size=outputs) if bias else None)


def attention(rng, kind, *, heads=2, tokens=3, size=2, scale=0.5):
    """Queries with biases; keys are the tokens, each head's own, of another layer, or of queries behind a ReLU."""
    of_keys = 3 if kind == "cross" else size
    nodes = [Node("x", convolution(rng, size, 2), ("input",)), Node("other", convolution(rng, of_keys, 2), ("input",))]
    keys = "x"
    if kind == "own":
        nodes.append(Node("k", convolution(rng, heads * size, size), ("x",)))
        keys = "k"
    if kind == "cross":
        nodes += [Node("relu", Relu(), ("other",)), Node("k", convolution(rng, size, of_keys), ("relu",))]
        keys = "k"
    nodes += [Node("q", convolution(rng, heads * size, size, scale=scale), ("x",)),
              Node("v", convolution(rng, heads * 2, of_keys if kind == "cross" else size),
                   ("other" if kind == "cross" else "x",))]  # fmt: skip
    queries = "q"
    if kind == "bent":
        nodes.append(Node("bent", Relu(), ("q",)))
        queries = "bent"
    nodes += [Node("attend", Attend(heads), (queries, keys, "v")), Node("add", Add(), ("attend", "x"))]
    return Graph((2, 1, tokens), nodes)


KINDS = ("shared", "own", "cross", "bent")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8)
@given(seeds, st.data())
def test_never_below_a_difference(kind, seed, data):
    rng = np.random.default_rng(seed)
    target = attention(rng, kind, tokens=int(rng.integers(1, 4)), scale=data.draw(st.sampled_from([0.3, 3.0])))
    folded, box = near(rng, target, spread=0.1), data.draw(boxes(target.input_shape, rng))
    certificate = certify_folded(target, target, folded, box)

    def gaps(x):
        found = through_layers(target, chosen, x)["add"].reshape(len(x), -1)
        return np.abs(found - target.forward(x).reshape(len(x), -1))

    for _ in range(3):
        chosen = member(rng, folded)
        assert (gaps(points_of(rng, box, 60)).max(axis=0) <= certificate.per_output + 1e-10).all()
    assert (ascended(gaps, rng, box, starts=2, rounds=3) <= certificate.per_output + 1e-10).all()
    assert certificate.error <= certificate.norm_bound < np.inf


def rule_of(target, folded):
    problem, _ = problem_of_both(target, target, folded, nonnegative=False)
    return next(place.rule for place in problem.places if isinstance(place.rule, AttendRule))


def linear(folded):
    """The same layers, each one matrix for either sign."""
    return {name: type(one)(**{**vars(one), "negative": None}) for name, one in folded.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_second_form_is_known_where_queries_are_an_affine_map(kind):
    rng = np.random.default_rng(1)
    target = attention(rng, kind)
    folded = near(rng, target)
    halves = folded | {"q": type(folded["q"])(**{**vars(folded["q"]), "negative": folded["q"].positive})}
    assert rule_of(target, linear(folded)).mirrored == (kind != "bent")
    assert not rule_of(target, halves).mirrored  # two maps, one for each sign, have no transpose


def test_each_form_of_the_scores_errors_has_cases_where_it_is_the_better_one():
    rng = np.random.default_rng(2)
    better = set()
    for _ in range(30):
        target = attention(rng, "shared", tokens=2)
        folded = linear(near(rng, target, spread=0.1 * rng.random(), width=0.0))
        problem, _ = problem_of_both(target, target, folded, nonnegative=False)
        ranges = passes_over(problem, (np.zeros((2, 1, 2)), rng.random((2, 1, 2)))).ranges
        place = next(place for place in problem.places if isinstance(place.rule, AttendRule))
        before = tuple(ranges[source] for source in place.sources)
        both = place.rule._spreads(0, before)
        first = AttendRule(2, 2, 2, shared=True, mirrored=False)._spreads(0, before)
        assert (both <= first).all()
        better |= set((both < 0.999 * first).tolist())
    assert better == {True, False}


def test_one_token_attends_to_itself_alone():
    """Its share is 1 whatever the scores: attention is the sum of the heads' values."""
    rng = np.random.default_rng(3)
    target = attention(rng, "shared", tokens=1, scale=5.0)
    folded = near(rng, target)
    problem, _ = problem_of_both(target, target, folded, nonnegative=False)
    ranges = passes_over(problem, (-np.ones((2, 1, 1)), np.ones((2, 1, 1)))).ranges
    attended, values = (ranges[problem.numbers[name]] for name in ("attend", "v"))
    for part in ("target", "ticket", "difference"):
        summed, found = getattr(values, part).reshape(2, 2), getattr(attended, part)
        assert found.upper == pytest.approx(summed.upper.sum(axis=0), rel=1e-9)
        assert found.lower == pytest.approx(summed.lower.sum(axis=0), rel=1e-9)


def test_the_certificate_of_softmax_alone_is_near_the_worst_input():
    """One box coordinate a token, one head, one weight: what is lost is lost at softmax."""
    rng = np.random.default_rng(4)
    nodes = [Node("q", Conv([[0.7]]), ("input",)), Node("v", Conv([[0.9]]), ("input",)),
             Node("attend", Attend(1), ("q", "input", "v"))]  # fmt: skip
    target = Graph((1, 1, 2), nodes)
    folded = linear(near(rng, target, spread=0.02, width=0.0))
    certificate = certify_folded(target, target, folded, (-np.ones((1, 1, 2)), np.ones((1, 1, 2))))
    grid = np.linspace(-1.0, 1.0, 101)
    points = np.array(list(itertools.product(grid, grid))).reshape(-1, 1, 1, 2)
    worst = np.abs(
        through_layers(target, folded, points)["attend"].reshape(-1, 2) - target.forward(points).reshape(-1, 2)
    ).max()
    assert worst <= certificate.error + certificate.float64_allowance <= 6.0 * worst + 1e-12
