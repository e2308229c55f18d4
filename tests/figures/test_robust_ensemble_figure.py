"""The figure of robust ensembles: bins of all seeds together, a mark for each seed, and what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from slth.figures.robust_ensemble import LOOKS, robust_ensemble_figure
from slth.figures.rows import numbers, where
from slth.grids.tables import read_csv

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
    diagonal, *kinds = above.get_lines()
    assert len(kinds) == len(LOOKS)
    assert kinds[0].get_xdata() == pytest.approx([(40 * 0.4 + 80 * 0.5) / 120, 0.9])
    assert kinds[0].get_ydata() == pytest.approx([(40 * 0.5 + 80 * 0.8) / 120, (60 * 0.8 + 20 * 1.0) / 80])
    assert list(diagonal.get_xdata()) == [0, 1]
    for line in below.get_lines():
        assert list(line.get_xdata()) == [0.75, 0.85]
        assert list(line.get_ydata()) == [0.05, 0.07]


def test_the_table_says_what_its_page_says():
    rows = [one for one in read_csv(TABLE) if one["bin"] in ("", None)]
    long, short = ({kind: where(where(rows, regime=one), kind=kind) for kind in LOOKS} for one in (
        "2,000 images, long", "10,000 images, short"))  # fmt: skip
    for found in (long, short):
        assert {len(one) for one in found.values()} == {3}
        sure = [numbers(found[kind], "wrong_confidence") for kind in ("robust", "plain", "single")]
        assert sure[0].max() < sure[1].min()
        assert sure[1].max() < sure[2].min()
        kept = [numbers(found[kind], "kept") for kind in LOOKS]
        assert all(abs(one - 133_100).max() <= 6 for one in kept)
        assert numbers(found["single"], "accuracy").min() > numbers(found["robust"], "accuracy").max()
    assert numbers(long["robust"], "ece").max() < numbers(long["plain"], "ece").min()
    assert numbers(long["plain"], "ece").max() < numbers(long["single"], "ece").min()
    assert numbers(short["robust"], "ece").min() > numbers(short["plain"], "ece").max()
    means = [numbers(long[kind], "accuracy").mean() for kind in ("robust", "plain")]
    assert abs(means[0] - means[1]) < 0.001
