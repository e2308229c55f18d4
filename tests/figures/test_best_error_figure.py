"""The figure of the best error: its points, its prediction, and what its table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.best_error import best_error_figure, predicted_quantiles
from slth.figures.rows import quantiles, where
from slth.grids.tables import read_csv
from slth.subset_sum.prediction import error_quantile

TABLE = Path(__file__).parents[2] / "paper_figures" / "best_error" / "table.csv"

ROWS = [
    {"law": law, "target": "0.2", "n": str(n), "replicate": str(k)}
    | {f"error_{level}": str(level * (k + 1) * 2.0**-n / 50) for level in (50, 90, 99)}
    for law in ("uniform", "normal")
    for n in (6, 10)
    for k in range(3)
]


def test_points_are_medians_and_lines_the_prediction():
    above = best_error_figure(ROWS).axes[0]
    points, line = above.get_lines()[0], above.get_lines()[1]
    assert points.get_xydata().tolist() == [[6.0, 2.0 * 2.0**-6], [10.0, 2.0 * 2.0**-10]]
    assert line.get_ydata() == pytest.approx([error_quantile(1 / 3, n, 0.2, 0.5) for n in (6, 10)], rel=1e-6)


def test_prediction_uses_the_second_moment_of_the_law():
    found = predicted_quantiles("normal", np.array([12.0, 20.0]), 0.2, 0.9)
    assert found == pytest.approx([error_quantile(1.0, n, 0.2, 0.9) for n in (12, 20)], rel=1e-6)


def test_says_that_the_prediction_is_derived():
    texts = [text.get_text() for text in best_error_figure(ROWS).legends[0].get_texts()]
    assert any("derived" in text for text in texts)
    assert "$2^{-n}$" in texts


@pytest.mark.parametrize(
    ("n", "median", "ninety"),
    [(8, 0.00419, 0.0210), (12, 3.31e-4, 1.38e-3), (16, 2.33e-5, 9.8e-5), (20, 1.69e-6, 6.9e-6), (24, 1.18e-7, 4.9e-7)],
)
def test_table_agrees_with_what_was_computed_for_the_theory(n, median, ninety):
    rows = where(read_csv(TABLE), law="uniform", n=n)
    _, ((found,),) = quantiles(rows, "n", "error_50", (0.5,))
    assert found == pytest.approx(median, rel=0.1)
    _, ((found,),) = quantiles(rows, "n", "error_90", (0.5,))
    assert found == pytest.approx(ninety, rel=0.1)
