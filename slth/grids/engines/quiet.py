"""What clusters would say and do behind the back of the run that uses them: logs, and signals of the terminal."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import resource_tracker
from types import FrameType

SILENT = logging.CRITICAL + 1
"""Above every level."""

LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")
"""Loggers with tracebacks of what the engines say themselves in a sentence."""


@contextmanager
def silent_loggers() -> Iterator[None]:
    """Keep Dask and its event loop from logging inside."""
    with suppress(ModuleNotFoundError):
        import_module("distributed")  # loading it sets levels of its own
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(SILENT)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def same_interrupts() -> Iterator[None]:
    """Keep what Ctrl-C means: dask-jobqueue, when it is imported, lets it exit with success."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Hold back signals until the end; threads and processes that are started inside never see a SIGINT.

    A terminal sends Ctrl-C to a whole group of processes. That of the driver is enough: it ends the others. Those that
    threads started inside will ever start inherit the mask.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    arrived: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        del frame
        arrived.append(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]
    handlers = {number: signal.signal(number, hold) for number in numbers}
    resource_tracker.ensure_running()  # whoever starts it lets go of the mask
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
        for number in arrived[:1]:
            signal.raise_signal(number)
