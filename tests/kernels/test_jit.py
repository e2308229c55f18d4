"""Compilation is reported once where it happens, and not at all where compiled code is found."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import sys
import numpy as np
from slth.kernels._jit import compilation_reported
from slth.kernels.sums import sort_subset_sums
with compilation_reported(lambda: print("compiling")):
    sort_subset_sums(np.array([1, 2], np.int64), np.int64(0), np.empty(4, np.int64))
"""


def test_reported_once_and_only_when_it_happens(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    heard = [
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout for run in heard] == ["compiling\n", ""]
