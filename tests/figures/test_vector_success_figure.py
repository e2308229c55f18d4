"""The data behind the figure of vector success."""

from __future__ import annotations

import numpy as np
import pytest

from slth.figures.vector_success import crossing, vector_success_figure
from slth.theory import bounds


def row(law, subsets, dimension, n, successes):
    return {
        "law": law, "subsets": subsets, "eps": "0.3", "dimension": str(dimension), "n": str(n), "replicate": "0",
        "successes": str(successes), "trials": "10", "expected_subsets": str(0.1 * n),
        "guarantee": str(0.05 * n) if law == "gaussian" else "",
    }  # fmt: skip


ROWS = [
    row(law, subsets, dimension, n, successes)
    for law in ("gaussian", "product")
    for subsets in ("all", "fixed")
    for dimension in (1, 2)
    for n, successes in ((2, dimension - 1), (6, 4), (10, 10))
    for _ in range(2)  # two replicates are added up
]


def curves(axes, linestyle):
    return [line.get_ydata() for line in axes.lines if line.get_linestyle() == linestyle and len(line.get_xdata()) == 3]


def test_measured_shares_and_their_bounds():
    drawing = vector_success_figure(ROWS)
    gaussian, fixed, thresholds, product = drawing.axes[:4]
    measured = gaussian.containers[0]
    np.testing.assert_allclose(measured.lines[0].get_ydata(), [0.0, 0.4, 1.0])
    bars = measured.lines[2][0].get_segments()
    low, high = bars[1][:, 1]
    assert (low, high) == pytest.approx((0.19119, 0.63946), abs=1e-5)  # 8 of 20, by Clopper and Pearson
    assert any(np.allclose(line, [0.1, 0.3, 0.5]) for line in curves(gaussian, "-"))  # the guarantee
    assert any(np.allclose(line, [0.2, 0.6, 1.0]) for line in curves(gaussian, "--"))  # at most 1
    assert not curves(product, "-")
    assert fixed.get_title(loc="left").endswith(r"$0.4\,n$ of $n$")
    drawn = {line.get_label(): line for line in thresholds.lines}
    # d = 1: from 0 to 0.4 between 2 and 6; d = 2: from 0.1.
    np.testing.assert_allclose(
        drawn["(c, f) all subsets"].get_ydata(), [2 + 4 * (1 / 3) / 0.4, 2 + 4 * (1 / 3 - 0.1) / 0.3]
    )


def test_published_shape_is_the_catalogue_s_and_says_what_is_assumed():
    thresholds = vector_success_figure(ROWS).axes[2]
    (published,) = [line for line in thresholds.lines if "Becchetti" in str(line.get_label())]
    assert "$C = 1$ assumed" in published.get_label()
    expected = [bounds["becchetti2022.fixed_target"](dimension=d, eps=0.3, constant=1.0) for d in (1, 2)]
    np.testing.assert_array_equal(published.get_ydata(), expected)


def test_the_first_eps_is_drawn_and_no_rows_draw_nothing():
    other = [dict(part, eps="0.1", successes="10") for part in ROWS]
    drawing = vector_success_figure(ROWS + other)
    np.testing.assert_allclose(drawing.axes[0].containers[0].lines[0].get_ydata(), [0.0, 0.4, 1.0])
    assert not vector_success_figure([]).axes[0].containers


def test_crossing_takes_the_first_place():
    n = np.array([1.0, 2.0, 3.0])
    assert crossing(n, np.array([0.0, 1.0, 0.0]), 0.5) == 1.5
    assert crossing(n, np.array([0.6, 1.0, 1.0]), 0.5) is None
    assert crossing(n, np.array([0.5, 1.0, 1.0]), 0.5) == 1.0
    assert crossing(n, np.array([0.0, 0.1, 0.2]), 0.5) is None
