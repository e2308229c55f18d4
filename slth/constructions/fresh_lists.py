"""The published per-weight experiment: each weight of a network as a subset sum of a fresh list of random coefficients.

It measures random subset sum on real weights and builds no random network: its result is an approximated network.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, finite_array, whole
from slth.constructions.layout import convolutions
from slth.errors import ArgumentError
from slth.graphs import Conv, Graph
from slth.resources import Progress, reporter
from slth.rng import Stream
from slth.subset_sum import BatchSolution, Solver, solve_batch
from slth.subset_sum.laws import Law, Uniform

_CHUNK = 2**22  # coefficients in memory at a time: 32 MiB
_MOST = 60


@dataclass(frozen=True)
class PerWeightRow:
    """How one array of weights was approximated.

    Parameters
    ----------
    name : str
        "layer0.weight", "layer0.bias", ... by the layer's number, or "array0", ...
    weights : int
        Number of weights.
    candidates, kept : int
        Coefficients offered for all weights together, and coefficients chosen.
    density : float
        kept / candidates.
    largest_error, median_error : float
        Of ``|sum of the chosen coefficients - weight|``, correctly rounded.
    seconds : float
        Wall-clock time of drawing and solving.
    """

    name: str
    weights: int
    candidates: int
    kept: int
    density: float
    largest_error: float
    median_error: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the row as a plain mapping, for tables and JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class PerWeightApproximation:
    """An approximated network, or approximated arrays, and how it went.

    Parameters
    ----------
    network : Graph or None
        The network with approximated weights and biases; None where arrays were given.
    arrays : tuple of float64 arrays
        The approximated arrays, in the order of the table.
    table : tuple of PerWeightRow
        One row for each array.
    law : Law
        Law of the coefficients.
    """

    network: Graph | None
    arrays: tuple[Floats, ...]
    table: tuple[PerWeightRow, ...]
    law: Law


@dataclass(frozen=True)
class _Lists:
    """What all lists have in common, checked."""

    n: int
    law: Law
    shared: bool
    tolerance: float
    seed: int
    solver: Solver | None
    threads: int | None
    progress: Progress | None

    def drawn(self, name: str, matrix: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield weights and their coefficients: [weights, n], or [n] for a row that shares them."""
        n, stream = self.n, Stream(self.seed, f"per-weight.{name}")
        if self.shared:
            width = matrix.shape[1]
            for row in range(len(matrix)):
                yield slice(row * width, (row + 1) * width), self.law.sample(stream, n, row * n)
            return
        step = _CHUNK // n
        for start in range(0, matrix.size, step):
            count = min(step, matrix.size - start)
            yield slice(start, start + count), self.law.sample(stream, count * n, start * n).reshape(count, n)

    def best(self, values: Floats, weights: Floats) -> BatchSolution:
        """Return the best subset sums."""
        solution = solve_batch(values, weights, tolerance=self.tolerance, solver=self.solver, threads=self.threads)
        return solution.finished()

    def approximated(self, name: str, array: Floats) -> tuple[Floats, PerWeightRow]:
        """Return an array's approximation and its row."""
        begin = time.perf_counter()
        matrix = array.reshape(len(array) if array.ndim > 1 else 1, -1)
        totals, errors, kept = np.empty(matrix.size), np.empty(matrix.size), 0
        for place, values in self.drawn(name, matrix):
            solution = self.best(values, matrix.ravel()[place])
            totals[place], errors[place] = solution.totals, solution.errors
            kept += int(np.count_nonzero(solution.subsets))
            if self.progress is not None:
                self.progress(name, place.stop, matrix.size)
        row = PerWeightRow(
            name=name,
            weights=array.size,
            candidates=self.n * array.size,
            kept=kept,
            density=kept / (self.n * array.size),
            largest_error=float(errors.max()),
            median_error=float(np.median(errors)),
            seconds=time.perf_counter() - begin,
        )
        return totals.reshape(array.shape), row


def approximate_weights(
    target: Graph | Sequence[ArrayLike],
    *,
    n: int = 21,
    law: Law | None = None,
    shared: Literal["row"] | None = None,
    tolerance: float = 0.0,
    seed: int = 0,
    solver: Solver | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> PerWeightApproximation:
    r"""Approximate each weight by the best subset sum of n random coefficients.

    Weight i of an array has coefficients ``n i`` to ``n i + n - 1`` of the array's stream, a fresh list for each
    weight, as the experiment is described (Pensia et al. 2020, section on experiments; by way of their code). With
    ``shared="row"`` all weights of a row have one list, as in the published code: n coefficients for row r.

    Parameters
    ----------
    target : Graph or sequence of array_like
        The network, or arrays of weights.
    n : int
        Coefficients of each list, 1 to 60.
    law : Law, optional
        Law of the coefficients; if None, uniform between the smallest and the largest of all weights.
    shared : {"row"}, optional
        Share one list between the weights of a row.
    tolerance : float
        Error at which a search may stop; 0 for the optimum.
    seed : int
        Seed of the coefficients.
    solver : Solver, optional
        As for :func:`slth.solve_batch`.
    threads : int, optional
        As for :func:`slth.solve_batch`.
    progress : callable or bool, optional
        True for a line on stderr; or called with (name of the array, weights done, weights).

    Returns
    -------
    PerWeightApproximation
        Approximated weights, each the correctly rounded sum of its chosen coefficients, and a table.

    Raises
    ------
    ArgumentError
        For an n outside its range, an unknown ``shared``, no weights, or weights that are all equal while no law is
        given.
    Interrupted
        When the user ends it.

    Examples
    --------
    >>> result = slth.approximate_weights([[[0.3, -0.1], [0.2, 0.05]]], n=15)
    >>> result.table[0].weights, result.table[0].largest_error < 0.01
    (4, True)
    """
    n = whole(n, "n", 1, _MOST, remedy="the published experiment has 21")
    if shared not in (None, "row"):
        raise ArgumentError("shared", shared, "is not a way to share", 'use None or "row"')
    if not isinstance(law, Law | None):
        raise ArgumentError("law", law, "is not a law of values", "pass one, as slth.law_from_text gives it")
    named = _arrays(target)
    law = _range_of(named) if law is None else law
    lists = _Lists(n, law, shared == "row", tolerance, seed, solver, threads, reporter(progress))
    found = [lists.approximated(name, array) for name, array in named]
    arrays = tuple(array for array, _ in found)
    network = with_arrays(target, iter(arrays)) if isinstance(target, Graph) else None
    return PerWeightApproximation(network, arrays, tuple(row for _, row in found), law)


def _range_of(named: list[tuple[str, Floats]]) -> Law:
    low = min(float(array.min()) for _, array in named)
    high = max(float(array.max()) for _, array in named)
    if not low < high:
        raise ArgumentError("law", None, "cannot be the range of weights that are all equal", "pass Uniform(-1, 1)")
    return Uniform(low, high)


def _arrays(target: Graph | Sequence[ArrayLike]) -> list[tuple[str, Floats]]:
    """Return the arrays of a network or of a sequence, with their names."""
    if isinstance(target, Graph):
        named = [
            (f"layer{number}.{part}", array)
            for number, conv in enumerate(weighted_steps(target))
            for part, array in (("weight", conv.weight), ("bias", conv.bias))
            if array is not None
        ]
    else:
        given = target if isinstance(target, Sequence | np.ndarray) else ()
        named = [(f"array{number}", finite_array(array, "target")) for number, array in enumerate(given)]
    if not named or any(array.size == 0 or array.ndim == 0 for _, array in named):
        raise ArgumentError("target", target, "must hold arrays of weights, none of them empty", "pass [weights, ...]")
    return named


def weighted_steps(target: Graph) -> list[Conv]:
    """Return the convolutions of a graph, each once, in order; ArgumentError where other weights stand."""
    steps = [places[0].step for places in convolutions(target).values()]
    for step in steps:
        if not isinstance(step, Conv):
            raise ArgumentError(
                "target", step, "has weights that are no convolution's", "pass the target, not a ticket"
            )
    return steps


def with_arrays(target: Graph, arrays: Iterator[Floats]) -> Graph:
    """Return a graph with other weights and biases, in the order in which its convolutions come."""
    replaced = {}
    for conv in weighted_steps(target):
        weight = next(arrays)
        replaced[id(conv)] = replace(conv, weight=weight, bias=None if conv.bias is None else next(arrays))
    nodes = [replace(node, step=replaced.get(id(node.step), node.step)) for node in target.nodes]
    return Graph(target.input_shape, nodes, target.output, target.output_shape)
