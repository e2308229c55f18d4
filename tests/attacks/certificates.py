"""Certificates: no input of the box shows more than was certified, whatever the network and whatever it is made of.

Random targets of every kind meet random tickets, constructed ones with few candidates, layers near them, and copies of
neurons; corners, random points, coordinate ascent and the signs of finite differences look for the largest difference.
"""

from __future__ import annotations

import numpy as np

from slth.certificates import certify, certify_folded
from slth.constructions import PerWeight, Shallow, Structured
from slth.graphs import Graph, Node
from slth.graphs.conv import Conv
from tests.attacks._hunt import hunt
from tests.certificates.samples import (
    ascended,
    in_copies,
    member,
    near,
    points_of,
    random_graph,
    random_ticket,
    through_layers,
)
from tests.constructions.graph_samples import chain


def box_of(rng, shape):
    """Return a box: the unit one, of both signs, uneven, tiny, far from 0, or a point."""
    low = rng.uniform(-1.0, 1.0, shape) * 10.0 ** rng.integers(-3, 3)
    kind = rng.integers(6)
    if kind == 0:
        return np.zeros(shape), np.ones(shape)
    if kind == 1:
        return -np.ones(shape), np.ones(shape)
    width = (1.0, 1e-6, 1e-12, 0.0)[kind - 2]
    return low, low + width * rng.uniform(0.0, 2.0, shape) * (rng.random(shape) < 0.9)


def scaled(rng, target):
    """Return a target with scales of batch norms, one for each output of each layer, and biases far beyond weights."""
    nodes, known = [], {}
    loud = 10.0 ** rng.integers(-2, 4)
    for node in target.nodes:
        step = node.step
        if step.weighted and id(step) not in known:
            factor = 10.0 ** rng.uniform(-2.0, 1.0, len(step.weight)) * rng.choice([-1.0, 1.0], len(step.weight))
            bias = None if step.bias is None else step.bias * factor * loud
            weight = step.weight * factor[:, None, None, None]
            known[id(step)] = Conv(weight, bias, step.stride, step.padding, step.dilation, step.groups)
        nodes.append(Node(node.name, known.get(id(step), step), node.inputs))
    return Graph(target.input_shape, nodes, target.output, target.output_shape)


def case_of(rng):
    """Return a target, a box, the certificate, and functions whose difference it bounds."""
    kind = ("random", "near", "copies", "per-weight", "structured", "shallow")[rng.integers(6)]
    if kind in ("copies", "shallow"):
        sizes = tuple(int(size) for size in rng.integers(1, 5, rng.integers(3, 5)))
        scale = float(10.0 ** rng.uniform(-1.0, 1.0))
        if kind == "copies":
            copies, bias = int(rng.integers(1, 4)), float(rng.choice([0.5, 50.0]))
            target, ticket = in_copies(rng, sizes, copies, scale=scale, bias=bias)
            box = box_of(rng, target.input_shape)
        else:
            target = chain(rng, sizes, bias=bool(rng.random() < 0.7), scale=scale)
            box = box_of(rng, target.input_shape)
            ticket = Shallow(candidates=int(rng.integers(1, 8))).construct(target, input_box=box).ticket
    else:
        target = random_graph(rng, blocks=int(rng.integers(1, 4)), loud=bool(rng.random() < 0.3))
        target = scaled(rng, target) if rng.random() < 0.5 else target
        box = box_of(rng, target.input_shape)
        if kind == "near":
            folded = near(rng, target, spread=float(rng.choice([0.0, 0.05])), width=float(rng.choice([0.0, 0.01])))
            one = member(rng, folded)
            return kind, target, box, certify_folded(target, target, folded, box), lambda x: reached(target, one, x)
        if kind == "random":
            ticket = random_ticket(rng, target, units=int(rng.integers(1, 4)))
        else:
            few = PerWeight(candidates=int(rng.integers(1, 8)))
            method = few if kind == "per-weight" else Structured(channels=int(rng.integers(1, 30)), gain="unit")
            ticket, _ = method.ticket(target, input_box=box)
    return kind, target, box, certify(target, ticket, input_box=box), ticket.forward


def reached(target, layers, x):
    return through_layers(target, layers, x)[target.output].reshape(len(x), *target.output_shape)


def largest_found(rng, box, difference):
    """Return the largest of each output over corners, random points, coordinate ascent and ascent by differences."""
    found = difference(points_of(rng, box, 200)).max(axis=0)
    found = np.maximum(found, ascended(difference, rng, box))
    low, high = box
    output = int(found.argmax())
    x = points_of(rng, box, 1)[0]
    for share in (0.5, 0.25, 0.1, 0.05):
        moved = np.repeat(x[None], x.size, axis=0).reshape(x.size, -1)
        step = share * (high - low).ravel()
        moved[np.arange(x.size), np.arange(x.size)] += np.where(x.ravel() + step <= high.ravel(), step, -step)
        signs = np.diagonal(moved - x.reshape(1, -1)).copy()
        risen = difference(np.clip(moved.reshape(-1, *x.shape), low, high))[:, output] - difference(x[None])[0, output]
        x = np.clip(x + (np.sign(signs * risen) * share).reshape(x.shape) * (high - low), low, high)
        found = np.maximum(found, difference(x[None])[0])
    return found


def faults_of(rng, target, box, certificate, forward):
    """What was found above the certificate."""

    def difference(x):
        return np.abs(forward(x) - target.forward(x)).reshape(len(x), -1)

    with np.errstate(over="ignore", invalid="ignore"):
        excess = largest_found(rng, box, difference) - certificate.per_output - certificate.float64_allowance
    if not (excess <= 0.0).all():
        yield f"found {excess.max():.3g} above the certificate"


def run(*, seconds: float, seed: int) -> list[str]:
    """Attack certificates for so many seconds; return those that are below what was found, by the seed of the case."""
    return hunt(case_of, faults_of, seconds=seconds, seed=seed)
