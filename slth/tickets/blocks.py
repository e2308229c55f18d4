"""Regeneration of the kept weights of a random layer: only those, many sources at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.rng import Stream, WeightLaw
from slth.tickets.mask import Mask, drawn_places
from slth.tickets.pair import Drawn, Pair, RandomLayer

_SMALL_BLOCK = 2**18  # weights of several sources drawn at a time: they stay near the processor
_BLOCK_WEIGHTS = 2**22  # of one source: 32 MiB, and as much again for their positions


@dataclass(frozen=True, eq=False)
class Block:
    """Kept hidden channels of some sources of one group of a pair, source after source, each in index order.

    Shapes: sources, units int64[kept]; first float64[kept]; kept bool[kept, dimensions] or None; second float64[kept,
    dimensions].
    """

    group: int
    sources: Indices
    units: Indices
    first: Floats
    kept: Bools | None
    second: Floats


def blocks(pair: Pair, mask: Mask, law: WeightLaw, seed: int, *, most: int = _BLOCK_WEIGHTS) -> Iterator[Block]:
    """Yield the kept hidden channels, at most ``most`` and in pieces of bounded size, with their weights."""
    sources, units = np.nonzero(mask[f"{pair.path}.units"].T)
    single = mask[f"{pair.path}.weights"] if pair.removal == "weights" else None
    limits = [max(1, min(most, weights // pair.dimensions)) for weights in (_SMALL_BLOCK, _BLOCK_WEIGHTS)]
    first, second = pair.streams
    for group, part in _pieces(sources, pair.geometry.groups_of(sources), limits):
        own, channels = sources[part], units[part]
        begins = np.flatnonzero(np.diff(own, prepend=-1))
        streams = own[begins].tolist()
        scales = _drawn(law, seed, first, streams, np.diff(begins, append=len(own)), channels)
        kept = None if single is None else single[channels, own] != 0
        if kept is None:
            counts = np.diff(begins, append=len(own)) * pair.dimensions
            places = channels[:, None] * pair.dimensions + np.arange(pair.dimensions)
            weights = _drawn(law, seed, second, streams, counts, places.ravel()).reshape(places.shape)
        else:  # drawn alone: of many candidates few are kept
            rows, columns = np.nonzero(kept)
            counts = np.diff(np.searchsorted(rows, begins), append=len(rows))
            weights = np.zeros(kept.shape)
            weights[kept] = _drawn(law, seed, second, streams, counts, channels[rows] * pair.dimensions + columns)
        yield Block(group, own, channels, scales, kept, weights)


def _pieces(sources: Indices, groups: Indices, limits: list[int]) -> Iterator[tuple[int, slice]]:
    """Yield places of channels of one group: whole sources up to the first limit, a larger one in parts of the other.

    So the sums over a source are added in the same order whatever else is drawn beside it.
    """
    ends = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(groups)]
    for start, end in pairwise(ends):
        while start < end:
            stop = min(start + limits[0], end)
            if stop < end and sources[stop] == sources[stop - 1]:
                stop = start + int(np.searchsorted(sources[start:end], sources[stop]))
            if stop == start:
                own = int(np.searchsorted(sources[start:end], sources[start], side="right"))
                stop = start + min(own, limits[1])
            yield int(groups[start]), slice(start, stop)
            start = stop


def _drawn(law: WeightLaw, seed: int, path: str, sources: list[int], counts: Indices, places: Indices) -> Floats:
    """Return weights at places of the streams of sources, so many of each."""
    streams = [Stream(seed, f"{path}.{source}") for source in sources]
    return law.weights_across(streams, counts.tolist(), places)


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


def kept_weights(layer: Drawn, mask: Mask, law: WeightLaw, seed: int) -> Iterator[Floats]:
    """Yield the kept weights of a layer: source after source the u and then the v, in index order."""
    if not isinstance(layer, Pair):
        places = drawn_places(mask[layer.path].ravel(), mask.reading)
        for start in range(0, len(places), _BLOCK_WEIGHTS):
            yield law.weights_at(Stream(seed, layer.streams[0]), places[start : start + _BLOCK_WEIGHTS])
        return
    for block in blocks(layer, mask, law, seed):
        ends = [0, *(np.flatnonzero(np.diff(block.sources)) + 1).tolist(), len(block.sources)]
        for part in (slice(*pair) for pair in pairwise(ends)):
            yield block.first[part]
            yield block.second[part].ravel() if block.kept is None else block.second[part][block.kept[part]]


def kept_weights_sha256(layers: Iterable[Drawn], mask: Mask, law: WeightLaw, seed: int) -> str:
    """Return the sha256 (64 hexadecimal digits) of all kept weights as little-endian float64, layer after layer."""
    digest = sha256()
    for layer in layers:
        for weights in kept_weights(layer, mask, law, seed):
            digest.update(np.ascontiguousarray(weights, "<f8").data)
    return digest.hexdigest()
