"""The figure of planted tickets: points are means and rates of rows, with their intervals; collapse is no success."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from slth.figures.plant_and_recover import SOLVED, plant_and_recover_figure
from slth.grids.intervals import clopper_pearson

METHODS = ("edge-popup scope=global", "random")


def row(layers, ratio, density, method, replicate):
    share = density + 0.1 * replicate if method == METHODS[0] else 0.05 * replicate
    collapsed = method == METHODS[0] and replicate == 2
    error = "" if collapsed else str(SOLVED * (0.5 if replicate == 0 else 2.0))
    return {
        "layers": str(layers), "ratio": str(ratio), "density": str(density), "method": method,
        "replicate": str(replicate), "share": str(share), "chance": str(density / ratio), "error": error,
    }  # fmt: skip


ROWS = [
    row(layers, ratio, density, method, replicate)
    for layers, ratio in ((1, 1), (1, 4), (2, 1))
    for density in (0.1, 0.5)
    for method in METHODS
    for replicate in range(3)
]


@pytest.fixture(scope="module")
def drawn():
    return plant_and_recover_figure(ROWS)


def test_there_is_a_column_for_each_network(drawn):
    titles = [axes.get_title(loc="left") for axes in drawn.axes[:3]]
    assert [title.split("\n") for title in titles] == [
        ["(a) one hidden layer,", "all units planted"],
        ["(b) one hidden layer,", "1 of 4 units planted"],
        ["(c) 2 hidden layers,", "all units planted"],
    ]


def test_points_are_means_with_t_intervals_and_chance_is_a_line(drawn):
    axes = drawn.axes[1]
    found = [one.lines[0].get_ydata() for one in axes.containers]
    assert np.allclose(found, [[0.2, 0.6], [0.05, 0.05]])
    reach = t.ppf(0.975, 2) * 0.1 / 3**0.5
    first, _ = axes.containers[0].lines[2][0].get_segments()
    assert np.allclose(first[:, 1], [0.2 - reach, 0.2 + reach])
    (chance,) = [line for line in axes.get_lines() if line.get_linestyle() == ":" and len(line.get_xdata())]
    assert np.allclose(chance.get_ydata(), [0.025, 0.125])


def test_rates_count_small_errors_and_no_collapse(drawn):
    axes = drawn.axes[4]
    rates = [one.lines[0].get_ydata().tolist() for one in axes.containers]
    assert rates == [[1 / 3, 1 / 3]] * 2
    first, _ = axes.containers[0].lines[2][0].get_segments()
    assert np.allclose(first[:, 1], clopper_pearson(1, 3))


def test_errors_are_medians_with_their_range_and_what_collapsed_has_none(drawn):
    axes = drawn.axes[7]
    medians = [one.lines[0].get_ydata() for one in axes.containers]
    assert np.allclose(medians, [[1.25 * SOLVED] * 2, [2.0 * SOLVED] * 2])
    first, _ = axes.containers[1].lines[2][0].get_segments()
    assert np.allclose(first[:, 1], [0.5 * SOLVED, 2.0 * SOLVED])


def test_methods_are_named_in_words(drawn):
    texts = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert texts == ["edge-popup, all layers together", "random", "chance; best constant"]
