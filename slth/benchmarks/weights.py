"""Benchmark tasks around tickets: drawing weights, the published per-weight experiment, a whole dense ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from slth.benchmarks.contenders import Contender, Declined
from slth.data.datasets import DataSet, load
from slth.errors import DataError
from slth.jobs.evaluation import accuracy
from slth.rng import Stream, WeightLaw
from slth.tickets import DenseNetwork

Cell = Mapping[str, Any]

PUBLISHED_SECONDS = 77_266.0
"""Wall-clock time of the published per-weight experiment, 21.5 hours on 36 cores with a commercial solver."""


def generate_weights(cell: Cell, seed: int) -> Sequence[Contender]:
    """Draw weights that can be regenerated anywhere, beside numpy's own generator of the same kind.

    Parameters
    ----------
    cell : mapping
        ``law`` ("uniform" or "normal") and ``count``.
    seed : int

    Returns
    -------
    sequence of Contender
    """
    count, law = cell["count"], WeightLaw(cell["law"], 1.0)
    stream = Stream(seed, "benchmark.weights")

    def ours() -> Mapping[str, Any]:
        weights = law.weights(stream, 0, count)
        return {"bytes": weights.nbytes, "mean_square": float(np.mean(weights**2))}

    def numpys() -> Mapping[str, Any]:
        generator = np.random.Generator(np.random.Philox(seed))
        weights = np.asarray(
            generator.uniform(-1.0, 1.0, count) if cell["law"] == "uniform" else generator.normal(0.0, 1.0, count)
        )
        return {"bytes": weights.nbytes, "mean_square": float(np.mean(weights**2))}

    return [Contender("slth stream", ours, count), Contender(f"numpy {np.__version__} Philox", numpys, count)]


def per_weight(cell: Cell, seed: int) -> Sequence[Contender]:
    """Approximate every weight of a trained network by a subset of n random coefficients, as published.

    Parameters
    ----------
    cell : mapping
        ``data``, ``hidden``, ``epochs`` of the target; ``n``, ``tolerance``, ``lists`` ("fresh" for a list of
        coefficients for each weight, "row" for one for each row, as in the published code), ``threads``.
    seed : int

    Returns
    -------
    sequence of Contender
    """
    from slth.constructions import approximate_weights

    data = _data(cell)
    target = _target(data, cell, seed, bias=False)
    inputs, labels = data.inputs("test"), data.labels("test")
    before = accuracy(target.forward(inputs), labels)

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
            "accuracy_after": accuracy(result.network.forward(inputs), labels),
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


def dense_ticket(cell: Cell, seed: int) -> Sequence[Contender]:
    """Construct a dense ticket for a trained network, and what its file costs beside its bounds.

    Parameters
    ----------
    cell : mapping
        ``data``, ``hidden``, ``epochs`` of the target; ``candidates``, or ``eps`` and ``delta``; ``depth``.
    seed : int

    Returns
    -------
    sequence of Contender
    """
    from slth.constructions import Dense, construct_dense
    from slth.tickets import ticket_bytes

    data = _data(cell)
    target = _target(data, cell, seed, bias=True)
    method = Dense(
        candidates=cell.get("candidates"),
        eps=cell.get("eps"),
        delta=cell.get("delta", 0.01 if "eps" in cell else None),
        depth=cell.get("depth", "double"),
    )
    inputs, labels = data.inputs("test"), data.labels("test")

    def ours() -> Mapping[str, Any]:
        made = construct_dense(target, method, seed=seed)
        outputs, wanted = made.ticket.forward(inputs), target.forward(inputs)
        size = len(ticket_bytes(made.ticket))
        return {
            "seconds": sum(row.seconds for row in made.table),
            "weights": target.parameters,
            "largest_candidates": max(row.candidates for row in made.table),
            "certified_error": made.certificate.error,
            "norm_bound": made.certificate.norm_bound,
            "sampled_error": float(np.abs(outputs - wanted).max()),
            "target_accuracy": accuracy(wanted, labels),
            "ticket_accuracy": accuracy(outputs, labels),
            "density": made.ticket.mask.density,
            "ticket_bytes": size,
            "bits_per_target_weight": 8.0 * size / target.parameters,
            "counting_bits_per_weight": made.ticket.mask.entropy_bound_bits / target.parameters,
        }

    return [Contender("slth", ours, target.parameters)]


def _data(cell: Cell) -> DataSet:
    folders: Sequence[Path] | None = cell.get("data_dir")
    try:
        return load(cell["data"], data_dir=folders)
    except DataError as missing:
        raise Declined(str(missing)) from missing


@lru_cache(maxsize=4)
def _trained(shown: Examples, hidden: tuple[int, ...], epochs: int, seed: int, bias: bool) -> DenseNetwork:  # noqa: FBT001
    """Train once for all cells that differ in the construction alone."""
    from slth.networks import describe_module, mlp
    from slth.training import Cosine, Examples, Recipe, train

    module = mlp((shown.data.features, *hidden, shown.data.classes), bias=bias, seed=seed)
    examples = Examples(shown.data.inputs("train"), shown.data.labels("train"))
    train(module, examples, Recipe(epochs=epochs, batch_size=128, schedule=Cosine(0.1)), seed=seed)
    return describe_module(module)


@dataclass(frozen=True)
class Examples:
    """A data set that a cache compares by its digest."""

    digest: str
    data: DataSet = field(compare=False)


def examples_of(cell: Cell) -> Examples:
    """Load the data set of a cell, so that caches know it again."""
    data = _data(cell)
    return Examples(data.provenance["arrays_sha256"], data)


def _target(data: DataSet, cell: Cell, seed: int, *, bias: bool) -> DenseNetwork:
    shown = Examples(data.provenance["arrays_sha256"], data)
    return _trained(shown, tuple(cell["hidden"]), cell["epochs"], seed, bias)
