"""The figure of density: its theorems are the catalogue's, missing points count as infinite, measured lies between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.experiments.tables import read_csv
from slth.figures.density import density_figure
from slth.figures.rows import levels, numbers, where
from slth.theory import bounds

TABLE = Path(__file__).parents[2] / "paper_figures" / "density" / "table.csv"

ROWS = [
    {"eps": str(eps), "size": str(size), "target_parameters": "16", "density": str(0.02 * (size + 1)),
     "overparameterisation": str(400.0 / (size + 1) + k)}
    for eps in (0.3, 0.03)
    for size in (0, 2, 4)
    for k in range(5)
]  # fmt: skip


def measured(rows, panel=1):
    return {line.get_label(): line.get_xydata().tolist() for line in density_figure(rows).axes[panel].get_lines()}


def test_points_are_medians_by_size():
    assert measured(ROWS)["eps = 0.3"] == [[pytest.approx(0.06), 400 / 3 + 2], [pytest.approx(0.1), 82.0]]


def test_sizes_that_mostly_fail_are_not_drawn_and_few_failures_count_as_infinite():
    missing = {"density": "", "overparameterisation": ""}
    one = [{**row, **missing} if row["size"] == "4" and row["overparameterisation"] == "80.0" else row for row in ROWS]
    assert measured(one)["eps = 0.3"][1] == [pytest.approx(0.1), 83.0]
    none = [{**row, **missing} if row["size"] == "4" else row for row in ROWS]
    assert len(measured(none)["eps = 0.3"]) == 1


def test_curves_are_the_catalogue_s():
    axes = density_figure(ROWS).axes[1]
    dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    dotted = [line for line in axes.get_lines() if line.get_linestyle() == ":"]
    assert (len(dashed), len(dotted)) == (2, 1)  # the lower bound holds for eps < 1/16 alone
    x, y = dashed[0].get_xydata()[50]
    assert y == bounds["natale2024.overparameterisation"](parameters=16, density=x, eps=0.3, constant=1.0)
    x, y = dotted[0].get_xydata()[50]
    assert y == bounds["natale2024.lower"](dimension=4, density=x, eps=0.03) / 16


def test_says_what_is_assumed():
    texts = [text.get_text() for text in density_figure(ROWS).axes[0].get_legend().get_texts()]
    assert sum("C = 1 assumed" in text for text in texts) == 3
    assert any("Theorem 5" in text for text in texts)


def test_table_lies_between_the_bounds():
    rows = [row for row in read_csv(TABLE) if row["density"]]
    above, below = bounds["natale2024.overparameterisation"], bounds["natale2024.lower"]
    for eps in levels(rows, "eps"):
        for size in levels(where(rows, eps=eps), "size"):
            chosen = where(rows, eps=eps, size=size)
            density = float(np.median(numbers(chosen, "density")))
            times = float(np.median(numbers(chosen, "overparameterisation")))
            assert times < above(parameters=16, density=density, eps=eps, constant=1.0)
            if eps < 1 / 16:
                assert times > below(dimension=4, density=density, eps=eps) / 16
            assert (numbers(chosen, "norm_error") < eps).all()
