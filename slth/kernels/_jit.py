"""The one place where compilation options are written, with the reason for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

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
    options = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy", "inline": "always"}
    compiled: Function = numba.njit(**options)(function)
    return compiled
