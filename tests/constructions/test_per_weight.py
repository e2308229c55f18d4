"""Every weight is a subset sum that can be summed again by anybody, on every kind of graph."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from slth.constructions import PerWeight
from slth.constructions.layout import lay_out
from slth.errors import ArgumentError
from slth.graphs import Attend, Conv, Graph, Node, Rearrange, Relu, Scale
from slth.resources import Interrupted
from slth.rng import WeightLaw
from slth.subset_sum import Status, solve_batch
from slth.tickets.blocks import draw
from slth.tickets.ticket import ticket_from_bytes
from tests.constructions.graph_samples import KINDS, chain, conv, exact_sums, pairs, worst

UNIFORM = WeightLaw("uniform", 1.0)


def kind(name, seed=0):
    return KINDS[name](np.random.default_rng(seed))


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("name", KINDS)
def test_sums_of_kept_products_are_the_weights_up_to_the_stated_error(name, low):
    """Summed as rationals from the mask and the streams; half by half where inputs take both signs."""
    target = kind(name)
    ticket, rows = PerWeight(candidates=10).ticket(target, input_box=(low, 1.0), seed=3)
    works = lay_out(target, nonnegative=low >= 0.0)
    for work, pair, row in zip(works, pairs(ticket), rows, strict=True):
        for half in range(work.halves):
            found = exact_sums(ticket, pair, half)
            stated = np.abs(found - work.slices)[: pair.inputs if half else None]
            assert stated.max() <= row.largest_error
        assert row.median_error < 0.02 * np.abs(work.slices).max()


@pytest.mark.parametrize("law", [UNIFORM, WeightLaw("normal", 0.5)])
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_every_weight_is_the_best_subset_of_what_is_on_offer(law, low):
    """Against all subsets, by the definition."""
    target = chain(np.random.default_rng(1), (2, 3))
    ticket, _ = PerWeight(candidates=5).ticket(target, input_box=(low, 1.0), seed=9, law=law)
    ((pair,), (work,)) = ticket.layers, lay_out(target, nonnegative=low >= 0.0)
    assert pair.units == 10
    assert pair.halves == ("positive" if low == 0.0 else "both")
    gain = ticket.gain("layer0")
    for half, sign in enumerate((1.0, -1.0)[: work.halves]):
        found = exact_sums(ticket, pair, half)
        for source, place in np.ndindex(work.slices.shape):
            if half and source == 2:
                assert found[source, place] == 0.0
                continue
            first, second = draw(pair, law, 9, source, np.arange(10))
            usable = np.flatnonzero(first * sign > 0.0)[:5]
            goal = work.slices[source, place] / gain
            best = gain * smallest_error((first[usable] * second[usable, place]).tolist(), goal)
            assert abs(found[source, place] - work.slices[source, place]) == pytest.approx(best, abs=1e-15)


def smallest_error(candidates, goal):
    subsets = (subset for size in range(len(candidates) + 1) for subset in combinations(candidates, size))
    return min(abs(math.fsum([*subset, -goal])) for subset in subsets)


@pytest.mark.parametrize("name", KINDS)
def test_tickets_are_near_the_target_and_regenerate(name):
    target = kind(name)
    ticket, rows = PerWeight(candidates=20).ticket(target, seed=1)
    assert worst(target, ticket) < 0.05
    x = np.random.default_rng(2).random((3, *target.input_shape))
    assert ticket.forward(x) == pytest.approx(ticket.forward(x, form="masked"), abs=1e-12)
    again = ticket_from_bytes(ticket.to_bytes())
    assert again.kept_weights_sha256() == ticket.kept_weights_sha256()
    for row, layer in zip(rows, ticket.layers, strict=True):
        kept = sum(int(ticket.mask[each].sum()) for each in layer.mask_shapes)
        assert (row.path, row.kept, row.open_positions) == (layer.path, kept, layer.open_positions)
        assert (row.density, row.candidates, row.tolerance) == (kept / layer.open_positions, 20, 0.0)
        assert row.channels is None
        assert layer.units == (40 if layer.rectified else 20)


def test_only_what_attention_alone_takes_has_no_relu_between():
    layers = {layer.path: layer for layer in PerWeight(candidates=4).ticket(kind("mixed"))[0].layers}
    assert [name for name, layer in layers.items() if not layer.rectified] == ["query", "key", "value"]
    assert [name for name, layer in layers.items() if layer.halves == "both"] == ["once", "head"]


@pytest.mark.parametrize(
    ("step", "rectified"), [(Scale(0.5), False), (Rearrange((2, 1, 3), (6,), (-1,), offset=5), False), (Relu(), True)]
)
def test_fixed_linear_steps_between_are_looked_through(step, rectified):
    target = Graph(
        (2, 1, 3),
        [
            Node("query", conv(np.random.default_rng(0), 2, 2), ("input",)),
            Node("between", step, ("query",)),
            Node("attend", Attend(1), ("between", "input", "input")),
        ],
    )
    ticket, _ = PerWeight(candidates=16).ticket(target, input_box=(-1.0, 1.0))
    (layer,) = ticket.layers
    assert (layer.rectified, layer.halves) == (rectified, "both" if rectified else "positive")
    assert worst(target, ticket, low=-1.0) < 0.01


def test_a_convolution_used_twice_is_one_pair_solved_once():
    target = kind("mixed")
    ticket, rows = PerWeight(candidates=12).ticket(target)
    assert ticket.source.node("once").step is ticket.source.node("again").step
    assert [row.path for row in rows] == ["stem", "scale", "wide", "once", "query", "key", "value", "head"]
    assert ticket.layers[3].halves == "both", "its second place is behind a ReLU, its first is not"


def test_zero_weights_and_missing_biases_keep_nothing():
    target = Graph((2,), [Node("layer0", Conv([[0.0, 0.4], [0.3, 0.0]]), ("input",))])
    ticket, (row,) = PerWeight(candidates=6).ticket(target, input_box=(-1.0, 1.0))
    kept = ticket.mask["layer0.weights"]
    assert kept.shape == (12, 2, 2), "no source for biases"
    assert not kept[:, 0, 0].any()
    assert not kept[:, 1, 1].any()
    assert kept[:, 0, 1].any()
    assert kept[:, 1, 0].any()
    assert row.instances == 4  # two weights, two signs


def test_errors_are_as_predicted():
    """Over 1,200 weights of n = 14: within 20 %, six standard deviations of the sample median of an exponential."""
    _, (row,) = PerWeight(candidates=14).ticket(chain(np.random.default_rng(11), (40, 30)), seed=12)
    assert row.median_error == pytest.approx(row.predicted_median, rel=0.2)
    assert row.predicted_largest > 50 * row.predicted_median


@pytest.mark.parametrize(("gain", "expected"), [("auto", [2.0, 0.125]), ("unit", [1.0, 1.0]), (3.0, [3.0, 3.0])])
def test_gains(gain, expected):
    nodes = [Node("a", Conv([[1.5], [-0.2]]), ("input",)), Node("b", Conv([[0.125, 0.1]]), ("a",))]
    ticket, rows = PerWeight(candidates=16, gain=gain).ticket(Graph((1,), nodes))
    assert ticket.gains.tolist() == expected
    assert [row.gain for row in rows] == expected


def test_in_networks_with_attention_gains_rise_while_that_takes_a_quarter_off():
    target = kind("attention", seed=4)
    method = PerWeight(candidates=8)
    ticket, rows = method.ticket(target, seed=2)
    base = [PerWeight(candidates=8, gain=gain).ticket(target, seed=2)[1] for gain in (1.0, 2.0, 4.0, 8.0)]
    for number, row in enumerate(rows):
        ladder = {each[number].gain: each[number].largest_error for each in base}
        assert row.largest_error == pytest.approx(ladder[row.gain], rel=1e-9)
        if 2.0 * row.gain in ladder:
            assert ladder[2.0 * row.gain] >= 0.75 * row.largest_error * (1 - 1e-9)
    assert ticket.law == UNIFORM


def test_seeds_and_pieces(monkeypatch):
    target = kind("residual")
    one, same, other = (PerWeight(candidates=7).ticket(target, seed=seed)[0] for seed in (4, 4, 5))
    assert one.to_bytes() == same.to_bytes() != other.to_bytes()
    monkeypatch.setattr("slth.constructions.solving._CHUNK", 16)
    assert PerWeight(candidates=7).ticket(target, seed=4)[0].to_bytes() == one.to_bytes()


def test_progress_reaches_every_layers_end():
    target, steps = kind("residual"), []
    _, rows = PerWeight(candidates=6).ticket(target, progress=lambda *step: steps.append(step))
    assert [step for step in steps if step[1] == step[2] and step[0] != "subset sums"][-1][0] == "head"
    for row in rows:
        own = [step for step in steps if step[0] == row.path]
        assert own[-1] == (row.path, row.instances, row.instances)
        assert [done for _, done, _ in own] == sorted(done for _, done, _ in own)


def test_an_interruption_leaves_no_ticket(monkeypatch):
    def interrupted(*args, **options):
        found = solve_batch(*args, **options)
        status = np.array(found.status)
        status[-1] = Status.INTERRUPTED
        object.__setattr__(found, "status", status)
        return found

    monkeypatch.setattr("slth.constructions.solving.solve_batch", interrupted)
    with pytest.raises(Interrupted):
        PerWeight(candidates=4).ticket(kind("chain"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"candidates": 0},
        {"candidates": 2.0},
        {"candidates": True},
        {"candidates": 10, "eps": 0.1},
        {"candidates": 10, "delta": 0.1},
        {"eps": 0.0, "delta": 0.1},
        {"eps": 0.1},
        {"eps": 0.1, "delta": 1.0},
        {"eps": math.nan, "delta": 0.1},
        {"candidates": 10, "gain": 0.0},
        {"candidates": 10, "gain": "large"},
        {"candidates": 10, "solver": "two-list"},
    ],
)
def test_bad_methods_are_refused(options):
    with pytest.raises(ArgumentError):
        PerWeight(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"law": "uniform"}, "law"),
        ({"law": WeightLaw("uniform", 1e-80)}, "scale"),
        ({"seed": -1}, "seed"),
        ({"input_box": (1.0, 0.0)}, "input_box"),
        ({"input_box": (0.0, np.ones(7))}, "input_box"),
        ({"device": "cuda"}, "is not offered for PerWeight"),
        ({"device": None}, "device"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        PerWeight(candidates=4).ticket(kind("chain"), **options)


def test_targets_that_cannot_be_are_refused_with_the_nodes_name():
    padded = Conv(np.ones((1, 1, 3, 3)), [1.0], padding=2)
    with pytest.raises(ArgumentError, match=r"bias of node edge.*at every tap"):
        PerWeight(candidates=4).ticket(Graph((1, 4, 4), [Node("edge", padded, ("input",))]))
    huge = Graph((1,), [Node("heavy", Conv([[1e308]]), ("input",))])
    with pytest.raises(ArgumentError, match=r"node heavy.*beyond the largest double"):
        PerWeight(candidates=4).ticket(huge, law=WeightLaw("uniform", 1e-9))
    with pytest.raises(ArgumentError, match=r"gain=1e-05 is too small .* at node heavy"):
        PerWeight(candidates=4, gain=1e-5).ticket(huge)
    with pytest.raises(ArgumentError, match="must be a Graph"):
        PerWeight(candidates=4).ticket([[1.0]])
    with pytest.raises(ArgumentError, match="has no weights"):
        PerWeight(candidates=4).ticket(Graph((1,), [Node("relu", Relu(), ("input",))]))
    source = PerWeight(candidates=4).ticket(kind("chain"))[0].source
    with pytest.raises(ArgumentError, match="node layer0"):
        PerWeight(candidates=4).ticket(source)


def test_a_bias_is_a_weight_from_the_constant():
    target = Graph((1,), [Node("layer0", Conv([[0.5]], [-0.7]), ("input",))])
    ticket, _ = PerWeight(candidates=18).ticket(target)
    assert ticket.forward([[0.0]])[0, 0] == pytest.approx(exact_sums(ticket, ticket.layers[0])[1, 0])
    assert ticket.forward([[0.0]])[0, 0] == pytest.approx(-0.7, abs=1e-3)
