"""Graphs and tickets in exact rational arithmetic, hidden channel by hidden channel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from slth.graphs import AdaptivePool, Pool, Positions, Relu, Scale
from slth.rng import Stream
from slth.tickets.pair import RandomLayer


def exactly(graph, layer, x):
    """A graph's outputs for one input as Fractions; ``layer(node, images)`` gives those of nodes with weights."""
    values = np.array([Fraction(v) for v in np.ravel(x).tolist()], object).reshape(1, *graph.image_shape)

    def forward(node, inputs):
        step = node.step
        if step.weighted:
            return layer(node, inputs[0])
        if isinstance(step, Pool | AdaptivePool):
            return _exact_pool(step, inputs[0])
        if isinstance(step, Positions):
            return np.vectorize(Fraction, otypes=[object])(step.forward(inputs[0]).astype(int))
        if isinstance(step, Scale):
            factor, shift = (fractions(np.array(each))[:, None, None] for each in (step.factor, step.shift))
            return inputs[0] * factor + shift
        if isinstance(step, Relu):
            return np.vectorize(lambda v: max(v, Fraction(0)), otypes=[object])(inputs[0])
        return step.forward(*inputs)

    return graph.run(values, forward).ravel().tolist()


def _exact_pool(step, x):
    seen, divisors = step.seen(x.shape[2:])
    flat = x.reshape(x.shape[1], -1)
    result = np.empty((x.shape[1], *divisors.shape), object)
    for place in np.ndindex(result.shape):
        inside = [flat[place[0], pixel] for pixel in seen[place[1:]].tolist() if pixel >= 0]
        result[place] = max(inside) if step.operation == "max" else sum(inside) / Fraction(int(divisors[place[1:]]))
    return result[None]


def exact_conv(x, weight, window, groups=1):
    """Correlate an image of Fractions with a kernel of Fractions."""
    views = window.views(x, fill=Fraction(0))[0]
    each, inputs = len(weight) // groups, weight.shape[1]
    result = np.empty((len(weight), *views.shape[1:3]), object)
    for o, row, column in np.ndindex(result.shape):
        first = o // each * inputs
        result[o, row, column] = (views[first : first + inputs, row, column] * weight[o]).sum()
    return result[None]


def fractions(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def exact_target(node, x):
    conv = node.step
    result = exact_conv(x, fractions(conv.weight), conv.window, conv.groups)
    return result if conv.bias is None else result + fractions(conv.bias)[:, None, None]


def exact_ticket(ticket):
    """The masked random layers, hidden channel by hidden channel."""

    def layer(node, x):
        step, gain = node.step, Fraction(ticket.gain(node.step.path))
        if isinstance(step, RandomLayer):
            weights = ticket.law.weights(Stream(ticket.seed, step.path), 0, step.inputs * step.outputs)
            kept = np.where(ticket.mask[step.path], weights.reshape(step.inputs, step.outputs), 0.0)
            return gain * exact_conv(x, fractions(kept.T[:, :, None, None]), step.geometry.window)
        return gain * exact_pair(ticket, step, x)

    return layer


def exact_pair(ticket, pair, x):
    each, (rows, columns) = pair.outputs // pair.groups, pair.geometry.window.output_size(x.shape[2:])
    result = np.full((1, pair.outputs, rows, columns), Fraction(0), object)
    one = np.full((1, 1, *x.shape[2:]), Fraction(1), object)
    for source in range(pair.sources):
        first = ticket.law.weights(Stream(ticket.seed, f"{pair.path}.first.{source}"), 0, pair.units)
        stream = Stream(ticket.seed, f"{pair.path}.second.{source}")
        second = ticket.law.weights(stream, 0, pair.units * pair.dimensions).reshape(pair.units, -1)
        kept = ticket.mask[f"{pair.path}.units"][:, source, None]
        if pair.removal == "weights":
            kept = kept & ticket.mask[f"{pair.path}.weights"][:, source]
        second = np.where(kept, second, 0.0)
        seen = x[:, source : source + 1] if source < pair.inputs else one
        group = int(pair.geometry.groups_of(source))
        for k in range(pair.units):
            hidden = Fraction(float(first[k])) * seen
            if pair.rectified:
                hidden = np.vectorize(lambda v: max(v, Fraction(0)), otypes=[object])(hidden)
            kernel = fractions(second[k].reshape(each, 1, *pair.kernel))
            result[:, group * each : (group + 1) * each] += exact_conv(hidden, kernel, pair.geometry.window)
    return result
