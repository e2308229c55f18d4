"""Seconds of what must not become slower: `python -m tests.tools.guard_times [--write] [task ...]`.

Each task is timed in one process; its best of three runs counts, or what was reached after some seconds. Processor time
of all threads is what is compared, for it hardly depends on what else the machine does; wall-clock time stands beside
it. A machine is told by the processor time of fixed numpy products and sorts just before the task, the normaliser:
compare cpu / normaliser with the frozen numbers beside the guard.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np

import slth
from slth.networks import describe, small_cnn
from slth.networks.models_attention import AttentionClassifier
from tests.guard.frozen import FOLDER

ROUNDS, LONG = 3, 2.0
FORWARD = 1000


def random_dense(*sizes, seed=0):
    """Random weights of the size that training starts from, with small biases."""
    rng = np.random.default_rng(seed)
    nodes, before = [], "input"
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight = rng.normal(size=(outputs, inputs)) * np.sqrt(2.0 / inputs)
        nodes.append(slth.Node(f"linear{number}", slth.Conv(weight, rng.normal(size=outputs) * 0.1), (before,)))
        if number < len(sizes) - 2:
            nodes.append(slth.Node(f"relu{number}", slth.Relu(), (nodes[-1].name,)))
        before = nodes[-1].name
    return slth.Graph((sizes[0],), nodes)


@cache
def dense(*sizes):
    target = random_dense(*sizes)
    return target, slth.construct(target, method=slth.PerWeight(candidates=12)).ticket


@cache
def shallow():
    target = random_dense(64, 32, 10)
    return target, slth.construct(target, method=slth.Shallow(candidates=12)).ticket


@cache
def reference(method):
    """The reference network of 28 x 28 images, by single weights or by whole channels."""
    target = describe(small_cnn(seed=0), (1, 28, 28))
    made = slth.PerWeight(candidates=12) if method == "per-weight" else slth.Structured(channels=100, gain="unit")
    return target, slth.construct(target, method=made).ticket


@cache
def attention():
    target = describe(AttentionClassifier((7, 7), width=16, hidden=(), seed=0), (49,))
    return target, slth.construct(target, method=slth.PerWeight(candidates=12)).ticket


def certificate(prepared):
    """Time the certificate of a target and its ticket over the unit box."""
    target, ticket = prepared
    return lambda: slth.certify(target, ticket, input_box=(0.0, 1.0))


def passes(prepared, *shape):
    """Time float64 passes of so many random inputs through a ticket, its weights drawn and folded each time."""
    _, ticket = prepared
    x = np.random.default_rng(1).random((FORWARD, *shape))
    return lambda: replace(ticket).forward(x)


def images(prepared):
    return passes(prepared, 1, 28, 28)


def construction():
    target = random_dense(784, 500, 10)
    return lambda: slth.construct(target, method=slth.PerWeight(candidates=12))


TASKS = {
    "certificate of a dense ticket, 784-300-100-10": lambda: certificate(dense(784, 300, 100, 10)),
    "certificate of a per-weight ticket, reference CNN, 12 candidates": lambda: certificate(reference("per-weight")),
    "certificate of a structured ticket, reference CNN, 100 channels": lambda: certificate(reference("structured")),
    "1000 passes of a dense ticket, 784-100-10": lambda: passes(dense(784, 100, 10), 784),
    "1000 passes of a shallow ticket, 64-32-10": lambda: passes(shallow(), 64),
    "1000 passes of a per-weight ticket, reference CNN, 12 candidates": lambda: passes(
        reference("per-weight"), 1, 28, 28
    ),
    "1000 passes of a structured ticket, reference CNN, 100 channels": lambda: passes(
        reference("structured"), 1, 28, 28
    ),
    "1000 passes of an attention ticket, 7 tokens of 7": lambda: passes(attention(), 49),
    "construction and certificate, 784-500-10, 12 candidates": construction,
}


def normaliser():
    """Processor seconds of matrix products and sorts of a fixed size: the best of three."""
    rng = np.random.default_rng(0)
    matrix, values = rng.random((600, 600)), rng.random(10**6)
    best = np.inf
    for _ in range(3):
        begin = time.process_time()
        for _ in range(10):
            matrix @ matrix
        np.sort(values)
        best = min(best, time.process_time() - begin)
    return best


def timed(prepare):
    """Return processor and wall-clock seconds of a task, and the normaliser."""
    work = prepare()
    unit = normaliser()
    cpu, wall = [], []
    while len(cpu) < ROUNDS and sum(cpu) < LONG:
        begin, began = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - begin)
        wall.append(time.perf_counter() - began)
    return {"cpu": min(cpu), "wall": min(wall), "normaliser": unit}


def main(arguments):
    write = "--write" in arguments
    path = FOLDER / "times.json"
    frozen = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"tasks": {}}
    for name in [name for name in arguments if name != "--write"] or TASKS:
        found = timed(TASKS[name])
        line = f"{found['cpu']:9.3f} s cpu {found['wall']:9.3f} s wall {found['cpu'] / found['normaliser']:8.1f} units"
        if name in frozen["tasks"]:
            old = frozen["tasks"][name]
            ratio = found["cpu"] / found["normaliser"] / (old["cpu"] / old["normaliser"])
            line += f" {ratio:6.2f} x frozen"
        sys.stdout.write(f"{line}  {name}\n")
        sys.stdout.flush()
        if write:
            frozen["tasks"][name] = found
            frozen["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "numpy": np.__version__}
            path.write_text(json.dumps(frozen, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
