"""Arguments that many bounds share, with the ranges in which their formulas are finite."""

from __future__ import annotations

from typing import Literal, TypeAlias

from slth.theory.bound import Parameter

Trend: TypeAlias = Literal[-1, 0, 1]

LEAST_ERROR = 1e-30
"""Of an error, a probability or a density: below any that matters, and far from where 1 / eps**2 overflows."""

MOST_UNITS = 1e6
"""Units of a layer, or its layers: beyond any network, and its powers in the formulas are finite."""


def whole(meaning: str, *, least: int = 1, most: float = MOST_UNITS, monotone: Trend = 1) -> Parameter:
    """Return a number of things: units, layers, heads, candidates.

    Examples
    --------
    >>> whole("the input dimension").range_text()
    '[1, 1e+06]'
    """
    return Parameter(meaning=meaning, least=least, most=most, whole=True, monotone=monotone)


def small(meaning: str, *, below: float = 1.0, monotone: Trend = -1) -> Parameter:
    """Return an error or a failure probability: positive, below 1 or another bound.

    Examples
    --------
    >>> small("error of the output").range_text()
    '[1e-30, 1)'
    """
    return Parameter(meaning=meaning, least=LEAST_ERROR, below=below, monotone=monotone)


def positive(meaning: str, *, least: float = 1e-6, most: float = 1e6, monotone: Trend = 0) -> Parameter:
    """Return a positive magnitude, as a norm or a radius.

    Examples
    --------
    >>> positive("a norm").range_text()
    '[1e-06, 1e+06]'
    """
    return Parameter(meaning=meaning, least=least, most=most, monotone=monotone)
