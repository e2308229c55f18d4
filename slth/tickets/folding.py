r"""Folding: each layer of a ticket as a piecewise linear map of its inputs, enclosed in exact arithmetic.

A hidden unit of a product pair computes :math:`v \max(u x, 0)`, which is :math:`v u \max(x, 0)` for u > 0 and
:math:`v u \min(x, 0)` for u < 0. So a layer is

.. math:: z_o = \sum_j W^+_{oj} \max(x_j, 0) + W^-_{oj} \min(x_j, 0),\qquad
          W^\pm_{oj} = g \sum_{k : \pm u_{kj} > 0} v_{kjo} u_{kj}

over the kept connections. These sums of products of doubles are real numbers that no double holds; they are enclosed
between doubles: after each rounded operation both ends move outwards to the neighbouring double, and a
correctly rounded result lies within one of the exact one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from slth.rng import WeightLaw
from slth.tickets.description import Layer, ProductPair, RandomLinear
from slth.tickets.mask import Mask
from slth.tickets.network import Floats
from slth.tickets.weights import linear_blocks, product_blocks


@dataclass(frozen=True, eq=False)
class FoldedLayer:
    r"""Effective weights of one layer of a ticket, each between two doubles; the last column meets the constant 1.

    Parameters
    ----------
    plus_lower, plus_upper : float64[outputs, inputs + 1]
        Enclose the exact weights that act on max(x, 0).
    minus_lower, minus_upper : float64[outputs, inputs + 1]
        Enclose the exact weights that act on min(x, 0). For a plain random layer the same as ``plus``, and the last
        column is 0: it has no constant input.
    magnitude : float64[outputs, inputs + 1]
        Upper bounds of gain * sum of \|v u\| over both halves: what the rounding of an evaluation is proportional to.
    terms : int
        Largest number of kept connections that any output adds up.
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


def fold(layer: Layer, mask: Mask, law: WeightLaw, seed: int, gain: float) -> FoldedLayer:
    """Return the effective weights of one layer."""
    if isinstance(layer, ProductPair):
        return _fold_pair(layer, mask, law, seed, gain)
    return _fold_linear(layer, mask, law, seed, gain)


class _Sums:
    """Enclosures of sums, one for each (source, output), to which rows of exact products are added."""

    def __init__(self, sources: int, outputs: int) -> None:
        self.lower = np.zeros((sources, outputs))
        self.upper = np.zeros((sources, outputs))

    def add(self, rows: NDArray[np.int64], products: Floats, kept: NDArray[np.bool_]) -> None:
        """Add rounded products to some different rows, where kept; elsewhere a sum stays as it is."""
        lower, upper = self.lower[rows], self.upper[rows]
        self.lower[rows] = np.where(kept, down(lower + down(products)), lower)
        self.upper[rows] = np.where(kept, up(upper + up(products)), upper)

    def times(self, gain: float) -> tuple[Floats, Floats]:
        """Enclosures of the sums times a positive gain, as [output, source]."""
        if gain == 1.0:
            return _frozen(self.lower.T), _frozen(self.upper.T)
        return _frozen(np.where(self.lower, down(self.lower * gain), 0.0).T), _frozen(
            np.where(self.upper, up(self.upper * gain), 0.0).T
        )


def _fold_pair(pair: ProductPair, mask: Mask, law: WeightLaw, seed: int, gain: float) -> FoldedLayer:
    plus, minus = _Sums(pair.sources, pair.outputs), _Sums(pair.sources, pair.outputs)
    sizes = np.zeros((pair.sources, pair.outputs))
    terms = np.zeros(pair.outputs, np.int64)
    for block in product_blocks(pair, mask, law, seed):
        terms += block.kept.sum(axis=0)
        for start, stop in _runs_of_different_owners(block.owners):
            owners, first, kept = block.owners[start:stop], block.first[start:stop], block.kept[start:stop]
            products = first[:, None] * block.second[start:stop]
            plus.add(owners[first > 0], products[first > 0], kept[first > 0])
            minus.add(owners[first < 0], products[first < 0], kept[first < 0])
            sizes[owners] += np.abs(products)
    return FoldedLayer(*plus.times(gain), *minus.times(gain), _above(sizes, gain, pair.units), int(terms.max()))


def _fold_linear(layer: RandomLinear, mask: Mask, law: WeightLaw, seed: int, gain: float) -> FoldedLayer:
    sums = _Sums(layer.inputs + 1, layer.outputs)
    for inputs, weights in linear_blocks(layer, mask, law, seed):
        sums.lower[inputs] = sums.upper[inputs] = weights
    lower, upper = sums.times(gain)
    terms = int(mask[layer.path].sum(axis=0).max())
    return FoldedLayer(lower, upper, lower, upper, _above(np.abs(sums.upper), gain, 1), terms)


def _above(sums: Floats, gain: float, terms: int) -> Floats:
    """Upper bounds of gain times exact sums of so many nonnegative products, from the rounded sums.

    Each of the ``2 terms + 1`` roundings behind a sum loses less than a share 2**-53, or 2**-1074 below normal numbers.
    """
    bounds = sums * gain * (1.0 + (terms + 8) * 2.0**-52) + terms * max(gain, 1.0) * 2.0**-1000
    return _frozen(bounds.T)


def _runs_of_different_owners(owners: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Split rows in index order where the owner does not grow, so that no owner stands twice in a run."""
    cuts = [0, *(1 + np.flatnonzero(np.diff(owners) <= 0)).tolist(), len(owners)]
    return list(pairwise(cuts))


def down(values: Floats) -> Floats:
    """Return the neighbouring doubles below."""
    return np.nextafter(values, -np.inf)


def up(values: Floats) -> Floats:
    """Return the neighbouring doubles above."""
    return np.nextafter(values, np.inf)


def _frozen(array: Floats) -> Floats:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
