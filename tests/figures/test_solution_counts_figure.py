"""The data behind the figure of numbers of subsets."""

from __future__ import annotations

import numpy as np
import pytest

from slth.figures.solution_counts import ratios, solution_counts_figure, thresholds
from slth.grids.intervals import student
from slth.studies.solution_counts import lueker_proof


def row(n, replicate, *, law="uniform", subsets="all", dimension=1, eps=0.01):
    count = 0.5 * n + replicate
    return {
        "law": law, "subsets": subsets, "dimension": str(dimension), "eps": str(eps), "n": str(n),
        "replicate": str(replicate), "mean_count": str(count), "mean_square": str(2.0 * count**2),
        "expected": str(0.5 * n), "expected_square": str(0.5 * n**2), "successes": str(n), "trials": "20",
        "second_moments_prove": str(0.02 * n) if law == "uniform" and subsets == "all" else "",
    }  # fmt: skip


ROWS = [
    row(n, replicate, **setting)
    for setting in (
        {}, {"eps": 0.1}, {"law": "product"}, {"subsets": "fixed"},
        {"law": "gaussian", "dimension": 2, "eps": 0.1}, {"law": "gaussian", "dimension": 3, "eps": 0.1},
    )
    for n in (1, 4, 8, 16)
    for replicate in (0, 1)
]  # fmt: skip


def test_averages_of_replicates_and_their_intervals():
    n, first, second, formula = ratios([one for one in ROWS if one["law"] == "product"])
    assert n.tolist() == [4.0, 8.0, 16.0]  # half a subset is expected of one value
    low, high = student([1.0, 1.5])
    np.testing.assert_allclose(first[:, 0], [1.25, low, high])
    np.testing.assert_allclose(second[0], 2.0 * (np.square([2, 4, 8]) + np.square([3, 5, 9])) / 2 / np.square(
        [2.5, 4.5, 8.5]))  # fmt: skip
    assert formula.tolist() == [2.0] * 3


def test_thresholds_are_lines_between_neighbours_at_the_level_of_each():
    found = thresholds([one for one in ROWS if (one["law"], one["subsets"], one["eps"]) == ("uniform", "all", "0.01")])
    (bits, measured, low, high) = found["measured"][0]
    assert bits == pytest.approx(np.log2(100.0))
    assert low < measured == 10.0 < high  # half of 40 between 8 and 16 of them
    assert found["proved"][0][1] == pytest.approx(5.0)
    assert found["at best"][0][1] == found["possible"][0][1] == 1.0
    lueker = found["lueker"][0][1]
    assert lueker_proof(int(lueker), 0.01) < 0.5 < lueker_proof(int(lueker) + 1, 0.01)


def test_the_panels_show_series_and_bounds():
    drawing = solution_counts_figure(ROWS)
    mean, square, share, needed = drawing.axes[:4]
    assert [len(axes.containers) for axes in (mean, square, share)] == [5, 5, 5]
    np.testing.assert_allclose(mean.containers[1].lines[0].get_ydata()[0], 1.25)
    assert needed.get_title(loc="left").startswith("(d)")
    labels = [text.get_text() for text in needed.get_legend().get_texts()]
    assert any("a tenth" in label for label in labels)
    assert any("Lueker" in label for label in labels)
    (line,) = [line for line in share.lines if len(line.get_xdata()) == 100]
    np.testing.assert_allclose(line.get_ydata(), 1.0 - np.exp(-line.get_xdata()))
