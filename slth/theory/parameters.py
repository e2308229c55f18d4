"""One argument of a bound, those that many bounds share, and the ranges in which their formulas are finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np

from slth.errors import ArgumentError

Number: TypeAlias = int | float
Trend: TypeAlias = Literal[-1, 0, 1]
Change: TypeAlias = Mapping[str, Any]

RISES: Change = {"monotone": 1}
FALLS: Change = {"monotone": -1}
FREE: Change = {"monotone": 0}
"""Behind a parameter in an annotation: the same with another trend, as ``Annotated[Width, FALLS]``."""

LEAST_ERROR = 1e-30
"""Of an error, a probability or a density: below any that matters, and far from where 1 / eps**2 overflows."""

MOST_UNITS = 1e6
"""Units of a layer, or its layers: beyond any network, and its powers in the formulas are finite."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One argument of a bound.

    Parameters
    ----------
    meaning : str
        What it stands for, with its unit.
    least, most : float
        The closed range; use ``above`` and ``below`` where an end is excluded.
    above, below : float
        The open range.
    whole : bool
        Whether it is a whole number.
    monotone : {-1, 0, 1}
        Whether the bound never rises (-1) or never falls (1) as it grows; 0 declares nothing.
    default : number or None
        Its value where it is not given; None means that it must be given.
    """

    meaning: str
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    whole: bool = False
    monotone: Trend = 0
    default: Number | None = None

    def check(self, name: str, value: object) -> Number:
        """Return the value as an int or a float, or refuse what is no number, not whole or outside its range."""
        remedy = f"{name} is {self.meaning}"
        if isinstance(value, list | tuple | np.ndarray):
            raise ArgumentError(name, value, "must be one number", "call the bound's over(...) for arrays")
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ArgumentError(name, value, "must be a number", remedy)
        try:
            number = float(value)
        except OverflowError:  # a whole number beyond the doubles
            number = math.inf
        if not math.isfinite(number):
            raise ArgumentError(name, value, "must be finite", remedy)
        if self.whole and not number.is_integer():
            raise ArgumentError(name, value, "must be a whole number", remedy)
        if not (self.least <= number <= self.most and self.above < number < self.below):
            raise ArgumentError(name, value, f"must lie in {self.range_text()}", remedy)
        return int(number) if self.whole else number

    def range_text(self) -> str:
        """The range as text, as in ``(0, 1]``."""
        low = f"({_brief(self.above)}" if self.above >= self.least else f"[{_brief(self.least)}"
        high = f"{_brief(self.below)})" if self.below <= self.most else f"{_brief(self.most)}]"
        return f"{low}, {high}"


def whole(meaning: str, *, least: int = 1, most: float = MOST_UNITS, monotone: Trend = 1) -> Parameter:
    """Return a number of things: units, layers, heads, candidates.

    Parameters
    ----------
    meaning, least, most, monotone
        As :class:`Parameter` says.

    Returns
    -------
    Parameter

    Examples
    --------
    >>> slth.theory.whole("the input dimension").range_text()
    '[1, 1e+06]'
    """
    return Parameter(meaning=meaning, least=least, most=most, whole=True, monotone=monotone)


def small(meaning: str, *, below: float = 1.0, monotone: Trend = -1) -> Parameter:
    """Return an error or a failure probability: positive, below 1 or another bound.

    Parameters
    ----------
    meaning, below, monotone
        As :class:`Parameter` says.

    Returns
    -------
    Parameter

    Examples
    --------
    >>> slth.theory.small("error of the output").range_text()
    '[1e-30, 1)'
    """
    return Parameter(meaning=meaning, least=LEAST_ERROR, below=below, monotone=monotone)


def positive(meaning: str, *, least: float = 1e-6, most: float = 1e6, monotone: Trend = 0) -> Parameter:
    """Return a positive magnitude, as a norm or a radius.

    Parameters
    ----------
    meaning, least, most, monotone
        As :class:`Parameter` says.

    Returns
    -------
    Parameter

    Examples
    --------
    >>> slth.theory.positive("a norm").range_text()
    '[1e-06, 1e+06]'
    """
    return Parameter(meaning=meaning, least=least, most=most, monotone=monotone)


def _brief(number: float) -> str:
    """Few digits where they are the number, else all: an end of a range must not be rounded across it."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))
