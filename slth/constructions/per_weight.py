"""The published per-weight experiment: each weight of a network as a subset sum of a list of random coefficients.

It measures random subset sum on real weights and builds no random network: its result is an approximated network.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.constructions.arguments import integer
from slth.constructions.solving import Progress
from slth.errors import ArgumentError
from slth.rng import Stream
from slth.subset_sum import Solver, Status, solve_batch
from slth.subset_sum.laws import Law, Uniform
from slth.tickets import DenseLayer, DenseNetwork

Floats = NDArray[np.float64]

_CHUNK = 2**22  # coefficients in memory at a time: 32 MiB
_MOST = 60


@dataclass(frozen=True)
class PerWeightRow:
    """How one array of weights was approximated.

    Parameters
    ----------
    name : str
        "layer0.weight", "layer0.bias", ... or "array0", ...
    weights : int
        Number of weights.
    candidates, kept : int
        Coefficients offered for all weights together, and coefficients chosen.
    density : float
        kept / candidates.
    largest_error, median_error : float
        Of |sum of the chosen coefficients - weight|, correctly rounded.
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

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a plain mapping, for tables and JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class PerWeightApproximation:
    """An approximated network, or approximated arrays, and how it went.

    Parameters
    ----------
    network : DenseNetwork or None
        The network with approximated weights and biases; None where arrays were given.
    arrays : tuple of float64 arrays
        The approximated arrays, in the order of the table.
    table : tuple of PerWeightRow
        One row for each array.
    law : Law
        Law of the coefficients.
    """

    network: DenseNetwork | None
    arrays: tuple[Floats, ...]
    table: tuple[PerWeightRow, ...]
    law: Law


def approximate_weights(
    target: DenseNetwork | Sequence[ArrayLike],
    *,
    n: int = 21,
    law: Law | None = None,
    shared: Literal["row"] | None = None,
    tolerance: float = 0.0,
    seed: int = 0,
    solver: Solver | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> PerWeightApproximation:
    r"""Approximate each weight by the best subset sum of n random coefficients.

    Weight i of an array has coefficients ``n i`` to ``n i + n - 1`` of the array's stream, a fresh list for each
    weight, as the experiment is described (Pensia et al. 2020, section on experiments; by way of their code). With
    ``shared="row"`` all weights of a row have one list, as in the published code: n coefficients for row r.

    Parameters
    ----------
    target : DenseNetwork or sequence of array_like
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
    progress : callable, optional
        Called with (name of the array, weights done, weights).

    Returns
    -------
    PerWeightApproximation
        Approximated weights, each the correctly rounded sum of its chosen coefficients, and a table.

    Raises
    ------
    ArgumentError
        For an n outside its range, an unknown ``shared``, no weights, or weights that are all equal while no law is
        given.

    Examples
    --------
    >>> result = approximate_weights([[[0.3, -0.1], [0.2, 0.05]]], n=15)
    >>> result.table[0].weights, result.table[0].largest_error < 0.01
    (4, True)
    """
    n = integer("n", n, _MOST, "the published experiment has 21")
    if shared not in (None, "row"):
        raise ArgumentError("shared", shared, "is not a way to share", 'use None or "row"')
    named = _arrays(target)
    if law is None:
        low = min(float(array.min()) for _, array in named)
        high = max(float(array.max()) for _, array in named)
        if not low < high:
            raise ArgumentError("law", law, "cannot be the range of weights that are all equal", "pass Uniform(-1, 1)")
        law = Uniform(low, high)
    answer = partial(solve_batch, tolerance=tolerance, solver=solver, threads=threads)
    arrays, rows = [], []
    for name, array in named:
        begin = time.perf_counter()
        matrix = array.reshape(len(array) if array.ndim > 1 else 1, -1)
        totals, errors, kept = np.empty(matrix.size), np.empty(matrix.size), 0
        for place, values in _lists(matrix, n, law, Stream(seed, f"per-weight.{name}"), shared=shared == "row"):
            solution = answer(values, matrix.ravel()[place])
            if (solution.status == Status.INTERRUPTED).any():
                raise KeyboardInterrupt  # a partial answer would look like a finished one
            totals[place], errors[place] = solution.totals, solution.errors
            kept += int(np.count_nonzero(solution.subsets))
            if progress is not None:
                progress(name, place.stop, matrix.size)
        rows.append(
            PerWeightRow(
                name=name,
                weights=array.size,
                candidates=n * array.size,
                kept=kept,
                density=kept / (n * array.size),
                largest_error=float(errors.max()),
                median_error=float(np.median(errors)),
                seconds=time.perf_counter() - begin,
            )
        )
        arrays.append(totals.reshape(array.shape))
    return PerWeightApproximation(_network(target, arrays), tuple(arrays), tuple(rows), law)


def _lists(matrix: Floats, n: int, law: Law, stream: Stream, *, shared: bool) -> Iterator[tuple[slice, Floats]]:
    """Yield weights and their coefficients: [weights, n], or [n] for a row that shares them."""
    if shared:
        for row in range(len(matrix)):
            width = matrix.shape[1]
            yield slice(row * width, (row + 1) * width), law.sample(stream, n, row * n)
        return
    step = _CHUNK // n
    for start in range(0, matrix.size, step):
        count = min(step, matrix.size - start)
        yield slice(start, start + count), law.sample(stream, count * n, start * n).reshape(count, n)


def _arrays(target: DenseNetwork | Sequence[ArrayLike]) -> list[tuple[str, Floats]]:
    """Return the arrays of a network or of a sequence, with their names."""
    named: list[tuple[str, Floats]] = []
    if isinstance(target, DenseNetwork):
        for number, layer in enumerate(target.layers):
            named.append((f"layer{number}.weight", layer.weight))
            if layer.bias is not None:
                named.append((f"layer{number}.bias", layer.bias))
        return named
    named = [(f"array{number}", np.asarray(array, dtype=np.float64)) for number, array in enumerate(target)]
    if not named or any(array.size == 0 or array.ndim == 0 for _, array in named):
        raise ArgumentError("target", target, "must hold arrays of weights, none of them empty", "pass [weights, ...]")
    return named


def _network(target: DenseNetwork | Sequence[ArrayLike], arrays: list[Floats]) -> DenseNetwork | None:
    if not isinstance(target, DenseNetwork):
        return None
    given = iter(arrays)
    return DenseNetwork(
        tuple(
            DenseLayer(next(given), None if layer.bias is None else next(given), layer.activation)
            for layer in target.layers
        )
    )
