"""Reference evaluation in float64 through the real masked random network, in bounded memory."""

from __future__ import annotations

import numpy as np

from slth.rng import WeightLaw
from slth.tickets.description import NetworkDescription, ProductPair, RandomLinear
from slth.tickets.mask import Mask
from slth.tickets.network import Floats, activate
from slth.tickets.weights import linear_blocks, product_blocks

_BATCH_VALUES = 2**24  # activations of the widest layer at a time: 128 MiB, and a few such arrays live together
_HIDDEN_VALUES = 2**24  # hidden activations at a time: 128 MiB


def evaluate(
    description: NetworkDescription, mask: Mask, law: WeightLaw, seed: int, gains: Floats, x: Floats
) -> Floats:
    """Return float64[batch, outputs] for float64[batch, inputs]; weights are drawn anew for each large batch."""
    result = np.empty((len(x), description.outputs))
    widest = max(max(layer.inputs, layer.outputs) for layer in description.layers)
    step = max(1, _BATCH_VALUES // (widest + 1))
    for start in range(0, len(x), step):
        values = x[start : start + step]
        for layer, gain in zip(description.layers, gains.tolist(), strict=True):
            if isinstance(layer, ProductPair):
                values = _through_pair(layer, mask, law, seed, values)
            else:
                values = _through_linear(layer, mask, law, seed, values)
            values *= gain
            activate(values, layer.activation)
        result[start : start + step] = values
    return result


def _through_pair(pair: ProductPair, mask: Mask, law: WeightLaw, seed: int, x: Floats) -> Floats:
    outputs = np.zeros((len(x), pair.outputs))
    with_constant = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    for block in product_blocks(pair, mask, law, seed):
        step = max(1, _HIDDEN_VALUES // len(block.first))
        for start in range(0, len(x), step):
            hidden = with_constant[start : start + step, block.owners]
            hidden *= block.first
            np.maximum(hidden, 0.0, out=hidden)
            outputs[start : start + step] += hidden @ block.second
    return outputs


def _through_linear(layer: RandomLinear, mask: Mask, law: WeightLaw, seed: int, x: Floats) -> Floats:
    outputs = np.zeros((len(x), layer.outputs))
    for inputs, weights in linear_blocks(layer, mask, law, seed):
        outputs += x[:, inputs] @ weights
    return outputs
