"""Engines on this machine without a cluster: in this process, or in others of joblib's loky."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any

from slth.errors import EngineError
from slth.grids.engines.base import PINNED, check_jobs
from slth.grids.engines.quiet import interrupts_later
from slth.grids.work import Finished, Item, failure, work, work_pinned
from slth.resources import thread_count

AHEAD = 2
"""Items handed out beforehand for each process."""

IDLE = 20.0
"""Seconds after which a process without work ends."""

WATCH = 0.5
"""Seconds between a process's looks at whether its driver still lives."""


@dataclass(frozen=True)
class Serial:
    """One item after the other in this process."""

    name = "serial"

    def compute(self, items: Iterable[Item]) -> Generator[Finished, None, None]:
        """Yield the items in order."""
        for item in items:
            yield work_pinned(item)


@dataclass(frozen=True, kw_only=True)
class Loky:
    """Processes on this machine."""

    jobs: int | None = None
    name = "loky"

    def __post_init__(self) -> None:
        """Check the number of processes."""
        check_jobs(self.jobs)

    def compute(self, items: Iterable[Item]) -> Generator[Finished, None, None]:
        """Yield the items as they are finished.

        Where a process dies, the items that were in hand are computed again, one at a time: one whose process dies
        once more has failed.
        """
        source, ahead, in_hand = iter(items), deque[Item](), dict[Any, Item]()
        jobs = self.jobs or thread_count(None)
        while True:
            ahead.extend(islice(source, max(0, jobs - len(ahead))))
            if not ahead:
                return
            yield from _until_one_dies(source, ahead, in_hand, min(jobs, len(ahead)))
            for item in in_hand.values():
                alone: dict[Any, Item] = {}
                yield from _until_one_dies(iter(()), deque([item]), alone, 1)
                if alone:
                    yield failure(item, EngineError("its process died, perhaps for want of memory"))
            in_hand.clear()


def _until_one_dies(
    source: Iterator[Item], ahead: deque[Item], in_hand: dict[Any, Item], jobs: int
) -> Generator[Finished, None, None]:
    """Compute what is ahead and what comes from the source; end with items left in hand if a process dies."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    with _pool(jobs) as pool:
        try:
            while True:
                ahead.extend(islice(source, max(0, AHEAD * jobs - len(in_hand) - len(ahead))))
                _hand_out(pool, ahead, in_hand)
                if not in_hand:
                    return
                for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
                    finished = future.result()
                    del in_hand[future]
                    yield finished
        except BrokenProcessPool:
            return


def _hand_out(pool: Any, ahead: deque[Item], in_hand: dict[Any, Item]) -> None:
    """Submit what is ahead; processes that this starts never see Ctrl-C, not even while they import."""
    with interrupts_later() if ahead else nullcontext():
        while ahead:
            in_hand[pool.submit(work, ahead[0])] = ahead[0]
            ahead.popleft()


@contextmanager
def _pool(processes: int) -> Iterator[Any]:
    """Processes that end with this block, however it ends."""
    from joblib.externals.loky import ProcessPoolExecutor

    pinned = dict.fromkeys(PINNED, "1")
    try:
        pool = ProcessPoolExecutor(processes, timeout=IDLE, initializer=_serve, initargs=(os.getpid(),), env=pinned)
    except OSError as problem:
        where = problem.filename or "shared memory (/dev/shm)"
        message = f"processes need locks in {where}, which failed ({problem.strerror or problem})"
        raise EngineError(f"{message}: make it writable, or use --engine serial") from problem
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _serve(driver: int) -> None:
    """Leave Ctrl-C, which a terminal sends to all, to the driver, which ends this process; end when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()


def _end_with(driver: int) -> None:
    """End this process when the driver is gone; kernels let go of the interpreter, so that this thread comes to it."""
    while os.getppid() == driver:
        time.sleep(WATCH)
    os._exit(1)
