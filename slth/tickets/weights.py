"""Regeneration of the kept weights of a random layer: only those, block by block, from description, law and seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from slth.rng import Stream, WeightLaw
from slth.tickets.attention import HeadPair
from slth.tickets.conv_pair import ConvPair
from slth.tickets.conv_weights import kept_conv_weights
from slth.tickets.description import NetworkDescription, ProductPair, RandomLayer, RandomLinear
from slth.tickets.mask import Mask
from slth.tickets.network import Floats

_BLOCK_WEIGHTS = 2**22  # weights drawn at a time: 32 MiB, and as much again for their positions
_BLOCK_ROWS = 2**14  # hidden units at a time, so that a batch of a thousand of them stays near 128 MiB


@dataclass(frozen=True, eq=False)
class ProductBlock:
    """Some of the kept hidden units of a product pair, in index order.

    Parameters
    ----------
    owners : int64[rows]
        The input j that each unit sees.
    first : float64[rows]
        The weight u from that input.
    kept : bool[rows, outputs]
        Which connections are kept.
    second : float64[rows, outputs]
        Their weights v; 0 where removed.
    """

    owners: NDArray[np.int64]
    first: Floats
    kept: NDArray[np.bool_]
    second: Floats


def product_blocks(pair: ProductPair | HeadPair, mask: Mask, law: WeightLaw, seed: int) -> Iterator[ProductBlock]:
    """Yield the kept units of a pair with their weights, in index order, in blocks of bounded size."""
    units = mask[f"{pair.path}.units"].ravel()
    connections = mask[f"{pair.path}.connections"].reshape(units.size, pair.outputs)
    for start, stop in _row_ranges(units.size, pair.outputs):
        rows = start + np.flatnonzero(units[start:stop])
        if rows.size == 0:
            continue
        kept = connections[rows]
        second = np.zeros(kept.shape)
        second[kept] = _second_weights(pair, connections, law, seed, start, stop)
        yield ProductBlock(rows % pair.sources, _first_weights(pair, rows, law, seed), kept, second)


def linear_blocks(layer: RandomLinear, mask: Mask, law: WeightLaw, seed: int) -> Iterator[tuple[slice, Floats]]:
    """Yield (inputs, float64[rows, outputs]) of a plain random layer, 0 where removed, in blocks of bounded size."""
    kept = mask[layer.path]
    for start, stop in _row_ranges(layer.inputs, layer.outputs):
        weights = np.zeros((stop - start, layer.outputs))
        weights[kept[start:stop]] = _linear_weights(layer, kept, law, seed, start, stop)
        yield slice(start, stop), weights


def kept_weights(layer: RandomLayer, mask: Mask, law: WeightLaw, seed: int) -> Iterator[Floats]:
    """Yield the kept weights of a layer: first matrix, then second, each in index order, in pieces of bounded size.

    Those of a pair of convolutions come source after source.
    """
    if isinstance(layer, ConvPair):
        yield from kept_conv_weights(layer, mask, law, seed)
        return
    if isinstance(layer, RandomLinear):
        for start, stop in _row_ranges(layer.inputs, layer.outputs):
            yield _linear_weights(layer, mask[layer.path], law, seed, start, stop)
        return
    units = mask[f"{layer.path}.units"].ravel()
    connections = mask[f"{layer.path}.connections"].reshape(units.size, layer.outputs)
    yield _first_weights(layer, np.flatnonzero(units), law, seed)
    for start, stop in _row_ranges(units.size, layer.outputs):
        yield _second_weights(layer, connections, law, seed, start, stop)


def kept_weights_sha256(description: NetworkDescription, mask: Mask, law: WeightLaw, seed: int) -> str:
    """Return the sha256 (64 hexadecimal digits) of all kept weights as little-endian float64, layer after layer."""
    digest = sha256()
    for layer in description.random_layers:
        for weights in kept_weights(layer, mask, law, seed):
            digest.update(np.ascontiguousarray(weights, "<f8").data)
    return digest.hexdigest()


def _row_ranges(rows: int, outputs: int) -> Iterator[tuple[int, int]]:
    step = min(_BLOCK_ROWS, max(1, _BLOCK_WEIGHTS // outputs))
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def _first_weights(pair: ProductPair | HeadPair, rows: NDArray[np.int64], law: WeightLaw, seed: int) -> Floats:
    """Weights u of hidden units k * sources + j: the entries [k, j, j] of the full first matrix."""
    return law.weights_at(Stream(seed, pair.streams[0]), pair.first_indices(rows // pair.sources, rows % pair.sources))


def _second_weights(
    pair: ProductPair | HeadPair, connections: NDArray[np.bool_], law: WeightLaw, seed: int, start: int, stop: int
) -> Floats:
    indices = start * pair.outputs + np.flatnonzero(connections[start:stop])
    return law.weights_at(Stream(seed, pair.streams[1]), indices)


def _linear_weights(
    layer: RandomLinear, kept: NDArray[np.bool_], law: WeightLaw, seed: int, start: int, stop: int
) -> Floats:
    return law.weights_at(Stream(seed, layer.streams[0]), start * layer.outputs + np.flatnonzero(kept[start:stop]))
