"""Which channels of a random pair to keep: a gain for the layer, and a vector subset sum for each source and sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slth.constructions.conv_layout import ConvWork, GainRule
from slth.constructions.interval import Array
from slth.constructions.solving import Progress
from slth.resources import thread_count
from slth.rng import Stream, WeightLaw
from slth.subset_sum.bands import BandPursuit, pursue_many
from slth.subset_sum.serving import serve_on
from slth.tickets.conv_weights import draw_second

Integers: TypeAlias = NDArray[np.int64]

_PROBES = 3  # instances that decide on a gain
_QUARTERS = 14  # of the unit gain, at most


@dataclass(frozen=True)
class Search:
    """What is the same for all layers.

    Parameters
    ----------
    law : WeightLaw
    seed : int
        Of the random network.
    size : int or None
        Channels to keep for each source and sign.
    beam : int
        Annealing walks of each pursuit.
    threads : int or None
    device : str
        Where pursuits run: "cpu", "cuda" or "auto".
    progress : callable or None
        Called with (path, instances done, instances).
    """

    law: WeightLaw
    seed: int
    size: int | None = None
    beam: int = 8
    threads: int | None = None
    device: str = "cpu"
    progress: Progress | None = None


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen for one layer.

    Parameters
    ----------
    gain : float
    channels : tuple of (int, int64[kept])
        Sources and the hidden channels kept for them; a source occurs once for each sign.
    """

    gain: float
    channels: tuple[tuple[int, Integers], ...]


@dataclass(frozen=True)
class _Instance:
    """One source and one sign of its inputs."""

    source: int
    negative: bool


class _Scales:
    """The scales of each instance's channels, drawn when asked for, as all may not fit; of the other sign negative."""

    def __init__(self, work: ConvWork, instances: Sequence[_Instance], search: Search) -> None:
        self.work, self.instances, self.search = work, instances, search

    def __getitem__(self, number: int) -> Array:
        one, pair = self.instances[number], self.work.pair
        stream = Stream(self.search.seed, f"{pair.path}.first.{one.source}")
        scales = self.search.law.weights(stream, 0, pair.channels)
        return -scales if one.negative else scales


def choose_channels(work: ConvWork, gain: GainRule | float, search: Search) -> Choice:
    """Choose the channels of one layer.

    Parameters
    ----------
    work : ConvWork
        Target layer and pair.
    gain : {"auto", "unit", "theorem"} or float
        As :class:`~slth.constructions.Structured` has it.
    search : Search
        Law, seed, and how to look.

    Returns
    -------
    Choice

    Raises
    ------
    ArgumentError
        If ``size`` exceeds the usable channels of a source.
    """
    instances = [
        _Instance(source, negative)
        for negative in ((False, True) if work.pair.halves == "both" else (False,))
        for source in range(work.pair.sources)
        # The constant source is never negative, and a slice of zeros needs no channel.
        if work.slices[source].any() and not (negative and source >= work.pair.inputs)
    ]
    factor = _resolved(work, gain, instances, search)
    found = _solved(work, instances, factor, search)
    return Choice(factor, tuple((one.source, answer.indices) for one, answer in zip(instances, found, strict=True)))


def _resolved(work: ConvWork, gain: GainRule | float, instances: list[_Instance], search: Search) -> float:
    """Return the gain.

    "auto" quarters the unit gain for as long as the error of some large slices falls, and then tries twice and half of
    the best. A smaller gain asks for longer sums of the same channels: their errors stay what they were until channels
    run out, and the gain divides them.
    """
    if isinstance(gain, float):
        return gain
    if gain == "theorem":
        return work.norm
    if gain == "unit" or not instances:
        return work.unit
    sizes = np.linalg.norm(work.slices, axis=1)
    largest = sorted(instances, key=lambda instance: -float(sizes[instance.source]))[:_PROBES]
    quick = replace(search, beam=1, progress=None)

    def error(factor: float) -> float:
        return factor * float(np.linalg.norm([answer.error for answer in _solved(work, largest, factor, quick)]))

    errors = {work.unit: error(work.unit)}
    for quarters in range(1, _QUARTERS + 1):
        factor = work.unit / 4.0**quarters
        errors[factor] = error(factor)
        if errors[factor] > min(errors.values()):
            break
    best = min(errors, key=lambda factor: errors[factor])
    errors |= {factor: error(factor) for factor in (best / 2.0, best * 2.0)}
    return min(errors, key=lambda factor: errors[factor])


def _solved(work: ConvWork, instances: list[_Instance], gain: float, search: Search) -> list[BandPursuit]:
    """Return for each instance which of its channels to keep, and the norm of what is left."""
    pair = work.pair

    def vectors(number: int, channels: Integers) -> Array:
        one = instances[number]
        found = draw_second(pair, search.law, search.seed, one.source, channels)
        return -found if one.negative else found  # u v with u < 0 is |u| times -v

    progress = search.progress
    report = None if progress is None else (lambda _, done, total: progress(pair.path, done, total))
    return pursue_many(
        _Scales(work, instances, search),
        vectors,
        work.slices[[instance.source for instance in instances]] / gain,
        size=search.size,
        beam=search.beam,
        threads=thread_count(search.threads),
        serve=serve_on(search.device),
        progress=report,
    )
