"""Boxes, targets and tickets that do not belong together are refused, with the node that does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from slth.certificates import certify, certify_folded, within
from slth.errors import ArgumentError
from slth.graphs import Conv, Flatten, Graph, Node, Pool, Relu
from slth.tickets.pair import Pair, RandomLayer
from tests.certificates.samples import Builder, in_copies, near, points_of, random_graph, random_ticket, source_of


def network(rng=None, *, outputs=3):
    b = Builder(np.random.default_rng(0) if rng is None else rng, (2, 3, 3))
    b.conv(2, (2, 2), relu=True, bias=True)
    b.add(Pool("max", 2))
    b.conv(outputs, bias=True)
    return b.graph()


TARGET = network()
TICKET = random_ticket(np.random.default_rng(1), TARGET)


@pytest.mark.parametrize(
    "box",
    [
        (1.0, 0.0),
        (0.0, np.inf),
        (np.nan, 1.0),
        (0.0,),
        (0.0, 1.0, 2.0),
        (np.zeros(5), np.ones(5)),
        (np.zeros((3, 3, 3)), 1.0),
        ("a", "b"),
        5.0,
        (0.0, 10**400),
    ],
)
def test_bad_boxes_are_refused(box):
    with pytest.raises(ArgumentError, match="input_box"):
        certify(TARGET, TICKET, input_box=box)


def renamed(graph, old, node):
    return Graph(graph.input_shape, [node if each.name == old else each for each in graph.nodes])


CONV = TARGET.weighted[0].name
POOL = TARGET.nodes[2].name


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (random_graph(np.random.default_rng(3)), "input_shape"),
        (network(outputs=2), r"output_shape \(2,\)"),
        (Graph((2, 3, 3), TARGET.nodes[:2]), "output"),
        (renamed(TARGET, POOL, Node(POOL, Pool("average", 2), TARGET.nodes[2].inputs)), f"node {POOL}"),
        (renamed(TARGET, CONV, Node(CONV, Conv(np.ones((2, 1, 2, 2)), groups=2), ("input",))), f"node {CONV}"),
        (TICKET.source, "random"),
        ("a module", "target='a module' must be a Graph"),
    ],
)  # fmt: skip
def test_tickets_of_other_targets_are_refused(target, message):
    with pytest.raises(ArgumentError, match=message):
        certify(target, TICKET)


def test_targets_of_other_numbers_and_without_biases_are_certified():
    other = renamed(TARGET, CONV, Node(CONV, Conv(np.ones((2, 2, 2, 2))), ("input",)))
    x = points_of(np.random.default_rng(0), (np.zeros((2, 3, 3)), np.ones((2, 3, 3))), 50)
    found = np.abs(TICKET.forward(x) - other.forward(x)).max(axis=0)
    assert (found <= certify(other, TICKET).per_output).all()


def test_what_is_no_ticket_is_refused():
    with pytest.raises(ArgumentError, match="ticket=None must be a Ticket"):
        certify(TARGET, None)
    with pytest.raises(ArgumentError, match="node"):
        certify_folded(TARGET, TARGET, {}, (np.zeros((2, 3, 3)), np.ones((2, 3, 3))))


def test_nodes_of_other_names_or_inputs_are_refused():
    target = Graph((2,), [Node("a", Conv(np.ones((2, 2))), ("input",)), Node("b", Conv(np.ones((2, 2))), ("a",))])
    other = Graph((2,), [Node("a", Pair("a", 2, 2, 3, bias=False), ("input",)),
                         Node("b", Pair("b", 2, 2, 3, bias=False), ("input",))])  # fmt: skip
    with pytest.raises(ArgumentError, match=r"node b=.*must be the target's b behind \['a'\]"):
        certify(target, random_ticket(np.random.default_rng(0), target, source=other))
    more = Graph((2,), [*source_of(np.random.default_rng(0), target).nodes[:1], Node("r", Relu(), ("a",)),
                        Node("b", Pair("b", 2, 2, 3, bias=False), ("r",))])  # fmt: skip
    with pytest.raises(ArgumentError, match="3 nodes"):
        certify(target, random_ticket(np.random.default_rng(0), target, source=more))


def test_copies_that_do_not_add_up_are_refused():
    rng = np.random.default_rng(5)
    target, ticket = in_copies(rng, (2, 2, 1), 2)
    first, relu, last = ticket.source.nodes

    def refused(message, *nodes, of=target):
        source = Graph(of.input_shape, nodes)
        with pytest.raises(ArgumentError, match=message):
            certify(of, random_ticket(rng, of, source=source))

    wide = Node(first.name, Pair("conv0", 2, 7, 3, halves="both"), ("input",))
    refused("whole copies of 3 neurons", wide, relu, Node(last.name, RandomLayer("conv2", 7, 1), last.inputs))
    plain = Node(first.name, RandomLayer("conv0", 2, 6), ("input",))
    refused("must be a Pair in front", plain, relu, last)
    image = Graph((2, 1, 2), target.nodes)
    refused("is no vector", first, relu, last, of=image)


def test_a_mean_of_padding_alone_is_zero():
    nodes = [
        Node("a", Conv(np.ones((1, 1, 1, 1))), ("input",)),
        Node("pool", Pool("average", (2, 1), (1, 1), ((1, 1), (0, 0)), (2, 1)), ("a",)),
        Node("f", Flatten(), ("pool",)),
    ]
    target = Graph((1, 1, 1), nodes)
    layers = near(np.random.default_rng(0), target)
    assert certify_folded(target, target, layers, (np.zeros((1, 1, 1)), np.ones((1, 1, 1)))).error < 1e-300


def test_tolerances_name_nodes_with_weights_and_biases_need_a_tap():
    with pytest.raises(ArgumentError, match="must be at least 0, for one of"):
        within(TARGET, {POOL: 0.1})
    with pytest.raises(ArgumentError, match="must be at least 0"):
        within(TARGET, {CONV: -0.1})
    wide = Graph((1, 1, 1), [Node("a", Conv(np.ones((1, 1, 1, 1)), [1.0], padding=1), ("input",))])
    with pytest.raises(ArgumentError, match=r"node a.*no tap"):
        within(wide, {})
