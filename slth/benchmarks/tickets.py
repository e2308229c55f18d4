"""Benchmark tasks around tickets of any network by any method: sizes, errors, accuracy, certificates and time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slth.arrays import Indices
from slth.benchmarks.contenders import Cell, Contender
from slth.benchmarks.targets import target_of
from slth.certificates import certify
from slth.constructions import Method, PerWeight, Shallow, Structured
from slth.data.data_set import DataSet
from slth.errors import ArgumentError, did_you_mean
from slth.graphs import Graph
from slth.jobs.evaluation import accuracy, outputs_on
from slth.networks import attack, masked_difference, module_from_ticket
from slth.networks.shrink import numbers_of

_SUMS = ("candidates", "eps", "delta", "gain")
METHODS: dict[str, tuple[type[Method], tuple[str, ...]]] = {
    "per-weight": (PerWeight, _SUMS),
    "shallow": (Shallow, _SUMS),
    "structured": (Structured, ("channels", "size", "gain", "beam")),
}
"""Name in TOML to the method and the entries of a cell that are its arguments."""


def method_of(cell: Cell) -> Method:
    """Return the method that a cell asks for; where it has an ``eps`` alone, with delta = 0.01."""
    name = cell["method"]
    if name not in METHODS:
        raise ArgumentError("method", name, "is not a known method", did_you_mean(name, METHODS))
    method, keys = METHODS[name]
    usual = {"delta": 0.01} if "eps" in cell and "delta" in keys else {}
    return method(**{**usual, **{key: cell[key] for key in keys if key in cell}})


def ticket(cell: Cell, seed: int) -> Sequence[Contender]:
    """Construct a ticket for a trained network, and what its file costs beside its bounds."""
    data, target = target_of(cell, seed)
    method, labels = method_of(cell), data.labels("test")
    wanted = outputs_on(target, data).values

    def ours() -> Mapping[str, Any]:
        made = method.construct(target, seed=seed)
        outputs = outputs_on(made.ticket, data).values
        size = len(made.ticket.to_bytes())
        offered = [row.candidates for row in made.table if row.candidates is not None]
        return {
            "seconds": sum(row.seconds for row in made.table),
            "weights": target.parameters,
            "largest_candidates": max(offered, default=None),
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


def tickets(cell: Cell, seed: int) -> Sequence[Contender]:
    """Make tickets of one trained network from several seeds, uncertified: medians of errors, sizes and time."""
    data, target = target_of(cell, seed)
    method, labels = method_of(cell), data.labels("test")
    before = accuracy(outputs_on(target, data).values, labels)
    seeds = range(seed, seed + cell.get("seeds", 10))

    def ours() -> Mapping[str, Any]:
        found = [_one(target, method, each, data, labels) for each in seeds]
        middle = {name: float(np.median([row[name] for row in found])) for name in found[0]}
        return {"target_accuracy": before, **middle, "lowest_accuracy": min(row["ticket_accuracy"] for row in found)}

    return [Contender("slth", ours, len(seeds), warm_up=False, replicates=1)]


def _one(target: Graph, method: Method, seed: int, data: DataSet, labels: Indices) -> dict[str, float]:
    begin = time.perf_counter()
    made, rows = method.ticket(target, seed=seed)
    seconds = time.perf_counter() - begin
    return {
        **{f"error_{row.path}": row.relative_error for row in rows},
        "ticket_accuracy": accuracy(outputs_on(made, data).values, labels),
        "construct_seconds": seconds,
        "kept": float(sum(row.kept for row in rows)),
        "open_positions": float(sum(row.open_positions for row in rows)),
        "random_over_target": made.statistics().random_parameters / target.parameters,
        "small_over_target": numbers_of(module_from_ticket(made)) / target.parameters,
        "ticket_bytes": float(len(made.to_bytes())),
    }


def ticket_certificate(cell: Cell, seed: int) -> Sequence[Contender]:
    """Certify a ticket, attack it, and compare its small network with the masked random one."""
    data, target = target_of(cell, seed)
    made, _ = method_of(cell).ticket(target, seed=seed)
    images = data.inputs("test", limit=8).reshape(-1, *target.input_shape).astype(np.float64)

    def ours() -> Mapping[str, Any]:
        begin = time.perf_counter()
        certificate = certify(target, made, input_box=(0.0, 1.0))
        certified = time.perf_counter()
        found = attack(target, made, starts=cell["starts"], steps=cell["steps"], seed=seed)
        return {
            "certified_error": certificate.error,
            "attack_error": found.error,
            "certified_over_attack": certificate.error / found.error,
            "norm_bound": certificate.norm_bound,
            "certify_seconds": certified - begin,
            "attack_seconds": time.perf_counter() - certified,
            "small_minus_masked_float32": masked_difference(made, images, dtype="float32"),
            "small_minus_masked_float64": masked_difference(made, images, dtype="float64"),
        }

    return [Contender("slth", ours, 1, warm_up=False, replicates=1)]
