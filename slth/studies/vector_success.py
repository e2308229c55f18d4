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

    Parameters
    ----------
    cell : mapping
        ``law``: "gaussian", :math:`X \sim N(0, I_d)`, or "product", :math:`X = u v` with u and v normal (NSN);
        ``subsets``: "all", or "fixed" for those of ``max(1, round(density * n))`` vectors; ``dimension`` (at most 8),
        ``n`` (at most 44), ``eps``, ``instances``; ``density`` where the size is fixed.
    seed : int
        Of the vectors.
    context : Context
        Its threads are used.

    Returns
    -------
    list of dict
        One row: ``size`` (None for all subsets), ``successes``, ``trials`` (those that are decided), ``undecided``,
        ``expected_subsets``, ``guarantee`` (None for products: not proved for them), ``seconds``.

    Raises
    ------
    ArgumentError
        For an unknown law or kind of subsets, a density or an eps that is not between 0 and 1.

    Notes
    -----
    Sources: the guarantee and the first moments are derived in this project, not from a paper; the law u v is that of
    da Cunha, d'Amore and Natale 2023 (arXiv 2311.09858), recalled, unverified.

    Examples
    --------
    >>> cell = {"law": "gaussian", "subsets": "all", "dimension": 2, "n": 14, "eps": 0.3, "instances": 5}
    >>> row, = vector_success(cell, seed=1, context=Context())
    >>> row["trials"], row["successes"] <= 5, row["guarantee"] < 1.0 < row["expected_subsets"]
    (5, True, True)
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
    """Return the size of the subsets of a cell, None for all sizes.

    Raises
    ------
    ArgumentError
        The cell's ``law`` or ``subsets`` is unknown, or the density is not between 0 and 1.
    """
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

    Parameters
    ----------
    law : {"gaussian", "product"}
    n, dimension : int
    eps : float
        Between 0 and 1, both excluded: the empty subset is then never near enough.
    size : int, optional
        Of the subsets.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        For an eps outside its range.

    Notes
    -----
    Source: derived in this project.

    Examples
    --------
    >>> expected = expected_subsets("gaussian", 1, 1, 0.5)  # P(0.5 <= X <= 1.5)
    >>> round(expected, 4)
    0.2417
    """
    if not 0.0 < eps < TARGET:
        raise ArgumentError("eps", eps, f"must lie between 0 and {TARGET:g}", "the empty subset is as near as 1")
    sizes = range(1, n + 1) if size is None else (size,)
    return math.fsum(math.comb(n, k) * _mean_hit(law, k, dimension, eps) for k in sizes)


def guarantee(n: int, dimension: int, eps: float, *, size: int | None = None) -> float:
    """Return the second-moment guarantee of n Gaussian vectors, of one size or of the size that it is best for.

    Parameters
    ----------
    n, dimension : int
    eps : float
    size : int, optional

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> guarantee(20, 3, 0.1) >= guarantee(20, 3, 0.1, size=4)
    True
    """
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
