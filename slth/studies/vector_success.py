"""How often some subset of random vectors sums to a target, between what first moments forbid and second guarantee."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum import solve
from slth.subset_sum.status import Status
from slth.subset_sum.vector import VectorTwoList
from slth.theory import bounds, second_moment_guarantee

LAWS = ("gaussian", "product")
SUBSETS = ("all", "fixed")
EXPECTED = {
    "gaussian": "derived.first_moment.fixed_size.subsets",
    "product": "derived.first_moment.scaled.target_subsets",
}
"""Bounds that have log2 of the exact expected number of subsets of one size."""
TARGET = 1.0
"""Every entry of the target: of all targets in [-1, 1]^d the one that the guarantee is weakest for."""


def vector_success(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Draw instances and decide each exactly: does a subset have :math:`\|\sum_S X_i - (1..1)\|_\infty \le \epsilon`?

    Beside the count stand the exact expected number of such subsets, which bounds the probability from above (Markov),
    and, for Gaussian vectors, the second-moment guarantee, which bounds it from below.
    """
    law, dimension, n, eps = (cell[name] for name in ("law", "dimension", "n", "eps"))
    size = subset_size(cell)
    start = time.perf_counter()
    found = [
        _decide(_vectors(law, n, dimension, seed, k), eps, size, context.threads) for k in range(cell["instances"])
    ]
    return [
        {
            "size": size,
            "successes": found.count(True),
            "trials": len(found) - found.count(None),
            "undecided": found.count(None),
            "expected_subsets": expected_subsets(law, n, dimension, eps, size=size),
            "guarantee": guarantee(n, dimension, eps, size=size) if law == "gaussian" else None,
            "seconds": time.perf_counter() - start,
        }
    ]


def subset_size(cell: Mapping[str, Any], *, laws: Iterable[str] = LAWS) -> int | None:
    """Return the size of the subsets of a cell, None for all sizes."""
    for name, known in (("law", laws), ("subsets", SUBSETS)):
        if cell[name] not in known:
            raise ArgumentError(name, cell[name], "is unknown", f"use one of {', '.join(known)}")
    if cell["subsets"] == "all":
        return None
    density, n = float(cell["density"]), int(cell["n"])
    if not 0.0 < density <= 1.0:
        raise ArgumentError("density", density, "must lie between 0 and 1", "0.4 is good for the guarantee")
    return max(1, round(density * n))


def expected_subsets(law: str, n: int, dimension: int, eps: float, *, size: int | None = None) -> float:
    """Return the expected number of subsets, of one size or of any but none, that are within eps of (1, ..., 1).

    The probability of success is at most this number (Markov's inequality).
    """
    if not 0.0 < eps < TARGET:
        raise ArgumentError("eps", eps, f"must lie between 0 and {TARGET:g}", "the empty subset is as near as 1")
    sizes = range(1, n + 1) if size is None else (size,)
    bits = bounds[EXPECTED[law]]
    return math.fsum(2.0 ** bits(n=n, size=k, dimension=dimension, eps=eps, largest=TARGET) for k in sizes)


def guarantee(n: int, dimension: int, eps: float, *, size: int | None = None) -> float:
    """Return the second-moment guarantee of n Gaussian vectors, of one size or of the size that it is best for."""
    sizes = range(1, n + 1) if size is None else (size,)
    return max(second_moment_guarantee(n, k, dimension, eps, largest=TARGET) for k in sizes)


def _vectors(law: str, n: int, dimension: int, seed: int, trial: int) -> np.ndarray:
    drawn = Stream(seed, f"vector-success.vectors.{trial}").normal(0, n * dimension).reshape(n, dimension)
    return drawn if law == "gaussian" else drawn * Stream(seed, f"vector-success.scales.{trial}").normal(0, n)[:, None]


def _decide(vectors: np.ndarray, eps: float, size: int | None, threads: int) -> bool | None:
    """Whether a subset comes within eps; None where rounding leaves it open."""
    target = np.full(vectors.shape[1], TARGET)
    options = {"tolerance": eps, "size": size, "norm": "max", "solver": VectorTwoList(), "threads": threads}
    answer = solve(vectors, target, **options)  # type: ignore[arg-type]
    if answer.status == Status.INTERRUPTED:
        raise KeyboardInterrupt  # the solver took it to hand over its best so far
    if answer.error <= eps:
        return True
    return False if answer.lower_bound > eps else None
