"""Attention targets and tickets to test with, and naive evaluations with full matrices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from slth.rng import Stream, WeightLaw
from slth.tickets import (
    AttentionNetwork,
    DenseLayer,
    DenseNetwork,
    Mask,
    NetworkDescription,
    ProductPair,
    QueryKey,
    Ticket,
    TokenMean,
    Tokens,
    ValueOutput,
)


def random_dense(rng, sizes, last="identity", scale=1.0):
    layers = []
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        activation = last if number == len(sizes) - 2 else "relu"
        weight = rng.uniform(-1.0, 1.0, (outputs, inputs)) * scale
        layers.append(DenseLayer(weight, rng.uniform(-0.5, 0.5, outputs), activation))
    return DenseNetwork(layers)


def random_target(rng, *, tokens=3, size=2, width=4, heads=2, embedding=(), hidden=(3,), last="relu", residual=True):
    outputs = width if residual else width - 1
    return AttentionNetwork(
        tokens,
        random_dense(rng, (size + tokens, *embedding, width), last),
        rng.uniform(-1.0, 1.0, (heads, width, width)),
        rng.uniform(-1.0, 1.0, (heads, width, outputs)),
        random_dense(rng, (outputs, *hidden, 2)),
        residual=residual,
    )


def description_of(target, *, units=3):
    steps = [Tokens(target.tokens, target.token_size)]

    def dense(network):
        for layer in network.layers:
            steps.append(
                ProductPair(f"layer{len(steps)}", layer.inputs, layer.outputs, units, activation=layer.activation)
            )

    dense(target.embedding)
    steps.append(QueryKey(f"layer{len(steps)}", target.width, target.width, target.heads, units))
    outputs, heads = target.values.shape[2], target.heads
    values = ValueOutput(f"layer{len(steps)}", target.width, outputs, heads, units, residual=target.residual)
    steps.append(values)
    steps.append(TokenMean())
    dense(target.readout)
    return NetworkDescription(steps)


def random_ticket(rng, target, *, units=3, density=0.6):
    """A ticket of the target's shape that keeps whatever it keeps: far from the target."""
    description = description_of(target, units=units)
    arrays = {}
    for layer in description.random_layers:
        outer, inner = layer.mask_shapes
        arrays[inner] = rng.random(layer.mask_shapes[inner]) < density
        arrays[outer] = arrays[inner].any(axis=2)
    gains = rng.choice([0.5, 1.0, 2.0], len(description.random_layers))
    return Ticket(description, WeightLaw("uniform"), int(rng.integers(2**32)), Mask(arrays), gains)


def naive_target(target, x):
    """One input, one token and one head at a time, by the definition."""
    rows = x.reshape(target.tokens, target.token_size)
    embedded = np.array(
        [naive_dense(target.embedding, np.concatenate([row, np.eye(target.tokens)[t]])) for t, row in enumerate(rows)]
    )
    mixed = embedded.copy() if target.residual else np.zeros((target.tokens, target.values.shape[2]))
    for a, b in zip(target.scores, target.values, strict=True):
        mixed += naive_attention(embedded @ a @ embedded.T, embedded @ b)
    return naive_dense(target.readout, mixed.mean(axis=0))


def naive_dense(network, x):
    for layer in network.layers:
        x = layer.weight @ x + (0.0 if layer.bias is None else layer.bias)
        x = np.maximum(x, 0.0) if layer.activation == "relu" else x
    return x


def naive_attention(scores, values):
    result = []
    for row in scores:
        shares = np.exp(row)
        result.append(shares @ values / shares.sum())
    return np.array(result)


def naive_ticket(ticket, x):
    """The whole random matrices, masked: block mask first, then the ticket's mask."""
    gains = iter(ticket.gains.tolist())
    shares = []
    for layer in ticket.description.layers:
        if isinstance(layer, Tokens):
            x = np.hstack([x.reshape(layer.count, layer.size), np.eye(layer.count)])
        elif isinstance(layer, QueryKey):
            gain = next(gains)
            shares = [gain * (x @ first @ (x @ second).T) for first, second in naive_heads(ticket, layer)]
        elif isinstance(layer, ValueOutput):
            mixed = next(gains) * sum(
                naive_attention(scores, x @ first) @ second.T
                for scores, (first, second) in zip(shares, naive_heads(ticket, layer), strict=True)
            )
            x = x + mixed if layer.residual else mixed
        elif isinstance(layer, TokenMean):
            x = x.mean(axis=0, keepdims=True)
        else:
            x = naive_pair(ticket, layer, x) * next(gains)
            x = np.maximum(x, 0.0) if layer.activation == "relu" else x
    return x[0]


def naive_heads(ticket, layer):
    """For each head the masked first matrix [inputs, units inputs] and second matrix [outputs, units inputs]."""
    k, h, d, out = layer.units, layer.heads, layer.inputs, layer.outputs
    first = drawn(ticket, f"{layer.path}.first", k * h * d * d).reshape(k, h, d, d)
    first = first * np.eye(d) * ticket.mask[f"{layer.path}.units"].reshape(k, h, d, 1)
    kept = ticket.mask[f"{layer.path}.connections"].reshape(k, h, d, out)
    second = drawn(ticket, f"{layer.path}.second", k * h * d * out).reshape(k, h, d, out) * kept
    for head in range(h):
        yield first[:, head].reshape(k * d, d).T, second[:, head].reshape(k * d, out).T


def naive_pair(ticket, layer, x):
    sources = layer.inputs + 1
    first = drawn(ticket, f"{layer.path}.first", layer.units * sources**2).reshape(layer.units, sources, sources)
    first = first * np.eye(sources) * ticket.mask[f"{layer.path}.units"][..., None]
    second = drawn(ticket, f"{layer.path}.second", layer.units * sources * layer.outputs)
    second = second.reshape(-1, layer.outputs) * ticket.mask[f"{layer.path}.connections"].reshape(-1, layer.outputs)
    ones = np.hstack([x, np.ones((len(x), 1))])
    return np.maximum(ones @ first.reshape(-1, sources).T, 0.0) @ second


def drawn(ticket, path, count):
    stream = Stream(ticket.seed, path)
    words = np.random.Philox(key=stream.key).random_raw(count) if count else np.zeros(0, np.uint64)
    uniform = (2.0 * (words >> np.uint64(12)).astype(np.float64) + 1.0) * 2.0**-53
    return (2.0 * uniform - 1.0) * ticket.law.scale
