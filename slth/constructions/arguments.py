"""Numbers that users pass, as Python's own: numpy's integers and floats are taken, bool and text are not."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

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


def check_solver(value: object) -> None:
    """Raise ArgumentError unless it is a solver or None."""
    if value is not None and not isinstance(value, Solver):
        raise ArgumentError("solver", value, "is not a solver", "pass TwoList(), FourList(), ... or None")
