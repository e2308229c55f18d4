"""Every weight of a layer as a subset-sum instance over the random weights that the ticket's layer offers for it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.constructions.layout import Work
from slth.constructions.setting import Setting
from slth.resources import Progress, require_memory
from slth.rng import Stream
from slth.subset_sum import solve_batch
from slth.subset_sum.prediction import predict_errors
from slth.tickets.blocks import draw_first
from slth.tickets.pair import Pair

MOST_CANDIDATES = 48  # usable products offered to one instance: exact solvers reach 50
_CHUNK = 2**22  # candidate values in memory at a time: 32 MiB


@dataclass(frozen=True, eq=False)
class Solved:
    """What was chosen for the weights of one layer, and how near that comes.

    Shapes: connections bool[units, sources, dimensions]; errors float64[halves, sources, dimensions]; log_rates
    float64[halves, sources, dimensions].
    """

    connections: Bools
    errors: Floats
    log_rates: Floats

    @classmethod
    def nothing(cls, work: Work) -> Solved:
        """Return the beginning: nothing kept, and everything that is posed to be done."""
        shape = (work.units, *work.slices.shape)
        require_memory(math.prod(shape) + 17 * work.posed.size, f"mask of node {work.node}", "use fewer candidates")
        return cls(
            np.zeros(shape, np.bool_),
            np.where(work.posed, np.inf, 0.0),
            np.where(work.posed, -np.inf, np.inf),
        )

    def extended(self, units: int) -> Solved:
        """Return the same with more units to choose from: what was chosen stays chosen."""
        more = units - len(self.connections)
        nothing = np.zeros((more, *self.connections.shape[1:]), np.bool_)
        return replace(self, connections=np.concatenate([self.connections, nothing]))


@dataclass(frozen=True, eq=False)
class Answer:
    """The state of one layer: what is to be met, and what was found so far."""

    work: Work
    gain: float
    candidates: int
    solved: Solved
    tolerance: float = 0.0
    seconds: float = 0.0

    @cached_property
    def wanted(self) -> Bools:
        """Which instances miss the tolerance."""
        return np.asarray(self.solved.errors > self.tolerance)

    def tightened(self, tolerance: float) -> Answer:
        """Return the same with another tolerance: what exceeds it is wanted."""
        return replace(self, tolerance=tolerance)

    def grown(self, candidates: int) -> Answer:
        """Return the same with more candidates: the random network is extended, and what was chosen stays chosen."""
        work = self.work.sized(hidden(self.work, candidates))
        return replace(self, work=work, candidates=candidates, solved=self.solved.extended(work.units))


@dataclass(frozen=True, eq=False)
class Group:
    """Instances with equally many candidates, source by source.

    Shapes: members list of (int, int64[count], int64[posed]); values float64[instances, count].
    """

    half: int
    members: list[tuple[int, Indices, Indices]]
    values: Floats

    @property
    def index(self) -> tuple[int, Indices, Indices]:
        """Where the instances are in arrays [halves, sources, dimensions]."""
        sources = np.repeat([source for source, _, _ in self.members], [len(asked) for *_, asked in self.members])
        return self.half, sources, np.concatenate([asked for *_, asked in self.members])


def begin(work: Work, gain: float, candidates: int) -> Answer:
    """Return a layer of which nothing has been searched; of a pair, with as many hidden channels as that takes."""
    if isinstance(work.layer, Pair):
        work = work.sized(hidden(work, candidates))
    return Answer(work, gain, candidates, Solved.nothing(work))


def hidden(work: Work, candidates: int) -> int:
    """Return the hidden channels of each source for so many candidates: twice as many where half have a wrong sign."""
    return 2 * candidates if work.rectified else candidates


def search(answer: Answer, setting: Setting) -> Answer:
    """Return the answer after a search of every instance that misses its tolerance; the others are as they were."""
    started = time.perf_counter()
    found, path = answer.solved, answer.work.layer.path
    connections, errors, log_rates = found.connections.copy(), found.errors.copy(), found.log_rates.copy()
    total, done = int(np.count_nonzero(answer.wanted)), 0
    for group in groups(answer, setting):
        weights = answer.work.slices[group.index[1:]]
        if group.values.shape[1] == 0:
            errors[group.index] = np.abs(weights)
        else:
            report = _report(setting.progress, path, done, total)
            chosen, errors[group.index], log_rates[group.index] = _best(group.values, weights, answer, setting, report)
            start = 0
            for source, units, asked in group.members:
                connections[units[:, None], source, asked] = chosen[start : start + len(asked)].T
                start += len(asked)
        done += len(weights)
        if setting.progress is not None:
            setting.progress(path, done, total)
    seconds = answer.seconds + time.perf_counter() - started
    return replace(answer, solved=Solved(connections, errors, log_rates), seconds=seconds)


def _best(
    values: Floats, weights: Floats, answer: Answer, setting: Setting, report: Progress | None
) -> tuple[Bools, Floats, Floats]:
    """Return the chosen candidates, the errors of the weights, and the log rates of the predicted errors."""
    targets, gain = weights / answer.gain, answer.gain
    tolerance = answer.tolerance * (1.0 - 2.0**-30) / gain  # errors are measured in rounded candidates
    solution = solve_batch(values, targets, tolerance=tolerance, solver=setting.solver, progress=report).finished()
    return solution.subsets, solution.errors * gain, predict_errors(values, targets).log_rate - math.log(gain)


def _report(progress: Progress | None, path: str, before: int, total: int) -> Progress | None:
    """Return what tells of the progress within one batch: batches of many candidates take long."""
    if progress is None:
        return None
    return lambda _, done, size: progress(path, min(before + done, total), total)


def groups(answer: Answer, setting: Setting) -> Iterator[Group]:
    """Yield the wanted instances and their candidates, those with equally many together, in pieces of bounded size."""
    first = _first_weights(answer.work, setting)
    for half, wanted in enumerate(answer.wanted):
        usable = _usable(answer, first, half)
        counts, asked = usable.sum(axis=1), wanted.sum(axis=1)
        for count in np.unique(counts[asked > 0]).tolist():
            sources = np.flatnonzero((counts == count) & (asked > 0))
            for part in _pieces(sources, asked[sources] * max(1, count)):
                members = [(s, np.flatnonzero(usable[s]), np.flatnonzero(wanted[s])) for s in part]
                values = [first[s, units] * _second_weights(answer.work, setting, s, units, places)
                          for s, units, places in members]  # fmt: skip
                yield Group(half, members, np.concatenate(values))


def _usable(answer: Answer, first: Floats, half: int) -> Bools:
    """Return bool[sources, units]: those that serve inputs of the half's sign, no more than are offered.

    A source may have more than ``candidates`` of the right sign; the certificate is made by the weights that have
    fewer, so the surplus, which would cost most of the time, is left alone.
    """
    signed = first < 0.0 if half else first > 0.0
    usable = signed | (not answer.work.rectified)
    return np.asarray(usable & (np.cumsum(usable, axis=1) <= min(answer.candidates, MOST_CANDIDATES)))


def _pieces(sources: Indices, sizes: Indices) -> Iterator[list[int]]:
    """Split sources so that the sizes of each part add up to no more than a chunk, or are one source's."""
    part: list[int] = []
    total = 0
    for source, size in zip(sources.tolist(), sizes.tolist(), strict=True):
        if part and total + size > _CHUNK:
            yield part
            part, total = [], 0
        part.append(source)
        total += size
    yield part


def _first_weights(work: Work, setting: Setting) -> Floats:
    """Return float64[sources, units]: the weights u of a pair; 1 where a layer has no first matrix."""
    every = np.arange(work.units)
    if not isinstance(work.layer, Pair):
        return np.ones((len(work.slices), len(every)))
    pair = work.layer
    return np.stack([draw_first(pair, setting.law, setting.seed, source, every) for source in range(pair.sources)])


def _second_weights(work: Work, setting: Setting, source: int, units: Indices, places: Indices) -> Floats:
    """Return float64[places, units]: the weights v of a source's units for some of its dimensions."""
    layer, (sources, dimensions) = work.layer, work.slices.shape
    if isinstance(layer, Pair):
        stream, rows = Stream(setting.seed, f"{layer.streams[1]}.{source}"), units
    else:
        stream, rows = Stream(setting.seed, layer.path), units * sources + source
    return setting.law.weights_at(stream, rows * dimensions + places[:, None])
