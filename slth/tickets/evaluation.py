"""Reference evaluation in float64 through the real masked random network, in bounded memory."""

from __future__ import annotations

from functools import partial

import numpy as np

from slth.rng import WeightLaw
from slth.tickets.attention import has_attention
from slth.tickets.attention_weights import evaluate_tokens
from slth.tickets.conv_pair import ConvPair
from slth.tickets.conv_weights import through_pair
from slth.tickets.convolutional import widest
from slth.tickets.description import NetworkDescription, ProductPair, RandomLinear
from slth.tickets.mask import Mask
from slth.tickets.network import Floats, activate
from slth.tickets.steps import run, walk
from slth.tickets.weights import linear_blocks, product_blocks

_BATCH_VALUES = 2**24  # activations of the widest layer at a time: 128 MiB, and a few such arrays live together
_IMAGE_VALUES = 2**24  # window elements of the widest convolution at a time
_HIDDEN_VALUES = 2**24  # hidden activations at a time: 128 MiB


def evaluate(
    description: NetworkDescription, mask: Mask, law: WeightLaw, seed: int, gains: Floats, x: Floats
) -> Floats:
    """Return float64[batch, outputs] for float64[batch, inputs]; weights are drawn anew for each large batch."""
    if description.input_shape is not None:
        return _evaluate_images(description, mask, law, seed, gains, x)
    if has_attention(description.layers):
        through = partial(_through_pair, mask=mask, law=law, seed=seed)
        return evaluate_tokens(description.layers, mask, law, seed, gains, x, through)
    result = np.empty((len(x), description.outputs))
    widest = max(max(layer.inputs, layer.outputs) for layer in description.layers)
    step = max(1, _BATCH_VALUES // (widest + 1))
    for start in range(0, len(x), step):
        values = x[start : start + step]
        for layer, gain in zip(description.layers, gains.tolist(), strict=True):
            if isinstance(layer, ProductPair):
                values = _through_pair(layer, values, mask=mask, law=law, seed=seed)
            else:
                values = _through_linear(layer, mask, law, seed, values)
            values *= gain
            activate(values, layer.activation)
        result[start : start + step] = values
    return result


def _evaluate_images(
    description: NetworkDescription, mask: Mask, law: WeightLaw, seed: int, gains: Floats, x: Floats
) -> Floats:
    layers = description.layers
    numbers = [number for number, layer in enumerate(layers) if isinstance(layer, ConvPair)]
    gain_of = dict(zip(numbers, gains.tolist(), strict=True))

    def weighted(number: int, values: Floats) -> Floats:
        sums: Floats = through_pair(layers[number], mask, law, seed, values) * gain_of[number]
        return sums

    places = list(walk(layers, description.input_shape or (1, 1, 1)))
    step = max(1, _IMAGE_VALUES // widest(places))
    parts = [run(layers, x[first : first + step], weighted) for first in range(0, max(len(x), 1), step)]
    return np.concatenate(parts)


def _through_pair(pair: ProductPair, x: Floats, *, mask: Mask, law: WeightLaw, seed: int) -> Floats:
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
