"""The figure of robust ensembles: bins of all seeds together, a mark for each seed, and what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from slth.figures.calibration_figures import LOOKS
from slth.figures.robust_ensemble import robust_ensemble_figure
from slth.figures.rows import numbers, where
from slth.grids.tables import read_csv

KINDS = ("single", "plain", "robust")
TABLE = Path(__file__).parents[2] / "paper_figures" / "robust_ensemble" / "table.csv"


def row(kind, number, examples, confidence, accuracy, ece=""):
    whole = number == ""
    return {
        "regime": "a", "kind": kind, "bin": number, "examples_in_bin": examples, "confidence": confidence,
        "accuracy": accuracy, "ece": ece, "tested": "100" if whole else "",
    }  # fmt: skip


ROWS = [
    row(kind, *one)
    for kind in LOOKS
    for one in (
        ("", "", "0.7", "0.75", "0.05"),
        ("0", "40", "0.4", "0.5"),
        ("1", "60", "0.9", "0.8"),
        ("", "", "0.7", "0.85", "0.07"),
        ("0", "80", "0.5", "0.8"),
        ("1", "20", "0.9", "1.0"),
        ("2", "0", "0.0", "0.0"),
    )
]


def test_bins_are_of_all_seeds_and_empty_ones_are_left_out():
    above, below = robust_ensemble_figure(ROWS).axes
    diagonal, *kinds, _ = above.get_lines()
    assert len(kinds) == len(LOOKS)
    assert kinds[0].get_xdata() == pytest.approx([(40 * 0.4 + 80 * 0.5) / 120, 0.9])
    assert kinds[0].get_ydata() == pytest.approx([(40 * 0.5 + 80 * 0.8) / 120, (60 * 0.8 + 20 * 1.0) / 80])
    assert list(diagonal.get_xdata()) == [0, 1]
    for line in below.get_lines():
        assert list(line.get_xdata()) == [0.75, 0.85]
        assert list(line.get_ydata()) == [0.05, 0.07]


def test_the_table_says_what_its_page_says():
    rows = [one for one in read_csv(TABLE) if one["bin"] in ("", None)]
    long, short = ({kind: where(where(rows, regime=one), kind=kind) for kind in KINDS} for one in (
        "2,000 images, long", "10,000 images, short"))  # fmt: skip
    for found in (long, short):
        assert {len(one) for one in found.values()} == {3}
        kept = [numbers(found[kind], "kept") for kind in KINDS]
        assert all(abs(one - 133_100).max() <= 6 for one in kept)
        accuracy = [numbers(found[kind], "accuracy").mean() for kind in KINDS]
        for kind, mean in zip(("single", "plain"), accuracy, strict=False):
            for column in ("ece", "wrong_confidence"):
                assert numbers(found["robust"], column).max() < numbers(found[kind], column).min()
            assert abs(accuracy[-1] - mean) < 0.0025
        assert all(numbers(one, "ece_scaled").mean() < 0.02 for one in found.values())
