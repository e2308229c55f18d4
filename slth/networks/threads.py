"""How many threads torch should use: one where steps are small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL_STEP = 1 << 24
"""Products in a step below which one thread is fastest: on a busy machine, threads wait for one another far longer."""


@contextmanager
def threads_for(products: int) -> Iterator[None]:
    """Let torch use one thread inside where a step is small, and as many as before otherwise."""
    with torch_threads(1 if products < SMALL_STEP else torch.get_num_threads()):
        yield


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads inside, whatever the size of the steps."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
