"""Standard output and error that are closed, full, or read by somebody who leaves: one line, a code, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def slth(*arguments, redirect="", **options):
    """Run in a shell, which can close a stream before the start."""
    command = f'exec "$0" -m slth "$@" {redirect}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments], capture_output=True, text=True, check=False, **options
    )


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [["env", "--json"], ["env"], ["data", "ls"], ["--help"], ["--version"]])
def test_output_that_cannot_be_written(arguments):
    ran = slth(*arguments, redirect=f"> {FULL}")
    assert ran.returncode == 1
    assert ran.stderr == "slth: standard output cannot be written (No space left on device)\n"


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_neither_the_failure_nor_its_json_can_be_written():
    ran = slth("solve", "--json", redirect=f"> {FULL}")
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert slth("solve", redirect=f"2> {FULL}").returncode == 2


@pytest.mark.parametrize("arguments", [["env", "--json"], ["env"], ["--help"], ["--version"]])
def test_closed_output_is_said_before_any_work(arguments):
    ran = slth(*arguments, redirect=">&-")
    assert ran.returncode == 1
    assert ran.stderr == "slth: standard output is closed: send it to a file, or nowhere\n"


def test_a_closed_standard_error_is_no_reason_to_fail():
    ran = slth("data", "ls", "--json", redirect="2>&-")
    assert ran.returncode == 0
    assert ran.stdout.startswith('{"verb": "data ls"')
    assert slth("solve", redirect="2>&-").returncode == 2
    assert slth("env", redirect=">&- 2>&-").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["solve", "--help"], 0), (["--version"], 0), (["data", "ls"], 1), (["data", "ls", "--json"], 1)],
)
def test_a_reader_that_leaves_is_not_an_error_message(arguments, code):
    """Help that nobody reads to its end has done its work; a result that did not arrive has not."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "slth", *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert ran.stderr == ""
    assert ran.returncode == code
