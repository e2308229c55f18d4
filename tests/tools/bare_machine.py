"""A machine that has torch, numpy, scipy and safetensors alone, played in a child process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ABSENT = (
    *("numba", "llvmlite", "joblib", "threadpoolctl", "sklearn", "cyclopts", "rich", "matplotlib", "jinja2"),
    *("hypothesis", "pytest"),
)

ROOT = Path(__file__).parents[2]

_HIDE = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def on_a_bare_machine(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that does not find the other packages; warnings are errors there too."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", _HIDE + code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
