r"""Folding: each random layer of a ticket as one convolution of its inputs, enclosed between doubles.

A hidden channel computes :math:`v * \max(u x, 0)`, which is :math:`u v * \max(x, 0)` for u > 0 and
:math:`u v * \min(x, 0)` for u < 0. So the kept channels of a source act as two kernels, the sums of u v over each sign:

.. math:: y = A^+ * \max(x, 0) + A^- * \min(x, 0) + B * 1
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from slth.arrays import Floats, frozen
from slth.graphs import ConvShape
from slth.graphs.window import convolve
from slth.rng import WeightLaw
from slth.tickets.blocks import blocks, plain_blocks
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, Random, RandomLayer

_ENCLOSED = 2.0**-51
FINEST = 5.0 * _ENCLOSED
"""Least radius of a pair's weight beside the weight: that of a single product."""
_LARGEST_NORMAL = 8.3  # the normal law's numbers end at 8.21 standard deviations


@dataclass(frozen=True, eq=False)
class Folded:
    r"""What one random layer of a ticket computes, each number between two doubles.

    Parameters
    ----------
    shape : ConvShape
        Of the convolution; with a bias where there are constants.
    positive : (float64, float64), each [outputs, inputs / groups, height, width]
        Enclose the kernel :math:`A^+` that meets max(x, 0).
    negative : the same, or None
        Enclose :math:`A^-`, which meets min(x, 0); None where the two are the same, for the layer is linear.
    constant : (float64, float64), each [outputs, height, width], or None
        Enclose the kernel B on the zero-padded image that is 1 everywhere; None where there is none.
    magnitude : float64[outputs, inputs / groups, height, width]
        Upper bounds of gain * sum of \|u v\| over both halves: what the rounding of an evaluation is proportional to.
    constant_magnitude : float64[outputs, height, width] or None
        The same for the constants.
    terms : int
        Largest number of kept weights that any output adds up.
    factor : float
        Upper bound of 1, of the gain, and of the absolute values of all random weights.
    plain : bool
        Whether it is a plain random layer, which no form of a module multiplies out.
    """

    shape: ConvShape
    positive: tuple[Floats, Floats]
    negative: tuple[Floats, Floats] | None
    constant: tuple[Floats, Floats] | None
    magnitude: Floats
    constant_magnitude: Floats | None
    terms: int
    factor: float
    plain: bool = False

    def middle(self) -> tuple[Floats, Floats | None, Floats | None]:
        """Return the midpoints of A+, A- (None where it is the same) and B (None where there is none), rounded."""
        return (
            _middle(self.positive),
            None if self.negative is None else _middle(self.negative),
            None if self.constant is None else _middle(self.constant),
        )

    def forward(self, x: Floats) -> Floats:
        """Evaluate float64[batch, inputs, height, width] through the midpoints: a convolution or two, not a pair."""
        positive, negative, constant = self.middle()
        window, groups = self.shape.window, self.shape.groups
        if negative is None:
            result = convolve(x, positive, window, groups=groups)
        elif negative.any():
            result = convolve(np.maximum(x, 0.0), positive, window, groups=groups)
            result += convolve(np.minimum(x, 0.0), negative, window, groups=groups)
        else:
            result = convolve(np.maximum(x, 0.0), positive, window, groups=groups)
        if constant is not None:
            ones = np.ones((1, 1, *x.shape[2:]))
            result += convolve(ones, constant[:, None], window)
        return result


def _middle(ends: tuple[Floats, Floats]) -> Floats:
    return ends[0] / 2 + ends[1] / 2


def fold(layer: Random, mask: Mask, law: WeightLaw, seed: int, gain: float) -> Folded:
    """Return what a layer computes, enclosed."""
    scale = law.scale * (_LARGEST_NORMAL if law.name == "normal" else 1.0)
    factor = max(1.0, scale, gain)
    if isinstance(layer, RandomLayer):
        return _fold_plain(layer, mask, law, seed, gain, factor)
    return _fold_pair(layer, mask, law, seed, gain, factor)


def _fold_pair(pair: Pair, mask: Mask, law: WeightLaw, seed: int, gain: float, factor: float) -> Folded:
    """Fold a pair.

    A sum of k rounded products, added in any order, is off by less than (k + 1) 2**-53 times the sum of their absolute
    values, which is itself rounded as often; twice as much, and as much again for the gain, covers all. A source whose
    channels come in pieces adds at most one more rounding a piece.
    """
    halves = 2 if pair.rectified else 1
    totals, sizes = np.zeros((2, halves * pair.sources, pair.dimensions))
    counts = np.zeros(halves * pair.sources, np.int64)
    terms = np.zeros((pair.groups, pair.outputs // pair.groups), np.int64)
    for block in blocks(pair, mask, law, seed):
        products = block.first[:, None] * block.second
        by_output = block.second.reshape(len(products), -1, pair.geometry.window.taps)
        terms[block.group] += np.count_nonzero(by_output, axis=(0, 2))
        places = block.sources + pair.sources * (block.first < 0.0) if pair.rectified else block.sources
        rows, own = np.unique(places, return_inverse=True)
        chosen = sp.csr_array((np.ones(len(own)), (own, np.arange(len(own)))), shape=(len(rows), len(own)))
        totals[rows] += chosen @ products
        sizes[rows] += chosen @ np.abs(products)
        counts[rows] += np.bincount(own) + 1
    totals, sizes = (gain * each.reshape(halves, pair.sources, pair.dimensions) for each in (totals, sizes))
    count = counts.reshape(halves, pair.sources, 1)
    radii = sizes * ((count + 4) * _ENCLOSED) + count * (max(gain, 1.0) * 2.0**-1000)
    radii[np.broadcast_to(count == 0, radii.shape)] = 0.0
    ends = [(_laid_out(pair, total - radius), _laid_out(pair, total + radius))
            for total, radius in zip(totals, radii, strict=True)]  # fmt: skip
    magnitude, constant_magnitude = _laid_out(pair, (sizes + radii).sum(axis=0))
    (lower, constant_lower), (upper, constant_upper) = ends[0]
    return Folded(
        shape=pair.geometry,
        positive=(lower, upper),
        negative=(ends[1][0][0], ends[1][1][0]) if pair.rectified else None,
        constant=None if constant_lower is None or constant_upper is None else (constant_lower, constant_upper),
        magnitude=magnitude,
        constant_magnitude=constant_magnitude,
        terms=max(1, int(terms.max())),
        factor=factor,
    )


def _laid_out(pair: Pair, slices: Floats) -> tuple[Floats, Floats | None]:
    """Return [outputs, inputs / groups, height, width] and [outputs, height, width] of the constants, or None."""
    kernel = frozen(pair.geometry.kernel_of(slices[: pair.inputs]))
    if not pair.bias:
        return kernel, None
    return kernel, frozen(slices[pair.inputs :].reshape(pair.outputs, *pair.kernel))


def _fold_plain(layer: RandomLayer, mask: Mask, law: WeightLaw, seed: int, gain: float, factor: float) -> Folded:
    weights = np.concatenate([part for _, part in plain_blocks(layer, mask, law, seed)])
    scaled = (weights * gain).T.reshape(layer.outputs, layer.inputs, 1, 1)
    radius = np.where(scaled == 0.0, 0.0, np.abs(scaled) * 2.0**-52 + 2.0**-1000) if gain != 1.0 else 0.0 * scaled
    size = np.abs(scaled) + radius
    terms = int(mask[layer.path].sum(axis=0).max(initial=1))
    ends = (frozen(scaled - radius), frozen(scaled + radius))
    return Folded(layer.geometry, ends, None, None, frozen(size), None, max(1, terms), factor, plain=True)
