"""What checks measure: random values of a law, brute force over all subsets, and the least n that is enough.

Brute force uses no solver of this package: what is verified here is verified by something independent of it.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.subset_sum.coverage import coverage

Floats = NDArray[np.float64]
MOST_COVERED = 20
"""Values up to which an interval's coverage is measured: 2^20 sums a sample."""

BLOCK = 2**22
"""Numbers held at a time by brute force."""


def draw(law: str, generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw values of a law.

    Shapes: result float64[shape].
    """
    if law == "uniform":
        return generator.uniform(-1.0, 1.0, shape)
    if law == "normal":
        return generator.standard_normal(shape)
    if law == "products":
        factor = generator.uniform(0.0, 1.0, shape) * (generator.random(shape) < 0.5)
        return factor * generator.uniform(-1.0, 1.0, shape)
    if law == "scaled-normal":
        return generator.standard_normal((*shape[:-1], 1)) * generator.standard_normal(shape)
    raise ArgumentError("law", law, "is unknown", "use uniform, normal, products or scaled-normal")


@cache
def subsets(n: int, size: int | None) -> NDArray[np.float32]:
    """All subsets of n, or those of one size, as rows of 0 and 1.

    Shapes: result float32[count, n].
    """
    if size is None:
        rows = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
        found = rows.astype(np.float32)
    else:
        chosen = np.array(list(combinations(range(n), size)), dtype=np.int64).reshape(-1, size)
        found = np.zeros((len(chosen), n), np.float32)
        found[np.arange(len(chosen))[:, None], chosen] = 1.0
    found.flags.writeable = False
    return found


def count_reached(values: Floats, target: Floats, eps: float, *, size: int | None = None) -> int:
    """In how many rows some subset sum is within eps of the target in every coordinate, by trying all subsets.

    Shapes: values float64[rows, n, D]; target float64[D].
    """
    rows, n, dimension = values.shape
    table = subsets(n, size).astype(np.float64)
    at_once = max(1, BLOCK // (len(table) * dimension))
    reached = 0
    for start in range(0, rows, at_once):
        sums = np.einsum("sn,rnd->rsd", table, values[start : start + at_once], optimize=True)
        reached += int((np.abs(sums - target) <= eps).all(axis=2).any(axis=1).sum())
    return reached


def least_covering(values: Floats, interval: tuple[float, float], eps: float) -> float:
    """The least n for which the sums of the first n values come within eps of every point of an interval.

    One value more doubles the work, so that trying them in turn costs no more than the last one or two.

    Shapes: values float64[most].
    """
    useful = np.flatnonzero(values)[:MOST_COVERED]  # zeros add no sum, and are counted all the same
    for n in range(1, len(useful) + 1):
        if coverage(values[useful[:n]], interval).worst_error <= eps:
            return float(useful[n - 1] + 1)
    return math.inf


def least_reaching(values: Floats, target: Floats, eps: float) -> float:
    """The least n for which some sum of the first n vectors is within eps of a target in the maximum norm.

    Shapes: values float64[most, D]; target float64[D].
    """
    sums = np.zeros((1, len(target)))
    for n, value in enumerate(values, start=1):
        sums = np.concatenate([sums, sums + value])
        if bool((np.abs(sums - target) <= eps).all(axis=1).any()):
            return float(n)
    return math.inf


def least_equal(values: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    """The least n for which every target is exactly a subset sum of the first n integers."""
    shift = int(np.abs(values).sum()) + int(np.abs(targets).max(initial=0))
    reached = 1 << shift  # bit shift + s is set where s is a sum
    for n, value in enumerate(values.tolist(), start=1):
        reached |= reached << value if value >= 0 else reached >> -value
        if all(reached >> (shift + target) & 1 for target in targets.tolist()):
            return float(n)
    return math.inf
