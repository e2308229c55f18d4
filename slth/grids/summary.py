"""A table by cell: probabilities with their intervals, medians and quantiles of other numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slth.grids.intervals import CONFIDENCE, clopper_pearson
from slth.grids.results import ResultTable
from slth.grids.spec import canonical

LOW, HIGH = 0.1, 0.9
"""Quantiles beside the median."""

COUNTS = ("successes", "trials")

Row = dict[str, Any]


def summarize(table: ResultTable, *, confidence: float = CONFIDENCE) -> list[Row]:
    """Put the replicates of each cell together.

    Rows belong together that have the same cell, the same place among the rows of their item, and the same texts.
    """
    values = table.value_columns
    texts = [name for name in values if any(isinstance(row.get(name), str) for row in table.rows)]
    counted = all(name in values for name in COUNTS)
    numbers = [name for name in values if name not in texts and not (counted and name in COUNTS)]
    head = [*table.experiment.columns, *texts]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row, position in zip(table.rows, table.positions, strict=True):
        groups.setdefault(canonical([position, *(row.get(name) for name in head)]), []).append(row)
    found: list[Row] = []
    for rows in groups.values():
        line: Row = {name: rows[0].get(name) for name in head}
        line["replicates"] = len(rows)
        if counted:
            line |= _rate(rows, confidence)
        for name in numbers:
            line |= _quantiles(name, [row[name] for row in rows if row.get(name) is not None])
        found.append(line)
    return _without_repetitions(found, numbers)


def _rate(rows: Sequence[Mapping[str, Any]], confidence: float) -> Row:
    successes, trials = (int(sum(row.get(name) or 0 for row in rows)) for name in COUNTS)
    interval = clopper_pearson(successes, trials, confidence=confidence)
    rate = successes / trials if trials else None
    return {"successes": successes, "trials": trials, "rate": rate, "low": interval.low, "high": interval.high}


def _quantiles(name: str, values: Sequence[float]) -> Row:
    if not values:
        return {name: None, f"{name}_q10": None, f"{name}_q90": None}
    array = np.asarray(values, float)
    with np.errstate(invalid="ignore"):  # infinities have no point between them
        between, below, above = (
            np.quantile(array, (LOW, 0.5, HIGH), method=how) for how in ("linear", "lower", "higher")
        )
    low, median, high = np.where(below == above, below, between).tolist()  # two equal infinities are one
    whole = all(isinstance(value, int) for value in values) and median.is_integer()
    return {name: int(median) if whole else median, f"{name}_q10": low, f"{name}_q90": high}


def _without_repetitions(rows: list[Row], numbers: Sequence[str]) -> list[Row]:
    """Leave out the quantiles of columns that do not vary between replicates."""
    for name in numbers:
        ends = (f"{name}_q10", f"{name}_q90")
        if all(row[end] == row[name] for row in rows for end in ends):
            for row in rows:
                for end in ends:
                    del row[end]
    return rows
