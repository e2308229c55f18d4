"""Standard output and standard error, which may be closed, full, or read by somebody who leaves."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from slth.errors import SlthError, printable

LONGEST = 4000
"""Characters of a line on standard error."""

NARROWEST = 20
"""Columns of a terminal; fewer are not believed."""


class OutputError(SlthError):
    """What was computed cannot be printed."""


def provide_streams() -> bool:
    """Put a stand-in where a stream was closed before the start, and say whether standard output was open.

    Notes
    -----
    What the terminal's encoding lacks is written as an escape, and not a reason to lose the result.
    """
    if not os.environ.get("COLUMNS", "80").isdecimal() or int(os.environ.get("COLUMNS", "80")) < NARROWEST:
        del os.environ["COLUMNS"]  # nothing could be laid out
    os.environ.pop("MPLBACKEND", None)  # no window is opened, and a name that is none keeps matplotlib from loading
    was_open = getattr(sys, "stdout", None) is not None
    for name in ("stdout", "stderr"):
        if getattr(sys, name, None) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as we run
        stream = getattr(sys, name)
        if getattr(stream, "errors", None) in {"strict", "surrogateescape"} and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return was_open


@contextmanager
def printing() -> Iterator[None]:
    """Print on standard output and be sure that it has arrived."""
    try:
        yield
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # rich makes of a broken pipe an exit
        _abandon(sys.stdout)
        raise BrokenPipeError from None
    except OSError as problem:
        _abandon(sys.stdout)
        raise OutputError(f"standard output cannot be written ({problem.strerror or problem})") from problem


def say(line: str) -> None:
    """Write one line to standard error; where nobody can read it, that is no reason to fail."""
    try:
        sys.stderr.write(f"slth: {printable(line, most=LONGEST)}\n")
        sys.stderr.flush()
    except OSError:
        _abandon(sys.stderr)


def _abandon(stream: TextIO) -> None:
    """Send what is left in a stream's buffer nowhere, so that closing it at the end cannot complain."""
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)
