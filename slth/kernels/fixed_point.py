"""Doubles as int64 keys on a common power-of-two scale."""

from __future__ import annotations

import math

import numpy as np

from slth.kernels._jit import kernel


@kernel
def key_shift(values, largest_target, bits):
    """The exponent s such that every |subset sum| + |target|, times 2**s, stays below 2**bits."""
    total = largest_target
    for value in values:
        total += abs(value)
    if total == 0.0:
        return np.int64(0)
    if total < 1e300:
        _, exponent = math.frexp(total * (1.0 + 1e-9))  # the rounding of this sum must not cost the bound
        return np.int64(bits - exponent)
    largest = largest_target
    for value in values:
        largest = max(largest, abs(value))
    _, exponent = math.frexp(largest)
    terms = len(values) + 1
    while terms > 0:
        exponent += 1
        terms >>= 1
    return np.int64(bits - exponent)


@kernel
def to_key(value, shift):
    """Round(value * 2**shift) to int64, and whether nothing was lost.

    The scale is applied in two factors, because 2**shift alone may lie outside the range of doubles.
    """
    shift = int(shift)
    half = shift // 2
    scaled = value * math.ldexp(1.0, half) * math.ldexp(1.0, shift - half)
    rounded = np.rint(scaled)
    return np.int64(rounded), rounded == scaled and (scaled != 0.0 or value == 0.0)


@kernel
def to_keys(values, shift, keys):
    """Fill keys with the rounded values * 2**shift; true where every one of them is exact."""
    shift = int(shift)
    half = shift // 2
    first = math.ldexp(1.0, half)
    second = math.ldexp(1.0, shift - half)
    exact = True
    for i in range(len(values)):
        scaled = values[i] * first * second
        rounded = np.rint(scaled)
        exact &= rounded == scaled and (scaled != 0.0 or values[i] == 0.0)
        keys[i] = np.int64(rounded)
    return exact
