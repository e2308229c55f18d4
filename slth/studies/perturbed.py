"""Perturbed subset sum: how many values are enough when each chosen one may move a little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions.fresh_lists import weighted_steps
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.trained_targets import data_of, dense_target, digest_of
from slth.subset_sum import BatchSolution, Status, solve_batch
from slth.subset_sum.laws import Uniform

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LISTS = ("fresh", "row")


def perturbed(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Find the smallest n for which every weight is a sum of chosen values, each moved by at most eps, within eta.

    For values :math:`x_1 .. x_n`, uniform between the smallest and the largest weight, fresh for each weight w or
    shared by the weights of a row, moves :math:`|y_i| \le \epsilon` reach

    .. math:: \min_y |\sum_S (x_i + y_i) - w| \le \eta \iff |\sum_S x_i - w| \le \eta + |S| \epsilon,

    so every size of S is a problem of its own, which the exact solver of fixed size decides. A longer list extends a
    shorter one, so the smallest n of a weight is well defined; that of the network is the largest of its weights'.

    Notes
    -----
    Source: Xiong, Liao and Kyrillidis 2023, "Strong Lottery Ticket Hypothesis with epsilon-perturbation", figure 2.
    """
    if cell["lists"] not in LISTS:
        raise ArgumentError("lists", cell["lists"], "is unknown", f"use one of {', '.join(LISTS)}")
    data = data_of(cell["data"], context)
    target = dense_target(data, context, hidden=cell["hidden"], epochs=cell["epochs"], seed=cell["target_seed"])
    weights, rows, law = _spread(target, cell["sample"])
    stream, most, eta = Stream(seed, "perturbed"), cell["most"], cell["eta"]
    lists = len(weights) if cell["lists"] == "fresh" else int(rows.max()) + 1
    values = law.sample(stream, most * lists).reshape(lists, most)
    if cell["lists"] == "row":
        values = values[rows]
    found = smallest_counts(values, weights, eta=eta, eps=cell["ratio"] * eta, threads=context.threads)
    reached = found > 0
    return [
        {
            "smallest_n": int(found.max()) if reached.all() else None,
            "median_n": float(np.median(np.where(reached, found, cell["most"] + 1))),
            "weights": len(weights),
            "smallest_weight": law.low,
            "largest_weight": law.high,
            "target": digest_of(target),
        }
    ]


def smallest_counts(
    values: Floats, targets: Floats, *, eta: float, eps: float, threads: int | None = None
) -> NDArray[np.int64]:
    """Find for each target how many of its values, from the front, are enough for the perturbed sum.

    Shapes: values float64[targets, n]; targets float64[targets]; result int64[targets].
    """
    for name, number in (("eta", eta), ("eps", eps)):
        if not 0.0 <= number < np.inf:
            raise ArgumentError(name, number, "must be finite and not negative", "use 0.01")
    if values.shape[1] > 40:
        raise ArgumentError("most", values.shape[1], "is more than exact search takes here", "use at most 40")
    smallest = np.zeros(len(targets), np.int64)
    open_ = np.arange(len(targets))
    for n in range(1, values.shape[1] + 1):
        if not open_.size:
            break
        done = _reached(np.ascontiguousarray(values[open_, :n]), targets[open_], eta, eps, threads)
        smallest[open_[done]] = n
        open_ = open_[~done]
    return smallest


def _reached(values: Floats, targets: Floats, eta: float, eps: float, threads: int | None) -> Bools:
    """Whether some subset S has an error of at most eta + |S| eps, for each row."""
    n = values.shape[1]
    best = solved(values, targets, eta, None, threads)
    done: Bools = best.errors <= eta + eps * best.subsets.sum(axis=1)
    # Where even the optimum of all sizes is too far for the largest subset, no size needs to be tried.
    open_ = np.flatnonzero(~done & (best.lower_bounds <= eta + n * eps)) if eps > 0.0 else np.empty(0, np.int64)
    for size in range(n, 0, -1):
        if not open_.size:
            break
        found = solved(values[open_], targets[open_], eta + size * eps, size, threads)
        near = found.errors <= eta + size * eps
        done[open_[near]] = True
        open_ = open_[~near]
    return done


def solved(values: Floats, targets: Floats, tolerance: float, size: int | None, threads: int | None) -> BatchSolution:
    """Solve all rows, or raise KeyboardInterrupt: a partial answer would look like a finished one."""
    answer = solve_batch(values, targets, tolerance=tolerance, size=size, threads=threads)
    if (answer.status == Status.INTERRUPTED).any():
        raise KeyboardInterrupt
    return answer


def _spread(target: Graph, count: int) -> tuple[Floats, NDArray[np.int64], Uniform]:
    """So many weights at equal steps of rank with both extremes, their rows, and the law over the range of all."""
    matrices = [conv.weight.reshape(len(conv.weight), -1) for conv in weighted_steps(target)]
    weights = np.concatenate([matrix.ravel() for matrix in matrices])
    rows = np.repeat(np.arange(sum(map(len, matrices))), np.concatenate([[m.shape[1]] * len(m) for m in matrices]))
    order = np.argsort(weights, kind="stable")
    law = Uniform(float(weights[order[0]]), float(weights[order[-1]]))
    if count == 1 or count < 0:
        raise ArgumentError("sample", count, "must be 0 for all, or at least the two extremes", "use 2000")
    if 0 < count < weights.size:
        order = order[np.linspace(0, weights.size - 1, count).round().astype(np.int64)]
    return weights[order], rows[order], law
