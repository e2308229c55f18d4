r"""Tickets in which neurons come in copies, one random layer each: what the target computes, in the ticket's shape.

The first random layer gives ``copies`` times all neurons of the target's first layer and the constant 1, the first copy
first; each later one takes all copies of what is in front of it, and gives copies again unless it is the last. In the
target all copies hold the same number. So with M the ticket's weights and :math:`[W | b]` the target's, the constant's
column last, the target's values are what the first copy alone meets by :math:`[W | b]`, and

.. math:: z'_o - z_o = \sum_j \Bigl(\sum_c M_{ocj} - [W | b]_{oj}\Bigr) h_j + \sum_{cj} M_{ocj} e_{cj}.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from slth.certificates.interval import Array, Interval
from slth.certificates.numbers import Exact
from slth.certificates.rules.affine import Constants
from slth.errors import ArgumentError
from slth.graphs import Conv, ConvShape, Graph, Node
from slth.tickets.folded import Folded
from slth.tickets.pair import RandomLayer

REMEDY = "certify a ticket against the target that it was constructed for"


def in_copies(source: Graph) -> bool:
    """Whether a random network has a plain random layer, in front of which neurons come in copies."""
    return any(isinstance(node.step, RandomLayer) for node in source.weighted)


def in_shape(target: Graph, source: Graph, folded: Mapping[str, Folded]) -> dict[str, Exact]:
    """Return the target's numbers in the shape of a ticket with copies, for each node with weights."""
    weighted = target.weighted
    counts = [_copies(source.node(node.name), node) for node in weighted[:-1]]
    _check(target, source, counts)
    numbers = {}
    for place, node in enumerate(weighted):
        before = counts[place - 1] if place else 0
        behind = counts[place] if place < len(counts) else 0
        rows = with_constant(node.step) if behind else with_constant(node.step)[:-1]
        numbers[node.name] = _exact(rows, folded[node.name], source.node(node.name).step.geometry, before, behind)
    return numbers


def with_constant(conv: Conv) -> Array:
    """Return float64[outputs + 1, inputs + 1]: the weights, the biases last, and a row that passes the constant 1."""
    outputs, inputs = conv.weight.shape[:2]
    rows = np.zeros((outputs + 1, inputs + 1))
    rows[:outputs, :inputs] = conv.weight[:, :, 0, 0]
    if conv.bias is not None:
        rows[:outputs, inputs] = conv.bias
    rows[outputs, inputs] = 1.0
    return rows


def _exact(rows: Array, folded: Folded, shape: ConvShape, before: int, behind: int) -> Exact:
    """Return the numbers of one layer, its inputs in so many copies (0: as they are) and its outputs likewise."""
    outputs = np.zeros(shape.outputs, np.bool_)
    if behind:
        outputs[len(rows) - 1 :: len(rows)] = True
        rows = np.tile(rows, (behind, 1))
    if not before:
        constants = Constants(np.zeros(shape.inputs, np.bool_), outputs)
        weight, bias = Interval.point(rows[:, :-1]), Interval.point(rows[:, -1])
        return Exact(shape, _kernel(weight), bias, None, constants)
    neurons = rows.shape[1]
    inputs = np.zeros(before * neurons, np.bool_)
    inputs[neurons - 1 :: neurons] = True
    lower, upper = (end.reshape(len(rows), before, neurons).swapaxes(1, 2) for end in folded.positive)
    errors = Interval(lower, upper).total() - Interval.point(rows)
    weight, errors = _in_first(Interval.point(rows), before), _in_first(errors, before)
    nothing = Interval.point(np.zeros(len(rows)))
    return Exact(shape, _kernel(weight), nothing, _kernel(errors), Constants(inputs, outputs))


def _in_first(numbers: Interval, copies: int) -> Interval:
    """Return float64[outputs, copies * neurons]: the numbers at the first copy, and 0 at the others."""
    return numbers.map(lambda ends: np.pad(ends, ((0, 0), (0, (copies - 1) * numbers.shape[1]))))


def _kernel(weight: Interval) -> Interval:
    return weight.reshape(*weight.shape, 1, 1)


def _copies(node: Node, aim: Node) -> int:
    neurons = aim.step.geometry.outputs + 1
    if node.step.outputs % neurons:
        raise misfit(node, f"must give whole copies of {neurons} neurons, the constant 1 among them")
    return int(node.step.outputs // neurons)


def _check(target: Graph, source: Graph, counts: list[int]) -> None:
    before = 0
    if target.image_shape[1:] != (1, 1):
        raise ArgumentError("target", target.input_shape, "is no vector", "give it one number a channel")
    for place, node in enumerate(target.weighted):
        random, shape = source.node(node.name), node.step.geometry
        if shape.window.taps != 1 or shape.groups != 1:
            raise misfit(random, "must stand for a linear layer where neurons come in copies")
        inputs = before * (shape.inputs + 1) if place else shape.inputs
        outputs = counts[place] * (shape.outputs + 1) if place < len(counts) else shape.outputs
        if (random.step.inputs, random.step.outputs) != (inputs, outputs):
            raise misfit(random, f"must have {inputs} inputs and {outputs} outputs, as the copies in front of it say")
        if isinstance(random.step, RandomLayer) != (place > 0):
            raise misfit(random, "must be a Pair in front and a RandomLayer behind")
        before = counts[place] if place < len(counts) else 0


def misfit(node: Node, rule: str) -> ArgumentError:
    """Return the error of a node of the ticket that does not stand for the target's."""
    return ArgumentError(f"node {node.name}", node.step, rule, REMEDY)
