"""The figure of the MNIST experiment: its dots, the published ones, and what its table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.pensia_mnist import PUBLISHED, pensia_mnist_figure
from slth.figures.rows import numbers, where
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "pensia_mnist" / "table.csv"

ROWS = [
    {
        "lists": lists, "tolerance": str(tolerance), "kept_per_weight": str(9.0 + k), "largest_error": "0.004",
        "target_accuracy": "0.98", "accuracy": "0.975", "seconds": str(2.0 + k),
    }
    for lists in ("fresh", "row")
    for tolerance in (0.0, 0.01)
    for k in range(3)
]  # fmt: skip


def test_dots_and_their_medians():
    kept, _, gain, seconds = pensia_mnist_figure(ROWS).axes
    assert kept.get_lines()[0].get_xydata().tolist() == [[9.0, 0.0], [10.0, 0.0], [11.0, 0.0]]
    assert [text.get_text() for text in kept.texts] == ["10.00"] * 4 + ["9.39"]
    assert [text.get_text() for text in seconds.texts] == ["3"] * 4 + ["77,266"]
    assert gain.get_lines()[0].get_xdata() == pytest.approx([-0.5] * 3)


def test_ways_are_named_and_published_comes_last():
    names = [text.get_text() for text in pensia_mnist_figure(ROWS).axes[0].get_yticklabels()]
    assert names[0] == "a list a weight, optimum"
    assert names[3:] == ["a list a row, within 0.01", "published"]


def test_table_keeps_what_arithmetic_says():
    rows = where(read_csv(TABLE), tolerance=0.0)
    assert {row["weights"] for row in rows} == {"397000"}
    assert {row["candidates"] for row in rows} == {"8337000"}
    low, high = numbers(rows, "smallest_weight")[0], numbers(rows, "largest_weight")[0]
    moment, mean = (high**3 - low**3) / (3 * (high - low)), (high + low) / 2
    # Of the subsets whose sum is 0, an average one has this part of n values: 1/2 - 1/(2n) - mean^2 / (2 moment).
    predicted = 0.5 - 1 / 42 - mean**2 / (2 * moment)
    assert numbers(rows, "density") == pytest.approx(predicted, abs=0.005)
    assert np.abs(numbers(rows, "kept_per_weight") - PUBLISHED["kept_per_weight"]).max() < 1.0


def test_table_reaches_what_was_published():
    rows = where(read_csv(TABLE), lists="row", tolerance=0.0)
    assert (numbers(rows, "within_eps") == 397_000).all()
    assert np.abs(numbers(rows, "accuracy") - numbers(rows, "target_accuracy")).max() <= 1e-4
