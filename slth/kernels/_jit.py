"""The one place where compilation options are written, with the reason for each.

Where numba is not installed, as on a bare machine that has an accelerator, or does not compile (NUMBA_DISABLE_JIT), the
kernels are the plain Python that they are written in: the same bits, some hundred times slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import import_module
from typing import Any

import numpy as np

numba: Any = None
event: Any = None
with suppress(ModuleNotFoundError):
    numba, event = import_module("numba"), import_module("numba.core.event")

Function = Callable[..., Any]

COMPILED = numba is not None and not numba.config.DISABLE_JIT


def kernel(function: Function) -> Function:
    """Compile for the calling thread.

    * ``cache``: the machine code is kept on disk, so only the first process ever compiles.
    * ``nogil``: batches are shared between Python threads, each of which runs whole instances. Numba's own
      ``parallel=True`` is not used: its thread pool is global state, and its fall-back layer is not re-entrant.
    * ``fastmath`` stays off: a certificate must not depend on how a compiler re-associates a sum.
    * ``error_model="numpy"``: no Python exception can leave a kernel, hence no branch for one stands in a loop.
    """
    if not COMPILED:
        return _interpreted(function)
    compiled: Function = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function)
    return compiled


def inline_kernel(function: Function) -> Function:
    """Compile as :func:`kernel`, and copy the body into each caller: for steps of a few instructions in hot loops."""
    if not COMPILED:
        return function  # its caller has silenced what overflows
    compiled: Function = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy", inline="always")(
        function
    )
    return compiled


def _interpreted(function: Function) -> Function:
    """The function itself, in which numbers overflow and divide by zero without a word, as compiled ones do."""

    @wraps(function)
    def run(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return run


@contextmanager
def compilation_reported(report: Callable[[], None]) -> Iterator[None]:
    """Call report() once, before the first kernel that is not found compiled on disk; silent where all are."""
    if not COMPILED:
        yield
        return
    with event.install_listener("numba:compile", _listener(report)):
        yield


def _listener(report: Callable[[], None]) -> Any:
    """Who hears of compilations, and passes on the first."""

    class FirstStart(event.Listener):  # type: ignore[misc]
        heard = False

        def on_start(self, event: Any) -> None:
            del event
            if not self.heard:
                self.heard = True
                report()

        def on_end(self, event: Any) -> None:
            """Nothing is said at the end."""

    return FirstStart()
