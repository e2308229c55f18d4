"""The data behind the figure, and files that are the same bytes each time."""

from __future__ import annotations

import numpy as np
import pytest

from slth.figures.solver_figures import solver_time_figure
from slth.figures.style import save_figure


def row(solver, contender, n, seconds, added, *, status="ok", claimed="1", truly=""):
    return {
        "solver": solver, "contender": contender, "n": str(n), "status": status, "seconds": str(seconds),
        "added_mib": str(added), "claimed_optimal": claimed, "truly_optimal": truly,
    }  # fmt: skip


ROWS = [
    *(
        row(solver, f"slth {solver}", n, 2.0 ** (n / 2) * 1e-6, n)
        for solver in ("two-list", "four-list")
        for n in (20, 24, 28)
    ),
    row("two-list", "slth two-list", 60, "", "", status="declined", claimed=""),
]
PEERS = [
    row("milp", "scipy.optimize.milp 1.17.1", 20, 0.5, 0, truly="1"),
    row("milp", "scipy.optimize.milp 1.17.1", 24, 0.5, 0, truly="0"),
    row("cp_sat", "OR-Tools CP-SAT", 20, "", "", status="declined", claimed=""),
]


def test_what_is_drawn_is_the_table():
    time, memory = solver_time_figure(ROWS).axes
    drawn = {line.get_label(): line for line in time.lines}
    assert {"two lists", "four lists"} <= set(drawn)
    np.testing.assert_array_equal(drawn["two lists"].get_xdata(), [20, 24, 28])  # the declined row is left out
    np.testing.assert_allclose(drawn["two lists"].get_ydata(), 2.0 ** np.array([10, 12, 14]) * 1e-6)
    np.testing.assert_allclose(drawn["slope $2^{n/2}$"].get_ydata(), drawn["two lists"].get_ydata())
    np.testing.assert_array_equal(memory.lines[0].get_ydata(), [20, 24, 28])


def test_peers_are_drawn_with_their_version_and_open_where_they_are_wrong():
    drawing = solver_time_figure([*ROWS, *PEERS])
    time, _ = drawing.axes
    drawn = [line for line in time.lines if line.get_marker() == "v" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in drawn] == [[20, 24], [24]]
    assert drawn[0].get_label() == "scipy milp 1.17.1"
    assert drawn[1].get_markerfacecolor() == "white"
    warning = "says optimal, is not"
    assert warning in [text.get_text() for text in drawing.legends[0].get_texts()]
    assert warning not in [text.get_text() for text in solver_time_figure(ROWS).legends[0].get_texts()]
    # Not installed: nothing of CP-SAT is drawn.
    assert not [line for line in time.lines if line.get_marker() == "^" and len(line.get_xdata())]


@pytest.mark.slow
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
    assert not [line for line in solver_time_figure([]).axes[0].lines if len(line.get_xdata())]
