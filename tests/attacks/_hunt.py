"""What attacks that draw cases share: one case after the other, each by the seed that shows it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from slth.errors import SlthError


def hunt(
    case_of: Callable[..., tuple[Any, ...]], faults_of: Callable[..., Iterable[str]], *, seconds: float, seed: int
) -> list[str]:
    """Draw cases for so many seconds and return their faults; what is refused once it is drawn is one."""
    begin, faults, trial = time.monotonic(), list[str](), 0
    while time.monotonic() - begin < seconds:
        rng, kind = np.random.default_rng([seed, trial]), None
        try:
            kind, *case = case_of(rng)
            faults += [f"[{seed}, {trial}] {kind}: {fault}" for fault in faults_of(rng, *case)]
        except SlthError as refused:
            if kind is not None:
                faults.append(f"[{seed}, {trial}] {kind}: {refused}")
        trial += 1
    return faults
