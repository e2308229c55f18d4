"""Chains of linear layers laid out with copies of neurons: one pair, then plain random layers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from slth.arrays import frozen
from slth.certificates.copies import with_constant
from slth.constructions.layout import Work
from slth.errors import ArgumentError
from slth.graphs import INPUT, Conv, ConvShape, Flatten, Graph, Node, Relu, Window
from slth.tickets.pair import Pair, RandomLayer


def chain_of(target: Graph) -> list[Node]:
    """Return the linear layers of a chain, of two or more."""
    before, found = INPUT, list[Node]()
    for node in target.nodes:
        if node.inputs != (before,):
            _refuse(node, f"takes {node.inputs} where a chain has ('{before}',)")
        before, step = node.name, node.step
        if isinstance(step, Conv):
            if step.window != Window((1, 1)) or step.groups != 1:
                _refuse(node, "is a convolution and no linear layer")
            found.append(node)
        elif isinstance(step, Flatten):
            if found and prod(target.shapes[node.inputs[0]][1:]) > 1:
                _refuse(node, "flattens images behind a layer, whose copies would be torn apart")
        elif not isinstance(step, Relu):
            _refuse(node, f"is no linear layer, ReLU or Flatten ({type(step).__name__})")
    if before != target.output:
        _refuse(target.nodes[-1], f"stands behind the output {target.output}")
    if len(found) < 2:
        rule = f"needs a target of two layers or more, and there is {len(found)}"
        raise ArgumentError("Shallow", [node.name for node in found], rule, "use PerWeight(...)")
    return found


def _refuse(node: Node, rule: str) -> None:
    raise ArgumentError(f"node {node.name}", node.step, rule, "use PerWeight(...), which takes any graph")


def lay_out_copies(chain: Sequence[Node], candidates: Sequence[int], *, nonnegative: bool) -> list[Work]:
    """Return a pair that makes copies of the first layer's neurons, then one plain random layer for each layer.

    ``candidates[l]`` copies of the neurons in front of layer l, the constant 1 among them, serve each of its weights.
    The last layer has no copies.
    """
    works = []
    for number, (node, copies) in enumerate(zip(chain, [*candidates[1:], 0], strict=True)):
        conv: Conv = node.step
        rows = np.tile(with_constant(conv), (copies, 1)) if copies else with_constant(conv)[:-1]
        inputs = conv.geometry.inputs
        layer: Pair | RandomLayer
        if number:
            layer = RandomLayer(node.name, candidates[number] * (inputs + 1), len(rows))
        else:
            shape = ConvShape(inputs, len(rows), Window((1, 1)))
            layer = Pair.like(shape, node.name, 1, halves="positive" if nonnegative else "both")
        works.append(Work((node.name,), conv, layer, frozen(rows.T)))
    return works
