r"""What a pair of random convolutions computes: its kept weights regenerated, evaluated, and folded to one kernel.

A hidden channel computes :math:`v * \max(u x, 0)`, which is :math:`u v * \max(x, 0)` for u > 0 and
:math:`u v * \min(x, 0)` for u < 0: so the kept channels of a source act as two kernels, the sums of u v over each sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from slth.rng import Stream, WeightLaw
from slth.tickets.conv_pair import ConvPair
from slth.tickets.geometry import convolve
from slth.tickets.mask import Mask
from slth.tickets.network import Floats

_WINDOW_VALUES = 2**22  # window elements of hidden channels at a time: 32 MiB


@dataclass(frozen=True, eq=False)
class SourceBlock:
    """The kept hidden channels of one source, in index order.

    Parameters
    ----------
    source : int
    channels : int64[kept]
        Their numbers k.
    first : float64[kept]
        The weights u.
    kept : bool[kept, dimensions] or None
        Which weights of v are kept; None where all are.
    second : float64[kept, dimensions]
        The weights v; 0 where removed.
    """

    source: int
    channels: NDArray[np.int64]
    first: Floats
    kept: NDArray[np.bool_] | None
    second: Floats


def source_blocks(pair: ConvPair, mask: Mask, law: WeightLaw, seed: int) -> Iterator[SourceBlock]:
    """Yield the kept hidden channels of each source that has any, with their weights."""
    kept_channels = mask[f"{pair.path}.channels"]
    single = mask[f"{pair.path}.weights"] if pair.removal == "weights" else None
    for source in np.flatnonzero(kept_channels.any(axis=0)).tolist():
        channels = np.flatnonzero(kept_channels[:, source])
        first, second = draw(pair, law, seed, source, channels)
        kept = None
        if single is not None:
            kept = single[channels, source]
            second = np.where(kept, second, 0.0)
        yield SourceBlock(source, channels, first, kept, second)


def draw(pair: ConvPair, law: WeightLaw, seed: int, source: int, channels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the weights u float64[k] and v float64[k, dimensions] of some hidden channels of a source."""
    first = law.weights_at(Stream(seed, f"{pair.path}.first.{source}"), channels)
    return first, draw_second(pair, law, seed, source, channels)


def draw_second(pair: ConvPair, law: WeightLaw, seed: int, source: int, channels: NDArray[np.int64]) -> Floats:
    """Return the weights v float64[k, dimensions] of some hidden channels of a source."""
    places = channels[:, None] * pair.dimensions + np.arange(pair.dimensions)
    return law.weights_at(Stream(seed, f"{pair.path}.second.{source}"), places)


def kept_conv_weights(pair: ConvPair, mask: Mask, law: WeightLaw, seed: int) -> Iterator[Floats]:
    """Yield the kept weights: source after source the u and then the v, in index order."""
    for block in source_blocks(pair, mask, law, seed):
        yield block.first
        yield block.second.ravel() if block.kept is None else block.second[block.kept]


def through_pair(pair: ConvPair, mask: Mask, law: WeightLaw, seed: int, x: Floats) -> Floats:
    """Evaluate the masked pair on float64[batch, inputs, height, width], without gain and activation."""
    rows, columns = pair.window.output_size((x.shape[2], x.shape[3]))
    result = np.zeros((len(x), pair.outputs, rows, columns))
    ones = np.ones((1, 1, *x.shape[2:]))
    each = pair.outputs // pair.groups
    for block in source_blocks(pair, mask, law, seed):
        group = pair.group_of(block.source)
        outputs = slice(group * each, (group + 1) * each)
        kernel = block.second.reshape(-1, each, *pair.kernel).swapaxes(0, 1)
        images = x[:, block.source, None] if block.source < pair.inputs else ones
        step = max(1, _WINDOW_VALUES // (len(block.first) * rows * columns * prod(pair.kernel)))
        for start in range(0, len(images), step):
            hidden = np.maximum(block.first[:, None, None] * images[start : start + step], 0.0)
            part = slice(start, start + step) if len(images) == len(x) else slice(None)
            result[part, outputs] += convolve(hidden, kernel, pair.window)
    return result


@dataclass(frozen=True, eq=False)
class FoldedConv:
    r"""Effective kernels of one pair, each number between two doubles: g times the sums of u v.

    Parameters
    ----------
    plus_lower, plus_upper : float64[sources, dimensions]
        Enclose the kernels that act on max(x, 0).
    minus_lower, minus_upper : float64[sources, dimensions]
        Enclose the kernels that act on min(x, 0).
    magnitude : float64[sources, dimensions]
        Upper bounds of gain * sum of \|u v\| over both halves: what the rounding of an evaluation is proportional to.
    terms : int
        Largest number of kept weights that any output adds up.
    """

    plus_lower: Floats
    plus_upper: Floats
    minus_lower: Floats
    minus_upper: Floats
    magnitude: Floats
    terms: int

    @property
    def plus(self) -> Floats:
        """Midpoints of the enclosures on max(x, 0), rounded."""
        return self.plus_lower / 2 + self.plus_upper / 2

    @property
    def minus(self) -> Floats:
        """Midpoints of the enclosures on min(x, 0), rounded."""
        return self.minus_lower / 2 + self.minus_upper / 2


def fold_conv(pair: ConvPair, mask: Mask, law: WeightLaw, seed: int, gain: float) -> FoldedConv:
    """Return the effective kernels of a pair, enclosed.

    A sum of k rounded products, added in any order, is off by less than (k + 1) 2**-53 times the sum of their absolute
    values, which is itself rounded as often; twice as much, and as much again for the gain, covers all.
    """
    shape = (pair.sources, pair.dimensions)
    ends = [np.zeros(shape) for _ in range(4)]
    magnitude = np.zeros(shape)
    terms = np.zeros((pair.groups, pair.dimensions // prod(pair.kernel)), np.int64)
    for block in source_blocks(pair, mask, law, seed):
        products = block.first[:, None] * block.second
        kept = np.count_nonzero(block.second.reshape(len(products), -1, prod(pair.kernel)), axis=(0, 2))
        terms[pair.group_of(block.source)] += kept
        for half, chosen in enumerate((block.first > 0.0, block.first < 0.0)):
            part = products[chosen]
            total, size = part.sum(axis=0) * gain, np.abs(part).sum(axis=0) * gain
            radius = size * ((len(part) + 4) * 2.0**-51) + len(part) * max(gain, 1.0) * 2.0**-1000
            ends[2 * half][block.source] = total - radius
            ends[2 * half + 1][block.source] = total + radius
            magnitude[block.source] += size + radius
    for array in (*ends, magnitude):
        array.flags.writeable = False
    return FoldedConv(ends[0], ends[1], ends[2], ends[3], magnitude, int(terms.max()))


def folded_kernel(pair: ConvPair, kernels: Floats) -> tuple[Floats, Floats | None]:
    """Return [outputs, inputs / groups, height, width] and [outputs, height, width] of the constants, or None."""
    each, inputs = pair.outputs // pair.groups, pair.inputs // pair.groups
    slices = kernels[: pair.inputs].reshape(pair.groups, inputs, each, *pair.kernel)
    kernel = slices.swapaxes(1, 2).reshape(pair.outputs, inputs, *pair.kernel)
    constant = kernels[pair.inputs :].reshape(pair.outputs, *pair.kernel) if pair.bias else None
    return kernel, constant
