"""When subset sums of quantised values hit their targets exactly, and when n integers have a perfect partition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum import solve_batch
from slth.subset_sum.elementary_laws import Integers

QUESTIONS = ("ticket", "partition")
Floats = npt.NDArray[np.float64]


def quantised(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Count the instances that are solved exactly."""
    if cell["question"] not in QUESTIONS:
        raise ArgumentError("question", cell["question"], "is not known", "ask one of " + ", ".join(QUESTIONS))
    ask = _ticket if cell["question"] == "ticket" else _partition
    return ask(cell, Stream(seed, f"quantised.{cell['question']}"), context)


def _ticket(cell: Mapping[str, Any], stream: Stream, context: Context) -> list[dict[str, Any]]:
    del context
    n, instances, most = cell["n"], cell["instances"], 2 ** cell["bits"]
    values = Integers(-most, most).sample(stream, instances * n).reshape(instances, n)
    wanted = np.arange(-most, most + 1)
    expected = -np.expm1(-_density(values, wanted))
    mirrored = values.sum(axis=1, keepdims=True) - wanted
    together = np.where(np.abs(mirrored) <= most, np.sqrt(expected), expected)
    one, every = most + most // 2, (1 << (2 * most + 1)) - 1  # bits of the targets M / 2 and -M to M
    hits = np.array(
        [((sums >> one) & 1, sums == every) for sums in (_reached(row, most) for row in values.astype(np.int64))]
    )
    predicted = (np.mean(expected[:, one]), np.mean(np.prod(together, axis=1)))
    return [
        {"targets": targets, "successes": int(count), "trials": instances, "predicted": float(chance)}
        for targets, count, chance in zip(("one", "all"), hits.sum(axis=0), predicted, strict=True)
    ]


def _partition(cell: Mapping[str, Any], stream: Stream, context: Context) -> list[dict[str, Any]]:
    n, instances = cell["n"], cell["instances"]
    most = round(2.0 ** (n - math.log2(n) / 2.0 + cell["offset"]))
    values = Integers(1, most).sample(stream, instances * n).reshape(instances, n)
    halves = values.sum(axis=1) / 2.0  # exact: sums stay below 2^53
    solved = solve_batch(values, halves, tolerance=0.5, threads=context.threads)
    perfect = int(np.sum(solved.errors <= 0.5))
    return [{"targets": None, "successes": perfect, "trials": instances, "predicted": None}]


def _reached(values: npt.NDArray[np.int64], most: int) -> int:
    """Which targets from -most to most are subset sums, as the bits of one integer."""
    numbers: list[int] = values.tolist()
    lowest = sum(number for number in numbers if number < 0)
    sums = 1  # bit b stands for the sum lowest + b: leaving out a negative value adds its magnitude
    for number in numbers:
        sums |= sums << abs(number)
    shift = -most - lowest
    sums = sums >> shift if shift >= 0 else sums << -shift
    return sums & ((1 << (2 * most + 1)) - 1)


def _density(values: Floats, targets: npt.NDArray[np.int64]) -> Floats:
    """Subset sums to be expected at each target, float64[instances, targets]."""
    mean = values.sum(axis=1, keepdims=True) / 2.0
    variance = np.maximum(np.sum(values**2, axis=1, keepdims=True) / 4.0, 1.0 / 12.0)  # of a step, if all are 0
    count = np.count_nonzero(values, axis=1)[:, None]
    with np.errstate(under="ignore"):
        density: Floats = np.exp(
            count * math.log(2.0) - (targets - mean) ** 2 / (2.0 * variance) - np.log(2.0 * math.pi * variance) / 2.0
        )
    return density
