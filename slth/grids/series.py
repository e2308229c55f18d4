"""What a plot of a table shows: for each line and each place on it, the middle of its rows and how far they spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from slth.arrays import Floats
from slth.errors import ArgumentError
from slth.grids.intervals import clopper_pearson, student
from slth.grids.selection import check_column

Row = Mapping[str, Any]
Spread = Literal["interval", "quartiles", "range"]

RATE = "rate"
"""Successes divided by trials, which every table with those columns has."""


@dataclass(frozen=True)
class Point:
    """The rows of one line at one place."""

    line: Any
    at: Any
    middle: float
    low: float
    high: float
    rows: int


def points_of(
    rows: Sequence[Row], columns: Sequence[str], *, x: str, y: str, by: str | None = None, spread: Spread = "quartiles"
) -> list[Point]:
    """Put the rows together that have the same place on the same line.

    A rate has its 95 % interval by Clopper and Pearson, whatever the spread; a mean that by Student's t, where there
    are two rows or more; rows without a finite y are left out.
    """
    check_column("x", x, columns)
    rate = y == RATE and RATE not in columns and {"successes", "trials"} <= set(columns)
    if not rate:
        check_column("y", y, columns)
    if by is not None:
        check_column("by", by, columns)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.get(x) is not None and (rate or _is_finite(y, row.get(y))):
            groups.setdefault((str(row.get(by) if by else None), str(row[x])), []).append(row)
    if not groups:
        raise ArgumentError("y", y, "has no finite number in these rows", "choose other columns or rows")
    made = []
    for several in groups.values():
        middle, low, high = _rate(several) if rate else SPREADS[spread](np.array([row[y] for row in several], float))
        line = several[0].get(by) if by else None
        made.append(Point(line, several[0][x], middle, low, high, len(several)))
    return sorted(made, key=lambda point: (_order(point.line), _order(point.at)))


def _order(value: Any) -> tuple[bool, Any]:
    number = isinstance(value, int | float)
    return (not number, value if number else str(value))


def _is_finite(name: str, value: Any) -> bool:
    if isinstance(value, str | list):
        raise ArgumentError("y", name, "holds texts", "choose a column of numbers")
    return value is not None and bool(np.isfinite(value))


def _rate(rows: Sequence[Row]) -> tuple[float, float, float]:
    successes, trials = (int(sum(row.get(name) or 0 for row in rows)) for name in ("successes", "trials"))
    interval = clopper_pearson(successes, trials)
    return successes / trials if trials else 0.5, interval.low, interval.high


def _quartiles(values: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
    return middle, low, high


def _mean(values: Floats) -> tuple[float, float, float]:
    middle = float(values.mean())
    return (middle, *student(values)) if len(values) > 1 else (middle, middle, middle)


SPREADS: dict[Spread, Callable[[Floats], tuple[float, float, float]]] = {
    "quartiles": _quartiles,
    "interval": _mean,
    "range": lambda values: (float(np.median(values)), float(values.min()), float(values.max())),
}
"""Middle, low and high end of the numbers of a point."""

NAMES: dict[Spread, str] = {
    "quartiles": "median and quartiles",
    "interval": "mean and its 95 % interval",
    "range": "median, least and largest",
}
"""What a figure says of its bars."""
