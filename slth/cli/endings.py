"""How a command may end, other than well; above all by signals: the first at a safe place, a second at once."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from slth.errors import SlthError

INTERRUPTED, TERMINATED = 130, 143

PATIENCE, AGAIN = 0.5, 0.05
"""Seconds for which a signal waits for a safe place before it ends the work where it is, and between attempts."""

ONE = 0.2
"""Seconds within which signals count as one: shells and ``timeout`` send some twice."""


class Terminated(BaseException):
    """SIGTERM arrived: unwinds like a keyboard interrupt, so that temporary files are removed."""


class UsageError(SlthError):
    """The command line itself is wrong: an unknown option, a missing argument, a value of another type."""

    exit_code = 2


ENDS: dict[int, tuple[type[BaseException], int]] = {
    signal.SIGINT: (KeyboardInterrupt, INTERRUPTED),
    signal.SIGTERM: (Terminated, TERMINATED),
}
"""Signal to what it raises and the exit code."""


class _Ending:
    """What a signal asks for. Its handler raises nothing: that would be lost in a ``__del__`` or in a callback."""

    def __init__(self) -> None:
        self.number, self.since = 0, 0.0
        self._raised: BaseException | None = None
        self._unraisable = sys.unraisablehook

    def arrive(self, number: int, frame: FrameType | None) -> None:
        """Take note of a signal; one that comes after another ends the process as it is."""
        if not self.number:
            self.number, self.since = number, time.monotonic()
            self._insist_in(PATIENCE, frame)
        elif time.monotonic() - self.since > ONE:
            os._exit(ENDS[number][1])

    def insist(self, number: int, frame: FrameType | None) -> None:
        """No safe place was reached in time: end where it is, unless that is code whose exceptions are lost."""
        del number
        while frame is not None:
            if frame.f_code.co_name == "__del__" or "llvmlite" in frame.f_code.co_filename:
                return
            if frame.f_code is _Ending.swallowed.__code__:  # a slow machine: what a hook raises is lost for good
                return
            frame = frame.f_back
        self.look()

    def look(self) -> None:
        """Raise what a signal has asked for, once."""
        if self.number and self._raised is None:
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            self._raised = ENDS[self.number][0]()
            raise self._raised

    def swallowed(self, lost: Any) -> None:
        """Try again where what was raised has been lost."""
        if lost.exc_value is None or lost.exc_value is not self._raised:
            self._unraisable(lost)
        else:
            self._raised = None
            self._insist_in(AGAIN, None)

    def _insist_in(self, seconds: float, frame: FrameType | None) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        else:
            self.insist(0, frame)


def look() -> None:
    """End here, which is a safe place, if a signal has asked for it."""
    ending = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(ending, _Ending) and threading.current_thread() is threading.main_thread():
        ending.look()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGINT, where it is not ignored, and SIGTERM end what is done inside, where this thread may do so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = _Ending()
    handlers = {int(signal.SIGTERM): ending.arrive}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = ending.arrive
    if hasattr(signal, "SIGALRM"):
        handlers[signal.SIGALRM] = ending.insist
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    sys.unraisablehook = ending.swallowed
    try:
        yield
        ending.look()
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        sys.unraisablehook = ending._unraisable
        for number, handler in before.items():
            signal.signal(number, handler)


_codes: list[int] = []
"""With what the process is leaving, if this command was all of it."""


def leaving(code: int) -> int:
    """Let a signal that comes from here on, while Python ends, hasten that and change nothing of the exit code."""
    if not _codes and threading.current_thread() is threading.main_thread():
        atexit.register(_answer, lambda *_: os._exit(_codes[0]))  # before what has been registered so far
    _codes[:] = [code]
    return code


def _answer(handler: Any) -> None:
    """Answer signals so; those that are ignored stay so."""
    for number in ENDS if _codes else ():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


# After what is registered later, as by torch: Python takes its handlers away before the last libraries are closed; a
# signal would then end the process with a status of its own, behind a result that is whole.
atexit.register(_answer, signal.SIG_IGN)
