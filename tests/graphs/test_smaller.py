"""Smaller networks: the same function, and nothing left that could go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.graphs import (
    AdaptivePool,
    Add,
    Attend,
    Concat,
    Conv,
    Flatten,
    Graph,
    Node,
    Pool,
    Positions,
    Rearrange,
    Relu,
    Scale,
    shrink,
)
from slth.tickets import Pair
from slth.verifier.random_graphs import attention, chain, images
from tests.graph_samples import everything, numbers, with_zeros


def same(graph: Graph, *, seed: int = 0) -> Graph:
    """Shrink, and compare with the network as it was on random inputs."""
    small = shrink(graph)
    x = numbers(4, *graph.input_shape, seed=seed)
    wanted = graph.forward(x)
    np.testing.assert_allclose(small.forward(x), wanted, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(wanted).max()))
    assert (small.input_shape, small.output_shape) == (graph.input_shape, graph.output_shape)
    return small


def sizes(graph: Graph) -> dict[str, list[int]]:
    return {node.name: list(node.step.weight.shape[:2]) for node in graph.weighted}


def linear(*rows: list[float], bias: list[float] | None = None) -> Conv:
    return Conv(list(rows), bias)


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["images", "attention", "chain"]))
def test_it_is_the_same_function_with_fewer_numbers(seed, kind):
    generator = np.random.default_rng(seed)
    make = {
        "images": lambda: images(generator, channels=3, layers=5),
        "attention": lambda: attention(generator, tokens=4, width=4, layers=2),
        "chain": lambda: chain(generator, [5, 8, 8, 3]),
    }
    graph = with_zeros(make[kind](), generator)
    small = same(graph, seed=seed)
    assert small.parameters <= graph.parameters
    assert small.multiply_adds <= graph.multiply_adds
    assert shrink(small) is small


@given(seed=st.integers(0, 2**32))
def test_every_unit_that_is_left_in_a_chain_takes_and_gives(seed):
    """Naively: count units that something reaches, and that reach an output, over weights that are not 0."""
    generator = np.random.default_rng(seed)
    graph = with_zeros(chain(generator, [5, 9, 9, 9, 3]), generator)
    graph = replace(graph, nodes=[
        replace(node, step=replace(node.step, bias=None)) if node.step.weighted else node for node in graph.nodes
    ])  # fmt: skip
    matrices = [node.step.weight[:, :, 0, 0] != 0.0 for node in graph.weighted]
    reached, reaching = [np.ones(5, bool)], [np.ones(3, bool)]
    for matrix in matrices:
        reached.append((matrix & reached[-1]).any(axis=1))
    for matrix in matrices[::-1]:
        reaching.insert(0, (matrix & reaching[0][:, None]).any(axis=0))
    wanted = [int((a & b).sum()) for a, b in zip(reached[1:-1], reaching[1:-1], strict=True)]
    assume(min(wanted) > 0)
    assert [len(node.step.weight) for node in same(graph).weighted] == [*wanted, 3]


def test_steps_of_every_kind_stay_where_nothing_is_to_remove():
    graph = everything()
    small = same(graph)
    unread = {"block.conv", "add", "pool", "unused"}
    assert small.nodes == tuple(node for node in graph.nodes if node.name not in unread)
    assert shrink(small) is small


def test_a_constant_becomes_a_bias_where_no_padding_sees_it():
    first = Conv(np.array([1.0, 0.0])[:, None, None, None] * np.ones((2, 1, 1, 1)), [0.0, 3.0])
    for padding, channels in ((0, 1), (1, 2)):
        second = Conv(numbers(2, 2, 3, 3), [1.0, -1.0], padding=padding)
        graph = Graph((1, 4, 4), [Node("first", first, ("input",)), Node("relu", Relu(), ("first",)),
                                  Node("second", second, ("relu",))])  # fmt: skip
        assert sizes(same(graph)) == {"first": [channels, 1], "second": [2, channels]}


def test_a_constant_that_differs_from_place_to_place_goes_into_a_linear_layer():
    """Padding makes the second channel of the middle differ at the edges; behind it there is one place."""
    first = Conv(np.array([1.0, 0.0])[:, None, None, None] * np.ones((2, 1, 1, 1)), [0.0, 3.0])
    middle = Conv(np.eye(2)[:, :, None, None] * numbers(1, 1, 3, 3), padding=1)
    head = Conv(numbers(3, 32))
    nodes = [Node("first", first, ("input",)), Node("middle", middle, ("first",)), Node("relu", Relu(), ("middle",)),
             Node("flat", Flatten(), ("relu",)), Node("head", head, ("flat",))]  # fmt: skip
    small = same(Graph((1, 4, 4), nodes))
    assert sizes(small) == {"first": [1, 1], "middle": [1, 1], "head": [3, 16]}
    assert small.node("head").step.bias is not None


def test_pooling_scaling_and_flattening_pass_it_on():
    first = Conv(np.arange(3.0)[:, None, None, None] * numbers(3, 1, 3, 3), padding=1)
    steps = [first, Relu(), Pool("max", 2), Scale((2.0, 3.0, 4.0)), AdaptivePool("average", (2, 2)), Flatten(),
             Conv(numbers(2, 12))]  # fmt: skip
    places = zip("abcdefg", steps, ["input", *"abcdef"], strict=True)
    small = same(Graph((1, 6, 6), [Node(name, step, (before,)) for name, step, before in places]))
    assert sizes(small) == {"a": [2, 1], "g": [2, 8]}
    assert small.node("d").step.factor == (3.0, 4.0)


def test_a_bias_of_zeros_is_none():
    small = same(Graph((1,), [Node("a", linear([1.0], [2.0], bias=[0.0, 0.0]), ("input",))]))
    assert small.node("a").step.bias is None
    assert shrink(small) is small


def test_a_sum_keeps_what_one_term_needs():
    nodes = [
        Node("a", linear([1.0], [2.0], [0.0]), ("input",)),
        Node("b", linear([0.0], [3.0], [0.0]), ("input",)),
        Node("add", Add(), ("a", "b")),
        Node("head", linear([1.0, 1.0, 1.0]), ("add",)),
    ]
    assert sizes(same(Graph((1,), nodes))) == {"a": [2, 1], "b": [2, 1], "head": [1, 2]}


def test_a_term_of_zeros_is_no_term_and_its_branch_is_gone():
    nodes = [
        Node("a", linear([1.0], [2.0]), ("input",)),
        Node("b", linear([1.0], [1.0]), ("input",)),
        Node("c", linear([0.0, 0.0], [0.0, 0.0]), ("b",)),
        Node("add", Add(), ("a", "c")),
    ]
    small = same(Graph((1,), nodes))
    assert ([node.name for node in small.nodes], small.output) == (["a"], "a")


def test_a_network_that_gives_its_input_back_keeps_a_node():
    nodes = [Node("zero", linear([0.0]), ("input",)), Node("add", Add(), ("input", "zero"))]
    assert same(Graph((1,), nodes)).forward([[2.0]]).tolist() == [[2.0]]


def test_a_concatenation_loses_parts_and_goes_where_one_is_left():
    nodes = [
        Node("a", linear([1.0], [0.0]), ("input",)),
        Node("b", linear([0.0], [0.0]), ("input",)),
        Node("c", linear([2.0]), ("input",)),
        Node("both", Concat(), ("a", "b", "c")),
        Node("head", linear([1.0, 5.0, 5.0, 5.0, 1.0]), ("both",)),
    ]
    small = same(Graph((1,), nodes))
    assert sizes(small) == {"a": [1, 1], "c": [1, 1], "head": [1, 2]}
    nodes[-1] = Node("head", linear([1.0, 5.0, 5.0, 5.0, 0.0]), ("both",))
    assert [node.name for node in same(Graph((1,), nodes)).nodes] == ["a", "head"]


def test_groups_go_whole():
    first = Conv(np.array([1.0, 0.0, 1.0, 1.0])[:, None, None, None] * numbers(4, 2, 1, 1))
    for groups, wanted in ((4, [3, 1]), (2, [4, 2])):
        middle = Conv(numbers(4, 4 // groups, 3, 3), padding=1, groups=groups)
        nodes = [Node("first", first, ("input",)), Node("middle", middle, ("first",)),
                 Node("head", Conv(numbers(1, 4, 1, 1)), ("middle",))]  # fmt: skip
        small = same(Graph((2, 3, 3), nodes))
        assert sizes(small)["middle"] == wanted
        assert small.node("middle").step.groups == (3 if groups == 4 else 2)


def test_a_layer_that_is_used_twice_stays_one_layer():
    layer = Conv(np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]), [0.0, 0.0, 1.0])
    nodes = [
        Node("first", Conv(np.eye(3)), ("input",)),
        Node("once", layer, ("first",)),
        Node("relu", Relu(), ("once",)),
        Node("twice", layer, ("relu",)),
        Node("head", linear([1.0, 1.0, 0.0]), ("twice",)),
    ]
    small = same(Graph((3,), nodes))
    assert small.node("once").step is small.node("twice").step
    assert sizes(small) == {"first": [2, 3], "once": [2, 2], "twice": [2, 2], "head": [1, 2]}


def test_a_layer_that_meets_two_constants_keeps_both_uses():
    layer = Conv(np.array([[1.0, 0.5], [0.5, 1.0], [2.0, 0.0]]))
    nodes = [
        Node("a", linear([1.0], [0.0], bias=[0.0, 1.0]), ("input",)),
        Node("b", linear([2.0], [0.0], bias=[0.0, 3.0]), ("input",)),
        Node("once", layer, ("a",)),
        Node("twice", layer, ("b",)),
        Node("first", linear([1.0, 0.0, 0.0]), ("once",)),
        Node("second", linear([0.0, 1.0, 0.0]), ("twice",)),
        Node("add", Add(), ("first", "second")),
    ]
    small = same(Graph((1,), nodes))
    assert small.node("once").step is small.node("twice").step
    assert sizes(small) == {
        "a": [2, 1],
        "b": [2, 1],
        "once": [2, 2],
        "twice": [2, 2],
        "first": [1, 2],
        "second": [1, 2],
    }


def test_what_is_constant_at_the_edges_alone_is_no_part_of_a_bias():
    nodes = [
        Node("padded", Rearrange((1, 1, 4), (4,), (1,), low=(0,), high=(2,)), ("input",)),
        Node("first", Conv(np.array([[1.0], [2.0]])[:, :, None, None], [1.0, 5.0]), ("padded",)),
        Node("second", Conv(np.array([[3.0, 0.0]])[:, :, None, None]), ("first",)),
    ]
    assert sizes(same(Graph((1, 1, 2), nodes))) == {"first": [1, 1], "second": [1, 1]}


@pytest.mark.parametrize(
    ("step", "zero", "wanted"),
    [
        (Rearrange((16, 1, 1), (2, 2, 4), (2, 1, 4)), 0, {"first": [3, 1], "head": [2, 12]}),  # channels come last
        (Rearrange((2, 2, 2), (2, 4), (4, 1), offset=4), 1, {"first": [1, 1], "head": [2, 1]}),  # two of four
        (Rearrange((4, 1, 1), (4,), (5,)), 1, {"first": [4, 1], "head": [2, 4]}),  # no such step without the second
    ],
)
def test_rearranged_channels_go_where_the_rest_is_a_rearrangement_too(step, zero, wanted):
    weight = numbers(4, 1, 1, 1)
    weight[zero] = 0.0
    nodes = [
        Node("first", Conv(weight), ("input",)),
        Node("picked", step, ("first",)),
        Node("head", Conv(numbers(2, step.to[0], 1, 1)), ("picked",)),
    ]
    assert sizes(same(Graph((1, 2, 2), nodes))) == wanted


def test_all_that_is_unknown_stays():
    pair = Pair.like(Conv(np.zeros((2, 3, 1, 1)), np.zeros(2)).geometry, "pair", 4)
    nodes = [Node("first", linear([0.0], [0.0], [1.0]), ("input",)), Node("pair", pair, ("first",))]
    graph = Graph((1,), nodes)
    assert shrink(graph) is graph


@pytest.mark.parametrize("keys", [2, 6])
def test_heads_go_whole_where_their_values_are_zero(keys):
    values = numbers(6, 2, 1, 1, seed=1)
    values[2:5] = 0.0  # the second of three heads, and half of the third
    nodes = [
        Node("query", Conv(numbers(6, 2, 1, 1)), ("input",)),
        Node("key", Conv(numbers(keys, 2, 1, 1, seed=2)), ("input",)),
        Node("value", Conv(values), ("input",)),
        Node("attend", Attend(3), ("query", "key", "value")),
    ]
    small = same(Graph((2, 4), nodes))
    assert sizes(small) == {"query": [4, 2], "key": [2 if keys == 2 else 4, 2], "value": [4, 2]}
    assert small.node("attend").step == Attend(2)


def test_attention_to_nothing_keeps_a_head_where_it_is_the_output():
    nodes = [
        Node("query", Conv(numbers(4, 2, 1, 1)), ("input",)),
        Node("value", Conv(np.zeros((4, 2, 1, 1))), ("input",)),
        Node("attend", Attend(2), ("query", "input", "value")),
    ]
    small = same(Graph((2, 3), nodes))
    assert (sizes(small), small.node("attend").step) == ({"query": [2, 2], "value": [2, 2]}, Attend(1))


def test_attention_to_nothing_is_gone_from_a_sum():
    nodes = [
        Node("query", Conv(numbers(4, 2, 1, 1)), ("input",)),
        Node("value", Conv(np.zeros((4, 2, 1, 1))), ("input",)),
        Node("attend", Attend(2), ("query", "input", "value")),
        Node("where", Positions(), ("input",)),
        Node("place", Conv(numbers(2, 3, 1, 1)), ("where",)),
        Node("add", Add(), ("attend", "place", "input")),
    ]
    small = same(Graph((2, 3), nodes))
    assert [node.name for node in small.nodes] == ["where", "place", "add"]
    assert shrink(replace(small, nodes=small.nodes)).node("add").inputs == ("place", "input")


def test_what_is_constant_in_all_places_still_has_its_size():
    """One channel has to stay where something must be counted, and where a constant meets padding."""
    nodes = [
        Node("first", Conv(np.zeros((3, 1, 1, 1)), [1.0, 1.0, 1.0]), ("input",)),
        Node("where", Positions(), ("first",)),
        Node("place", Conv(numbers(2, 4, 1, 1)), ("where",)),
    ]
    assert sizes(same(Graph((1, 2, 2), nodes))) == {"first": [1, 1], "place": [2, 4]}


def test_multiply_adds_are_those_of_loops():
    conv = Conv(numbers(4, 1, 3, 2), stride=2, padding=1, groups=2)
    graph = Graph((2, 5, 6), [Node("conv", conv, ("input",)), Node("relu", Relu(), ("conv",))])
    outputs, rows, columns = graph.shapes["conv"]
    assert graph.multiply_adds == sum(3 * 2 for _ in range(outputs * rows * columns))
    tokens = [Node("attend", Attend(2), ("input", "input", "input"))]
    assert Graph((4, 3), tokens).multiply_adds == 2 * 3 * 3 * (2 + 2)


def test_something_else_is_refused():
    with pytest.raises(ArgumentError, match=r"graph='list'.*slth\.describe"):
        shrink([])


@pytest.mark.parametrize(("removed", "wanted"), [([1, 3], 2), ([1, 2, 3], 2), ([0, 1], 4), ([0], 4)])
def test_groups_lose_as_many_channels_each(removed, wanted):
    """Two inputs, which stay, with two channels each: as many go of one as of the other."""
    last = numbers(1, 4, 1, 1)
    last[:, removed] = 0.0
    nodes = [Node("block", Conv(numbers(4, 1, 1, 1), groups=2), ("input",)), Node("relu", Relu(), ("block",)),
             Node("head", Conv(last), ("relu",))]  # fmt: skip
    small = same(Graph((2, 3, 3), nodes))
    assert sizes(small)["block"] == [wanted, 1]


def test_channels_between_two_grouped_convolutions_go():
    first, second = numbers(6, 2, 1, 1), numbers(4, 3, 3, 3, seed=1)
    first[[1, 5]] = 0.0
    nodes = [Node("first", Conv(first, groups=2), ("input",)), Node("relu", Relu(), ("first",)),
             Node("second", Conv(second, padding=1, groups=2), ("relu",))]  # fmt: skip
    small = same(Graph((4, 3, 3), nodes))
    assert sizes(small) == {"first": [4, 2], "second": [4, 2]}
