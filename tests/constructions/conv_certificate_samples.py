"""Convolutions that are known to a tolerance, small networks near a target, and every node's values at inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from slth.constructions.conv_certify import graph_ranges
from slth.constructions.conv_graph import Affine, EffectiveConv, Largest, Relu, effective_convs, graph_of
from slth.constructions.conv_ranges import start, through
from slth.constructions.interval import Interval
from slth.tickets import ConvLayer, ConvNetwork, Flatten, Pool
from tests.conv_samples import images_of_box, random_conv


def gaps(one, two, x):
    return np.abs(one.forward(x) - two.forward(x)).reshape(len(x), -1)


def known(layer, spread=0.0):
    """A convolution without biases whose kernel is known to a tolerance."""
    size = np.abs(layer.weight) + spread
    kernel = Interval(layer.weight - spread, layer.weight + spread)
    return EffectiveConv(kernel, None, None, size, None, layer.weight[0].size, max(1.0, float(size.max())))


def unit_box(shape):
    return np.zeros(shape), np.ones(shape)


def plain_ranges(graph, box):
    """Ranges alone, without linear bounds."""
    ranges = [start(box[0].ravel(), box[1].ravel())]
    for number in range(1, len(graph.nodes) + 1):
        ranges.append(through(graph, number, ranges))
    return ranges


def values_of_nodes(graph, x):
    """The target's and the ticket's values of each node for inputs [batch, n], kernels at mid-range."""

    def matrix(node, numbers):
        shape = (node.places.rows, node.places.columns)
        entries = (numbers.lower / 2 + numbers.upper / 2)[node.places.entry]
        return sp.csr_array((entries, node.places.inputs, node.places.first), shape=shape)

    known_values = [(x, x)]
    for node in graph.nodes:
        one, two = known_values[node.source]
        if isinstance(node, Affine):
            bias, wrong = node.bias.lower, node.bias_error.lower / 2 + node.bias_error.upper / 2
            negative = node.positive if node.negative is None else node.negative
            plus = (matrix(node, node.positive) @ np.maximum(two, 0.0).T).T
            minus = (matrix(node, negative) @ np.minimum(two, 0.0).T).T
            known_values.append(((matrix(node, node.weights) @ one.T).T + bias, plus + minus + bias + wrong))
        elif isinstance(node, Relu):
            known_values.append((np.maximum(one, 0.0), np.maximum(two, 0.0)))
        elif isinstance(node, Largest):
            known_values.append((one[:, node.windows].max(axis=2), two[:, node.windows].max(axis=2)))
        else:
            known_values.append(tuple(u + v for u, v in zip((one, two), known_values[node.other], strict=True)))
    return known_values


def graph_case(case, seed, *, narrow):
    """Graph, ranges, values at random inputs; in a narrow box many signs and many largest entries are known."""
    target, ticket, (low, high) = case
    if narrow:
        high = low + 0.03 * (high - low)
    graph = graph_of(target, effective_convs(ticket, target))
    x = images_of_box(np.random.default_rng(seed), (low, high), 300)
    known_values = values_of_nodes(graph, x.reshape(len(x), -1))
    for network, ours in zip((target, ticket), known_values[graph.output], strict=True):
        assert np.abs(network.forward(x).reshape(len(x), -1) - ours).max() < 1e-8
    return graph, graph_ranges(graph, (low, high)), known_values


def reference_like(rng, size=12, channels=4):
    steps = [
        random_conv(rng, 1, channels, (3, 3), bias=False, padding=1),
        Pool("max", 2),
        random_conv(rng, channels, 2 * channels, (3, 3), bias=False, padding=1),
        Pool("max", 2),
        Flatten(),
        random_conv(rng, 2 * channels * (size // 4) ** 2, 3, (1, 1), bias=False, activation="identity"),
    ]
    return ConvNetwork((1, size, size), steps)


def perturbed(rng, target, errors):
    steps, errors = [], iter(errors)
    for step in target.steps:
        if isinstance(step, ConvLayer):
            noise = rng.normal(size=step.weight.shape) * np.sqrt((step.weight**2).mean()) * next(errors)
            step = replace(step, weight=step.weight + noise)
        steps.append(step)
    return ConvNetwork(target.input_shape, steps)
