"""The figure of early pruning has a panel for each check and a line for each method."""

from __future__ import annotations

import pytest

from slth.figures.early_pruning import early_pruning_figure


def test_each_check_has_a_panel_and_each_method_its_means():
    rows = [
        {"method": method, "density": density, "kind": kind, "kept": str(int(1000 * density)), "total": "1000",
         "accuracy": str(0.7 + 0.02 * seed + density * (kind == "found"))}
        for method in ("snip", "imp")
        for density in (0.1, 0.2)
        for kind in ("found", "shuffled", "redrawn")
        for seed in range(3)
    ]  # fmt: skip
    drawing = early_pruning_figure(rows)
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["snip", "imp"]
    found, shuffled, _ = drawing.axes
    line = found.containers[1].lines[0]
    assert line.get_xdata() == pytest.approx([0.1, 0.2])
    assert line.get_ydata() == pytest.approx([0.82, 0.92])
    assert shuffled.containers[0].lines[0].get_ydata() == pytest.approx([0.72, 0.72])
