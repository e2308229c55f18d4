"""Small targets of every kind, mixed ones too, and independent sums of what their tickets keep."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from slth.graphs import AdaptivePool, Add, Attend, Concat, Conv, Flatten, Graph, Node, Pool, Positions, Rearrange, Relu
from slth.tickets2.blocks import draw
from slth.tickets2.pair import Pair


def conv(rng, outputs, inputs, kernel=1, *, bias=True, **options):
    groups = options.get("groups", 1)
    weight = rng.normal(size=(outputs, inputs // groups, kernel, kernel)) / (kernel * (inputs // groups) ** 0.5)
    return Conv(weight, rng.normal(size=outputs) / 4 if bias else None, **options)


def chain(rng, sizes, *, bias=True, scale=1.0):
    """A multilayer perceptron."""
    nodes, before = [], "input"
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        if number:
            nodes.append(Node(f"relu{number - 1}", Relu(), (before,)))
            before = f"relu{number - 1}"
        weight = rng.normal(size=(outputs, inputs)) * scale / inputs**0.5
        nodes.append(Node(f"layer{number}", Conv(weight, rng.normal(size=outputs) / 4 if bias else None), (before,)))
        before = f"layer{number}"
    return Graph((sizes[0],), nodes)


def residual(rng, *, bias=True, groups=1):
    """Convolution, pooling, a block with a projection, and a linear layer."""
    return Graph(
        (2, 6, 6),
        [
            Node("conv1", conv(rng, 4, 2, 3, padding=1, groups=groups, bias=bias), ("input",)),
            Node("relu1", Relu(), ("conv1",)),
            Node("pool", Pool("max", 2), ("relu1",)),
            Node("conv2", conv(rng, 4, 4, 3, padding=1, bias=bias), ("pool",)),
            Node("short", conv(rng, 4, 4, bias=bias), ("pool",)),
            Node("add", Add(), ("conv2", "short")),
            Node("relu2", Relu(), ("add",)),
            Node("flat", Flatten(), ("relu2",)),
            Node("head", conv(rng, 3, 36, bias=bias), ("flat",)),
        ],
    )


def attention(rng, *, heads=2, width=3):
    """Tokens with learned places, one block of attention with a residual, the mean of the tokens, and a read-out."""
    return Graph(
        (2, 1, 3),
        [
            Node("where", Positions(), ("input",)),
            Node("tokens", Concat(), ("input", "where")),
            Node("embed", conv(rng, width, 5), ("tokens",)),
            Node("embedded", Relu(), ("embed",)),
            Node("scores", conv(rng, heads * width, width, bias=False), ("embedded",)),
            Node("values", conv(rng, heads * width, width, bias=False), ("embedded",)),
            Node("attend", Attend(heads), ("scores", "embedded", "values")),
            Node("add", Add(), ("attend", "embedded")),
            Node("mean", AdaptivePool("average", (1, 1)), ("add",)),
            Node("head", conv(rng, 2, width), ("mean",)),
        ],
    )


def mixed(rng):
    """Attention behind convolutions, a depthwise scale, a dilated and strided one, one used twice, a concatenation."""
    twice = conv(rng, 4, 4, bias=True)
    return Graph(
        (2, 5, 5),
        [
            Node("stem", conv(rng, 4, 2, 3, stride=2, padding=1), ("input",)),
            Node("stem.relu", Relu(), ("stem",)),
            Node("scale", conv(rng, 4, 4, groups=4), ("stem.relu",)),
            Node("wide", conv(rng, 2, 4, 2, dilation=2, padding=1, groups=2, bias=False), ("stem.relu",)),
            Node("once", twice, ("scale",)),
            Node("once.relu", Relu(), ("once",)),
            Node("again", twice, ("once.relu",)),
            Node("both", Concat(), ("again", "wide")),
            Node("tokens", Rearrange((6, 1, 9), (6, 9), (9, 1)), ("both",)),
            Node("query", conv(rng, 6, 6), ("tokens",)),
            Node("key", conv(rng, 3, 6), ("tokens",)),
            Node("value", conv(rng, 4, 6), ("tokens",)),
            Node("attend", Attend(2), ("query", "key", "value")),
            Node("mean", AdaptivePool("average", (1, 1)), ("attend",)),
            Node("head", conv(rng, 2, 2), ("mean",)),
        ],
    )


KINDS = {"chain": lambda rng: chain(rng, (4, 5, 3)), "residual": residual, "attention": attention, "mixed": mixed}


def worst(target, ticket, *, low=0.0, high=1.0, count=200, seed=1):
    """The largest difference that random inputs show."""
    x = np.random.default_rng(seed).uniform(low, high, size=(count, *target.input_shape))
    return float(np.abs(ticket.forward(x) - target.forward(x)).max())


def exact_sums(ticket, pair: Pair, half=0):
    """float64[sources, dimensions]: gain * sum of u v over the kept weights of one half, summed as rationals."""
    gain = Fraction(ticket.gain(pair.path))
    units, weights = ticket.mask[f"{pair.path}.units"], ticket.mask[f"{pair.path}.weights"]
    found = np.zeros((pair.sources, pair.dimensions))
    for source in range(pair.sources):
        first, second = draw(pair, ticket.law, ticket.seed, source, np.arange(pair.units))
        serves = units[:, source] & (((first < 0.0) if half else (first > 0.0)) | (not pair.rectified))
        for place in range(pair.dimensions):
            chosen = np.flatnonzero(serves & weights[:, source, place])
            total = sum((Fraction(first[k]) * Fraction(second[k, place]) for k in chosen), Fraction(0))
            found[source, place] = float(gain * total)
    return found


def pairs(ticket):
    return [layer for layer in ticket.layers if isinstance(layer, Pair)]
