"""The figure of interval coverage: its points, its bounds, and what its table says."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from slth.figures.interval_coverage import interval_coverage_figure
from slth.figures.rows import quantiles, where
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "interval_coverage" / "table.csv"

ROWS = [
    {
        "half_width": half_width, "replicate": str(k), "n": str(n), "worst_error": str((k + 1) * 2.0 ** (1 - n)),
        "predicted_median": str(3.0 * 2.0 ** (1 - n)),
    }
    for half_width in ("0.5", "1.0")
    for k in range(5)
    for n in (4, 8, 12)
]  # fmt: skip


def test_points_are_quantiles_of_the_error_against_n_and_n_over_bits():
    count, constant = interval_coverage_figure(ROWS).axes[:2]
    median = count.get_lines()[0]
    assert median.get_ydata().tolist() == [8.0, 12.0]  # n = 4 leaves 0.375, which is no approximation
    assert median.get_xdata() == pytest.approx([3.0 * 2.0**-7, 3.0 * 2.0**-11])
    ratio = constant.get_lines()[0]
    assert ratio.get_ydata() == pytest.approx([8.0 / (7.0 - math.log2(3.0)), 12.0 / (11.0 - math.log2(3.0))])
    ninety = count.get_lines()[1]
    assert ninety.get_xdata() == pytest.approx([4.6 * 2.0**-7, 4.6 * 2.0**-11])


NAMES = ("counting, ", "Lueker", "ESA")


def test_bounds_are_those_of_the_theory_and_say_how_sure_they_are():
    drawing = interval_coverage_figure(ROWS)
    lines = {line.get_label(): line for line in drawing.axes[0].get_lines()}
    labels = {text.get_text() for text in drawing.legends[0].get_texts()}
    assert labels <= set(lines)
    by_name = {name: next(lines[label] for label in labels if name in label) for name in NAMES}
    eps = by_name["ESA"].get_xdata()
    assert by_name["ESA"].get_ydata() == pytest.approx([math.log(1.0 / e) for e in eps])
    assert by_name["counting, "].get_ydata() == pytest.approx([math.log2(0.5 / e) for e in eps])
    assert by_name["Lueker"].get_ydata() == pytest.approx([math.log(2.0 / min(e, 0.1)) for e in eps])
    assert all("$C = 1$ assumed" in by_name[name].get_label() for name in ("Lueker", "ESA"))
    assert "second-hand" in by_name["Lueker"].get_label()
    assert "derived" in by_name["counting, "].get_label()


@pytest.mark.parametrize(
    ("half_width", "n", "median"),
    [
        (0.5, 10, 0.0102), (0.5, 12, 0.0034), (0.5, 14, 0.00105), (0.5, 16, 3.2e-4), (0.5, 18, 9.4e-5),
        (1.0, 10, 0.0187), (1.0, 12, 0.0055), (1.0, 14, 0.0017), (1.0, 16, 5.0e-4), (1.0, 18, 1.45e-4),
    ],
)  # fmt: skip
def test_table_agrees_with_what_was_computed_for_the_theory(half_width, n, median):
    rows = where(read_csv(TABLE), half_width=half_width, n=n)
    _, ((found,),) = quantiles(rows, "n", "worst_error", (0.5,))
    assert found == pytest.approx(median, rel=0.2)


def test_no_sample_of_the_table_is_below_the_counting_bound():
    for row in read_csv(TABLE):
        # 2^n sums cover at most 2 eps each of an interval of length 2 half_width.
        assert 2.0 ** int(row["n"]) * 2.0 * float(row["worst_error"]) >= 2.0 * float(row["half_width"])
