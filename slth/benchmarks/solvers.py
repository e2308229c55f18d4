"""What the solvers cost: time and memory beside the cost model, the machine's own limit, and peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.benchmarks.large import sample
from slth.benchmarks.peers import PEERS, installed
from slth.errors import ArgumentError

Floats = npt.NDArray[np.float64]

LIMIT_INSTANCES = 512


def two_list_steps(n: int) -> int:
    """Steps of the cost model: 2^(a+1) + 2^(b+1) to merge and 2^a + 2^b to walk, for halves a + b = n."""
    return 3 * ((1 << n // 2) + (1 << (n - n // 2)))


def exact_batch(cell: Cell, seed: int) -> Sequence[Contender]:
    """Optima of many small instances, and what peers need for a few of the same."""
    from slth.subset_sum import solve_batch

    n, count, threads = cell["n"], cell["instances"], cell["threads"]
    values, targets = sample(cell.get("law", "uniform"), n, count, seed)
    peers = cell.get("peers", {})
    most = max(peers.values(), default=1)
    best = solve_batch(values[:most], targets[:most]).errors

    def ours() -> Mapping[str, Any]:
        rows = solve_batch(values, targets, threads=threads)
        return {
            "steps": two_list_steps(n) * count,
            "median_error": float(np.median(rows.errors)),
            "claimed_optimal": int((rows.status == 0).sum()),
            "ranked_in_integers": rows.work["ranked_in_integers"],
        }

    return [
        Contender("slth two lists", ours, count),
        *(
            PEERS[name].contender(values, targets, best, count=number)
            for name, number in peers.items()
            if name in PEERS and number
        ),
        Contender("as many bare steps (machine's limit)", lambda: machine_limit(n), LIMIT_INSTANCES),
    ]


def within_tolerance(cell: Cell, seed: int) -> Sequence[Contender]:
    """Instances a second when an error of `tolerance` is good enough."""
    from slth.subset_sum import solve_batch

    n, count, tolerance = cell["n"], cell["instances"], cell["tolerance"]
    values, targets = sample(cell.get("law", "uniform"), n, count, seed)

    def ours() -> Mapping[str, Any]:
        rows = solve_batch(values, targets, tolerance=tolerance, threads=cell["threads"])
        return {
            "largest_error": float(rows.errors.max()),
            "within": int((rows.errors <= tolerance).sum()),
            "solved_to_the_optimum": rows.work["solved_to_the_optimum"],
        }

    return [Contender("slth within tolerance", ours, count)]


def large_instance(cell: Cell, seed: int) -> Sequence[Contender]:
    """One large instance in a process of its own: seconds and peak memory above that of a small solve."""
    name, n = cell["solver"], cell["n"]
    instance = {"solver": name, "n": n, "law": cell.get("law", "uniform"), "seed": seed}
    if name not in PEERS:

        def ours() -> Mapping[str, Any]:
            return _in_a_new_process(instance, timeout=1800)

        return [Contender(f"slth {name}", ours, 1, warm_up=False)]
    most = cell["peers"].get(name, n)

    def theirs() -> Mapping[str, Any]:
        if name == "cp_sat":
            installed("ortools", "baselines")
        if n > most:
            raise Declined(f"the specification gives it no n above {most}")
        return _in_a_new_process(instance, timeout=1800)

    return [Contender(PEERS[name].title, theirs, 1, warm_up=False, replicates=1)]


def heuristics(cell: Cell, seed: int) -> Sequence[Contender]:
    """Beyond exact reach: error and time of differencing and of greedy with swaps."""
    from slth.subset_sum import solve
    from slth.subset_sum.choice import solver_named

    values, targets = sample(cell.get("law", "uniform"), cell["n"], 1, seed)

    def contender(name: str) -> Contender:
        def run() -> Mapping[str, Any]:
            answer = solve(values[0], float(targets[0]), solver=solver_named(name))
            return {"error": answer.error, "density": answer.density}

        return Contender(f"slth {name}", run, 1)

    return [contender("differencing"), contender("greedy")]


def accelerator(cell: Cell, seed: int) -> Sequence[Contender]:
    """Instances a second of the tensor path on a device, against the kernels on the CPU."""
    from slth.networks.devices import resolve_device
    from slth.subset_sum import solve_batch
    from slth.subset_sum.solver import Task
    from slth.subset_sum.tensor_two_list import solve_rows

    n, count = cell["n"], cell["instances"]
    values, targets = sample("uniform", n, count, seed)

    def kernels() -> Mapping[str, Any]:
        return {
            "median_error": float(np.median(solve_batch(values, targets).errors)),
            "steps": two_list_steps(n) * count,
        }

    def tensors() -> Mapping[str, Any]:
        try:
            rows = solve_rows(Task(values, targets), resolve_device(cell["on"]))
        except ArgumentError as refusal:
            raise Declined(str(refusal)) from None
        return {"decided_by_kernels": rows.work["decided_by_kernels"], "rows_at_once": rows.work["rows_at_once"]}

    return [Contender("slth kernels", kernels, count), Contender(f"slth tensors on {cell['on']}", tensors, count)]


def start_up(cell: Cell, seed: int) -> Sequence[Contender]:
    """Fresh processes: import, help, the first solve with compiled code on disk, and the very first without."""
    del seed

    def timed(*arguments: str, cold: bool = False) -> Mapping[str, Any]:
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cold else {})}
            done = subprocess.run(
                [sys.executable, *arguments], env=environment, capture_output=True, check=False, text=True
            )
        if done.returncode:
            raise Declined(f"exit code {done.returncode}: {done.stderr.strip()[-200:]}")
        return {}

    solve = ("-m", "slth", "solve", "--law", "uniform", "--n", "21", "--target", "0.2", "--json")
    what = {
        "python -c pass": lambda: timed("-c", "pass"),
        "import slth": lambda: timed("-c", "import slth"),
        "slth --help": lambda: timed("-m", "slth", "--help"),
        "first solve, compiled code on disk": lambda: timed(*solve),
        "very first solve, with compilation": lambda: timed(*solve, cold=True),
    }
    cold = "very first solve, with compilation"
    return [
        Contender(name, run, 1, warm_up=name != cold, replicates=1 if name == cold else None)
        for name, run in what.items()
        if name in cell.get("what", name)
    ]


def machine_limit(n: int) -> Mapping[str, Any]:
    """As many steps as some instances take, that do nothing but load the next position, in four interleaved chains."""
    from slth.kernels.latency import chase

    steps = LIMIT_INSTANCES * two_list_steps(n)
    chase(np.roll(np.arange(1 << 10), 1), steps)
    return {"steps": steps}


def _in_a_new_process(instance: Mapping[str, Any], *, timeout: float) -> Mapping[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "slth.benchmarks", json.dumps(dict(instance))],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Declined(last.removeprefix("slth.errors.ResourceError: "))
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer
