"""Compilation is reported once where it happens, and not at all where compiled code is found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from slth.kernels._jit import compilation_reported
from slth.kernels.gaps import widest_gap
with compilation_reported(lambda: print("compiling")):
    widest_gap(np.array([1, 2], np.int64), 0, 1)
"""


def solved(tmp_path, *, program=PROGRAM, **environment):
    """Run in a process of its own, whose cache is in tmp_path."""
    given = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONWARNINGS": "default", **environment}
    return subprocess.run([sys.executable, "-c", program], env=given, capture_output=True, text=True, check=False)


def test_reported_once_and_only_when_it_happens(tmp_path):
    assert [solved(tmp_path).stdout for _ in range(2)] == ["compiling\n", ""]


@pytest.mark.slow
def test_a_damaged_cache_is_compiled_again_and_mended(tmp_path):
    solved(tmp_path)
    for index in tmp_path.rglob("*.nbi"):
        index.write_bytes(b"")
    first, second = solved(tmp_path), solved(tmp_path)
    assert first.returncode == 0
    assert "could not be read in" in first.stderr
    assert "NUMBA_CACHE_DIR" in first.stderr
    assert first.stdout == "compiling\n"
    assert (second.stdout, second.stderr) == ("", "")


FULL_DISK = """
import errno
from numba.core import caching
def full(*given):
    raise OSError(errno.ENOSPC, "No space left on device")
caching.IndexDataCacheFile.save = full
"""


@pytest.mark.parametrize(
    "before", [FULL_DISK, "from numba.core import caching; caching.CacheImpl._locator_classes = []"]
)
def test_what_cannot_be_kept_is_compiled_and_said_once(tmp_path, before):
    """A disk that is full, and an installation and a home that cannot be written."""
    done = solved(tmp_path, program=before + PROGRAM)
    assert (done.returncode, done.stdout) == (0, "compiling\n")
    assert done.stderr.count("RuntimeWarning") == 1
    assert "cannot be kept in /" in done.stderr
    assert "NUMBA_CACHE_DIR" in done.stderr


def test_no_thread_at_all_is_refused_by_its_name(tmp_path):
    done = solved(tmp_path, NUMBA_NUM_THREADS="0")
    assert "ArgumentError: NUMBA_NUM_THREADS='as it is set' is not accepted by numba" in done.stderr


def test_without_compilation_the_answer_is_the_same(tmp_path):
    program = "import slth; print(slth.solve([3.0, 5.0, 7.0], 9.0).error)"
    done = solved(tmp_path, program=program, NUMBA_DISABLE_JIT="1")
    assert (done.stdout, done.stderr) == ("1.0\n", "")
