"""What the methods that search a subset sum for every weight have in common: sizes, checks, and gains of layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from slth.arrays import Floats, as_double, positive_number, whole
from slth.constructions.layout import Work
from slth.constructions.method import Method
from slth.constructions.setting import Setting
from slth.errors import ArgumentError
from slth.subset_sum import Solver
from slth.subset_sum.prediction import SMALLEST_FAILURE
from slth.tickets.pair import Pair

_MOST_CANDIDATES = 10_000

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


@dataclass(frozen=True)
class BySums(Method):
    """The fields of :class:`PerWeight` and :class:`Shallow`."""

    candidates: int | None = None
    eps: float | None = None
    delta: float | None = None
    gain: Literal["auto", "unit"] | float = "auto"
    solver: Solver | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        if (self.candidates is None) == (self.eps is None):
            rule = "must be given, or eps, and not both"
            raise ArgumentError("candidates", self.candidates, rule, "pass candidates=20")
        if self.candidates is not None:
            remedy = "20 gives weight errors near 1e-6"
            candidates = whole(self.candidates, "candidates", 1, _MOST_CANDIDATES, remedy=remedy)
            object.__setattr__(self, "candidates", candidates)
            if self.delta is not None:
                raise ArgumentError("delta", self.delta, "belongs to eps", "leave it out, or pass eps too")
        else:
            object.__setattr__(
                self, "eps", positive_number(self.eps, "eps", remedy="pass the largest error to certify")
            )
            if not SMALLEST_FAILURE <= as_double(self.delta) < 1.0:
                rule = f"must be at least {SMALLEST_FAILURE} and below 1"
                raise ArgumentError("delta", self.delta, rule, "pass delta=0.01 beside eps")
            object.__setattr__(self, "delta", as_double(self.delta))
        object.__setattr__(self, "gain", checked_gain(self.gain, ("auto", "unit")))
        if self.solver is not None and not isinstance(self.solver, Solver):
            raise ArgumentError("solver", self.solver, "is not a solver", "pass TwoList(), FourList(), ... or None")

    def gain_of(self, work: Work, setting: Setting) -> float:
        """Return the gain of a layer: products of a law's weights cover its square, plain weights the law itself."""
        square = 3.0 * setting.law.second_moment
        scale = square if isinstance(work.layer, Pair) else math.sqrt(square)
        return gain_of(work.slices, self.gain, scale, work.node)
