"""What networks cost, counted weight by weight and product by product."""

from __future__ import annotations

import numpy as np
import pytest

from slth.constructions import PerWeight, Shallow, Structured
from slth.constructions.costs import of_target, of_ticket, pruned
from slth.graphs import Conv, Graph, Node
from slth.networks import module_from_ticket
from tests.constructions.graph_samples import KINDS

METHODS = {
    "per-weight": PerWeight(candidates=6),
    "structured": Structured(channels=40),
    "shallow": Shallow(candidates=6),
}


def counted(ticket):
    """Nonzero numbers of the small module but its gains, which no mask keeps."""
    parameters = module_from_ticket(ticket).named_parameters()
    return sum(int((part != 0).sum()) for name, part in parameters if not name.endswith("gain"))


@pytest.mark.parametrize(
    ("name", "method"),
    [("chain", "shallow"), *((name, method) for name in KINDS for method in ("per-weight", "structured"))],
)
def test_weights_are_those_of_the_small_module(name, method):
    target = KINDS[name](np.random.default_rng(0))
    made = METHODS[method].construct(target)
    costs = of_ticket(made.ticket)
    assert costs.weights == counted(made.ticket)
    assert costs.bytes == 4 * costs.weights
    assert made.summary()["multiply_adds"] == costs.multiply_adds
    assert made.summary()["bytes"] == costs.bytes


def test_products_of_channels_are_those_of_both_convolutions():
    target = Graph((2, 5, 6), [Node("a", Conv(np.ones((3, 2, 3, 3)), padding=1, stride=2), ("input",))])
    ticket = Structured(channels=40).construct(target).ticket
    kept = int(ticket.mask["a.units"].sum())
    assert of_ticket(ticket).multiply_adds == kept * 5 * 6 + kept * 27 * 3 * 3
    assert of_target(target).multiply_adds == 54 * 3 * 3


def test_a_pruned_target_keeps_the_largest_weights_of_all_layers():
    first, second = Conv([[[[4.0]], [[-3.0]]]], [1.0]), Conv([[2.0, 1.0]])
    target = Graph((2, 1, 1), [Node("a", first, ("input",)), Node("b", Conv([[0.5]]), ("a",))])
    assert (pruned(target, 3).weights, pruned(target, 3).multiply_adds) == (3, 2)  # two weights and the bias
    assert pruned(target, 4) == pruned(target, 1000) == of_target(target)
    assert pruned(target, 3).bytes == 4 * 3 + 1
    image = Graph((2, 4, 4), [Node("a", second, ("input",))])
    assert pruned(image, 1).multiply_adds == 16
