"""Benchmark tasks around convolutional tickets: errors of layers and accuracy against n and gain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from slth.benchmarks.contenders import Contender
from slth.benchmarks.weights import Cell, examples_of
from slth.constructions import Structured, approximate_kernels, certify
from slth.constructions.structured import structured_ticket
from slth.data.datasets import DataSet
from slth.jobs.conv_jobs import ConvJob
from slth.jobs.conv_record import overparameterisation, small_parameters
from slth.jobs.evaluation import accuracy
from slth.networks import attack_difference, folded_outputs, masked_difference
from slth.tickets import ConvNetwork, ticket_bytes


def structured_tickets(cell: Cell, seed: int) -> Sequence[Contender]:
    """Construct structured tickets of one trained network from several seeds: medians of errors, accuracy and time.

    Parameters
    ----------
    cell : mapping
        ``model``, ``channels`` (one number, or one a layer), ``gain``; perhaps ``data``, ``beam``, ``seeds`` (10).
    seed : int
        Of the target's training; tickets have the seeds from this one on.

    Returns
    -------
    sequence of Contender
    """
    data, target = _trained(cell, seed)
    images = data.inputs("test").reshape(-1, *target.input_shape).astype(np.float64)
    labels = data.labels("test")
    before = accuracy(target.forward(images).reshape(len(images), -1), labels)
    method = Structured(channels=cell["channels"], gain=cell.get("gain", "unit"), beam=cell.get("beam", 8))
    seeds = range(seed, seed + cell.get("seeds", 10))

    def ours() -> Mapping[str, Any]:
        found = [_one(target, method, each, images, labels) for each in seeds]
        middle = {name: float(np.median([row[name] for row in found])) for name in found[0]}
        return {"target_accuracy": before, **middle, "lowest_accuracy": min(row["ticket_accuracy"] for row in found)}

    return [Contender("slth", ours, len(seeds), warm_up=False, replicates=1)]


def _one(target: ConvNetwork, method: Structured, seed: int, images: Any, labels: Any) -> dict[str, float]:
    begin = time.perf_counter()
    ticket, rows = structured_ticket(target, method, seed=seed)
    seconds = time.perf_counter() - begin
    errors = {f"error_{row.path}": row.relative_error for row in rows}
    return {
        **errors,
        "ticket_accuracy": accuracy(folded_outputs(ticket, images), labels),
        "construct_seconds": seconds,
        "kept_channels": float(sum(row.kept_channels for row in rows)),
        "random_channels": float(sum(row.open_channels for row in rows)),
        "random_over_target": overparameterisation(ticket, target.parameters),
        "small_over_target": small_parameters(ticket) / target.parameters,
        "ticket_bytes": float(len(ticket_bytes(ticket))),
    }


def structured_certificate(cell: Cell, seed: int) -> Sequence[Contender]:
    """Certify a structured ticket, attack it, and compare its small network with the masked random one.

    Parameters
    ----------
    cell : mapping
        ``model``, ``channels``, ``gain``; ``starts`` and ``steps`` of the attack; perhaps ``data``.
    seed : int

    Returns
    -------
    sequence of Contender
    """
    data, target = _trained(cell, seed)
    ticket, _ = structured_ticket(target, Structured(channels=cell["channels"], gain=cell["gain"]), seed=seed)
    images = data.inputs("test", limit=8).reshape(-1, *target.input_shape).astype(np.float64)

    def ours() -> Mapping[str, Any]:
        begin = time.perf_counter()
        certificate = certify(target, ticket, input_box=(0.0, 1.0))
        certified = time.perf_counter()
        found = attack_difference(target, ticket, starts=cell["starts"], steps=cell["steps"], seed=seed)
        return {
            "certified_error": certificate.error,
            "attack_error": found.error,
            "certified_over_attack": certificate.error / found.error,
            "norm_bound": certificate.norm_bound,
            "certify_seconds": certified - begin,
            "attack_seconds": time.perf_counter() - certified,
            "small_minus_masked_float32": masked_difference(ticket, images, dtype="float32"),
            "small_minus_masked_float64": masked_difference(ticket, images, dtype="float64"),
        }

    return [Contender("slth", ours, 1, warm_up=False, replicates=1)]


def kernel_weights(cell: Cell, seed: int) -> Sequence[Contender]:
    """Approximate each weight and bias of a network's convolutions from a fresh list of n: the published experiment.

    Parameters
    ----------
    cell : mapping
        ``model``, ``n``; perhaps ``data``.
    seed : int

    Returns
    -------
    sequence of Contender
    """
    data, target = _trained(cell, seed)
    shape = (-1, *target.input_shape)
    images = {split: data.inputs(split, limit=1000).reshape(shape) for split in ("train", "test")}

    def ours() -> Mapping[str, Any]:
        begin = time.perf_counter()
        found = approximate_kernels(target, n=cell["n"], seed=seed)
        seconds = time.perf_counter() - begin
        return {
            "seconds": seconds,
            "weights": float(sum(row.weights for row in found.table)),
            "weight_error": found.weight_error,
            "output_error_train": found.output_error(images["train"]),
            "output_error_test": found.output_error(images["test"]),
        }

    return [Contender("slth", ours, 1)]


@lru_cache(maxsize=4)
def _target(shown: Any, model: str, seed: int) -> ConvNetwork:
    return ConvJob(model, Structured(channels=1), seed=seed).train(shown.data)


def _trained(cell: Cell, seed: int) -> tuple[DataSet, ConvNetwork]:
    from slth.training import TARGETS

    shown = examples_of({"data": TARGETS[cell["model"]].data, **cell})
    return shown.data, _target(shown, cell["model"], seed)
