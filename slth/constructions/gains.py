"""Gains: the one number that a ticket holds for each random layer, by a rule or as it was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from slth.arrays import Floats, as_double
from slth.errors import ArgumentError

SMALLEST_NORMAL = 2.0**-1022  # smaller powers of two lose digits in weight / gain


def checked_gain(value: object, rules: Sequence[str]) -> float | str:
    """Return one of the rules as it is, or a positive finite number as a double."""
    if isinstance(value, str) and value in rules:
        return value
    number = as_double(value)
    if not 0.0 < number < math.inf:
        named = ", ".join(f'"{rule}"' for rule in rules)
        raise ArgumentError("gain", value, "must be positive and finite", f"use {named} or a number")
    return number


def gain_of(weights: Floats, gain: Literal["auto", "unit"] | float, scale: float, node: str) -> float:
    """Return the gain of a layer by a rule, or the number that was asked for.

    "auto" is a power of two, so that weight / gain is exact, and the smallest for which weight / gain lies within the
    range that the candidates of the uniform law cover evenly: the errors of the weights are proportional to it.
    ``scale`` is 1 for candidates made of uniform numbers on (-1, 1).
    """
    heaviest = float(abs(weights).max())
    if not isinstance(gain, str):
        if math.isinf(heaviest / gain):
            rule = f"is too small for a weight of {heaviest:.3g} at node {node}: their quotient overflows"
            raise ArgumentError("gain", gain, rule, 'use "auto"')
        return gain
    if gain == "unit" or heaviest == 0.0:
        return 1.0
    largest = max(heaviest / scale, SMALLEST_NORMAL)
    mantissa, exponent = math.frexp(largest)
    exponent -= mantissa == 0.5
    if math.isinf(largest) or exponent > 1023:
        rule = "holds a weight whose gain would be beyond the largest double"
        remedy = 'scale the layer down, use a law of larger scale, or pass gain="unit"'
        raise ArgumentError(f"node {node}", heaviest, rule, remedy)
    return math.ldexp(1.0, exponent)
