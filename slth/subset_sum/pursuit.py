"""Vector subset sums for values of any law: greedy flips, scale bands, then annealing among the flips that matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.errors import ArgumentError
from slth.resources import Progress
from slth.subset_sum.annealing import REHEAT, anneal_window, window_size
from slth.subset_sum.bands import band_steps
from slth.subset_sum.pursuit_steps import Descended, Descent, Norm, Steps, distance, drive

ROUNDS = 2  # annealings of the flips that matter, after the shortest candidates were annealed
GREEDY_LIMIT = 2**23  # numbers in the array, up to which plain greedy is run as well


@dataclass(frozen=True)
class PursuitResult:
    """A subset bool[n], its error in the norm asked for, and the flips that were made on the way."""

    subset: Bools
    error: float
    flips: int


def pursue(
    values: Floats,
    target: Floats,
    *,
    size: int | None = None,
    beam: int = 8,
    norm: Norm = "l2",
    tolerance: float = 0.0,
    threads: int = 1,
    progress: Progress | None = None,
) -> PursuitResult:
    """A subset of given vectors whose sum is near the target.

    Three things are tried, each improving on the best so far: plain greedy flips over all candidates (up to 2^23
    numbers), the walk over bands of lengths (:func:`~slth.subset_sum.bands.pursue_bands`), and annealing among the
    flips that change the error least or bring it down. All minimise the l2 norm; `norm` says in which norm results are
    compared and reported.

    Shapes: values float64[n, D]; target float64[D].
    """
    steps = pursuit_steps(values, target, size=size, beam=beam, norm=norm, tolerance=tolerance, progress=progress)
    return drive(steps, threads=threads)


def pursuit_steps(
    values: Floats,
    target: Floats,
    *,
    size: int | None,
    beam: int,
    norm: Norm,
    tolerance: float,
    progress: Progress | None = None,
) -> Steps[PursuitResult]:
    """:func:`pursue`, asking somebody else to compute."""
    if size is not None and not 0 <= size <= len(values):
        raise ArgumentError("size", size, f"must lie in 0 .. {len(values)}, the number of vectors", "choose fewer")
    search = _Search(np.asarray(values), np.asarray(target), size, beam, norm, tolerance)
    stages: list[Callable[[], Steps[None]]] = [search.greedy, search.bands, *[search.round] * ROUNDS]
    for done, stage in enumerate(stages, start=1):
        if not search.finished:
            yield from stage()
        if progress:
            progress("pursuit", done, len(stages))
    return PursuitResult(search.best, search.error, search.flips)


class _Search:
    """The best subset so far, and ways to improve it."""

    def __init__(
        self, values: Floats, target: Floats, size: int | None, beam: int, norm: Norm, tolerance: float
    ) -> None:
        # A power of two brings everything near 1: it is exact, and no square overflows.
        largest = max(float(np.max(np.abs(values), initial=0.0)), float(np.max(np.abs(target), initial=0.0)))
        exponent = math.frexp(largest)[1]
        with np.errstate(under="ignore"):
            self.values = np.ldexp(values, -exponent)
            self.target = np.ldexp(target, -exponent)
        self.exponent = exponent
        self.size, self.beam, self.norm = size, beam, norm
        self.tolerance = _scaled(tolerance, -exponent)
        self.squares = np.einsum("ij,ij->i", self.values, self.values)
        self.flips = 0
        self.best = np.zeros(len(values), np.bool_)
        if size is not None:
            self.best[np.argsort(self.squares, kind="stable")[:size]] = True
        self.scaled_error = self._distance(self.best)

    @property
    def error(self) -> float:
        """The error of the best subset, in the caller's units."""
        return _scaled(self.scaled_error, self.exponent)

    @property
    def finished(self) -> bool:
        """Whether nothing more is wanted or can be done."""
        return self.scaled_error <= self.tolerance or not self.squares.any()

    def greedy(self) -> Steps[None]:
        """The best flip of all, again and again."""
        if self.values.size > GREEDY_LIMIT:
            return
        chosen = np.zeros(len(self.values), np.bool_)
        count, least, most = 0, 0, len(chosen)
        if self.size is not None:
            chosen, count = self.best.copy(), self.size
            least, most = max(0, self.size - 1), min(most, self.size + 1)
        limit = 4 * len(chosen) + 64
        found = yield Descent(self.values, chosen, self._residual(chosen), count, least, most, limit)
        assert isinstance(found, Descended), "a descent is answered by one"
        self.flips += found.flips
        self._offer(self._of_size(found.chosen.copy()))

    def bands(self) -> Steps[None]:
        """Long candidates first, then annealing among the shortest."""
        useful = np.flatnonzero(self.squares > 0.0)
        scales = np.sqrt(self.squares[useful] / len(self.target))
        size = None if self.size is None else min(self.size, len(useful))
        found = yield from band_steps(
            scales,
            lambda indices: self.values[useful[indices]] / scales[indices, None],
            self.target,
            size=size,
            beam=self.beam,
            tolerance=self.tolerance if self.norm == "l2" else 0.0,
        )
        self.flips += found.flips
        chosen = np.zeros(len(self.values), np.bool_)
        chosen[useful[found.indices]] = True
        self._offer(self._of_size(chosen))

    def round(self) -> Steps[None]:
        """Anneal the flips that bring the error down or change it least."""
        residual = self._residual(self.best)
        signs = np.where(self.best, -1.0, 1.0)
        change = self.squares - 2.0 * signs * (self.values @ residual)
        window = self._least(change)
        rows = np.ascontiguousarray(self.values[window])
        start = self.best[window]
        found = yield from anneal_window(
            rows,
            residual + rows[start].sum(axis=0),
            start,
            beam=self.beam,
            fixed=self.size is not None,
            norm=self.norm,
            tolerance=self.tolerance,
            heat=REHEAT * distance(residual, "l2"),
        )
        self.flips += found.flips
        chosen = self.best.copy()
        chosen[window] = found.chosen
        self._offer(chosen)

    def _least(self, change: Floats) -> Indices:
        """Positions of the window with the least changes; with a size, half of them of chosen candidates."""
        width = min(window_size(len(self.target)), len(change))
        if self.size is None:
            return np.sort(np.argsort(change, kind="stable")[:width])
        inside, outside = np.flatnonzero(self.best), np.flatnonzero(~self.best)
        taken = min(len(inside), max(width // 2, width - len(outside)))
        parts = [
            group[np.argsort(change[group], kind="stable")[:count]]
            for group, count in ((inside, taken), (outside, width - taken))
        ]
        return np.sort(np.concatenate(parts))

    def _of_size(self, chosen: Bools) -> Bools:
        """The subset with its number put right by the flips that cost least, one after the other."""
        if self.size is None:
            return chosen
        residual = self._residual(chosen)
        while (count := int(np.count_nonzero(chosen))) != self.size:
            group = np.flatnonzero(chosen if count > self.size else ~chosen)
            sign = -1.0 if count > self.size else 1.0
            change = self.squares[group] - 2.0 * sign * (self.values[group] @ residual)
            flip = group[int(np.argmin(change))]
            chosen[flip] = not chosen[flip]
            residual -= sign * self.values[flip]
        return chosen

    def _residual(self, chosen: Bools) -> Floats:
        """Target - sum of the chosen vectors."""
        return np.asarray(self.target - self.values[chosen].sum(axis=0))

    def _distance(self, chosen: Bools) -> float:
        return distance(self._residual(chosen), self.norm)

    def _offer(self, chosen: Bools) -> None:
        """Keep the subset if it is strictly nearer."""
        error = self._distance(chosen)
        if error < self.scaled_error:
            self.best, self.scaled_error = chosen, error


def _scaled(number: float, exponent: int) -> float:
    """A number times 2^exponent, infinite where that overflows."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(number, exponent))
