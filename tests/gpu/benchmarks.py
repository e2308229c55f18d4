"""Speeds of the solvers in tensors, each beside a model of what it computes and moves.

A benchmark is a function of (device, case) that yields :class:`Measured`; a new one is a function and an entry of
``BENCHMARKS``, with its cases from small to large, and one for a processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log2
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from slth.resources import thread_count
from slth.subset_sum.bands import pursue_many
from slth.subset_sum.solver import Task
from slth.subset_sum.tensor_server import TensorServer
from slth.subset_sum.tensor_two_list import solve_rows

Case = Mapping[str, int]

WALK_BYTES = 176
"""Of each candidate of each walk in one step: reads and writes of the two dozen passes of ``_Walking._flip``."""

WALK_OPERATIONS = 24


@dataclass(frozen=True)
class Measured:
    """One measurement.

    Parameters
    ----------
    part : str
        What was measured of the benchmark.
    seconds : float
        Median of the runs, transfers from and to the processor included.
    runs : int
    instances : int
        Answers in one run.
    operations, bytes : float
        What the model of the benchmark says was computed and moved in one run.
    values : mapping
        What was found, for a check of sense.
    """

    part: str
    seconds: float
    runs: int
    instances: int
    operations: float
    bytes: float
    values: Mapping[str, Any] = field(default_factory=dict)

    def row(self, copy_bytes_a_second: float) -> dict[str, Any]:
        """The measurement with its rates, as a JSON object."""
        moved = self.bytes / self.seconds
        return {
            **{name: getattr(self, name) for name in ("part", "seconds", "runs", "instances", "operations", "bytes")},
            "instances_a_second": self.instances / self.seconds,
            "operations_a_second": self.operations / self.seconds,
            "bytes_a_second": moved,
            "share_of_copy_bandwidth": moved / copy_bytes_a_second,
            **self.values,
        }


@dataclass(frozen=True)
class Benchmark:
    """A function, what its model counts, and its cases from small to large."""

    name: str
    model: str
    run: Callable[[torch.device, Case], Iterator[Measured]]
    cases: tuple[Case, ...]
    toy: Case


def timed(run: Callable[[], Any], *, most: int = 5, enough: float = 5.0) -> tuple[list[float], Any]:
    """Seconds of a few runs, as many as fit into `enough` seconds, and the last answer."""
    seconds: list[float] = []
    while len(seconds) < most and sum(seconds) <= enough:
        begin = perf_counter()
        answer = run()
        seconds.append(perf_counter() - begin)
    return seconds, answer


def two_lists(place: torch.device, case: Case) -> Iterator[Measured]:
    """Many instances of n uniform numbers, each solved to its optimum."""
    n, instances = case["n"], case["instances"]
    generator = np.random.default_rng(n)
    task = Task(generator.uniform(-1, 1, (instances, n)), generator.uniform(-1, 1, instances))
    solve_rows(Task(task.values[:1], task.targets[:1]), place)  # what is loaded at the first call is not counted
    seconds, rows = timed(lambda: solve_rows(task, place))
    sorted_, searched = 1 << n // 2, 1 << n - n // 2
    operations = sorted_ * log2(sorted_) + searched * (log2(sorted_) + 8)
    moved = 40 * (sorted_ + searched) + 32 * sorted_ + (16 + 8 * log2(sorted_)) * searched + 2 * 48 * searched
    yield Measured(
        "all",
        median(seconds),
        len(seconds),
        instances,
        instances * operations,
        instances * moved,
        {"decided_by_kernels": rows.work["decided_by_kernels"], "rows_at_once": rows.work["rows_at_once"]},
    )


def pursuit(place: torch.device, case: Case) -> Iterator[Measured]:
    """Pursuits of many targets among candidates u v, in step."""
    n, dimension, instances = case["n"], case["dimension"], case["instances"]
    generator = np.random.default_rng(n)
    scales = np.abs(generator.standard_normal((instances, n)))
    vectors = generator.standard_normal((instances, n, dimension))
    targets = generator.standard_normal((instances, dimension))

    def run(count: int, beam: int) -> tuple[TensorServer, float]:
        server = TensorServer(place)
        found = pursue_many(
            scales[:count],
            lambda k, at: vectors[k][at],
            targets[:count],
            beam=beam,
            serve=server,
            threads=thread_count(None),
        )
        relative = [one.error / np.linalg.norm(target) for one, target in zip(found, targets, strict=False)]
        return server, float(np.median(relative))

    run(1, 0)  # what is loaded at the first call is not counted
    seconds, (server, error) = timed(lambda: run(instances, case["beam"]), most=1)
    work, spent = server.work, server.seconds
    swept, walked = work["descent_bytes"], work["walk_bytes"] / 4
    constant = error * n / dimension**1.5
    yield Measured(
        "descents",
        spent["descents"],
        1,
        instances,
        swept / 2,
        swept,
        {"steps": work["descent_steps"]},
    )
    if walked:
        yield Measured(
            "walks",
            spent["walks"],
            1,
            instances,
            WALK_OPERATIONS * walked,
            WALK_BYTES * walked,
            {"steps": work["walk_steps"], "microseconds_a_step": 1e6 * spent["walks"] / work["walk_steps"]},
        )
    yield Measured(
        "all",
        seconds[0],
        1,
        instances,
        swept / 2 + WALK_OPERATIONS * walked,
        swept + WALK_BYTES * walked,
        {
            "median_relative_error": error,
            "error_times_n_over_d_to_1.5": constant,
            "seconds_beside_the_device": seconds[0] - sum(spent.values()),
        },
    )


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        "two lists",
        "An instance sorts a = 2^floor(n/2) sums and looks up b = 2^ceil(n/2): a log2 a + b (log2 a + 8) operations on "
        "64-bit integers. Bytes: 40 (a + b) to make the sums, 32 a for one reading and writing of keys and order in "
        "the sort (a radix sort does it up to eight times), (16 + 8 log2 a) b for the bisections as if no probe were "
        "in a cache, 96 b for the neighbours on both sides.",
        two_lists,
        (
            {"n": 21, "instances": 50_000},
            {"n": 30, "instances": 5_000},
            {"n": 36, "instances": 500},
            {"n": 40, "instances": 100},
        ),
        {"n": 12, "instances": 20},
    ),
    Benchmark(
        "pursuit",
        "A step of a descent multiplies all candidates of a band with the residual: 2 operations and 4 bytes for each "
        f"of their numbers. A step of the walks makes {WALK_OPERATIONS} operations and moves {WALK_BYTES} bytes for "
        "each candidate of each walk: the passes of eager tensors, 4 bytes of which a single pass would need.",
        pursuit,
        (
            {"n": 2_000, "dimension": 10, "instances": 256, "beam": 8},
            {"n": 10_000, "dimension": 72, "instances": 64, "beam": 8},
        ),
        {"n": 200, "dimension": 4, "instances": 3, "beam": 0},
    ),
)
