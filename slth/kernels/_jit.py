"""The one place where compilation options are written, with the reason for each.

Where numba is not installed, as on a bare machine that has an accelerator, or does not compile (NUMBA_DISABLE_JIT), the
kernels are the plain Python that they are written in: the same bits, some hundred times slower.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from slth.errors import ArgumentError

numba: Any = None
event: Any = None
try:
    numba, event = import_module("numba"), import_module("numba.core.event")
    import_module("numba.np.ufunc.parallel").get_thread_count()  # what numba asks itself before it compiles
except ModuleNotFoundError:
    numba = None
except ValueError as problem:
    rule, remedy = f"is not accepted by numba ({problem})", "unset it, or set it to the number of cores"
    raise ArgumentError("NUMBA_NUM_THREADS", "as it is set", rule, remedy) from None

Function = Callable[..., Any]

COMPILED = numba is not None and not numba.config.DISABLE_JIT


def kernel(function: Function, **options: Any) -> Function:
    """Compile for the calling thread.

    * ``cache``: the machine code is kept on disk, so only the first process ever compiles.
    * ``nogil``: batches are shared between Python threads, each of which runs whole instances. Numba's own
      ``parallel=True`` is not used: its thread pool is global state, and its fall-back layer is not re-entrant.
    * ``fastmath`` stays off: a certificate must not depend on how a compiler re-associates a sum.
    * ``error_model="numpy"``: no Python exception can leave a kernel, hence no branch for one stands in a loop.
    """
    if not COMPILED:
        return _interpreted(function)
    compiled: Function = numba.njit(nogil=True, fastmath=False, error_model="numpy", **options)(function)
    try:
        compiled.enable_caching()  # type: ignore[attr-defined]
    except RuntimeError:  # neither beside the module nor in the user's cache folder may anything be written
        _say_uncached(Path(__file__).parent, "no folder for it can be written")
    else:
        compiled._cache = _Cache(compiled._cache)  # type: ignore[attr-defined]
    return compiled


def inline_kernel(function: Function) -> Function:
    """Compile as :func:`kernel`, and copy the body into each caller: for steps of a few instructions in hot loops."""
    return kernel(function, inline="always") if COMPILED else function  # its caller has silenced what overflows


class _Cache:
    """Numba's cache of one kernel; what cannot be read is compiled again, what cannot be written is not kept."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return self._cache.load_overload(signature, target)
        except Exception as problem:  # an emptied or damaged file raises whatever its bytes mean to pickle
            with suppress(OSError):
                self._cache.flush()
            _say_uncached(self._cache.cache_path, f"{type(problem).__name__}: {problem}", "could not be read")
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        try:
            self._cache.save_overload(signature, compiled)
        except (OSError, EOFError) as problem:
            _say_uncached(self._cache.cache_path, str(problem))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)


@cache
def _say_once(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _say_uncached(path: Path | str, reason: str, what: str = "cannot be kept") -> None:
    """Once for each folder and reason, whatever the number of kernels."""
    rest = "kernels are compiled again; NUMBA_CACHE_DIR names another folder"
    _say_once(f"compiled kernels {what} in {path} ({reason}): {rest}")


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
