"""The figure of density: its theorems are the catalogue's, missing points count as infinite, measured lies between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.density import density_figure
from slth.figures.rows import levels, numbers, where
from slth.grids.tables import read_csv
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
    assert measured(ROWS)[r"$\varepsilon = 0.3$"] == [[pytest.approx(0.06), 400 / 3 + 2], [pytest.approx(0.1), 82.0]]


def test_a_dash_stands_where_nine_in_ten_succeed():
    dashes = [
        line.get_xydata().tolist() for line in density_figure(ROWS).axes[1].get_lines() if line.get_marker() == "_"
    ]
    assert [pytest.approx(0.06), 400 / 3 + 4] in dashes[0]  # of five repetitions the last
    (legend,) = density_figure(ROWS).legends
    assert any("90 %" in text.get_text() for text in legend.get_texts())


def test_sizes_that_mostly_fail_are_not_drawn_and_few_failures_count_as_infinite():
    missing = {"density": "", "overparameterisation": ""}
    one = [{**row, **missing} if row["size"] == "4" and row["overparameterisation"] == "80.0" else row for row in ROWS]
    assert measured(one)[r"$\varepsilon = 0.3$"][1] == [pytest.approx(0.1), 83.0]
    none = [{**row, **missing} if row["size"] == "4" else row for row in ROWS]
    assert len(measured(none)[r"$\varepsilon = 0.3$"]) == 1


def test_any_number_chosen_stands_hollow_in_the_closest_panel_alone():
    for panel, many in ((1, 0), (2, 2)):
        lines = density_figure(ROWS).axes[panel].get_lines()
        hollow = [line for line in lines if line.get_markerfacecolor() == "white" and len(line.get_xdata())]
        assert len(hollow) == many
    assert hollow[0].get_xydata().tolist() == [[pytest.approx(0.02), 402.0]]


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
    texts = [text.get_text() for text in density_figure(ROWS).legends[0].get_texts()]
    assert sum("$C = 1$ assumed" in text for text in texts) == 3
    assert any("Theorem 5" in text for text in texts)


def test_table_lies_between_the_bounds():
    rows = [row for row in read_csv(TABLE) if row["density"]]
    above, below = bounds["natale2024.overparameterisation"], bounds["natale2024.lower"]
    room, spare, sure = [], [], []
    for eps in levels(rows, "eps"):
        for size in levels(where(rows, eps=eps), "size"):
            chosen = where(rows, eps=eps, size=size)
            assert (numbers(chosen, "norm_error") < eps).all()
            if len(chosen) <= 20:
                continue  # of 40: the median is beyond what was tried, and it is not drawn
            missing = 40 - len(chosen)
            density = float(np.median(np.append(numbers(chosen, "density"), [0.0] * missing)))
            every = np.append(numbers(chosen, "overparameterisation"), [np.inf] * missing)
            times, most = np.quantile(every, (0.5, 0.9), method="higher")
            enough = above(parameters=16, density=density, eps=eps, constant=1.0)
            room.append(enough / times)
            sure.append(enough / most if np.isfinite(most) else np.nan)
            if eps < 1 / 16:
                spare.append(times / (below(dimension=4, density=density, eps=eps) / 16))
    # The ranges that the page states.
    assert (round(min(room), 1), round(max(room), 1)) == (3.8, 18.3)
    assert (round(min(spare), 1), round(max(spare), 1)) == (13.1, 33.5)
    assert (round(np.nanmin(sure), 1), round(np.nanmax(sure), 1)) == (3.1, 15.4)
