"""The study of the best error: exact, calibrated, and near what was computed before."""

from __future__ import annotations

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.best_error import best_error

CELL = {"law": "uniform", "target": 0.2, "n": 8, "instances": 200}


def _all_sums(values: np.ndarray) -> np.ndarray:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def test_quantiles_are_those_of_the_optima_of_the_drawn_instances():
    row = best_error(CELL | {"instances": 50}, seed=5, context=Context())[0]
    drawn = 2.0 * Stream(5, "best-error.values").uniform(0, 50 * 8).reshape(50, 8) - 1.0
    errors = [np.min(np.abs(_all_sums(values) - 0.2)) for values in drawn]
    for level in (50, 90, 99):
        assert row[f"error_{level}"] == pytest.approx(np.quantile(errors, level / 100), rel=1e-9, abs=1e-15)


def test_row_depends_on_cell_and_seed_alone():
    first, again = (best_error(CELL, seed=1, context=Context(threads=threads)) for threads in (1, 2))
    assert first == again
    assert first != best_error(CELL, seed=2, context=Context())


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_half_of_the_instances_beat_the_median_predicted_from_their_values(law):
    cell = CELL | {"law": law, "n": 18, "instances": 800}
    row = best_error(cell, seed=3, context=Context())[0]
    # 4.5 standard deviations of the share, 0.5 / sqrt(800): a right prediction fails with probability 7e-6.
    assert row["trials"] == 800
    assert abs(row["successes"] / 800 - 0.5) < 4.5 * 0.5 / np.sqrt(800)


def test_quantiles_agree_with_those_computed_for_the_theory():
    row = best_error(CELL | {"n": 12, "instances": 1500}, seed=0, context=Context())[0]
    # Simulated before with other draws: 3.31e-4 and 1.38e-3. The sample median of 1500 has a relative deviation of
    # about 1 / (ln 2 sqrt(1500)) = 4 %, the 90 % quantile of sqrt(9) / (ln 10 sqrt(1500)) = 4 %: 5 of them.
    assert row["error_50"] == pytest.approx(3.31e-4, rel=0.2)
    assert row["error_90"] == pytest.approx(1.38e-3, rel=0.2)


def test_saddlepoint_quantile_is_that_of_simulated_exponentials():
    row = best_error(CELL | {"n": 14, "instances": 300}, seed=4, context=Context())[0]
    assert 0.0 < row["saddlepoint_99"] < 0.2
    # The measured 99 % quantile of 300 rests on 3 instances: a factor of 5 either way has probability below 1e-3.
    assert 0.2 < row["error_99"] / row["saddlepoint_99"] < 5.0


def test_target_zero_is_met_by_the_empty_subset():
    row = best_error(CELL | {"target": 0.0}, seed=0, context=Context())[0]
    assert (row["error_99"], row["saddlepoint_99"]) == (0.0, 0.0)


def test_unknown_law_is_refused():
    with pytest.raises(ArgumentError, match="law"):
        best_error(CELL | {"law": "cauchyish"}, seed=0, context=Context())
