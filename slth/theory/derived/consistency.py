"""What is enough is never less than what is needed: pairs of bounds on one quantity, and the constants they imply."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from slth.errors import ArgumentError, ResourceError
from slth.theory.catalogue import bounds
from slth.theory.nouns import CONSTANT, Bound
from slth.theory.parameters import Number

Arguments: TypeAlias = Mapping[str, Number]
Both: TypeAlias = tuple[Arguments, Arguments]

STEPS = 44
"""Bisections of the exponent of a constant between 2**-40 and 2**40: to a relative 1e-11."""

ERRORS = (0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two bounds on one quantity, by their keys, and a grid on which they are compared.

    ``arguments`` turns one choice of the grid, given by keyword, into the arguments of both bounds, without the
    sufficient one's constant; all combinations are compared.
    """

    sufficient: str
    necessary: str
    grid: Mapping[str, tuple[Number, ...]]
    arguments: Callable[..., Both]

    def points(self) -> list[Both]:
        """The arguments of both bounds at each point of the grid."""
        choices = product(*self.grid.values())
        return [self.arguments(**dict(zip(self.grid, choice, strict=True))) for choice in choices]

    @property
    def regime(self) -> str:
        """The range of the grid, in words."""
        return ", ".join(f"{name} from {min(values):g} to {max(values):g}" for name, values in self.grid.items())


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """How two bounds on one quantity relate."""

    sufficient: str
    necessary: str
    regime: str
    constant: float | None
    """Smallest one of the sufficient bound at which it is never below the necessary one; None where it has none."""

    holds: bool
    """Whether it is never below, for some constant where it has one."""

    least_ratio: float
    """Smallest sufficient / necessary, at the constant where there is one; over the points where any is needed."""


PAIRS: tuple[Pair, ...] = (
    Pair(
        sufficient="lueker1998.candidates",
        necessary="derived.covering.candidates",
        grid={"eps": ERRORS},
        arguments=lambda eps: ({"eps": eps, "delta": 0.5}, {"eps": eps, "length": 1.0}),
    ),
    Pair(
        sufficient="lueker1998.products",
        necessary="derived.covering.candidates",
        grid={"eps": ERRORS},
        arguments=lambda eps: ({"eps": eps}, {"eps": eps, "length": 2.0}),
    ),
    Pair(
        sufficient="dacunha2023.subset_sum.candidates",
        necessary="derived.covering.candidates",
        grid={"eps": ERRORS},
        arguments=lambda eps: ({"eps": eps}, {"eps": eps, "length": 1.0}),
    ),
    Pair(
        sufficient="becchetti2022.candidates",
        necessary="derived.covering.candidates",
        grid={"dimension": (1, 2, 3, 9, 27), "eps": ERRORS},
        arguments=lambda dimension, eps: (
            {"dimension": dimension, "eps": eps},
            {"dimension": dimension, "eps": eps, "length": 2.0},
        ),
    ),
    Pair(
        sufficient="becchetti2022.fixed_target",
        necessary="derived.first_moment.needed",
        grid={"dimension": (1, 2, 3, 9, 27), "eps": ERRORS},
        arguments=lambda dimension, eps: ({"dimension": dimension, "eps": eps},) * 2,
    ),
    Pair(
        sufficient="derived.second_moment.candidates",
        necessary="derived.first_moment.needed",
        grid={"dimension": (1, 2, 3, 6, 9), "eps": (0.3, 0.1, 1e-2, 1e-3, 1e-6), "largest": (0.5, 1.0, 2.0)},
        arguments=lambda **both: (both, both),
    ),
    Pair(
        sufficient="derived.second_moment.candidates",
        necessary="derived.first_moment.candidates",
        grid={"dimension": (1, 2, 3, 6, 9, 18), "eps": (0.1, 1e-2, 1e-3, 1e-6)},
        arguments=lambda **both: (both, both),
    ),
    Pair(
        sufficient="derived.second_moment.candidates",
        necessary="derived.covering.candidates",
        grid={"dimension": (1, 2, 3, 6, 9, 18), "eps": (0.1, 1e-2, 1e-3, 1e-6)},
        # Each target of [-1, 1]^D is served with probability 1/3, so that on average a third of the volume is.
        arguments=lambda dimension, eps: (
            {"dimension": dimension, "eps": eps, "probability": 1.0 / 3.0},
            {"dimension": dimension, "eps": eps, "length": 2.0 * 3.0 ** (-1.0 / dimension)},
        ),
    ),
    Pair(
        sufficient="dacunha2023.structured.layer_channels",
        necessary="derived.structured.counting",
        grid={"kernel": (1, 3, 5), "outputs": (1, 4, 16), "eps": ERRORS},
        arguments=lambda kernel, outputs, eps: (
            {"kernel": kernel, "outputs": outputs, "inputs": 1, "eps": eps},
            {"dimension": kernel**2 * outputs, "eps": eps},
        ),
    ),
    Pair(
        sufficient="dacunha2023.structured.channels",
        necessary="derived.structured.counting",
        grid={"kernel": (1, 3, 5), "outputs": (1, 4, 16), "layers": (1, 4), "eps": ERRORS},
        arguments=lambda kernel, outputs, layers, eps: (
            {"kernel": kernel, "outputs": outputs, "inputs": 1, "layers": layers, "eps": eps},
            {"dimension": kernel**2 * outputs, "eps": eps},
        ),
    ),
    Pair(
        sufficient="pensia2020.layer.width",
        necessary="derived.two_layer.width",
        grid={"d": (1, 10, 100, 1000), "eps": ERRORS},
        arguments=lambda d, eps: ({"d_in": d, "d_out": d, "eps": eps}, {"d": d, "eps": eps}),
    ),
    Pair(
        sufficient="pensia2020.width",
        necessary="derived.two_layer.width",
        grid={"d": (1, 10, 100, 1000), "eps": ERRORS},
        arguments=lambda d, eps: (
            {"d_in": d, "d_out": d, "layers": 1, "eps": eps, "delta": 0.5},
            {"d": d, "eps": eps},
        ),
    ),
    Pair(
        sufficient="malach2020.width",
        necessary="derived.two_layer.width",
        grid={"d": (1, 10, 100), "eps": ERRORS},
        arguments=lambda d, eps: ({"d": d, "layers": 1, "eps": eps, "delta": 0.5}, {"d": d, "eps": eps}),
    ),
    Pair(
        sufficient="natale2024.amplified",
        necessary="natale2024.lower",
        grid={"density": (0.01, 0.1, 0.3, 0.5), "eps": (0.03, 1e-2, 1e-3, 1e-6)},
        arguments=lambda density, eps: (
            {"density": density, "eps": eps},
            {"dimension": 1, "density": density, "eps": eps},
        ),
    ),
)
"""Which bounds speak of the same thing; where a necessary one is an estimate, its row says no more than that."""


def smallest_constant(sufficient: Bound, necessary: Bound, grid: Iterable[Both]) -> float:
    """Return the smallest constant at which a sufficient condition is never below a necessary one.

    A smaller constant would contradict the necessary condition somewhere on the grid; a larger one may still be false.
    It is from 2**-40, and infinite where 2**40 is too small.

    >>> pair = PAIRS[1]
    >>> round(smallest_constant(bounds[pair.sufficient], bounds[pair.necessary], pair.points()), 2)
    1.35
    """
    if sufficient.constant is None:
        raise ArgumentError("sufficient", sufficient.key, "has no constant", "compare the values themselves")
    points = [(given, necessary(**needed)) for given, needed in grid]

    def holds(exponent: float) -> bool:
        constant = math.exp2(exponent)
        return all(_value(sufficient, {**given, CONSTANT: constant}) >= least for given, least in points)

    low, high = -40.0, 40.0
    if holds(low):
        return math.exp2(low)
    if not holds(high):
        return math.inf
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return math.exp2(high)


def compare(pair: Pair) -> Consistency:
    """Return how the bounds of a pair relate on its grid.

    >>> compare(PAIRS[0]).holds
    True
    """
    sufficient, necessary, points = bounds[pair.sufficient], bounds[pair.necessary], pair.points()
    constant = None if sufficient.constant is None else smallest_constant(sufficient, necessary, points)
    least = math.inf
    if constant is None or math.isfinite(constant):
        extra = {} if constant is None else {CONSTANT: constant}
        for given, needed in points:
            wanted = necessary(**needed)
            if wanted > 0.0:
                least = min(least, _value(sufficient, {**given, **extra}) / wanted)
    return Consistency(
        sufficient=pair.sufficient,
        necessary=pair.necessary,
        regime=pair.regime,
        constant=constant,
        holds=least >= 1.0 and (constant is None or math.isfinite(constant)),
        least_ratio=least,
    )


def consistency(pairs: Iterable[Pair] = PAIRS) -> list[Consistency]:
    """Return how the bounds of every pair relate, in their order.

    >>> [row.holds for row in consistency(PAIRS[:2])]
    [True, True]
    """
    return [compare(pair) for pair in pairs]


def _value(bound: Bound, arguments: Arguments) -> float:
    """The value, infinite where it is too large for a double."""
    try:
        return bound(**arguments)
    except ResourceError:
        return math.inf
