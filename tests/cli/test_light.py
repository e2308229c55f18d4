"""Verbs that need no torch never import it: a process for each group of them, its modules told after each verb."""

from __future__ import annotations

import subprocess
import sys

import pytest

GRID = """
name = "light"
task = "{task}"
seed = 1

[grid]
{grid}

[fixed]
{fixed}
"""

PROGRAM = """
import sys
from slth.cli import main
for line in sys.argv[1:]:
    code = main(line.split())
    assert code == 0, (line, code)
    assert "torch" not in sys.modules, line
"""

GROUPS = {
    "env": ["env --json", "data ls", "search --list", "run --tasks subset-sums"],
    "bounds": [
        "bound ls lueker",
        "bound show lueker1998.candidates",
        "bound eval lueker1998.candidates --eps 0.1,0.2 --delta 0.1 --constant 1",
        "bound cite lueker1998.candidates",
        "bound compare --network 784-500-10 --eps 0.01",
    ],
    "solve": [
        "solve --law uniform --n 16",
        "solve --law uniform --n 12 --d 2",
        "solve --law uniform --n 40 --tolerance 0.01",
    ],
    "subset-sums": [
        "run {spec} --dry-run",
        "run {spec} --engine serial --out {out}",
        "results show {out}",
        "results plot {out} --x n --y error_50",
        "results export {out} --to json",
    ],
    "widths": ["run {spec} --engine serial --out {out}"],
    "figure": ["figure widths --out {out}"],
}

SPECS = {
    "subset-sums": ('n = [8, 10]\nlaw = ["uniform"]', "tolerance = 0.0\ninstances = 2"),
    "widths": (
        'bound = ["pensia2020.width"]\neps = [0.1]',
        "width = 10\ndepth = 2\nkernel = 1\nchannels = 1\ndensity = 0.5\nperturbation = 0.0",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_verbs_without_torch_never_import_it(group, tmp_path):
    spec, out = tmp_path / "spec.toml", tmp_path / "out"
    if group in SPECS:
        grid, fixed = SPECS[group]
        spec.write_text(GRID.format(task=group, grid=grid, fixed=fixed))
    lines = [line.format(spec=spec, out=out) for line in GROUPS[group]]
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *lines], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
