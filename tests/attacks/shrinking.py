"""Shrinking: whatever weights of a random network are 0, the smaller one gives the same, and cannot be shrunk again."""

from __future__ import annotations

import time

import numpy as np

from slth.errors import SlthError
from slth.graphs import shrink
from slth.verifier.random_graphs import attention, chain, images
from tests.graph_samples import with_zeros

_ROUNDING = 1e-10  # of the largest output, or of 1


def run(*, seconds: float, seed: int) -> list[str]:
    """Shrink random networks until the time is over; return what went wrong."""
    faults, end, number = [], time.monotonic() + seconds, 0
    while time.monotonic() < end:
        fault = _fault([seed, number])
        if fault:
            faults.append(f"seed {[seed, number]}: {fault}")
        number += 1
    return faults


def _fault(seed: list[int]) -> str:
    rng = np.random.default_rng(seed)
    kind = rng.integers(3)
    if kind == 0:
        made = images(rng, channels=int(rng.integers(1, 5)), layers=int(rng.integers(1, 9)))
    elif kind == 1:
        made = attention(rng, tokens=int(rng.integers(1, 6)), width=int(rng.integers(1, 6)), layers=2)
    else:
        made = chain(rng, rng.integers(1, 9, int(rng.integers(2, 7))).tolist())
    graph = with_zeros(made, rng)
    x = rng.normal(size=(3, *graph.input_shape)) * 10.0 ** rng.integers(-3, 4)
    try:
        small = shrink(graph)
        again, found = shrink(small), small.forward(x)
    except (SlthError, ValueError, IndexError) as problem:
        return f"shrink raises {type(problem).__name__}: {problem}"
    wanted = graph.forward(x)
    if np.abs(found - wanted).max() > _ROUNDING * max(1.0, float(np.abs(wanted).max())):
        return f"outputs differ by {np.abs(found - wanted).max():.3g} of {np.abs(wanted).max():.3g}"
    return "" if again is small and small.parameters <= graph.parameters else "it is not as small as it can be made"
