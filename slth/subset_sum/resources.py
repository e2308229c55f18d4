"""Memory and threads, asked for before they are taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from slth.errors import ArgumentError, ResourceError

Progress = Callable[[str, int, int], None]
SHARE = 0.8  # of what is free: the rest stays with the system


def available_memory() -> int:
    """Bytes that can be taken now, by the system's and the control group's account; a large number if unknown."""
    free = 1 << 62
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    except OSError:
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        if limit != "max":
            free = min(free, int(limit) - used)
    except (OSError, ValueError):
        pass
    return max(free, 0)


def require_memory(needed: int, *, argument: str, value: object, remedy: str) -> None:
    """Raise ResourceError if `needed` bytes exceed the share of what is available."""
    free = int(SHARE * available_memory())
    if needed > free:
        raise ResourceError(
            argument, value, f"needs {needed / 2**30:.2f} GiB and {free / 2**30:.2f} GiB may be taken", remedy
        )


def thread_count(threads: int | None) -> int:
    """The number of worker threads: as given, or one for each core that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise ArgumentError("threads", threads, "must be a positive integer", "pass None for one per core")
    return int(threads)


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
