"""The figures of searches: means with their range against density, and a dot for each check of each seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.rows import levels, numbers, where
from slth.figures.search_accuracy import sanity_checks_figure, search_accuracy_figure
from slth.grids.tables import read_csv

FOLDER = Path(__file__).parents[2] / "paper_figures"

ROWS = [
    {
        "method": method, "scope": scope, "allocation": "", "density": str(density), "accuracy": str(0.5 + 0.1 * seed),
        "kept": str(int(1000 * density)), "total": "1000",
        "shuffled": "0.1", "redrawn": "0.12", "random": "0.09", "inverted": "" if method == "concrete" else "0.2",
    }
    for method, scope in (("edge-popup", "layer"), ("edge-popup", "global"), ("concrete", ""))
    for density in (0.1, 0.5)
    for seed in range(3)
]  # fmt: skip


def test_means_with_their_range():
    drawing = search_accuracy_figure(ROWS)
    axes, _ = drawing.axes
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == [
        "edge-popup, layer", "edge-popup, global", "concrete", "chance"
    ]  # fmt: skip
    line = axes.containers[0].lines[0]
    assert line.get_xdata() == pytest.approx([0.1, 0.5])
    assert line.get_ydata() == pytest.approx([0.6, 0.6])
    low, high = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.5, 0.7))


def test_a_dot_for_each_check_and_none_where_there_is_no_order():
    left, right = sanity_checks_figure(ROWS).axes
    assert [one.get_title("left") for one in (left, right)] == ["(a) density 0.1", "(b) density 0.5"]
    assert [text.get_text() for text in left.get_yticklabels()] == [
        "edge-popup, layer",
        "edge-popup, global",
        "concrete",
    ]
    counts = [len(line.get_xdata()) for line in left.get_lines()[:-2]]
    assert counts == [3] * 5 + [3] * 5 + [3, 3, 3, 3, 0]


def test_the_table_says_what_its_page_says():
    rows = read_csv(FOLDER / "search_accuracy" / "table.csv")
    assert set(numbers(rows, "total")) == {266_200}
    for method in ("edge-popup", "concrete", "bernoulli"):
        for density in levels(where(rows, method=method), "density"):
            found = where(rows, method=method, density=density)
            assert np.allclose(numbers(found, "kept"), density * 266_200, atol=3)
    layer = [row for row in where(rows, method="edge-popup") if row["scope"] == "layer"]
    assert numbers(where(layer, density=0.5), "accuracy").min() > numbers(where(layer, density=0.05), "accuracy").max()
    few = numbers(where(rows, method="gem-miner", density=0.01), "accuracy").mean()
    assert few > numbers(where(layer, density=0.01), "accuracy").max() + 0.1


def test_tickets_are_more_than_their_layer_densities():
    """At one density at least every method beats its checks by half; ten classes alike, chance is 1/10."""
    rows = read_csv(FOLDER / "sanity_checks" / "table.csv")
    for method in {row["method"] for row in rows}:
        own = where(rows, method=method, density=max(levels(where(rows, method=method), "density")))
        worst = max(numbers(own, check).max() for check in ("shuffled", "redrawn", "random"))
        assert worst < 0.5 * numbers(own, "accuracy").min(), method
