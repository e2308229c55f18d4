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
    """Keep the rows whose columns have these values, be they numbers or text.

    Parameters
    ----------
    rows : sequence of mappings
    **equal : float or str
        Column to value; a number equals text that reads as it.

    Returns
    -------
    list of mappings

    Examples
    --------
    >>> where([{"law": "uniform", "n": "8"}, {"law": "normal", "n": 8.0}], law="uniform", n=8)
    [{'law': 'uniform', 'n': '8'}]
    """

    def fits(have: Any, wanted: float | str) -> bool:
        if isinstance(wanted, str):
            return bool(have == wanted)
        return have not in ("", None) and float(have) == wanted

    return [row for row in rows if all(fits(row[column], value) for column, value in equal.items())]


def levels(rows: Sequence[Row], column: str) -> list[float]:
    """Return the different numbers of a column in increasing order; empty cells are left out.

    Parameters
    ----------
    rows : sequence of mappings
    column : str

    Returns
    -------
    list of float

    Examples
    --------
    >>> levels([{"n": "8"}, {"n": ""}, {"n": "4"}, {"n": "8"}], "n")
    [4.0, 8.0]
    """
    return sorted({float(row[column]) for row in rows if row[column] not in ("", None)})


def numbers(rows: Sequence[Row], column: str) -> Floats:
    """Return a column as float64[rows].

    Parameters
    ----------
    rows : sequence of mappings
    column : str

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> numbers([{"error": "0.5"}, {"error": 2}], "error").tolist()
    [0.5, 2.0]
    """
    return np.array([float(row[column]) for row in rows])


def quantiles(rows: Sequence[Row], key: str, column: str, probabilities: Sequence[float]) -> tuple[Floats, Floats]:
    """Return quantiles of a column among the rows of each level of another.

    Parameters
    ----------
    rows : sequence of mappings
    key, column : str
    probabilities : sequence of float

    Returns
    -------
    tuple of numpy.ndarray
        The levels of ``key``, float64[levels], and the quantiles of ``column``, float64[probabilities, levels].

    Examples
    --------
    >>> at, middle = quantiles([{"n": 1, "e": 2}, {"n": 1, "e": 4}, {"n": 2, "e": 8}], "n", "e", [0.5])
    >>> at.tolist(), middle.tolist()
    ([1.0, 2.0], [[3.0, 8.0]])
    """
    at = levels(rows, key)
    found = [np.quantile(numbers(where(rows, **{key: level}), column), probabilities) for level in at]
    return np.array(at), np.array(found).reshape(len(at), len(probabilities)).T


def shares(rows: Sequence[Row], key: str) -> tuple[Floats, Counts, Counts]:
    """Add up ``successes`` and ``trials`` among the rows of each level of a column.

    Parameters
    ----------
    rows : sequence of mappings
    key : str

    Returns
    -------
    tuple of numpy.ndarray
        The levels, float64[levels], successes and trials, int64[levels].

    Examples
    --------
    >>> rows = [{"n": 1, "successes": "2", "trials": "4"}, {"n": 1, "successes": "3", "trials": "4"}]
    >>> [column.tolist() for column in shares(rows, "n")]
    [[1.0], [5], [8]]
    """
    at = levels(rows, key)
    counts = [
        [sum(int(row[column]) for row in where(rows, **{key: level})) for level in at]
        for column in ("successes", "trials")
    ]
    return np.array(at), np.array(counts[0], np.int64), np.array(counts[1], np.int64)


def with_bars(successes: Counts, trials: Counts) -> tuple[Floats, Floats]:
    """Return shares, and how far their 95 % intervals by Clopper and Pearson reach below and above them.

    Parameters
    ----------
    successes, trials : int64[k]

    Returns
    -------
    tuple of numpy.ndarray
        float64[k] and float64[2, k], as matplotlib's ``errorbar`` takes them.

    Examples
    --------
    None of 10 leaves up to 31 %: (1 - 0.308)^10 = 0.025.

    >>> share, bars = with_bars(np.array([0]), np.array([10]))
    >>> share.tolist(), bars.round(4).tolist()
    ([0.0], [[0.0], [0.3085]])
    """
    share = successes / trials
    ends = [clopper_pearson(int(hits), int(count)) for hits, count in zip(successes, trials, strict=True)]
    return share, np.array([share - [end.low for end in ends], [end.high for end in ends] - share])
