"""The tours: script and notebook say the same, neither defines anything, and each script runs without a warning."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# Runs a script and draws what it has drawn: a picture that is never rendered may hide an error.
RUN = """
import runpy, sys
from matplotlib.figure import Figure
drawings = [value for value in runpy.run_path(sys.argv[1]).values() if isinstance(value, Figure)]
for drawing in drawings:
    drawing.canvas.draw()
print("drawings:", len(drawings))
"""

every_script = pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])


def cells_of_script(text: str) -> list[tuple[str, str]]:
    """Kind and source of each cell of a script in jupytext's percent format, as a notebook holds them."""
    start, head, body = text.split("# ---\n", maxsplit=2)
    assert not start
    assert "formats: ipynb,py:percent" in head, "the script says that it is paired"
    before, *parts = re.split(r"^# %%(.*)\n", body, flags=re.MULTILINE)
    assert not before.strip(), "nothing stands before the first cell"
    cells = []
    for mark, source in zip(parts[::2], parts[1::2], strict=True):
        lines = source.strip("\n").split("\n")
        if mark == " [markdown]":
            cells.append(("markdown", "\n".join(re.sub(r"^# ?", "", line) for line in lines)))
        else:
            assert not mark, f"cells are code or [markdown], not{mark}"
            cells.append(("code", "\n".join(re.sub(r"^# (?=%[a-z])", "", line) for line in lines)))
    return cells


def notebook_of(script: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))
    return document


def test_there_are_seven_tours_and_each_is_a_pair():
    assert len(SCRIPTS) == 7
    assert sorted(FOLDER.glob("*.ipynb")) == [script.with_suffix(".ipynb") for script in SCRIPTS]
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"({script.with_suffix('.ipynb').name})" in listed for script in SCRIPTS)


def test_cells_of_a_script():
    """By hand, so that the reader below is not taken at its word."""
    head = "# ---\n# jupyter:\n#   jupytext:\n#     formats: ipynb,py:percent\n# ---\n"
    text = f"{head}\n# %% [markdown]\n# # One\n#\n# two\n\n# %%\n# %matplotlib inline\n# why\na = 5 % 3\n\na\n"
    assert cells_of_script(text) == [
        ("markdown", "# One\n\ntwo"),
        ("code", "%matplotlib inline\n# why\na = 5 % 3\n\na"),
    ]


@every_script
def test_script_and_notebook_say_the_same(script: Path):
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook_of(script)["cells"]]
    assert found == cells_of_script(script.read_text(encoding="utf-8")), "`make notebooks` writes the notebooks anew"


@every_script
def test_notebook_is_stored_as_it_ran(script: Path):
    """From the first cell to the last in one go, without an error or a word on stderr, with a picture, and not huge."""
    cells = [cell for cell in notebook_of(script)["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "`make notebooks` runs them"
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert script.with_suffix(".ipynb").stat().st_size < 400_000


@every_script
def test_tour_defines_nothing(script: Path):
    """A tour shows what the package offers; lambdas as arguments are all that it may add."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        assert not isinstance(node, DEFINITIONS)
        assert not (isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Lambda))


@every_script
def test_tour_begins_with_a_title_and_draws_inline(script: Path):
    cells = cells_of_script(script.read_text(encoding="utf-8"))
    assert cells[0][0] == "markdown"
    assert cells[0][1].startswith("# ")
    assert next(source for kind, source in cells if kind == "code").startswith("%matplotlib inline\n")


@pytest.mark.slow
@every_script
def test_tour_runs_without_a_warning(script: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.rpartition("drawings:")[2]) >= 1
    assert list(tmp_path.iterdir()) == [], "a tour leaves nothing behind"
