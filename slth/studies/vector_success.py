"""How often some subset of random vectors sums to a target, between what first moments forbid and second guarantee."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum import solve
from slth.subset_sum.status import Status
from slth.subset_sum.vector import VectorTwoList
from slth.theory import second_moment_guarantee

LAWS = ("gaussian", "product")
SUBSETS = ("all", "fixed")
TARGET = 1.0
"""Every entry of the target: of all targets in [-1, 1]^d the one that the guarantee is weakest for."""


def vector_success(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Draw instances and decide each exactly: does a subset have :math:`\|\sum_S X_i - (1..1)\|_\infty \le \epsilon`?

    Beside the count stand the exact expected number of such subsets, which bounds the probability from above (Markov),
    and, for Gaussian vectors, the second-moment guarantee, which bounds it from below.

    Notes
    -----
    Sources: the guarantee and the first moments are derived in this project, not from a paper; the law u v is that of
    da Cunha, d'Amore and Natale 2023 (arXiv 2311.09858), recalled, unverified.
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


def subset_size(cell: Mapping[str, Any]) -> int | None:
    """Return the size of the subsets of a cell, None for all sizes."""
    for name, known in (("law", LAWS), ("subsets", SUBSETS)):
        if cell[name] not in known:
            raise ArgumentError(name, cell[name], "is unknown", f"use one of {', '.join(known)}")
    if cell["subsets"] == "all":
        return None
    density, n = float(cell["density"]), int(cell["n"])
    if not 0.0 < density <= 1.0:
        raise ArgumentError("density", density, "must lie between 0 and 1", "0.4 is good for the guarantee")
    return max(1, round(density * n))


def expected_subsets(law: str, n: int, dimension: int, eps: float, *, size: int | None = None) -> float:
    r"""Return the exact expected number of subsets whose sum is within eps of (1, ..., 1) in the maximum norm.

    .. math:: E\# = \sum_k \binom{n}{k}\, E_s\big[ P(|\sqrt{s}\, g - 1| \le \epsilon)^D \big],

    g standard normal and s = k for Gaussian vectors, :math:`s \sim \chi^2_k` for products u v; the sum is over all
    sizes k >= 1, or over one. The probability of success is at most this number (Markov's inequality).

    Notes
    -----
    Source: derived in this project.
    """
    if not 0.0 < eps < TARGET:
        raise ArgumentError("eps", eps, f"must lie between 0 and {TARGET:g}", "the empty subset is as near as 1")
    sizes = range(1, n + 1) if size is None else (size,)
    return math.fsum(math.comb(n, k) * _mean_hit(law, k, dimension, eps) for k in sizes)


def guarantee(n: int, dimension: int, eps: float, *, size: int | None = None) -> float:
    """Return the second-moment guarantee of n Gaussian vectors, of one size or of the size that it is best for."""
    sizes = range(1, n + 1) if size is None else (size,)
    return max(second_moment_guarantee(n, k, dimension, eps, largest=TARGET) for k in sizes)


def _mean_hit(law: str, size: int, dimension: int, eps: float) -> float:
    """The probability that the sum of so many vectors is within eps of the target."""
    if law == "gaussian":
        return _hit(math.sqrt(size), eps) ** dimension
    from scipy.integrate import quad
    from scipy.stats import chi  # here, because it takes half a second

    def weighted(length: float) -> float:
        return float(chi.pdf(length, size)) * _hit(length, eps) ** dimension if length > 0.0 else 0.0

    middle, far = math.sqrt(size), math.sqrt(size) + 12.0  # beyond it is less than 1e-30 of a chi
    return float(quad(weighted, 0.0, middle, limit=200)[0] + quad(weighted, middle, far, limit=200)[0])


def _hit(spread: float, eps: float) -> float:
    """P(|spread g - 1| <= eps), by tails, whose differences keep their digits."""
    low, high = ((TARGET + side * eps) / (spread * math.sqrt(2.0)) for side in (-1.0, 1.0))
    return 0.5 * (math.erfc(low) - math.erfc(high))


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
