"""Evaluation of a ticket in float64: through the real masked random layers, or through what they fold to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from slth.arrays import Floats, Indices
from slth.graphs import Graph, Node
from slth.graphs.window import convolve
from slth.rng import WeightLaw
from slth.tickets.blocks import blocks, plain_blocks
from slth.tickets.folded import Folded
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, Random, RandomLayer

_HIDDEN_NUMBERS = 2**23  # of hidden images and their windows at a time: 64 MiB
_ROWS = 2**12  # hidden channels at a time


def through(graph: Graph, layer: Callable[[Random, Floats], Floats], x: Floats) -> Any:
    """Walk a graph on float64[batch, channels, height, width], with ``layer(step, x)`` for its random layers."""

    def forward(node: Node, inputs: tuple[Floats, ...]) -> Floats:
        found: Floats = layer(node.step, inputs[0]) if node.step.weighted else node.step.forward(*inputs)
        return found

    return graph.run(x, forward)


def through_layer(layer: Random, mask: Mask, law: WeightLaw, seed: int, gain: float, x: Floats) -> Floats:
    """Evaluate a masked random layer on float64[batch, inputs, height, width], its gain included."""
    if isinstance(layer, RandomLayer):
        found = np.zeros((len(x), layer.outputs, *x.shape[2:]))
        for rows, weights in plain_blocks(layer, mask, law, seed):
            found += np.moveaxis(np.tensordot(x[:, rows], weights, axes=((1,), (0,))), 3, 1)
    else:
        found = _through_pair(layer, mask, law, seed, x)
    found *= gain
    return found


def _through_pair(pair: Pair, mask: Mask, law: WeightLaw, seed: int, x: Floats) -> Floats:
    window, shape = pair.geometry.window, pair.geometry
    size = window.output_size(x.shape[2:])
    result = np.zeros((len(x), pair.outputs, *size))
    images = np.concatenate([x, np.ones((len(x), 1, *x.shape[2:]))], axis=1)  # the last one is 1 everywhere
    each = pair.outputs // pair.groups
    for group, owners, first, second in _merged(pair, mask, law, seed):
        kernel = second.reshape(-1, each, *pair.kernel).swapaxes(0, 1)
        outputs = slice(group * each, (group + 1) * each)
        seen = np.minimum(owners, shape.inputs)
        step = max(1, _HIDDEN_NUMBERS // (len(first) * size[0] * size[1] * window.taps))
        for start in range(0, len(x), step):
            hidden = images[start : start + step, seen]
            hidden *= first[:, None, None]
            if pair.rectified:
                np.maximum(hidden, 0.0, out=hidden)
            result[start : start + step, outputs] += convolve(hidden, kernel, window)
    return result


def _merged(pair: Pair, mask: Mask, law: WeightLaw, seed: int) -> Iterator[tuple[int, Indices, Floats, Floats]]:
    """Yield (group, owners, u, v) of kept hidden channels, those of several sources of one group together."""
    gathered: list[Any] = []
    group, rows = 0, 0
    for block in blocks(pair, mask, law, seed):
        own = pair.geometry.group_of(block.source)
        if gathered and (own != group or rows + len(block.first) > _ROWS):
            yield group, *_joined(gathered)
            gathered, rows = [], 0
        group, rows = own, rows + len(block.first)
        gathered.append(block)
    if gathered:
        yield group, *_joined(gathered)


def _joined(gathered: list[Any]) -> tuple[Indices, Floats, Floats]:
    return (
        np.concatenate([np.full(len(block.first), block.source) for block in gathered]),
        np.concatenate([block.first for block in gathered]),
        np.concatenate([block.second for block in gathered]),
    )


def through_folded(folded: dict[str, Folded], graph: Graph, x: Floats) -> Any:
    """Walk a ticket's graph with each random layer as the one or two convolutions that it folds to."""
    return through(graph, lambda layer, values: folded[layer.path].forward(values), x)
