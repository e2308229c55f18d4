"""The one place where compilation options are written, with the reason for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
from numba.core import event

Function = Callable[..., Any]


def kernel(function: Function) -> Function:
    """Compile for the calling thread.

    * ``cache``: the machine code is kept on disk, so only the first process ever compiles.
    * ``nogil``: batches are shared between Python threads, each of which runs whole instances. Numba's own
      ``parallel=True`` is not used: its thread pool is global state, and its fall-back layer is not re-entrant.
    * ``fastmath`` stays off: a certificate must not depend on how a compiler re-associates a sum.
    * ``error_model="numpy"``: no Python exception can leave a kernel, hence no branch for one stands in a loop.
    """
    compiled: Function = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function)
    return compiled


def inline_kernel(function: Function) -> Function:
    """Compile as :func:`kernel`, and copy the body into each caller: for steps of a few instructions in hot loops."""
    compiled: Function = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy", inline="always")(
        function
    )
    return compiled


@contextmanager
def compilation_reported(report: Callable[[], None]) -> Iterator[None]:
    """Call report() once, before the first kernel that is not found compiled on disk; silent where all are."""
    with event.install_listener("numba:compile", _FirstStart(report)):
        yield


class _FirstStart(event.Listener):
    """Hears of compilations, and passes on the first."""

    def __init__(self, report: Callable[[], None]) -> None:
        self._report: Callable[[], None] | None = report

    def on_start(self, event: Any) -> None:
        """Report, once."""
        del event
        if self._report is not None:
            report, self._report = self._report, None
            report()

    def on_end(self, event: Any) -> None:
        """Nothing is said at the end."""
        del event
