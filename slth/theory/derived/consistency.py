"""What is enough is never less than what is needed: pairs of bounds on one quantity, and the constants they imply."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from slth.errors import ArgumentError, ResourceError
from slth.theory.nouns import CONSTANT, Bound
from slth.theory.parameters import Number

Arguments: TypeAlias = Mapping[str, Number]
Both: TypeAlias = tuple[Arguments, Arguments]

STEPS = 44
"""Bisections of the exponent of a constant between 2**-40 and 2**40: to a relative 1e-11."""

ERRORS = (0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9)


@dataclass(frozen=True)
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


def _same(**both: Number) -> Both:
    return both, both


def _interval(length: float, **more: Number) -> Callable[..., Both]:
    """One error, and the length of the interval (or the side of the cube) for the covering count."""
    return lambda **both: ({**both, **more}, {**both, "length": length})


def _structured(*, kernel: int, outputs: int, **more: Number) -> Both:
    given = {"kernel": kernel, "outputs": outputs, "inputs": 1, **more}
    return given, {"dimension": kernel**2 * outputs, "eps": more["eps"]}


def _square(**more: Number) -> Callable[..., Both]:
    """One layer of d inputs and d outputs."""
    return lambda d, eps: ({"d_in": d, "d_out": d, "eps": eps, **more}, {"d": d, "eps": eps})


_COVERING, _NEEDED, _COUNTING = (
    "derived.covering.candidates",
    "derived.first_moment.needed",
    "derived.structured.counting",
)
_VECTORS, _TWO = "derived.second_moment.candidates", "derived.two_layer.width"
_EPS: Mapping[str, tuple[Number, ...]] = {"eps": ERRORS}
_CUBES: Mapping[str, tuple[Number, ...]] = {"dimension": (1, 2, 3, 9, 27), "eps": ERRORS}
_MOMENTS: Mapping[str, tuple[Number, ...]] = {"dimension": (1, 3, 9, 18), "eps": (0.1, 1e-3)}
_KERNELS: Mapping[str, tuple[Number, ...]] = {"kernel": (1, 3, 5), "outputs": (1, 4, 16), "eps": ERRORS}
_SIDES: Mapping[str, tuple[Number, ...]] = {"d": (1, 10, 100, 1000), "eps": ERRORS}

PAIRS: tuple[Pair, ...] = (
    Pair("lueker1998.candidates", _COVERING, _EPS, _interval(1.0, delta=0.5)),
    Pair("lueker1998.products", _COVERING, _EPS, _interval(2.0)),
    Pair("dacunha2023.subset_sum.candidates", _COVERING, _EPS, _interval(1.0)),
    Pair("derived.uniform.candidates", _COVERING, _EPS, _interval(1.0, delta=0.5)),
    Pair("becchetti2022.candidates", _COVERING, _CUBES, _interval(2.0)),
    Pair("becchetti2022.fixed_target", _NEEDED, _CUBES, _same),
    Pair(
        _VECTORS,
        _NEEDED,
        {"dimension": (1, 3, 9), "eps": (0.3, 1e-2, 1e-6), "largest": (0.5, 2.0)},
        _same,
    ),
    Pair(_VECTORS, "derived.first_moment.candidates", _MOMENTS, _same),
    Pair(
        _VECTORS,
        _COVERING,
        _MOMENTS,
        # Each target of [-1, 1]^D is served with probability 1/3, so that on average a third of the volume is.
        lambda dimension, eps: (
            {"dimension": dimension, "eps": eps, "probability": 1.0 / 3.0},
            {"dimension": dimension, "eps": eps, "length": 2.0 * 3.0 ** (-1.0 / dimension)},
        ),
    ),
    Pair("dacunha2023.structured.layer_channels", _COUNTING, _KERNELS, _structured),
    Pair("dacunha2023.structured.channels", _COUNTING, {**_KERNELS, "layers": (1, 4)}, _structured),
    Pair("pensia2020.layer.width", _TWO, _SIDES, _square()),
    Pair("pensia2020.width", _TWO, _SIDES, _square(layers=1, delta=0.5)),
    Pair(
        "malach2020.width",
        _TWO,
        {"d": (1, 10, 100), "eps": ERRORS},
        lambda d, eps: ({"d": d, "layers": 1, "eps": eps, "delta": 0.5}, {"d": d, "eps": eps}),
    ),
    Pair(
        "natale2024.amplified",
        "natale2024.lower",
        {"density": (0.01, 0.1, 0.3, 0.5), "eps": (0.03, 1e-2, 1e-3, 1e-6)},
        lambda **both: (both, {"dimension": 1, **both}),
    ),
)
"""Which bounds speak of the same thing; where a necessary one is an estimate, its row says no more than that."""


def smallest_constant(sufficient: Bound, necessary: Bound, grid: Iterable[Both]) -> float:
    """Return the smallest constant at which a sufficient condition is never below a necessary one.

    A smaller constant would contradict the necessary condition somewhere on the grid; a larger one may still be false.
    It is from 2**-40, and infinite where 2**40 is too small.

    >>> from slth.theory import bounds
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


def _value(bound: Bound, arguments: Arguments) -> float:
    """The value, infinite where it is too large for a double."""
    try:
        return bound(**arguments)
    except ResourceError:
        return math.inf
