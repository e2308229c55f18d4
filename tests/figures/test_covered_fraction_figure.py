"""The figure of the covered fraction: its points, its recurrence, and what its table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.covered_fraction import FEWEST, covered_fraction_figure, promised_ratios
from slth.figures.rows import where
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "covered_fraction" / "table.csv"


def _rows(gain: float) -> list[dict[str, str]]:
    """A fraction that grows by gain p (1 - p) / 2 with each value."""
    rows = []
    for replicate in range(FEWEST):
        covered = 2.0**-3 * (1.0 + 0.01 * replicate)
        for k in range(1, 9):
            before, covered = covered, covered + gain * covered * (1.0 - covered) / 2.0
            rows.append(
                {"bits": "4", "replicate": str(replicate), "k": str(k), "covered_before": str(before)}
                | {"covered": str(covered)}
            )
    return rows


def test_ratio_is_one_where_the_growth_is_the_promised_one():
    middle, ratio, deviation = promised_ratios(_rows(1.0))
    assert len(middle) >= 3
    assert ratio == pytest.approx(1.0)
    assert deviation == pytest.approx(0.0, abs=1e-9)
    assert promised_ratios(_rows(1.7))[1] == pytest.approx(1.7)


def test_bins_with_few_steps_are_left_out():
    assert [len(column) for column in promised_ratios(_rows(1.0)[:5])] == [0, 0, 0]


def test_curves_are_medians_and_the_iterated_recurrence():
    growth = covered_fraction_figure(_rows(1.0)).axes[0]
    measured, iterated = growth.get_lines()[:2]
    assert measured.get_xdata().tolist() == list(range(1, 9))
    covered = 2.0**-3
    for found in iterated.get_ydata():
        covered += covered * (1.0 - covered) / 2.0
        assert found == pytest.approx(covered)
    first = [float(row["covered"]) for row in where(_rows(1.0), k=1)]
    assert measured.get_ydata()[0] == pytest.approx(np.median(first))


def test_every_bin_of_the_table_gains_at_least_what_lueker_promises():
    rows = read_csv(TABLE)
    for bits in (6, 9, 12):
        _, ratio, deviation = promised_ratios(where(rows, bits=bits))
        assert len(ratio) >= 8
        assert np.all(ratio - 4.0 * deviation > 1.0)
        assert np.all(ratio < 2.3)  # of p (1 - p) / 2: about what stretches that fall anywhere would gain
