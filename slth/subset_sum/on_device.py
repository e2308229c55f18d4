"""Rows solved on a device: which tensor solver answers a task, and how its answers are signed."""

from __future__ import annotations

import torch

from slth.errors import ArgumentError
from slth.subset_sum.choice import choose
from slth.subset_sum.places import resolve_place
from slth.subset_sum.pursuit import pursuit_steps
from slth.subset_sum.pursuit_steps import Norm, drive_together
from slth.subset_sum.solution import error_of
from slth.subset_sum.solver import Rows, Solver, Task, as_vectors
from slth.subset_sum.status import Status
from slth.subset_sum.tensor_server import TensorServer
from slth.subset_sum.tensor_two_list import solve_rows
from slth.subset_sum.two_list import TwoList
from slth.subset_sum.vector_pursuit import Pursuit


def run_on(task: Task, *, device: str, solver: Solver | None) -> tuple[str, Rows] | None:
    """Solve on the named device; who answered is signed with it.

    None where the processor should answer: "auto" finds no GPU, or the vectors are in reach of an exact search.
    """
    place = resolve_place(device)
    if place is None or place.type == "cpu":
        return None
    if task.d == 1:
        _check(solver, TwoList, device)
        if task.size is not None:
            raise ArgumentError("size", task.size, f"is not offered on device {device!r}", "use device='cpu'")
        return f"TorchTwoList(device='{place}')", solve_rows(task, place)
    _check(solver, Pursuit, device)
    who = choose(task)[0] if solver is None else solver
    if not isinstance(who, Pursuit):
        return None
    signed = f"TorchPursuit(beam={who.beam}, device='{place}')"
    return signed, pursue_rows(task, place, beam=who.beam)


def _check(solver: Solver | None, allowed: type, device: str) -> None:
    if solver is not None and not isinstance(solver, allowed):
        remedy = f"use {allowed.__name__}(), None or device='cpu'"
        raise ArgumentError("solver", solver, f"does not run on device {device!r}", remedy)


def pursue_rows(task: Task, place: torch.device | str, *, beam: int = 8) -> Rows:
    """Pursue the targets of all rows at the same time, with so many walks in each annealing.

    Rows are as :class:`~slth.subset_sum.vector_pursuit.Pursuit` answers; ``work`` holds the steps and the bytes swept.
    """
    values, targets = as_vectors(task)
    norm: Norm = "l2" if task.norm == "l2" else "max"
    server = TensorServer(torch.device(place))
    own = [values[min(k, len(values) - 1)] for k in range(len(targets))]

    def report(done: int) -> None:
        if task.progress:
            task.progress("pursuit", done, len(targets))

    found = drive_together(
        [
            pursuit_steps(mine, target, size=task.size, beam=beam, norm=norm, tolerance=task.tolerance)
            for mine, target in zip(own, targets, strict=True)
        ],
        server,
        threads=task.threads,
        finished=report,
    )
    rows = Rows.empty(len(targets), task.n)
    for k, result in enumerate(found):
        within = error_of(own[k][result.subset], targets[k], task.norm) <= task.tolerance
        rows.subsets[k], rows.lower_bounds[k] = result.subset, 0.0
        rows.status[k] = Status.WITHIN_TOLERANCE if within else Status.HEURISTIC
    rows.work.update(reason=f"device {place}", **server.work)
    return rows
