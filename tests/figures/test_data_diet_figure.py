"""The figures of the data diet and of instability show the means of the table's rows."""

from __future__ import annotations

import pytest

from slth.figures.data_diet import data_diet_figure
from slth.figures.instability import instability_figure


def test_levels_sizes_and_connected_examples_have_a_panel_each():
    gains = {"easy": 0.02, "random": 0.01, "hard": 0.0, "all": 0.0, "none": -0.01}
    rows = [
        {"size": size, "way": way, "level": level, "density": 0.5**level, "connected": 0.8 + gain,
         "accuracy": str(0.7 + gain + 0.01 * seed + size / 1e5 - 0.01 * level)}
        for size in (100, 1000)
        for way, gain in gains.items()
        for level in range(3)
        for seed in range(3)
        if size == 1000 or way not in ("all", "none")
    ]  # fmt: skip
    drawing = data_diet_figure(rows)
    names = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert names == ["easy", "random", "hard", "all examples", "first weights"]
    density, size, connected = drawing.axes
    line = density.containers[0].lines[0]
    assert line.get_xdata() == pytest.approx([1.0, 0.5, 0.25])
    assert line.get_ydata() == pytest.approx([0.74, 0.73, 0.72])
    line = size.containers[2].lines[0]
    assert line.get_xdata() == pytest.approx([100, 1000])
    assert line.get_ydata() == pytest.approx([0.691, 0.7])
    assert len(connected.lines[0].get_xdata()) == 6
    assert connected.get_title("left").startswith("(c) rank correlation 0.")


def test_barriers_and_errors_stand_against_the_step():
    rows = [
        {"step": step, "kind": kind, "density": density, "barrier": str(0.3 - step / 1000 + 0.01 * seed),
         "error": str(0.1 + 0.1 * (kind == "ticket"))}
        for kind, density in (("dense", 1.0), ("ticket", 0.25))
        for step in (0, 10, 100)
        for seed in range(3)
    ]  # fmt: skip
    barrier, error = instability_figure(rows).axes
    assert barrier.containers[0].lines[0].get_ydata() == pytest.approx([0.31, 0.3, 0.21])
    assert error.containers[1].lines[0].get_ydata() == pytest.approx([0.2] * 3)
    assert error.containers[1].get_label() == "ticket of 25 % of the weights"
