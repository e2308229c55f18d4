"""How many subsets of random values come near a target: mean and spread of the number beside the moments of proofs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import gammaln, ndtr

from slth.arrays import Floats
from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.vector_success import subset_size
from slth.subset_sum import count_solutions
from slth.theory import bounds

SECOND_MOMENT = {"uniform": 1.0 / 3.0, "product": 1.0 / 9.0, "gaussian": 1.0}
"""Of one entry: uniform on [-1, 1], a product of two such, standard normal."""
TARGET = 0.5
"""Every entry of the target: the end of the interval that Lueker's theorem covers."""
NODES = 12  # of a quadrature over one side of the box


def solution_counts(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Draw instances and count the subsets with :math:`\|\sum_S X_i - (1/2..1/2)\|_\infty \le \epsilon`, exactly.

    Beside the mean and the mean square of the number stand those by formula, in which sums have the normal law with
    the second moments of the values.
    """
    del context
    law, n, dimension, eps = (cell[name] for name in ("law", "n", "dimension", "eps"))
    size = subset_size(cell, laws=SECOND_MOMENT)
    start = time.perf_counter()
    counts = []
    for k in range(cell["instances"]):
        values = _values(law, n, dimension, seed, k)
        counts.append(count_solutions(values, np.full(dimension, TARGET), tolerance=eps, size=size))
    first, second = moments(SECOND_MOMENT[law], n, dimension, eps, size=size)
    found = np.array(counts, np.float64)
    return [
        {
            "size": size,
            "mean_count": float(found.mean()),
            "mean_square": float((found * found).mean()),
            "expected": first,
            "expected_square": second,
            "successes": int(np.count_nonzero(found)),
            "trials": len(found),
            "second_moments_prove": second_moment_proof(n, eps) if law == "uniform" and size is None else None,
            "lueker_proves": lueker_proof(n, eps) if law == "uniform" and size is None else None,
            "seconds": time.perf_counter() - start,
        }
    ]


def moments(variance: float, n: int, dimension: int, eps: float, *, size: int | None = None) -> tuple[float, float]:
    """Return mean and mean square of the number of subsets (of one size, or of any) near the target, for normal sums.

    The mean square adds up, over pairs of subsets that share i values and have a and b of their own, the probability
    that both sums are in the box.
    """
    if not 0.0 < eps < TARGET:
        raise ArgumentError("eps", eps, f"must lie between 0 and {TARGET:g}", "the empty subset is as near as 1/2")
    sizes = range(1, n + 1) if size is None else (size,)
    first = math.fsum(math.comb(n, k) * _near(variance * k, eps) ** dimension for k in sizes)
    if size is None:
        triples = [(i, a, b) for i in range(n + 1) for a in range(n + 1 - i) for b in range(n + 1 - i - a)]
        triples = [(i, a, b) for i, a, b in triples if i + a and i + b]
    else:
        triples = [(i, size - i, size - i) for i in range(max(0, 2 * size - n), size + 1)]
    shared, own, other = np.array(triples, np.float64).T
    pairs = gammaln(n + 1) - gammaln(shared + 1) - gammaln(own + 1) - gammaln(other + 1)
    pairs -= gammaln(n - shared - own - other + 1)
    return first, float((np.exp(pairs) * _both_near(variance, shared, own, other, eps) ** dimension).sum())


def _near(variance: float, eps: float) -> float:
    """The probability that a normal number comes within eps of the target."""
    scale = math.sqrt(variance)
    return float(ndtr((TARGET + eps) / scale) - ndtr((TARGET - eps) / scale))


def _both_near(variance: float, shared: Floats, own: Floats, other: Floats, eps: float) -> Floats:
    """The same of two normal numbers that have a share in common, by quadrature over the first.

    Shapes: shared, own, other float64[k].
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    first = TARGET + eps * nodes[:, None]
    spread = variance * (shared + own)
    density = np.exp(-first * first / (2.0 * spread)) / np.sqrt(2.0 * math.pi * spread)
    middle = first * shared / (shared + own)
    left = variance * (shared + other - shared * shared / (shared + own))
    scale = np.sqrt(np.where(left > 0.0, left, 1.0))
    inside = ndtr((TARGET + eps - middle) / scale) - ndtr((TARGET - eps - middle) / scale)
    inside = np.where((own + other > 0.0), inside, 1.0)  # one and the same subset
    result: Floats = eps * (weights[:, None] * density * inside).sum(axis=0)
    return result


def second_moment_proof(n: int, eps: float) -> float:
    """Return the probability that second moments prove for uniform numbers, of the size that they are best for."""
    bound = bounds["derived.second_moment.uniform"]
    return max((bound(n=n, size=k, eps=eps, target=TARGET) for k in range(2, n + 1)), default=0.0)


def lueker_proof(n: int, eps: float) -> float:
    r"""Return the probability that Lueker's recurrence proves for all targets in [-1/2, 1/2] and uniform numbers.

    :math:`1 - \exp(-(n - 2 A)^2 / (8 n))` for n > 2 A, :math:`A = \log_2(1/\epsilon) + \ln(2/\epsilon) + 1`: his
    potential, followed with every constant by Hoeffding's lemma (derived in this project, unreviewed).
    """
    steps = 2.0 * (math.log2(1.0 / eps) + math.log(2.0 / eps) + 1.0)
    return -math.expm1(-((n - steps) ** 2) / (8.0 * n)) if n > steps else 0.0


def _values(law: str, n: int, dimension: int, seed: int, instance: int) -> Floats:
    """Draw the values of an instance, each entry of a vector on its own."""
    stream = Stream(seed, f"solution-counts.values.{instance}")
    if law == "gaussian":
        return stream.normal(0, n * dimension).reshape(n, dimension)
    drawn = 2.0 * stream.uniform(0, n * dimension) - 1.0
    if law == "product":
        drawn = drawn * (2.0 * Stream(seed, f"solution-counts.factors.{instance}").uniform(0, n * dimension) - 1.0)
    return drawn.reshape(n, dimension)
