"""Small targets, tickets of any mask, and both evaluated in exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from slth.rng import Stream, WeightLaw
from slth.tickets import DenseLayer, DenseNetwork, Mask, NetworkDescription, ProductPair, RandomLinear, Ticket

UNIFORM = WeightLaw("uniform", 1.0)


def random_network(rng, sizes, *, bias=True, scale=1.0, last="identity", inner="relu"):
    layers = []
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight = rng.normal(size=(outputs, inputs)) * scale / np.sqrt(inputs)
        weight[rng.random(weight.shape) < 0.1] = 0.0
        activation = last if number == len(sizes) - 2 else inner
        layers.append(DenseLayer(weight, rng.normal(size=outputs) * 0.3 if bias else None, activation))
    return DenseNetwork(layers)


def random_ticket(rng, target, *, units=3, copies=0, density=0.4, halves="both", law=UNIFORM):
    """A ticket of the target's shape whose mask has nothing to do with the target: differences of every size."""
    layers, arrays = [], {}
    for number, layer in enumerate(target.layers):
        inputs, outputs = layer.inputs, layer.outputs
        if copies and number:
            inputs = copies * (inputs + 1)
        if copies and number < len(target.layers) - 1:
            outputs = copies * (outputs + 1)
        if copies and number:
            layers.append(RandomLinear(f"layer{number}", inputs, outputs, layer.activation))
            arrays[f"layer{number}"] = rng.random((inputs, outputs)) < density
        else:
            layers.append(ProductPair(f"layer{number}", inputs, outputs, units, halves, layer.activation))
            kept = rng.random((units, inputs + 1, outputs)) < density
            arrays |= {f"layer{number}.units": kept.any(axis=2), f"layer{number}.connections": kept}
    gains = rng.choice([0.5, 1.0, 1.7], len(layers))
    return Ticket(NetworkDescription(layers), law, int(rng.integers(2**32)), Mask(arrays), gains)


@st.composite
def cases(draw, most_layers=4, widest=4):
    """A target, a ticket that may be far from it, and a box that may have negative parts or no width."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    layers = draw(st.integers(1, most_layers))
    sizes = [draw(st.integers(1, widest)) for _ in range(layers + 1)]
    last, inner = draw(st.sampled_from(["identity", "relu"])), draw(st.sampled_from(["relu", "relu", "identity"]))
    target = random_network(rng, sizes, bias=draw(st.booleans()), last=last, inner=inner)
    copies = draw(st.sampled_from([0, 1, 2])) if layers > 1 else 0
    halves = draw(st.sampled_from(["both", "positive"]))
    ticket = random_ticket(rng, target, copies=copies, halves=halves)
    low = rng.uniform(-1.0, 1.0, sizes[0]) if draw(st.booleans()) else np.zeros(sizes[0])
    width = rng.uniform(0.0, 2.0, sizes[0]) * (rng.random(sizes[0]) < 0.9)
    return target, ticket, (low, low + width)


@st.composite
def hard_targets(draw):
    """A small target, a box and options of a method, all of the kinds that certificates have been broken by.

    One unit wide layers, biases far larger than weights, boxes that are points or tiny or of both signs, very few
    candidates, and errors so large that a single copy of each neuron suffices.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.sampled_from([1, 1, 2, 3]), min_size=3, max_size=5))
    inner = draw(st.sampled_from(["relu", "relu", "identity"]))
    target = random_network(
        rng, sizes, scale=draw(st.sampled_from([0.1, 0.1, 1.0, 3.0])), last=draw(st.sampled_from(["identity", "relu"]))
    )
    louder = draw(st.sampled_from([0.0, 1.0, 5.0, 30.0]))
    layers = [
        DenseLayer(layer.weight, layer.bias * louder, inner if number < len(sizes) - 2 else layer.activation)
        for number, layer in enumerate(target.layers)
    ]
    low = draw(st.sampled_from([-1.0, -1e-6, 0.0, 0.3]))
    width = rng.choice([0.0, 1e-9, 1e-3, 1.0, 2.0], sizes[0] if draw(st.booleans()) else 1)
    low = np.full(sizes[0], low)
    # A single candidate is where copies of neurons are furthest from them.
    few = [{"candidates": count} for count in (1, 1, 1, 1, 2, 3, 6)]
    options = draw(st.sampled_from([*few, *({"eps": eps, "delta": 0.5} for eps in (2.0, 8.0, 30.0))]))
    return DenseNetwork(layers), options, (low, low + width)


def points_of(rng, box, count):
    """Random points of a box, a quarter of them corners, and 0 where the box has it in some coordinates."""
    low, high = box
    points = low + (high - low) * rng.random((count, len(low)))
    points = np.clip(points, low, high)
    quarter = count // 4
    points[:quarter] = np.where(rng.random((quarter, len(low))) < 0.5, low, high)
    to_zero = (rng.random((quarter, len(low))) < 0.5) & (low <= 0.0) & (high >= 0.0)
    points[quarter : 2 * quarter][to_zero] = 0.0
    return points


def exact_target(target, x):
    """The target's outputs for one input, as Fractions."""
    return exact_target_layers(target, x)[-1]


def exact_target_layers(target, x):
    """The target's values behind each layer."""
    values, behind = [Fraction(v) for v in x], []
    for layer in target.layers:
        bias = np.zeros(layer.outputs) if layer.bias is None else layer.bias
        values = [
            sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
            for row, b in zip(layer.weight.tolist(), bias.tolist(), strict=True)
        ]
        values = rectified(values, layer.activation)
        behind.append(values)
    return behind


def exact_ticket(ticket, x):
    """The masked random network's outputs for one input, unit by unit, as Fractions."""
    return exact_ticket_layers(ticket, x)[-1]


def exact_ticket_layers(ticket, x):
    """The ticket's values behind each layer, copies of neurons and of the constant 1 among them."""
    values, behind = [Fraction(v) for v in x], []
    for layer, gain in zip(ticket.description.layers, ticket.gains.tolist(), strict=True):
        if isinstance(layer, ProductPair):
            values = exact_pair(ticket, layer, [*values, Fraction(1)])
        else:
            weights = drawn(ticket, layer.path, layer.inputs * layer.outputs).reshape(layer.inputs, layer.outputs)
            kept = ticket.mask[layer.path]
            values = [
                sum((Fraction(weights[i, o]) * values[i] for i in range(layer.inputs) if kept[i, o]), Fraction(0))
                for o in range(layer.outputs)
            ]
        values = rectified([Fraction(gain) * value for value in values], layer.activation)
        behind.append(values)
    return behind


def exact_pair(ticket, layer, values):
    sources = layer.inputs + 1
    first = drawn(ticket, f"{layer.path}.first", layer.units * sources**2).reshape(-1, sources, sources)
    second = drawn(ticket, f"{layer.path}.second", layer.units * sources * layer.outputs)
    second = second.reshape(layer.units, sources, layer.outputs)
    kept = ticket.mask[f"{layer.path}.connections"]
    sums = [Fraction(0)] * layer.outputs
    for k, j, o in np.argwhere(kept).tolist():
        sums[o] += Fraction(second[k, j, o]) * max(Fraction(first[k, j, j]) * values[j], Fraction(0))
    return sums


def drawn(ticket, path, count):
    return ticket.law.weights(Stream(ticket.seed, path), 0, count)


def rectified(values, activation):
    return [max(value, Fraction(0)) for value in values] if activation == "relu" else values


def exact_difference(target, ticket, x):
    """|ticket - target| of each output, as Fractions."""
    return [abs(a - b) for a, b in zip(exact_ticket(ticket, x), exact_target(target, x), strict=True)]
