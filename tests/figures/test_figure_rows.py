"""What figures take out of tables, from text as from numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from slth.figures.rows import levels, numbers, quantiles, shares, where, with_bars

ROWS = [
    {"law": "uniform", "n": "10", "error": "0.5", "successes": "3", "trials": "4"},
    {"law": "uniform", "n": "9", "error": "0.25", "successes": "0", "trials": "4"},
    {"law": "uniform", "n": "10", "error": "1.5", "successes": "4", "trials": "4"},
    {"law": "normal", "n": "", "error": "7", "successes": "1", "trials": "4"},
]


def test_rows_are_chosen_by_number_and_by_text():
    assert where(ROWS, law="uniform", n=10) == [ROWS[0], ROWS[2]]
    assert where(ROWS, n=10.0, error=1.5) == [ROWS[2]]
    assert where(ROWS, law="normal", n=10) == []  # an empty cell is no number


def test_levels_are_sorted_as_numbers_and_without_empty_cells():
    assert levels(ROWS, "n") == [9.0, 10.0]  # as text, "10" would come first


def test_quantiles_are_those_of_each_level():
    at, found = quantiles(where(ROWS, law="uniform"), "n", "error", (0.0, 0.5, 1.0))
    assert at.tolist() == [9.0, 10.0]
    assert found.tolist() == [[0.25, 0.5], [0.25, 1.0], [0.25, 1.5]]
    assert numbers(ROWS, "error").tolist() == [0.5, 0.25, 1.5, 7.0]


def test_no_rows_have_no_quantiles():
    at, found = quantiles([], "n", "error", (0.1, 0.9))
    assert at.shape == (0,)
    assert found.shape == (2, 0)


def test_successes_and_trials_are_added_up():
    at, successes, trials = shares(where(ROWS, law="uniform"), "n")
    assert (at.tolist(), successes.tolist(), trials.tolist()) == ([9.0, 10.0], [0, 7], [4, 8])


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 10), (10, 10), (17, 4000)])
def test_bars_end_where_what_was_seen_becomes_rare(successes, trials):
    share, bars = with_bars(np.array([successes]), np.array([trials]))
    low, high = share[0] - bars[0, 0], share[0] + bars[1, 0]
    if successes > 0:
        assert binom.sf(successes - 1, trials, low) == pytest.approx(0.025, rel=1e-6)
    else:
        assert low == 0.0
    if successes < trials:
        assert binom.cdf(successes, trials, high) == pytest.approx(0.025, rel=1e-6)
    else:
        assert high == 1.0
