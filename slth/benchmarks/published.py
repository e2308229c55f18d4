"""Benchmark tasks of the published experiments: every weight of a network from a fresh list of random coefficients."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slth.benchmarks.contenders import Cell, Contender
from slth.benchmarks.targets import target_of
from slth.constructions import approximate_kernels, approximate_weights
from slth.jobs.evaluation import accuracy, outputs_on

PUBLISHED_SECONDS = 77_266.0
"""Wall-clock time of the published per-weight experiment, 21.5 hours on 36 cores with a commercial solver."""


def per_weight(cell: Cell, seed: int) -> Sequence[Contender]:
    """Approximate every weight of a trained network by a subset of n random coefficients, as published."""
    data, target = target_of({"bias": False, **cell}, seed)
    labels = data.labels("test")
    before = accuracy(outputs_on(target, data).values, labels)

    def ours() -> Mapping[str, Any]:
        result = approximate_weights(
            target,
            n=cell["n"],
            shared="row" if cell["lists"] == "row" else None,
            tolerance=cell["tolerance"],
            seed=seed,
            threads=cell.get("threads"),
        )
        assert result.network is not None, "a network was given"
        kept = sum(row.kept for row in result.table)
        return {
            "seconds": sum(row.seconds for row in result.table),
            "weights": target.parameters,
            "density": kept / sum(row.candidates for row in result.table),
            "kept_per_weight": kept / target.parameters,
            "largest_error": max(row.largest_error for row in result.table),
            "median_error": float(np.median([row.median_error for row in result.table])),
            "accuracy_before": before,
            "accuracy_after": accuracy(outputs_on(result.network, data).values, labels),
        }

    contenders = [Contender("slth", ours, target.parameters)]
    if cell.get("peers", {}).get("published"):
        contenders.append(
            Contender(
                "published: Gurobi on 36 cores (not measured here)",
                lambda: {"seconds": PUBLISHED_SECONDS, "weights": 397_000, "kept_per_weight": 9.39},
                397_000,
                warm_up=False,
                replicates=1,
            )
        )
    return contenders


def kernel_weights(cell: Cell, seed: int) -> Sequence[Contender]:
    """Approximate each weight and bias of a network's convolutions from a fresh list of n."""
    data, target = target_of(cell, seed)
    shape = (-1, *target.input_shape)
    train, test = (data.inputs("train", limit=1000), data.inputs("test", limit=1000))

    def ours() -> Mapping[str, Any]:
        begin = time.perf_counter()
        found = approximate_kernels(target, n=cell["n"], seed=seed)
        seconds = time.perf_counter() - begin
        return {
            "seconds": seconds,
            "weights": float(sum(row.weights for row in found.table)),
            "weight_error": found.weight_error,
            "output_error_train": found.output_error(train.reshape(shape)),
            "output_error_test": found.output_error(test.reshape(shape)),
        }

    return [Contender("slth", ours, 1)]
