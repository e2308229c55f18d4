"""The study of the covered fraction: Lueker's recurrence, step by step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.covered_fraction import covered_fraction


def test_fractions_are_those_of_the_recurrence():
    rows = covered_fraction({"bits": 4, "n": 6}, seed=2, context=Context())
    values = 2.0 * Stream(2, "covered-fraction.values").uniform(0, 6) - 1.0
    places = np.linspace(-0.5, 0.5, 4001)

    def covered(z: np.ndarray, k: int) -> np.ndarray:
        if k == 0:
            return np.abs(z) <= 2.0**-4
        before = covered(z, k - 1).astype(float)
        return before + (1.0 - before) * covered(z - values[k - 1], k - 1)

    for row in rows:
        # Each of at most 2 * 2^6 ends of covered stretches is off by at most one of 4000 steps.
        assert row["covered"] == pytest.approx(np.mean(covered(places, row["k"])), abs=128 / 4000)
        assert row["covered"] == pytest.approx(np.mean(covered(places, row["k"])), abs=5e-3)


def test_rows_are_linked_and_begin_with_twice_the_tolerance():
    rows = covered_fraction({"bits": 5, "n": 8}, seed=0, context=Context())
    assert rows[0]["covered_before"] == 2.0**-4
    assert [row["k"] for row in rows] == list(range(1, 9))
    assert all(row["covered"] == after["covered_before"] for row, after in pairwise(rows))
    assert all(row["covered_before"] <= row["covered"] <= 1.0 for row in rows)


def test_gain_is_on_average_what_lueker_promises():
    steps = [row for seed in range(300) for row in covered_fraction({"bits": 5, "n": 8}, seed=seed, context=Context())]
    before = np.array([row["covered_before"] for row in steps])
    surplus = np.array([row["covered"] for row in steps]) - before - before * (1.0 - before) / 2.0
    # Differences of a martingale: the mean of 2400 is above 0 but for 4 standard deviations.
    assert np.mean(surplus) > -4.0 * np.std(surplus) / np.sqrt(len(surplus))
    assert np.mean(surplus) > 0.0  # and it is so by far: the average gain is some 1.6 times what is promised


def test_no_values_are_refused():
    with pytest.raises(ArgumentError, match="values"):
        covered_fraction({"bits": 4, "n": 0}, seed=0, context=Context())
