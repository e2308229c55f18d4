"""Regeneration of the kept weights of a random layer: only those, source by source, from the layer, law and seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.rng import Stream, WeightLaw
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, Random, RandomLayer, RandomTensor

_BLOCK_WEIGHTS = 2**22  # weights drawn at a time: 32 MiB, and as much again for their positions


@dataclass(frozen=True, eq=False)
class Block:
    """Kept hidden channels of one source of a pair, in index order.

    Shapes: units int64[kept]; first float64[kept]; kept bool[kept, dimensions] or None; second float64[kept,
    dimensions].
    """

    source: int
    units: Indices
    first: Floats
    kept: Bools | None
    second: Floats


def blocks(pair: Pair, mask: Mask, law: WeightLaw, seed: int) -> Iterator[Block]:
    """Yield the kept hidden channels of each source that has any, in pieces of bounded size, with their weights."""
    every = mask[f"{pair.path}.units"]
    single = mask[f"{pair.path}.weights"] if pair.removal == "weights" else None
    step = max(1, _BLOCK_WEIGHTS // pair.dimensions)
    for source in np.flatnonzero(every.any(axis=0)).tolist():
        chosen = np.flatnonzero(every[:, source])
        for start in range(0, len(chosen), step):
            units = chosen[start : start + step]
            if single is None:
                first, second = draw(pair, law, seed, source, units)
                yield Block(source, units, first, None, second)
                continue
            kept = single[units, source]
            second = np.zeros(kept.shape)
            # Drawn alone: of many candidates few are kept.
            rows, columns = np.nonzero(kept)
            stream = Stream(seed, f"{pair.streams[1]}.{source}")
            second[rows, columns] = law.weights_at(stream, units[rows] * pair.dimensions + columns)
            yield Block(source, units, draw_first(pair, law, seed, source, units), kept, second)


def draw(pair: Pair, law: WeightLaw, seed: int, source: int, units: Indices) -> tuple[Floats, Floats]:
    """Return the weights u float64[k] and v float64[k, dimensions] of some hidden channels of a source."""
    return draw_first(pair, law, seed, source, units), draw_second(pair, law, seed, source, units)


def draw_first(pair: Pair, law: WeightLaw, seed: int, source: int, units: Indices) -> Floats:
    """Return the weights u float64[k] of some hidden channels of a source."""
    return law.weights_at(Stream(seed, f"{pair.streams[0]}.{source}"), units)


def draw_second(pair: Pair, law: WeightLaw, seed: int, source: int, units: Indices) -> Floats:
    """Return the weights v float64[k, dimensions] of some hidden channels of a source."""
    places = units[:, None] * pair.dimensions + np.arange(pair.dimensions)
    return law.weights_at(Stream(seed, f"{pair.streams[1]}.{source}"), places)


def plain_blocks(layer: RandomLayer, mask: Mask, law: WeightLaw, seed: int) -> Iterator[tuple[slice, Floats]]:
    """Yield (inputs, float64[rows, outputs]) of a plain random layer, 0 where removed, in pieces of bounded size."""
    kept = mask[layer.path]
    step = max(1, _BLOCK_WEIGHTS // layer.outputs)
    for start in range(0, layer.inputs, step):
        part = kept[start : start + step]
        weights = np.zeros(part.shape)
        places = start * layer.outputs + np.flatnonzero(part)
        weights[part] = law.weights_at(Stream(seed, layer.path), places)
        yield slice(start, start + len(part)), weights


def kept_weights(layer: Random | RandomTensor, mask: Mask, law: WeightLaw, seed: int) -> Iterator[Floats]:
    """Yield the kept weights of a layer: source after source the u and then the v, in index order."""
    if isinstance(layer, RandomTensor):
        places = np.flatnonzero(mask[layer.path])
        for start in range(0, len(places), _BLOCK_WEIGHTS):
            yield law.weights_at(Stream(seed, layer.path), places[start : start + _BLOCK_WEIGHTS])
        return
    if isinstance(layer, RandomLayer):
        for rows, weights in plain_blocks(layer, mask, law, seed):
            yield weights[mask[layer.path][rows]]
        return
    for block in blocks(layer, mask, law, seed):
        yield block.first
        yield block.second.ravel() if block.kept is None else block.second[block.kept]


def kept_weights_sha256(layers: Iterable[Random | RandomTensor], mask: Mask, law: WeightLaw, seed: int) -> str:
    """Return the sha256 (64 hexadecimal digits) of all kept weights as little-endian float64, layer after layer."""
    digest = sha256()
    for layer in layers:
        for weights in kept_weights(layer, mask, law, seed):
            digest.update(np.ascontiguousarray(weights, "<f8").data)
    return digest.hexdigest()
