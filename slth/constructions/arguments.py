"""Numbers that users pass, as Python's own: numpy's integers and floats are taken, bool and text are not."""

from __future__ import annotations

import math
import operator

import numpy as np

from slth.errors import ArgumentError


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
