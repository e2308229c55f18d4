"""The study of differencing: the same instances, exact errors, and what ends where doubles end."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.differencing import differencing

CELL = {"n": 10, "target": 0.2, "instances": 12, "exact_up_to": 40}


def test_exact_errors_are_those_of_all_subsets_and_no_solver_is_better():
    rows = {row["solver"]: row for row in differencing(CELL, seed=6, context=Context())}
    drawn = 2.0 * Stream(6, "differencing.values").uniform(0, 120).reshape(12, 10) - 1.0
    subsets = list(chain.from_iterable(combinations(range(10), size) for size in range(11)))
    best = [min(abs(sum(values[list(subset)]) - 0.2) for subset in subsets) for values in drawn]
    assert rows["exact"]["median_error"] == pytest.approx(np.median(best), rel=1e-9)
    assert rows["exact"]["mean_error"] == pytest.approx(np.mean(best), rel=1e-9)
    for row in rows.values():
        assert row["mean_error"] >= rows["exact"]["mean_error"]
        assert row["solve_seconds"] > 0.0
    # Up to 32 values the exact choice among 32 flips is the exact solution.
    assert rows["greedy and exchanges"]["mean_error"] == rows["exact"]["mean_error"]
    assert rows["greedy"]["mean_error"] > rows["differencing"]["mean_error"] > rows["exact"]["mean_error"]


def test_values_do_not_depend_on_times_and_threads():
    def values(threads: int) -> list[dict[str, object]]:
        rows = differencing(CELL, seed=1, context=Context(threads=threads))
        return [{key: row[key] for key in row if not key.endswith("seconds")} for row in rows]

    assert values(1) == values(2)


def test_exact_solver_is_left_out_beyond_its_reach():
    rows = differencing(CELL | {"n": 48, "instances": 1, "exact_up_to": 60}, seed=0, context=Context())
    assert [row["solver"] for row in rows] == ["greedy", "greedy and exchanges", "differencing"]
    rows = differencing(CELL | {"exact_up_to": 9}, seed=0, context=Context())
    assert "exact" not in {row["solver"] for row in rows}


def test_differencing_of_many_values_ends_at_the_resolution_of_doubles():
    rows = {row["solver"]: row for row in differencing(CELL | {"n": 20_000}, seed=0, context=Context())}
    # All values are multiples of 2^-52, and 0.2 lies a quarter of that beside one.
    assert rows["differencing"]["median_error"] == pytest.approx(2.0**-54, rel=1e-12)
    assert rows["greedy"]["median_error"] > 1e-7


def test_no_values_are_refused():
    with pytest.raises(ArgumentError):
        differencing(CELL | {"n": 0}, seed=0, context=Context())
