"""Benchmark tasks around vector subset sums: the error that pursuit reaches, and the optimum of small instances."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.errors import ArgumentError
from slth.resources import thread_count
from slth.rng import Stream
from slth.subset_sum import solve
from slth.subset_sum.bands import BandPursuit, pursue_many


def vector_errors(cell: Cell, seed: int) -> Sequence[Contender]:
    """Approximate random slices by channels of n usable: error against n, at unit or at the theorem's gain.

    The slice has standard normal entries, as one at unit gain has; at the theorem's gain it is scaled to a sum of
    absolute entries of 1. ``maximum_error`` is that of a slice of which the sum is 1, at both gains.
    """
    dimension, n, seeds = cell["dimension"], cell["n"], cell.get("seeds", 10)
    shape = np.arange(dimension)

    def stream(instance: int, name: str) -> Stream:
        return Stream(seed, f"vector-errors.{name}.{dimension}.{instance}")

    goals = np.stack([stream(instance, "target").normal(0, dimension) for instance in range(seeds)])
    norms = np.abs(goals).sum(axis=1)
    aims = goals / norms[:, None] if cell["gain"] == "theorem" else goals

    class Scales:
        def __getitem__(self, instance: int) -> Any:
            return np.abs(stream(instance, "scales").normal(0, n))

    def vectors(instance: int, indices: Any) -> Any:
        return stream(instance, "vectors").normal_at(indices[:, None] * dimension + shape)

    def ours() -> Mapping[str, Any]:
        begin = time.perf_counter()
        found = pursue_many(Scales(), vectors, aims, beam=cell.get("beam", 8), threads=thread_count(None))
        seconds = time.perf_counter() - begin
        maxima = []
        for instance, answer in enumerate(found):
            scales = Scales()[instance][answer.indices]
            left = (scales[:, None] * vectors(instance, answer.indices)).sum(axis=0) - aims[instance]
            scale = 1.0 if cell["gain"] == "theorem" else norms[instance]
            maxima.append(float(np.abs(left).max()) / scale)
        sizes = np.linalg.norm(aims, axis=1)
        return {
            "relative_error": float(np.median([answer.error for answer in found] / sizes)),
            "maximum_error": float(np.median(maxima)),
            "largest_entry": float(np.median(np.abs(goals).max(axis=1) / norms)),
            "kept": float(np.median([len(answer.indices) for answer in found])),
            "generated": float(np.median([answer.generated for answer in found])),
            "seconds_an_instance": seconds / seeds,
        }

    return [Contender("slth", ours, seeds, warm_up=False, replicates=1)]


def vector_optima(cell: Cell, seed: int) -> Sequence[Contender]:
    """Solve small instances of Gaussian vectors exactly: the optimum beside what second moments guarantee."""
    dimension, n, seeds = cell["dimension"], cell["n"], cell.get("seeds", 30)

    def ours() -> Mapping[str, Any]:
        begin = time.perf_counter()
        errors = []
        for instance in range(seeds):
            drawn = Stream(seed, f"vector-optima.{dimension}.{instance}").normal(0, n * dimension)
            found = solve(drawn.reshape(n, dimension), np.ones(dimension), norm="max")
            assert found.status.label == "optimal", "the quantiles are those of optima"
            errors.append(found.error)
        return {
            "third_quantile": float(np.quantile(errors, 1.0 / 3.0)),
            "median_error": float(np.median(errors)),
            "seconds_an_instance": (time.perf_counter() - begin) / seeds,
        }

    return [Contender("slth", ours, seeds, warm_up=False, replicates=1)]


def pursuit_device(cell: Cell, seed: int) -> Sequence[Contender]:
    """Pursue channels u v on a device in tensors, and on processors by the compiled kernels."""
    dimension, n, instances = cell["dimension"], cell["n"], cell["instances"]
    generator = np.random.default_rng(seed)
    scales = np.abs(generator.standard_normal((instances, n)))
    vectors = generator.standard_normal((instances, n, dimension))
    targets = generator.standard_normal((instances, dimension))
    beam = cell.get("beam", 8)

    def vectors_at(instance: int, indices: Any) -> Any:
        return vectors[instance][indices]

    def summary(found: Sequence[BandPursuit]) -> dict[str, Any]:
        return {"median_error": float(np.median([one.error for one in found])), "channels": n * instances}

    def kernels() -> Mapping[str, Any]:
        return summary(pursue_many(scales, vectors_at, targets, beam=beam, threads=thread_count(None)))

    def tensors() -> Mapping[str, Any]:
        from slth.networks.devices import resolve_device
        from slth.subset_sum.places import copy_bandwidth
        from slth.subset_sum.tensor_server import TensorServer

        try:
            server = TensorServer.on(resolve_device(cell["on"]))
        except ArgumentError as refusal:
            raise Declined(str(refusal)) from None
        found = pursue_many(scales, vectors_at, targets, serve=server, beam=beam, threads=thread_count(None))
        return {**summary(found), **server.work, "copy_bytes_a_second": copy_bandwidth(server.place)}

    return [
        Contender("slth kernels", kernels, instances, replicates=1),
        Contender(f"slth tensors on {cell['on']}", tensors, instances, replicates=1),
    ]
