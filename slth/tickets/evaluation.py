"""Evaluation of a ticket in float64: through the real masked random layers, or through what they fold to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.graphs import Graph, Node
from slth.graphs.window import convolve
from slth.rng import WeightLaw
from slth.tickets.blocks import blocks, plain_blocks
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
    for block in blocks(pair, mask, law, seed, most=_ROWS):
        kernel = block.second.reshape(-1, each, *pair.kernel).swapaxes(0, 1)
        outputs = slice(block.group * each, (block.group + 1) * each)
        seen = np.minimum(block.sources, shape.inputs)
        step = max(1, _HIDDEN_NUMBERS // (len(seen) * size[0] * size[1] * window.taps))
        for start in range(0, len(x), step):
            hidden = images[start : start + step, seen]
            hidden *= block.first[:, None, None]
            if pair.rectified:
                np.maximum(hidden, 0.0, out=hidden)
            result[start : start + step, outputs] += convolve(hidden, kernel, window)
    return result
