"""Progress on stderr: bars on a terminal, plain lines when asked for, and a line now and then otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slth.cli.endings import look
from slth.cli.options import Common
from slth.cli.streams import say
from slth.errors import printable

Progress = Callable[[str, int, int], None]

_NOW_AND_THEN = 30.0
"""Seconds between two lines that nobody asked for."""


@contextmanager
def progress(common: Common, *, first: bool = True) -> Iterator[Progress]:
    """Give the callable ``(label, done, total)`` through which the library reports; the first of several processes."""
    from slth.kernels._jit import compilation_reported  # numba is loaded by verbs that compute, not by --help

    with compilation_reported(lambda: note(common, "compiling kernels, once on this machine: up to half a minute")):
        if first and not common.quiet and sys.stderr.isatty():
            with _bars() as report:
                yield _safe(report)
        else:
            yield _safe(_lines(0.0 if common.verbose else _NOW_AND_THEN) if first and not common.quiet else None)


def note(common: Common, message: str) -> None:
    """Say one thing on stderr, unless told to be quiet."""
    if not common.quiet:
        say(message)


def _safe(report: Progress | None) -> Progress:
    """Where work reports it may also end."""

    def reported(label: str, done: int, total: int) -> None:
        if report is not None:
            report(printable(label), done, total)
        look()

    return reported


def _lines(apart: float) -> Progress:
    """A line each so many seconds, or for each label and each further tenth, with an estimate of what remains."""
    reached: dict[str, int] = {}
    began: dict[str, tuple[float, int]] = {}
    told = time.monotonic()

    def report(label: str, done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        started, before = began.setdefault(label, (now, done))
        tenth = 10 * done // total if total > 0 else 10
        if now - told >= apart and (apart or reached.get(label) != tenth):
            reached[label], told = tenth, now
            say(f"{label} {done}/{total}{remaining(now - started, done - before, total - done)}")

    return report


def remaining(seconds: float, done: int, left: int) -> str:
    """Say how long what is left will take if it goes on as it went; nothing where that is not known or short."""
    if done < 1 or left < 1:
        return ""
    wanted = seconds * left / done
    if wanted < 1.0:
        return ""
    unit, size = next(
        ((unit, size) for unit, size in (("h", 3600.0), ("min", 60.0)) if wanted >= 2.0 * size), ("s", 1.0)
    )
    return f", about {wanted / size:.0f} {unit} left"


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in tasks:
                for one in bars.tasks:  # what is done makes room: some work has more parts than a terminal has lines
                    bars.update(one.id, visible=not one.finished)
                tasks[label] = bars.add_task(label, total=max(total, 1))
            bars.update(tasks[label], completed=done, total=max(total, 1))  # type: ignore[arg-type]

        yield report
