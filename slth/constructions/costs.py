"""What networks cost: a ticket's small network, its target, and the target pruned by magnitude to as many weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from slth.graphs import Graph, Node
from slth.tickets.pair import Pair
from slth.tickets.ticket import Ticket

_BYTES = 4  # of a float32


@dataclass(frozen=True)
class Costs:
    """Weights that are kept, products that they add up for one example, and bytes in float32.

    A mask of single weights costs a bit for each position besides.
    """

    weights: int
    multiply_adds: int
    bytes: int


def of_target(target: Graph) -> Costs:
    """Return what a network costs as it is, its zeros too."""
    return Costs(target.parameters, target.multiply_adds, _BYTES * target.parameters)


def of_ticket(ticket: Ticket) -> Costs:
    """Return what the kept random weights of a graph's ticket cost, those of a layer that serves twice once."""
    graph, weights, products = ticket.graph, {}, _unweighted(ticket.graph)
    for node in graph.weighted:
        before, behind = (prod(graph.shapes[name][1:]) for name in (node.inputs[0], node.name))
        first, second = _kept(node, ticket)
        weights[node.step.path] = first + second
        products += first * before + second * behind
    total = sum(weights.values())
    return Costs(total, products, _BYTES * total)


def pruned(target: Graph, weights: int) -> Costs:
    """Return what a target costs that keeps so many weights, those of largest magnitude and all biases."""
    steps = {id(node.step): node.step for node in target.weighted}
    sizes = np.sort(np.concatenate([np.abs(step.weight).ravel() for step in steps.values()]))[::-1]
    biases = target.parameters - len(sizes)
    count = min(len(sizes), max(0, weights - biases))
    if count == len(sizes):
        return of_target(target)
    least = sizes[count]  # ties beyond it are removed
    kept = {key: int(np.count_nonzero(np.abs(step.weight) > least)) for key, step in steps.items()}
    products = sum(kept[id(node.step)] * prod(target.shapes[node.name][1:]) for node in target.weighted)
    left = sum(kept.values()) + biases
    return Costs(left, products + _unweighted(target), _BYTES * left + (len(sizes) + 7) // 8)


def _unweighted(graph: Graph) -> int:
    return sum(
        int(node.step.multiply_adds(*(graph.shapes[name] for name in node.inputs)))
        for node in graph.nodes
        if not node.step.weighted
    )


def _kept(node: Node, ticket: Ticket) -> tuple[int, int]:
    """Return the kept weights of the first and of the second matrix of a layer; a plain one is a second alone."""
    layer, mask = node.step, ticket.mask
    if not isinstance(layer, Pair):
        return 0, int(np.count_nonzero(mask[layer.path]))
    units = mask[f"{layer.path}.units"]
    first = int(np.count_nonzero(units))
    if layer.removal == "channels":
        return first, first * layer.dimensions
    return first, int(np.count_nonzero(mask[f"{layer.path}.weights"] & units[:, :, None]))
