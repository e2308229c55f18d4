"""Memory and threads, asked for before they are taken; how work reports, and how it ends early."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Protocol, TypeAlias

from slth.errors import ArgumentError, ResourceError

SHARE = 0.8
"""Of the memory that is free: the rest stays with the system."""

UNKNOWN_MEMORY = 2**62
"""The answer where nothing says how much memory there is."""

_OFTEN, _SELDOM = 0.1, 10.0  # seconds between two reports, on a terminal and elsewhere
ALWAYS_GRANTED = 2**26  # 64 MiB: below it the question is not worth an answer
_MEMORY_INFORMATION = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


class Progress(Protocol):
    """Whoever is told how far work is: called as progress(label, done, total)."""

    def __call__(self, label: str, done: int, total: int, /) -> None:
        """Take a report."""


Shown: TypeAlias = Progress | bool | None
"""Whom a caller wants told."""


def reporter(progress: Shown) -> Progress | None:
    """Return whom to tell: nobody for None and False, for True a line on stderr, and who was passed as he is.

    Examples
    --------
    >>> reporter(None) is None, reporter(print) is print
    (True, True)
    """
    if isinstance(progress, bool):
        return _Line() if progress else None
    if progress is not None and not callable(progress):
        raise ArgumentError("progress", progress, "cannot be called", "pass a function of label, done and total")
    return progress


class _Line:
    """One line that is written over on a terminal, and elsewhere a line now and then."""

    def __init__(self) -> None:
        self.label, self.began, self.told = "", 0.0, 0.0

    def __call__(self, label: str, done: int, total: int, /) -> None:
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if label != self.label:
            self.label, self.began, self.told = label, now, -math.inf if terminal else now
        if done < total and now - self.told < (_OFTEN if terminal else _SELDOM):
            return
        self.told, seconds = now, now - self.began
        left = f", about {seconds * (total - done) / done:.0f} s left" if 0 < done < total else ""
        line = f"{label}: {done}/{total} in {seconds:.1f} s{left}"
        ending = "\n" if done >= total or not terminal else ""
        sys.stderr.write(f"\r\033[K{line}{ending}" if terminal else f"{line}\n")
        sys.stderr.flush()


class Interrupted(KeyboardInterrupt):
    """Work was ended early by the user, and its part that is done would look like all of it.

    Examples
    --------
    >>> issubclass(slth.Interrupted, KeyboardInterrupt)
    True
    """


def available_memory() -> int:
    """Bytes that can be taken now by the system's and the control group's account; UNKNOWN_MEMORY if neither says."""
    accounts = [account for account in (_free_of_system(), _free_of_control_group()) if account is not None]
    return max(0, min(accounts, default=UNKNOWN_MEMORY))


def _free_of_control_group() -> int | None:
    """What the limit leaves; pages of files that are merely cached are given back when they are asked for."""
    try:
        limit = int((_CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CONTROL_GROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no control group, or the limit "max", which is none
        return None
    return limit - max(0, used - _cached_by_control_group())


def _cached_by_control_group() -> int:
    try:
        for line in (_CONTROL_GROUP / "memory.stat").read_text(encoding="ascii").splitlines():
            if line.startswith("inactive_file "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def _free_of_system() -> int | None:
    try:
        for line in _MEMORY_INFORMATION.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def granted(needed: int) -> bool:
    """Whether so many bytes may be taken; how many are free is asked only of those who want much."""
    return needed <= ALWAYS_GRANTED or needed <= SHARE * available_memory()


def require_memory(needed: int, what: str, remedy: str, *, value: object = None) -> None:
    """Refuse what would not fit, before any of it is taken."""
    if needed <= ALWAYS_GRANTED:
        return
    free = int(SHARE * available_memory())
    if needed <= free:
        return
    asked, given = f"{needed / 2**30:.2f} GiB", f"{free / 2**30:.2f} GiB"
    if value is None:
        raise ResourceError(what, asked, f"is more than the {given} of memory that may be taken", remedy)
    raise ResourceError(what, value, f"needs {asked} and {given} may be taken", remedy)


def thread_count(threads: int | None) -> int:
    """Return the number of worker threads: as given, or one for each core that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    from slth.arrays import whole  # not at the top: numpy is slow to load, and help texts need Progress alone

    return whole(threads, "threads", remedy="leave it out for one per core")


@contextmanager
def worker_pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Worker threads whose waiting tasks are dropped when the caller is interrupted."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_slices(
    work: Callable[[int, int], None],
    bounds: Sequence[int],
    *,
    threads: int,
    progress: Progress | None = None,
    label: str = "",
) -> None:
    """Call work(bounds[i], bounds[i + 1]) for every i on the worker threads; the kernels inside release the lock."""
    total = bounds[-1]
    slices = list(pairwise(bounds))
    if threads == 1 or len(slices) == 1:
        for start, stop in slices:
            work(start, stop)
            if progress:
                progress(label, stop, total)
        return
    done = 0
    with worker_pool(threads) as pool:
        pending: dict[Future[None], int] = {pool.submit(work, a, b): b - a for a, b in slices}
        while pending:
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done += pending.pop(future)
            if progress:
                progress(label, done, total)
