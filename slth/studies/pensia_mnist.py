"""The published experiment on MNIST: every weight of a network as a sum of some of 21 random coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.constructions import approximate_weights
from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.jobs.evaluation import accuracy
from slth.studies.trained_targets import data_of, dense_target, digest_of, parameters_of

LISTS = {"fresh": None, "row": "row"}
"""Who shares a list of coefficients: nobody, as the experiment is described; a row of weights, as its code does."""


def pensia_mnist(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Approximate every weight of a trained network within eps, and compare with the published table.

    Coefficients are uniform between the smallest and the largest weight of the network, as published.

    Notes
    -----
    Source: Pensia et al. 2020 (arXiv 2006.07990), first experiment, by way of their code.
    """
    if cell["lists"] not in LISTS:
        raise ArgumentError("lists", cell["lists"], "is unknown", f"use one of {', '.join(LISTS)}")
    data = data_of(cell["data"], context)
    target = dense_target(data, context, hidden=cell["hidden"], epochs=cell["epochs"], seed=cell["target_seed"])
    found = approximate_weights(
        target,
        n=cell["n"],
        shared=LISTS[cell["lists"]],  # type: ignore[arg-type]
        tolerance=cell["tolerance"],
        seed=seed,
        threads=context.threads,
    )
    assert found.network is not None, "a network was given"
    weights, approximations = parameters_of(target), parameters_of(found.network)
    errors = np.abs(approximations - weights)
    inputs, labels = data.inputs("test"), data.labels("test")
    before, after = target.forward(inputs), found.network.forward(inputs)
    kept, candidates = sum(row.kept for row in found.table), cell["n"] * weights.size
    return [
        {
            "weights": weights.size,
            "smallest_weight": float(weights.min()),
            "largest_weight": float(weights.max()),
            "candidates": candidates,
            "kept": kept,
            "kept_per_weight": kept / weights.size,
            "density": kept / candidates,
            "within_eps": int(np.count_nonzero(errors <= cell["eps"])),
            "largest_error": float(errors.max()),
            "median_error": float(np.median(errors)),
            "target_accuracy": accuracy(before, labels),
            "accuracy": accuracy(after, labels),
            "changed": int(np.count_nonzero(before.argmax(axis=1) != after.argmax(axis=1))),
            "target": digest_of(target),
            "seconds": sum(row.seconds for row in found.table),
        }
    ]
