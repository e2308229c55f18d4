"""Numbers that users pass, as Python's own: numpy's integers and floats are taken, bool and text are not; gains."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.subset_sum import Solver


def integer(argument: str, value: object, most: int, remedy: str) -> int:
    """Return an integer from 1 to ``most``.

    Raises
    ------
    ArgumentError
        If it is none, or outside its range.

    Examples
    --------
    >>> integer("candidates", np.int64(20), 48, "pass 20")
    20
    """
    try:
        count = 0 if isinstance(value, bool | np.bool_) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        count = 0
    if not 1 <= count <= most:
        raise ArgumentError(argument, value, f"must be an integer from 1 to {most}", remedy)
    return count


def as_double(value: object) -> float:
    """Return a number as a double, and NaN for what is none: NaN lies in no range.

    Examples
    --------
    >>> as_double(np.float32(0.5)), as_double(2), as_double("2")
    (0.5, 2.0, nan)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def checked_gain(value: object, rules: Sequence[str]) -> Any:
    """Return one of the rules as it is, or a positive finite number as a double.

    Raises
    ------
    ArgumentError
        If it is neither.

    Examples
    --------
    >>> checked_gain("auto", ("auto", "unit")), checked_gain(2, ("auto",))
    ('auto', 2.0)
    """
    if isinstance(value, str) and value in rules:
        return value
    number = as_double(value)
    if not 0.0 < number < math.inf:
        named = ", ".join(f'"{rule}"' for rule in rules)
        raise ArgumentError("gain", value, "must be positive and finite", f"use {named} or a number")
    return number


def gain_of(weights: NDArray[np.float64], gain: str | float, scale: float = 1.0) -> float:
    """Return the gain of a layer by a rule, "auto" or "unit", or the number that was asked for.

    "auto" is a power of two, so that weight / gain is exact, and the smallest for which weight / gain lies within the
    range that the candidates of the uniform law cover evenly: the errors of the weights are proportional to it.
    ``scale`` is 1 for candidates made of uniform numbers on (-1, 1).

    Raises
    ------
    ArgumentError
        If the gain is too small for the weights, or none is large enough.

    Examples
    --------
    >>> gain_of(np.array([0.3, -3.0]), "auto"), gain_of(np.array([0.3]), "unit"), gain_of(np.array([0.3]), 0.7)
    (4.0, 1.0, 0.7)
    """
    heaviest = float(np.abs(weights).max())
    if not isinstance(gain, str):
        if math.isinf(heaviest / gain):
            raise ArgumentError(
                "gain", gain, f"is too small for a weight of {heaviest:.3g}: their quotient overflows", 'use "auto"'
            )
        return float(gain)
    if gain == "unit" or heaviest == 0.0:
        return 1.0
    largest = max(heaviest / scale, 2.0**-1022)  # smaller powers of two lose digits in weight / gain
    mantissa, exponent = math.frexp(largest)
    exponent -= mantissa == 0.5
    if math.isinf(largest) or exponent > 1023:
        raise ArgumentError(
            "target",
            heaviest,
            "is a weight whose gain would be beyond the largest double",
            'scale the layer down, use a law of larger scale, or pass gain="unit"',
        )
    return math.ldexp(1.0, exponent)


def check_solver(value: object) -> None:
    """Raise ArgumentError unless it is a solver or None."""
    if value is not None and not isinstance(value, Solver):
        raise ArgumentError("solver", value, "is not a solver", "pass TwoList(), FourList(), ... or None")
