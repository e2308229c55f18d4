"""Models and limits beside measurements: no violation is possible, only distance."""

from __future__ import annotations

from typing import Any

import numpy as np

from slth.subset_sum import Differencing, solve_batch
from slth.subset_sum.coverage import coverage, coverage_growth
from slth.theory import bounds
from slth.verifier.nouns import Case, Check, Estimate
from slth.verifier.samples import draw


def _predicted(key: str, case: Case) -> float:
    return bounds[key](**{name: case[name] for name in bounds[key].parameters if name in case})


def _best_error(case: Case, count: int, seed: int) -> float:
    """Median over samples of the best error for one target, U[-1, 1]."""
    values = draw("uniform", np.random.default_rng(seed), (count, case["n"]))
    return float(np.median(solve_batch(values, np.full(count, case["target"])).errors))


def _partition(case: Case, count: int, seed: int) -> float:
    """Mean least |sum of +-a|: twice the best error for half of the sum."""
    values = draw("uniform", np.random.default_rng(seed), (count, case["n"]))
    return 2.0 * float(np.mean(solve_batch(values, values.sum(axis=1) / 2.0).errors))


def _perfect(case: Case, count: int, seed: int) -> float:
    """Share of lists of integers 1 .. 2^bits that can be split into parts that differ by at most 1."""
    values = np.random.default_rng(seed).integers(1, 2 ** int(case["bits"]) + 1, (count, case["n"])).astype(np.float64)
    return float(np.mean(2.0 * solve_batch(values, values.sum(axis=1) / 2.0).errors <= 1.0))


def _half_cover(case: Case, count: int, seed: int) -> float:
    """Least n at which half of the samples cover the interval."""
    generator = np.random.default_rng(seed)
    samples = draw("uniform", generator, (max(10, count // 4), 20))
    half = case["length"] / 2.0
    for n in range(2, 21):
        covering = [coverage(row[:n], (-half, half)).worst_error <= case["eps"] for row in samples]
        if np.mean(covering) >= 0.5:
            return float(n)
    return float("inf")


def _covered(case: Case, count: int, seed: int) -> float:
    """Mean covered fraction of [-1/2, 1/2] after n values."""
    generator = np.random.default_rng(seed)
    samples = draw("uniform", generator, (max(10, count // 4), case["n"]))
    return float(np.mean([coverage_growth(row, (-0.5, 0.5), tolerance=case["eps"])[-1] for row in samples]))


def _differencing(case: Case, count: int, seed: int) -> float:
    """Median difference that Karmarkar and Karp's algorithm leaves, U[0, 1]."""
    values = np.random.default_rng(seed).random((max(10, count // 4), case["n"]))
    found = solve_batch(values, values.sum(axis=1) / 2.0, solver=Differencing())
    return 2.0 * float(np.median(found.errors))


def _estimate(key: str, claim: str, measured: Any, *regimes: Case) -> Estimate:
    return Estimate(
        key=key,
        claim=claim,
        regimes=regimes,
        predicted=lambda case: _predicted(key, case),
        measured=measured,
    )


THIRD = {"second_moment": 1.0 / 3.0}

CHECKS: tuple[Check, ...] = (
    _estimate(
        "derived.subset_sum.error",
        "median best error of uniform values",
        _best_error,
        *({"n": n, "target": z, "level": 0.5, **THIRD} for n, z in ((4, 0.28), (8, 0.2), (12, 0.49), (16, 0.2))),
    ),
    _estimate(
        "derived.partition.error",
        "mean least difference of a partition of uniform values",
        _partition,
        *({"n": n, **THIRD} for n in (10, 14, 18)),
    ),
    _estimate(
        "borgs2001.perfect",
        "probability of a perfect partition; a limit for n to infinity",
        _perfect,
        *({"n": n, "bits": n - shift} for n in (12, 18) for shift in (4, 2, 1)),
    ),
    _estimate(
        "derived.coverage.candidates",
        "n at which half of the samples cover the interval",
        _half_cover,
        *({"eps": eps, "length": 1.0} for eps in (0.03, 0.01, 0.003)),
    ),
    _estimate(
        "derived.interval.measured",
        "n at which half of the samples cover [-1/2, 1/2]",
        _half_cover,
        *({"eps": eps, "length": 1.0} for eps in (0.01, 0.003)),
    ),
    _estimate(
        "derived.covered_fraction",
        "covered fraction by Lueker's recurrence",
        _covered,
        *({"n": n, "eps": 0.03} for n in (4, 8, 12)),
    ),
    _estimate(
        "boettcher2008.difference",
        "difference that differencing leaves; a limit for n to infinity",
        _differencing,
        *({"n": n} for n in (100, 1000)),
    ),
)
