"""Tickets to test with, and what they should be, drawn with numpy's own generator and none of the package's kernels."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
from scipy.special import ndtri

from slth.rng import WeightLaw
from slth.tickets import Mask, NetworkDescription, ProductPair, RandomLinear, Ticket

UNIFORM = WeightLaw("uniform", 1.0)
TWO_PAIRS = NetworkDescription(
    [
        ProductPair("layer0", inputs=3, outputs=4, units=5),
        ProductPair("layer1", inputs=4, outputs=2, units=3, halves="positive", activation="identity"),
    ]
)
PAIR_AND_LINEAR = NetworkDescription(
    [
        ProductPair("first", inputs=2, outputs=6, units=4),
        RandomLinear("second", inputs=6, outputs=3),
        RandomLinear("third", inputs=3, outputs=2, activation="identity"),
    ]
)


def random_mask(description, density=0.5, seed=0, dropped=0.2):
    """Connections kept with probability ``density``, but none of a share ``dropped`` of the hidden units."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for layer in description.layers:
        for name, shape in layer.mask_shapes.items():
            arrays[name] = rng.random(shape) < density
        if isinstance(layer, ProductPair) and density < 1.0:
            arrays[f"{layer.path}.connections"][rng.random((layer.units, layer.sources)) < dropped] = False
        if isinstance(layer, ProductPair):
            arrays[f"{layer.path}.units"] = arrays[f"{layer.path}.connections"].any(axis=2)
    return Mask(arrays)


def sample_ticket(description=TWO_PAIRS, *, law=UNIFORM, seed=5, density=0.5, gains=None, mask_seed=0, dropped=0.2):
    gains = np.linspace(0.5, 2.0, len(description.layers)) if gains is None else gains
    return Ticket(description, law, seed, random_mask(description, density, mask_seed, dropped), gains)


def with_more_units(ticket, units):
    """The same subnetwork of a larger random network: more candidates, none of the new ones kept."""
    layers, arrays = [], dict(ticket.mask.arrays)
    for layer in ticket.description.layers:
        layers.append(replace(layer, units=units))
        for name, shape in layers[-1].mask_shapes.items():
            arrays[name] = np.zeros(shape, bool)
            arrays[name][: layer.units] = ticket.mask[name]
    return Ticket(NetworkDescription(layers), ticket.law, ticket.seed, Mask(arrays), ticket.gains)


def stream_of(path, ticket, count):
    """The first numbers of a stream, from numpy's Philox."""
    second = int.from_bytes(sha256(path.encode()).digest()[:8], "little")
    words = np.random.Philox(key=np.array([ticket.seed, second], np.uint64)).random_raw(count)
    uniform = (2 * (words >> 12) + 1) * 2.0**-53
    return ticket.law.scale * (2 * uniform - 1 if ticket.law.name == "uniform" else ndtri(uniform))


def full_matrices(ticket):
    """Each layer's full random matrices: [k, owner, input] and [k, owner, output], or [input, output]."""
    matrices = []
    for layer in ticket.description.layers:
        shapes = {"": (layer.inputs, layer.outputs)}
        if isinstance(layer, ProductPair):
            sources = layer.inputs + 1
            shapes = {".first": (layer.units, sources, sources), ".second": (layer.units, sources, layer.outputs)}
        matrices.append(
            [
                stream_of(layer.path + ending, ticket, int(np.prod(shape))).reshape(shape)
                for ending, shape in shapes.items()
            ]
        )
    return matrices


def naive_forward(ticket, x):
    """Unit by unit through the full matrices, each entry of which is looked at together with its mask."""
    results = []
    for example in x.tolist():
        values = example
        for layer, gain, matrices in zip(ticket.description.layers, ticket.gains, full_matrices(ticket), strict=True):
            if isinstance(layer, ProductPair):
                sums = naive_pair(layer, ticket.mask, *matrices, [*values, 1.0])
            else:
                kept = ticket.mask[layer.path]
                sums = [
                    sum(matrices[0][i, o] * values[i] for i in range(layer.inputs) if kept[i, o])
                    for o in range(layer.outputs)
                ]
            values = [gain * value for value in sums]
            if layer.activation == "relu":
                values = [max(value, 0.0) for value in values]
        results.append(values)
    return np.array(results)


def naive_pair(layer, mask, first, second, values):
    units, connections = mask[f"{layer.path}.units"], mask[f"{layer.path}.connections"]
    sums = [0.0] * layer.outputs
    for k in range(layer.units):
        for owner in range(len(values)):
            block = [j == owner and units[k, owner] for j in range(len(values))]  # the fixed mask, and what is kept
            hidden = max(sum(first[k, owner, j] * values[j] for j in range(len(values)) if block[j]), 0.0)
            for o in range(layer.outputs):
                if connections[k, owner, o]:
                    sums[o] += second[k, owner, o] * hidden
    return sums
