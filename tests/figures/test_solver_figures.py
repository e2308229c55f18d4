"""The data behind the figure, and files that are the same bytes each time."""

from __future__ import annotations

import numpy as np
import pytest

from slth.figures.solver_figures import solver_time_figure
from slth.figures.style import save_figure

ROWS = [
    {"solver": solver, "n": str(n), "status": "ok", "seconds": str(2.0 ** (n / 2) * 1e-6), "added_mib": str(n)}
    for solver in ("two-list", "four-list")
    for n in (20, 24, 28)
] + [{"solver": "two-list", "n": "60", "status": "declined", "seconds": "", "added_mib": ""}]


def test_what_is_drawn_is_the_table():
    time, memory = solver_time_figure(ROWS).axes
    drawn = {line.get_label(): line for line in time.lines}
    assert {"two lists", "four lists"} <= set(drawn)
    np.testing.assert_array_equal(drawn["two lists"].get_xdata(), [20, 24, 28])  # the declined row is left out
    np.testing.assert_allclose(drawn["two lists"].get_ydata(), 2.0 ** np.array([10, 12, 14]) * 1e-6)
    np.testing.assert_allclose(drawn["2^(n/2)"].get_ydata(), drawn["two lists"].get_ydata())
    np.testing.assert_array_equal(memory.lines[0].get_ydata(), [20, 24, 28])


def test_files_are_the_same_bytes_each_time(tmp_path):
    contents = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        paths = save_figure(solver_time_figure(ROWS), folder / "figure", title="t", about={"seed": 0})
        contents.append([path.read_bytes() for path in paths])
        assert sorted(path.name for path in folder.iterdir()) == ["figure.pdf", "figure.png"]
    assert contents[0] == contents[1]
    assert contents[0][0].startswith(b"%PDF")
    assert b'{"seed": 0}' in contents[0][1]


def test_a_table_without_rows_gives_an_empty_figure():
    assert len(solver_time_figure([]).axes[0].lines) == pytest.approx(2)
