"""Vector pursuit over bands of scales: candidates s_i v_i of which only a few thousand are ever generated.

A residual r is shortened most by candidates about as long as its projection on them. So the walk goes from long to
short candidates, one band of scales after the other, and generates in each band only as many vectors as are needed; it
ends with annealing among the shortest candidates of all, which decide the error. Memory and work therefore hardly
depend on the number n of candidates, and the error falls like 1/n, because the shortest scales do.

With u v and a target of standard normal numbers the relative l2 error is c D^1.5 / n with c between 0.2 (D = 10) and
0.36 (D = 288), measured from n = 10 D on; plain greedy has about 0.8. Up to 8 D candidates there are no bands: all are
annealed together, and the error tends to 1, choosing nothing, as n goes below D.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.errors import ArgumentError
from slth.resources import Progress, worker_pool
from slth.subset_sum.annealing import REHEAT, anneal_window, window_size
from slth.subset_sum.pursuit_steps import Descended, Descent, Serve, Steps, distance, drive, drive_together

VectorsAt: TypeAlias = Callable[[Indices], Floats]

BAND = 4.0  # ratio of the longest to the shortest scale in a band
OVERSIZE = 1.5  # longest scale worth trying, in units of the best one for the direction expected to be met
SCALES_AT_ONCE = 2**25  # of instances in step: 256 MiB
CHUNK = 4096  # vectors generated at a time where only their sum is wanted


@dataclass(frozen=True)
class BandPursuit:
    """What a pursuit over bands found."""

    indices: Indices  # of the chosen candidates, increasing
    error: float  # |target - sum| in l2, to the rounding of float64 sums
    generated: int  # vectors that were asked for
    flips: int  # changes of the subset, in bands and in annealing
    bands: int  # groups of candidates searched before the last


def pursue_bands(
    scales: Floats,
    vectors_at: VectorsAt,
    target: Floats,
    *,
    size: int | None = None,
    beam: int = 8,
    tolerance: float = 0.0,
    threads: int = 1,
) -> BandPursuit:
    """A subset of candidates ``scales[i] * v_i`` whose sum is near the target, generating few of the vectors.

    Shapes: scales float64[n]; target float64[D].
    """
    return drive(band_steps(scales, vectors_at, target, size=size, beam=beam, tolerance=tolerance), threads=threads)


def band_steps(
    scales: Floats, vectors_at: VectorsAt, target: Floats, *, size: int | None, beam: int, tolerance: float
) -> Steps[BandPursuit]:
    """:func:`pursue_bands`, asking somebody else to compute."""
    usable = int(np.count_nonzero(scales > 0.0))
    if size is not None and not 0 <= size <= usable:
        raise ArgumentError("size", size, f"must lie in 0 .. {usable}, the number of usable candidates", "choose fewer")
    walk = _Walk(scales, vectors_at, target, size)
    if walk.error > tolerance or size is not None:
        yield from walk.through_bands(tolerance)
        yield from walk.through_window(beam, tolerance)
    return walk.result()


class ScaleRows(Protocol):
    """Scales of many instances, row by row: an array, or what draws a row when it is asked for."""

    def __getitem__(self, instance: int, /) -> Floats:
        """The scales of one instance, float64[n]."""


def pursue_many(
    scales: ScaleRows,
    vectors_at: Callable[[int, Indices], Floats],
    targets: Floats,
    *,
    size: int | None = None,
    beam: int = 8,
    threads: int = 1,
    serve: Serve | None = None,
    progress: Progress | None = None,
) -> list[BandPursuit]:
    """Solve many instances as :func:`pursue_bands` does; the results do not depend on the threads.

    Shapes: scales float64[B, n] or ScaleRows; targets float64[B, D].
    """

    def steps(instance: int, own: Floats) -> Steps[BandPursuit]:
        vectors = partial(vectors_at, instance)
        return band_steps(own, vectors, targets[instance], size=size, beam=beam, tolerance=0.0)

    if serve is not None:
        return _in_step(steps, scales, len(targets), serve, threads, progress)
    count = len(targets)
    inner = max(1, threads // max(count, 1))  # a lone instance has its walks side by side instead

    def one(instance: int) -> BandPursuit:
        return drive(steps(instance, scales[instance]), threads=inner)

    found = []
    with worker_pool(min(threads, max(count, 1))) as pool:
        for result in pool.map(one, range(count)):
            found.append(result)
            if progress:
                progress("pursuit", len(found), count)
    return found


def _in_step(
    steps: Callable[[int, Floats], Steps[BandPursuit]],
    scales: ScaleRows,
    count: int,
    serve: Serve,
    threads: int,
    progress: Progress | None,
) -> list[BandPursuit]:
    """Many pursuits in step, as many at a time as their scales fit, computed by `serve`."""
    found: list[BandPursuit] = []
    while len(found) < count:
        start, first = len(found), scales[len(found)]
        stop = min(count, start + max(1, SCALES_AT_ONCE // len(first)))
        many = [steps(k, scales[k] if k > start else first) for k in range(start, stop)]
        found += drive_together(many, serve, threads=threads)
        if progress:
            progress("pursuit", len(found), count)
    return found


class _Walk:
    """One pursuit on its way from long to short candidates."""

    def __init__(self, scales: Floats, vectors_at: VectorsAt, target: Floats, size: int | None) -> None:
        self.scales, self.vectors_at, self.target, self.size = scales, vectors_at, target, size
        self.residual = np.array(target, dtype=np.float64)
        self.dimension = len(target)
        self.chosen = np.zeros(len(scales), np.bool_)
        self.generated = self.flips = self.bands = 0
        self.pool: list[tuple[Indices, Floats]] = []  # candidates that an exchange may choose among
        usable = np.flatnonzero(scales > 0.0)
        width = min(window_size(self.dimension), len(usable))
        nearest = usable[np.argpartition(scales[usable], width - 1)[:width]] if width else usable
        self.window = nearest[np.lexsort((nearest, scales[nearest]))]
        self.outside = scales > 0.0
        self.outside[self.window] = False
        self.count = 0  # chosen outside the window
        self.least, self.most = 0, len(usable) - width
        if size is not None:
            self._prepare_size(size)

    @property
    def error(self) -> float:
        """The length of the residual."""
        return distance(self.residual, "l2")

    def candidates(self, indices: Indices) -> Floats:
        """The candidates at some indices, float64[m, D]."""
        self.generated += len(indices)
        return np.asarray(self.vectors_at(indices) * self.scales[indices, None])

    def through_bands(self, tolerance: float) -> Steps[None]:
        """Flip candidates outside the window, longest first."""
        if self.most == 0 and self.least == 0:
            return
        shortest = float(self.scales[self.window[-1]])
        high = float(np.max(self.scales, where=self.outside, initial=0.0))
        cap = min(2048, max(128, 8 * self.dimension))
        reach = math.sqrt(min(0.9, 2.0 * math.log(cap) / self.dimension) / self.dimension)
        while high > shortest and (self.error > tolerance or self.size is not None):
            high = min(high, max(OVERSIZE * reach * self.error, shortest))
            low = high / BAND if high / BAND > 1.5 * shortest else shortest
            members = np.flatnonzero(self.outside & (self.scales > low) & (self.scales <= high))
            parts = max(1, -(-len(members) // cap))
            for part in range(parts):
                yield from self._descend(members[part::parts])
                if reach * self.error < high:
                    break  # short enough for the next band
            high = low

    def through_window(self, beam: int, tolerance: float) -> Steps[None]:
        """Anneal among the shortest candidates."""
        start = np.zeros(len(self.window), np.bool_)
        if self.size is not None:
            start[_spread(len(start), self.size - self.count)] = True
        rows = self.candidates(self.window)
        if self.pool and start.sum() < len(start) // 8:  # too few short ones to anneal alone
            self.chosen[self.window] = start
            self.residual -= rows[start].sum(axis=0)
            self.pool.append((self.window, rows))
            yield from self._exchange(beam, tolerance)
        else:
            yield from self._anneal(self.window, rows, start, None, beam, tolerance)

    def _exchange(self, beam: int, tolerance: float) -> Steps[None]:
        """Anneal all chosen, which are few, with those that the best exchanges would bring in."""
        members = np.concatenate([part for part, _ in self.pool])
        rows = np.concatenate([part for _, part in self.pool])
        chosen = self.chosen[members]
        change = np.einsum("ij,ij->i", rows, rows) - 2.0 * (rows @ self.residual)
        change[chosen] = -np.inf
        picked = np.sort(np.argsort(change, kind="stable")[: len(self.window)])
        start = chosen[picked]
        rows = np.ascontiguousarray(rows[picked])
        heat = REHEAT * self.error
        self.residual += rows[start].sum(axis=0)
        yield from self._anneal(members[picked], rows, start, heat, beam, tolerance)

    def _anneal(
        self, members: Indices, rows: Floats, start: Bools, heat: float | None, beam: int, tolerance: float
    ) -> Steps[None]:
        fixed = self.size is not None
        found = yield from anneal_window(
            rows, self.residual, start, beam=beam, fixed=fixed, tolerance=tolerance, heat=heat
        )
        self.flips += found.flips
        self.chosen[members] = found.chosen
        self.residual = self.residual - rows[found.chosen].sum(axis=0)

    def result(self) -> BandPursuit:
        """What was found, or nothing where that is better."""
        error = self.error
        if self.size is None and error > distance(self.target, "l2"):
            self.chosen[:] = False
            error = distance(self.target, "l2")
        return BandPursuit(np.flatnonzero(self.chosen), error, self.generated, self.flips, self.bands)

    def _descend(self, members: Indices) -> Steps[None]:
        if len(members) == 0:
            return
        rows = self.candidates(members)
        limit = 8 * len(members) + 64
        found = yield Descent(rows, self.chosen[members], self.residual, self.count, self.least, self.most, limit)
        assert isinstance(found, Descended), "a descent is answered by one"
        self.chosen[members], self.residual, self.count = found.chosen, found.residual, found.count
        self.flips += found.flips
        self.bands += 1
        if self.size is not None and 2 * self.size < len(self.window):
            self.pool.append((members, rows))

    def _prepare_size(self, size: int) -> None:
        """Choose outside the window what it cannot hold, leaving some in and some out at every scale."""
        width, others = len(self.window), self.most
        self.count = min(max(size - width // 2, 0), others)
        margin = min(width // 8, (width + others - size) // 4) if self.count else 0
        self.least = max(0, min(self.count, size - width + margin))
        self.most = min(others, size, max(self.count, size - margin))
        if self.count == 0:
            return
        rest = np.flatnonzero(self.outside)
        rest = rest[np.argsort(self.scales[rest], kind="stable")]
        left_out = others - self.count
        if self.count <= left_out:
            self.chosen[rest[: 2 * self.count : 2]] = True
        else:
            self.chosen[rest] = True
            self.chosen[rest[_spread(others, left_out)]] = False
        filled = np.flatnonzero(self.chosen)
        for start in range(0, len(filled), CHUNK):
            self.residual -= self.candidates(filled[start : start + CHUNK]).sum(axis=0)


def _spread(length: int, count: int) -> Indices:
    """`count` positions spread evenly over range(length)."""
    return np.asarray((2 * np.arange(count) + 1) * length // (2 * max(count, 1)), dtype=np.int64)
