"""Constructions with their certificates: what is said is never below what is seen, and a given error is reached."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.certificates import certified_error, certify, within
from slth.constructions import PerWeight, Shallow, Structured
from slth.constructions import budget as budgets
from slth.constructions.budget import Budget
from slth.constructions.error_budget import by_node, weight_tolerances
from slth.constructions.layout import lay_out
from slth.errors import ArgumentError, ConstructionError
from slth.graphs import Conv, Graph, Node, Pool, Relu
from slth.rng import WeightLaw
from slth.tickets.blocks import draw
from slth.tickets.folded import FINEST
from tests.certificates.samples import Builder
from tests.constructions.graph_samples import KINDS, chain, residual, worst

UNIFORM = WeightLaw("uniform", 1.0)
METHODS = {
    "per-weight": PerWeight(candidates=14),
    "structured": Structured(channels=120, gain="unit"),
}


def kind(name, seed=0):
    return KINDS[name](np.random.default_rng(seed))


def holds(target, made, low):
    return worst(target, made.ticket, low=low) <= made.certificate.error + made.certificate.float64_allowance


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KINDS)
def test_certificates_are_never_below_what_is_seen(name, method):
    target = kind(name)
    for low in (0.0, -1.0):
        assert holds(target, METHODS[method].construct(target, input_box=(low, 1.0), seed=3), low)


@pytest.mark.parametrize("candidates", [1, 6, 20])
def test_certificates_of_copies_are_never_below_what_is_seen(candidates):
    for seed in range(10 if candidates < 20 else 4):
        target = chain(np.random.default_rng(seed), (2, 3, 3, 2), bias=seed % 2 == 0, scale=2.0)
        low = -1.0 if seed % 3 == 0 else 0.0
        assert holds(target, Shallow(candidates=candidates).construct(target, input_box=(low, 1.0), seed=seed), low)


@pytest.mark.parametrize(
    ("name", "seed", "eps", "low"),
    [("chain", 1, 0.1, -1.0), ("chain", 2, 0.001, 0.0), ("residual", 3, 0.1, 0.0), ("residual", 4, 0.02, -1.0),
     ("attention", 5, 0.1, -1.0), ("attention", 6, 0.02, 0.0), ("mixed", 7, 0.1, -1.0)],
)  # fmt: skip
def test_eps_and_delta_are_met_on_every_kind_of_network(name, seed, eps, low):
    target = kind(name, seed)
    made = PerWeight(eps=eps, delta=0.05).construct(target, input_box=(low, 1.0), seed=seed)
    assert made.certificate.error <= eps
    assert certify(target, made.ticket, input_box=(low, 1.0)).error == made.certificate.error
    assert holds(target, made, low)
    assert all(row.tolerance > 0.0 and row.largest_error <= 1.0 for row in made.table)


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), exponent=st.integers(1, 2), negative=st.booleans())
def test_eps_and_delta_are_met_with_copies(seed, exponent, negative):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, rng.integers(3, 5)).tolist()
    target = chain(rng, sizes, bias=bool(rng.random() < 0.5), scale=float(rng.choice([0.1, 1.0, 3.0])))
    box, eps = (-1.0 if negative else 0.0, 1.0), 10.0**-exponent
    made = Shallow(eps=eps, delta=0.05).construct(target, input_box=box, seed=seed % 101)
    assert made.certificate.error <= eps
    assert holds(target, made, box[0])


def test_more_candidates_extend_the_same_network_and_are_never_worse():
    target = chain(np.random.default_rng(5), (3, 4))
    tickets = [PerWeight(candidates=n).construct(target, seed=3) for n in (4, 6, 9, 14)]
    for fewer, more in pairwise(tickets):
        assert (more.errors[0] <= fewer.errors[0] + 1e-15).all()
        (small,), (large,) = fewer.ticket.layers, more.ticket.layers
        for source in range(4):
            few = draw(small, UNIFORM, 3, source, np.arange(small.units))
            many = draw(large, UNIFORM, 3, source, np.arange(large.units))
            assert all(np.array_equal(one, other[: small.units]) for one, other in zip(few, many, strict=True))


def test_layers_grow_until_eps_is_met(monkeypatch):
    """A prediction that is far too small: only what misses its share is searched again, and eps is still met."""
    monkeypatch.setattr(budgets, "candidates_needed", lambda *_: 3)
    target, steps = residual(np.random.default_rng(6)), []
    made = PerWeight(eps=0.05, delta=0.1).construct(target, progress=lambda *step: steps.append(step))
    assert made.certificate.error <= 0.05
    assert max(row.candidates for row in made.table) > 3
    totals = [total for path, done, total in steps if path == "conv2" and done == total]
    assert totals[0] == max(totals) == made.table[1].instances
    assert min(totals) < totals[0] / 2


def test_budgets_are_values():
    works = lay_out(kind("chain"), nonnegative=True)
    answers = tuple(budgets.begin(work, 1.0, 4) for work in works)
    budget = Budget(0.1, (0.01, 0.02), answers)
    assert budget.missing
    assert budget.tightened().multiple == budget.multiple / 2
    grown = budget.grown()
    assert [answer.candidates for answer in grown.answers] == [6, 6]
    assert [answer.work.units for answer in grown.answers] == [12, 12]
    assert [answer.candidates for answer in budget.answers] == [4, 4], "the one that it came from is as it was"
    assert not budget.exhausted
    most = Budget(0.1, (0.01, 0.02), tuple(budgets.begin(work, 1.0, budgets.most(work)) for work in works))
    assert most.exhausted


@pytest.mark.parametrize("method", [PerWeight, Shallow])
def test_impossible_eps_is_refused_with_what_was_reached(method, monkeypatch):
    monkeypatch.setattr(budgets, "LARGEST_LAYER", 12)
    monkeypatch.setattr(budgets, "MOST_CANDIDATES", 10)
    monkeypatch.setattr("slth.constructions.copies_budget.MOST_CANDIDATES", 10)
    target = chain(np.random.default_rng(7), (2, 3, 1))
    with pytest.raises(ConstructionError, match=r"eps=1e-09 could not be certified: 1[02] candidates .* came to \d"):
        method(eps=1e-9, delta=0.1).construct(target)


@pytest.mark.parametrize("name", ["chain", "mixed", "attention"])
def test_eps_below_the_doubles_is_refused_at_once(name, monkeypatch):
    """Nothing is searched; and what the message names is below what any ticket's certificate comes to."""
    target = kind(name)
    monkeypatch.setattr(budgets, "begin", None)
    with pytest.raises(ArgumentError, match="eps=1e-30 is beyond double precision") as refused:
        PerWeight(eps=1e-30, delta=0.5).construct(target)
    least = float(refused.value.remedy.rsplit(" ", 1)[1])
    assert 1e-17 < least < 1e-12


def test_the_least_eps_is_below_what_the_nearest_ticket_comes_to():
    """The target has the ticket's own weight: the certificate is what enclosing it costs."""
    ticket = PerWeight(candidates=6).construct(Graph((1,), [Node("a", Conv([[0.3]]), ("input",))])).ticket
    own = Conv(ticket.folded["a"].middle()[0])
    target = Graph((1,), [Node("a", own, ("input",))])
    certificate = certify(target, ticket)
    assert FINEST * abs(own.weight).max() <= certificate.error <= 20 * FINEST * abs(own.weight).max()
    budgets.check_within_doubles(target, certificate.error, certificate.input_box)
    with pytest.raises(ArgumentError, match="smallest that could be reached"):
        budgets.check_within_doubles(target, certificate.error / 50, certificate.input_box)


def test_values_beyond_the_doubles_are_refused():
    nodes = [Node("a", Conv([[1e200]]), ("input",)), Node("b", Conv([[1e200]]), ("a",))]
    with pytest.raises(ConstructionError, match="range of doubles"):
        PerWeight(eps=0.1, delta=0.5).construct(Graph((1,), nodes), input_box=(0.0, 1e200))


def test_a_delta_too_small_for_the_number_of_instances_is_refused():
    with pytest.raises(ArgumentError, match=r"delta=1e-19 is too small for 43 subset-sum instances"):
        PerWeight(eps=0.1, delta=1e-19).construct(kind("chain"))


def test_an_eps_that_nothing_can_miss_keeps_little():
    target = kind("chain")
    made = PerWeight(eps=1e6, delta=0.5).construct(target)
    assert made.certificate.error <= 1e6
    assert made.ticket.mask.kept < 20


@pytest.mark.parametrize("name", ["chain", "residual", "attention"])
def test_shares_certify_eps_and_spend_most_of_it(name):
    """Every weight at one end of its share or the other stays within eps, and somewhere comes to a part of it."""
    target, eps = kind(name, seed=8), 0.01
    works = lay_out(target, nonnegative=True)
    box = (np.zeros(target.input_shape), np.ones(target.input_shape))
    tolerances = weight_tolerances(target, works, eps, np.array([work.instances for work in works]), box)
    assert (tolerances > 0.0).all()
    reached = certified_error(target, target, within(target, by_node(works, tolerances)), box)
    assert 0.8 * eps < reached <= eps
    rng, seen = np.random.default_rng(0), 0.0
    for _ in range(20):
        moved = dict.fromkeys(())
        for work, tolerance in zip(works, tolerances, strict=True):
            conv = work.conv
            signs = rng.choice([-1.0, 1.0], conv.weight.shape)
            bias = None if conv.bias is None else conv.bias + rng.choice([-tolerance, tolerance], conv.bias.shape)
            other = Conv(conv.weight + signs * tolerance, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
            moved |= dict.fromkeys(work.nodes, other)
        nodes = [Node(node.name, moved.get(node.name, node.step), node.inputs) for node in target.nodes]
        other = Graph(target.input_shape, nodes)
        x = rng.random((100, *target.input_shape))
        seen = max(seen, float(np.abs(other.forward(x) - target.forward(x)).max()))
    assert 1e-3 * eps < seen <= eps


def test_all_that_is_said_fits_into_json_and_on_a_line():
    made = PerWeight(candidates=6).construct(kind("attention"))
    said = json.loads(json.dumps(made.to_dict()))
    assert [row["path"] for row in said["table"]] == ["embed", "scores", "values", "head"]
    assert said["summary"]["error"] == made.certificate.error == made.summary()["error"]
    assert said["summary"]["density"] == made.ticket.mask.density
    assert len(repr(made)) < 120
    for errors, rates, row in zip(made.errors, made.log_rates, made.table, strict=True):
        assert len(errors) == len(rates) == row.instances
        assert row.largest_error == pytest.approx(errors.max(), rel=1e-6)
        assert not errors.flags.writeable


def test_gains_follow_the_scale_of_the_law():
    """With weights of a tenth the size, products are a hundredth: the gain makes up for it."""
    made = PerWeight(candidates=16).construct(
        chain(np.random.default_rng(9), (3, 3)), law=WeightLaw("uniform", 0.1), seed=0
    )
    assert made.certificate.error < 0.05


def test_dead_ends_behind_a_network_are_constructed_too():
    nodes = [*kind("chain").nodes, Node("unused", Relu(), ("layer1",))]
    target = Graph((4,), nodes, output="layer1")
    assert PerWeight(candidates=16).construct(target).certificate.error < 0.1


def test_behind_an_average_pool_errors_are_those_of_the_half_that_is_met():
    """Means of ReLUs are not negative, though their ranges, rounded outward, begin below 0."""
    b = Builder(np.random.default_rng(0), (2, 4, 4))
    b.conv(3, (3, 3), padding=1, relu=True)
    b.add(Pool("average", (2, 2)))
    b.conv(2, bias=False)
    target = b.graph()
    made = PerWeight(candidates=14).construct(target)
    assert all(layer.median_weight_error < 1e-3 for layer in made.certificate.layers)


@pytest.mark.parametrize("method", [PerWeight(candidates=4), Shallow(candidates=4), Structured(channels=4)])
def test_a_law_without_a_density_is_refused(method):
    with pytest.raises(ArgumentError, match=r"law=.*has no density"):
        method.construct(kind("chain"), law=WeightLaw("signed-constant", 0.5))
