"""Karmarkar and Karp's largest differencing, for a target: far beyond exact reach, in n log n."""

from __future__ import annotations

import math

import numpy as np

from slth.arrays import Floats, Indices
from slth.kernels.differencing import difference
from slth.subset_sum.dyadic import Outcome
from slth.subset_sum.status import Status

KEY_BITS = 62  # differences never grow, so only the largest key needs room, not the sum
NEAR_OVERFLOW = 1e280  # from here on twice the target, or a sum on its way, might be inf


def largest_differencing(values: Floats, target: float) -> Outcome:
    """A subset whose sum is near the target, by largest differencing (Karmarkar and Karp).

    Choosing S is choosing signs, +1 in S and -1 outside, with sum of signs * values = 2 (sum of S) - (sum of values).
    So the magnitudes of the values and of 2 target - (sum of values) are partitioned: the two largest are put on
    opposite sides again and again, which leaves about n^(-0.72 ln n) of the largest for uniform values.

    Notes
    -----
    Differencing runs on integers of 62 bits, so it resolves errors down to 2^-62 of the largest value, more finely than
    sums of doubles would. Source: N. Karmarkar and R. M. Karp, "The differencing method of set partitioning", 1982
    (unverified); the exponent 1 / (2 ln 2) = 0.72: S. Boettcher and S. Mertens, "Analysis of the Karmarkar-Karp
    differencing algorithm", 2008.

    Shapes: values float64[n].
    """
    if max(abs(target), float(np.max(np.abs(values)))) > NEAR_OVERFLOW:
        values, target = values * 2.0**-64, target * 2.0**-64
    magnitudes = np.abs(values)
    order = np.argsort(-magnitudes, kind="stable")
    gap = math.fsum([2.0 * target, *(-values).tolist()])
    opened = _forced(gap, magnitudes[order])
    first, rest = order[:opened], order[opened:]
    # The side that every value is put on: that of the gap for the forced ones, then whatever the signs say.
    side = np.full(len(values), math.copysign(1.0, gap))
    gap = math.fsum([2.0 * target, *(-values).tolist(), *(-side[first] * magnitudes[first]).tolist()])
    if len(rest):
        largest = max(abs(gap), float(magnitudes[rest[0]]))
        scale = KEY_BITS - math.frexp(largest)[1]
        keys: Indices = np.rint(_scaled(np.append(magnitudes[rest], abs(gap)), scale)).astype(np.int64)
        signs = np.empty(len(keys), dtype=np.int8)
        difference(keys, signs)
        side[rest] = math.copysign(1.0, gap) * -signs[-1] * signs[:-1]
    return Outcome(side * values > 0.0, 0.0, Status.HEURISTIC, {"values": len(values), "forced": opened})


def _forced(gap: float, magnitudes: Floats) -> int:
    """How many of the values (largest first) the gap exceeds one after the other, shrinking by each.

    While the gap is the largest number of all, differencing sets it against the next value: this needs no heap, and
    the keys afterwards need no room for a gap as large as all values together.
    """
    left = abs(gap) - np.concatenate([np.zeros(1), np.cumsum(magnitudes[:-1])])
    reached = np.flatnonzero(left <= magnitudes)
    return int(reached[0]) if len(reached) else len(magnitudes)


def _scaled(magnitudes: Floats, scale: int) -> Floats:
    """Magnitudes * 2**scale, in two factors because 2**scale may lie outside the range of doubles."""
    half = scale // 2
    scaled: Floats = magnitudes * math.ldexp(1.0, half) * math.ldexp(1.0, scale - half)
    return scaled
