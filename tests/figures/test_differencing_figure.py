"""The figure of differencing: its points, its curves, and what its table says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from slth.figures.differencing import LOOKS, differencing_figure
from slth.figures.rows import quantiles, where
from slth.grids.tables import read_csv
from slth.subset_sum.prediction import error_quantile

TABLE = Path(__file__).parents[2] / "paper_figures" / "differencing" / "table.csv"

ROWS = [
    {"n": str(n), "target": "0.2", "replicate": str(k), "solver": solver, "median_error": str((k + 1) / n)}
    | {"solve_seconds": str(n * 1e-6)}
    for n in (10, 100)
    for k in range(3)
    for solver in LOOKS
    if n <= 40 or solver != "exact"
]


def test_points_are_medians_of_error_and_time():
    error, time = differencing_figure(ROWS).axes
    for line in error.get_lines()[:3]:
        assert line.get_xydata() == pytest.approx(np.array([[10.0, 0.2], [100.0, 0.02]]))
    assert error.get_lines()[3].get_xydata() == pytest.approx(np.array([[10.0, 0.2]]))  # exact ends early
    assert time.get_lines()[0].get_ydata() == pytest.approx([1e-5, 1e-4])


def test_curves_are_the_prediction_and_the_limit_of_differencing():
    drawing = differencing_figure(ROWS)
    error = drawing.axes[0]
    lines = {line.get_label().split(",")[0]: line for line in error.get_lines()}
    assert lines["optimum"].get_ydata() == pytest.approx([error_quantile(1 / 3, 10, 0.2, 0.5)], rel=1e-6)
    (limit,) = [line for line in error.get_lines() if "Boettcher" in str(line.get_label())]
    n = limit.get_xdata()
    assert limit.get_ydata() == pytest.approx([0.5 * k ** (-math.log(k) / (2.0 * math.log(2.0))) for k in n])
    assert len(drawing.legends[0].get_texts()) == len(LOOKS) + 2


def test_table_holds_what_the_laws_say():
    rows = read_csv(TABLE)
    n, (exact,) = quantiles(where(rows, solver="exact"), "n", "median_error", (0.5,))
    # Medians of 10 medians of 20, each with a relative deviation near 10 %: within 50 % is 5 of them.
    small = n >= 8
    predicted = [error_quantile(1 / 3, int(count), 0.2, 0.5) for count in n[small]]
    assert exact[small] == pytest.approx(predicted, rel=0.5)
    n, (left,) = quantiles(where(rows, solver="differencing"), "n", "median_error", (0.5,))
    fits = (n >= 60) & (n <= 300)
    limit = 0.5 * np.exp(-(np.log(n[fits]) ** 2) / (2.0 * math.log(2.0)))
    assert np.all(np.abs(np.log10(left[fits] / limit)) < 0.5)
    assert left[-1] == pytest.approx(2.0**-54)  # a million values: the resolution of doubles
