"""Both networks evaluated for one input in any format of floats, their sums in random order.

Random layers in binary32 store their numbers in it, and multiply and sum these in binary64, as slth.to_torch does.
"""

from __future__ import annotations

import numpy as np

from slth.graphs import AdaptivePool, Add, Attend, Conv, Pool, Positions, Relu, Scale
from slth.rng import Stream
from slth.tickets.pair import RandomLayer


def total(terms, rng):
    """The sum over the last axis, one addition after the other, in an order that is random for each sum."""
    if terms.shape[-1] == 0:
        return np.zeros(terms.shape[:-1], terms.dtype)
    mixed = terms if rng is None else np.take_along_axis(terms, rng.random(terms.shape).argsort(axis=-1), axis=-1)
    return np.add.accumulate(mixed, axis=-1, dtype=terms.dtype)[..., -1]


def evaluated(graph, layer, x, dtype, rng=None):
    """A graph's outputs; ``layer(step, image)`` gives the terms [outputs, rows, columns, terms] and the gain."""

    def forward(node, inputs):
        step = node.step
        if step.weighted:
            terms, gain = layer(step, inputs[0])
            result = total(terms, rng)
            return result if gain is None else (result * result.dtype.type(dtype(gain))).astype(dtype)
        if isinstance(step, Relu):
            return np.maximum(inputs[0], dtype(0))
        if isinstance(step, Add):
            return total(np.stack(inputs, axis=-1), None)
        if isinstance(step, Scale):
            factor, shift = (np.array(each, dtype)[:, None, None] for each in (step.factor, step.shift))
            return inputs[0] * factor + shift
        if isinstance(step, Attend):
            return _attended(step, *inputs, rng)
        if isinstance(step, Positions):
            return step.forward(inputs[0][None])[0].astype(dtype)
        if isinstance(step, Pool | AdaptivePool):
            return _pooled(step, inputs[0], rng)
        return step.forward(*(one[None] for one in inputs))[0]

    result = graph.run(np.asarray(x).reshape(graph.image_shape).astype(dtype), forward)
    assert result.dtype == dtype
    return result.ravel()


def _pooled(step, x, rng):
    seen, divisors = step.seen(x.shape[1:])
    values = x.reshape(len(x), -1)[:, seen]
    if step.operation == "max":
        return np.where(seen < 0, -np.inf, values).max(axis=-1).astype(x.dtype)
    return total(np.where(seen < 0, x.dtype.type(0), values), rng) / divisors.astype(x.dtype)


def _attended(step, queries, keys, values, rng):
    tokens, others = queries.shape[2], keys.shape[2]
    q = queries.reshape(step.heads, -1, tokens)
    k = np.broadcast_to(keys.reshape(-1, q.shape[1], others), (step.heads, q.shape[1], others))
    v = values.reshape(step.heads, -1, others)
    scores = total(np.einsum("hct,hcs->htsc", q, k), rng)
    risen = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = risen / total(risen, rng)[..., None]
    mixed = total(np.einsum("hts,hos->thos", shares, v), rng)  # [tokens, heads, outputs]
    return total(mixed.transpose(2, 0, 1), rng)[:, None, :]


def terms_of_target(step, x):
    assert isinstance(step, Conv)
    terms = _products(x, step.weight.astype(x.dtype), step.window, step.groups)
    if step.bias is None:
        return terms, None
    bias = np.broadcast_to(step.bias.astype(x.dtype)[:, None, None, None], (*terms.shape[:3], 1))
    return np.concatenate([terms, bias], axis=3), None


def terms_of_ticket(ticket):
    def layer(step, image):
        gain = ticket.gain(step.path)
        x = image.astype(np.promote_types(image.dtype, np.float64))
        if isinstance(step, RandomLayer):
            weights = ticket.law.weights(Stream(ticket.seed, step.path), 0, step.inputs * step.outputs)
            kept = np.where(ticket.mask[step.path], weights.reshape(step.inputs, step.outputs), 0.0)
            stored = kept.T[:, :, None, None].astype(image.dtype).astype(x.dtype)
            return _products(x, stored, step.geometry.window, 1), gain
        return _pair(ticket, step, x, image.dtype), gain

    return layer


def _pair(ticket, pair, x, stored):
    """Every hidden channel by itself, for all outputs: 0 where it feeds another group."""
    each, parts = pair.outputs // pair.groups, []
    images = np.concatenate([x, np.ones((1, *x.shape[1:]), x.dtype)])
    for source in range(pair.sources):
        first = ticket.law.weights(Stream(ticket.seed, f"{pair.path}.first.{source}"), 0, pair.units)
        stream = Stream(ticket.seed, f"{pair.path}.second.{source}")
        second = ticket.law.weights(stream, 0, pair.units * pair.dimensions).reshape(pair.units, -1)
        kept = ticket.mask[f"{pair.path}.units"][:, source, None]
        if pair.removal == "weights":
            kept = kept & ticket.mask[f"{pair.path}.weights"][:, source]
        second = np.where(kept, second, 0.0)
        group = int(pair.geometry.groups_of(source))
        for k in range(pair.units):
            hidden = x.dtype.type(stored.type(first[k])) * images[min(source, pair.inputs)][None]
            hidden = np.maximum(hidden, x.dtype.type(0)) if pair.rectified else hidden
            kernel = np.zeros((pair.outputs, 1, *pair.kernel), x.dtype)
            kernel[group * each : (group + 1) * each] = second[k].astype(stored).reshape(each, 1, *pair.kernel)
            parts.append(_products(hidden, kernel, pair.geometry.window, 1))
    return np.concatenate(parts, axis=3)


def _products(x, kernel, window, groups):
    views = window.views(x[None])[0]  # [channels, rows, columns, height, width]
    each, inputs = len(kernel) // groups, kernel.shape[1]
    rows = []
    for o, own in enumerate(kernel):
        first = o // each * inputs
        products = views[first : first + inputs] * own[:, None, None]
        rows.append(np.moveaxis(products, 0, 2).reshape(*views.shape[1:3], -1))
    return np.stack(rows)
