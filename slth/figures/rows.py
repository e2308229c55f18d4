"""What figures take out of a table's rows: columns as numbers, quantiles, shares with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.grids.intervals import clopper_pearson

Row = Mapping[str, Any]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def where(rows: Sequence[Row], **equal: float | str) -> list[Row]:
    """Keep the rows whose columns have these values, be they numbers or text."""

    def fits(have: Any, wanted: float | str) -> bool:
        if isinstance(wanted, str):
            return bool(have == wanted)
        return have not in ("", None) and float(have) == wanted

    return [row for row in rows if all(fits(row[column], value) for column, value in equal.items())]


def levels(rows: Sequence[Row], column: str) -> list[float]:
    """Return the different numbers of a column in increasing order; empty cells are left out."""
    return sorted({float(row[column]) for row in rows if row[column] not in ("", None)})


def numbers(rows: Sequence[Row], column: str) -> Floats:
    """Return a column as float64[rows]."""
    return np.array([float(row[column]) for row in rows])


def with_ranges(groups: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the mean of each group, and the lengths of bars [2, groups] from its least to its largest number."""
    middle = np.array([one.mean() for one in groups])
    below, above = (middle - [one.min() for one in groups], [one.max() for one in groups] - middle)
    return middle, np.maximum([below, above], 0.0)  # a mean of equal numbers may be rounded past them


def quantiles(rows: Sequence[Row], key: str, column: str, probabilities: Sequence[float]) -> tuple[Floats, Floats]:
    """Return quantiles of a column among the rows of each level of another."""
    at = levels(rows, key)
    found = [np.quantile(numbers(where(rows, **{key: level}), column), probabilities) for level in at]
    return np.array(at), np.array(found).reshape(len(at), len(probabilities)).T


def shares(rows: Sequence[Row], key: str) -> tuple[Floats, Counts, Counts]:
    """Add up ``successes`` and ``trials`` among the rows of each level of a column."""
    at = levels(rows, key)
    counts = [
        [sum(int(row[column]) for row in where(rows, **{key: level})) for level in at]
        for column in ("successes", "trials")
    ]
    return np.array(at), np.array(counts[0], np.int64), np.array(counts[1], np.int64)


def with_bars(successes: Counts, trials: Counts) -> tuple[Floats, Floats]:
    """Return shares, and how far their 95 % intervals by Clopper and Pearson reach below and above them.

    Shapes: successes, trials int64[k].
    """
    share = successes / trials
    ends = [clopper_pearson(int(hits), int(count)) for hits, count in zip(successes, trials, strict=True)]
    return share, np.array([share - [end.low for end in ends], [end.high for end in ends] - share])
