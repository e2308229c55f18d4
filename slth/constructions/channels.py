"""Which channels of a random pair to keep: a gain for the layer, and a vector subset sum for each source and sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.constructions.layout import Work
from slth.constructions.setting import Setting
from slth.constructions.sums import SMALLEST_NORMAL
from slth.errors import ArgumentError
from slth.resources import thread_count
from slth.rng import Stream
from slth.subset_sum.bands import BandPursuit, pursue_many
from slth.subset_sum.serving import serve_on
from slth.tickets.blocks import draw_second
from slth.tickets.pair import Pair

GainRule: TypeAlias = Literal["auto", "unit", "theorem"]

_QUARTERS = 14  # of the unit gain, at most


@dataclass(frozen=True, eq=False)
class Channels:
    """The whole channels of one layer, searched for one gain after another."""

    work: Work
    setting: Setting
    size: int | None = None
    beam: int = 8
    probes: int = 3

    @property
    def pair(self) -> Pair:
        """The random pair."""
        assert isinstance(self.work.layer, Pair), "whole channels are those of pairs"
        return self.work.layer

    @property
    def unit(self) -> float:
        """Standard deviation of the layer's weights; 1 where they are all equal."""
        spread = self._of_weights(lambda weights: float(weights.std()))
        return max(spread, SMALLEST_NORMAL) if spread > 0.0 else 1.0

    @property
    def norm(self) -> float:
        """Sum of the absolute weights: the gain for which the theorem's hypothesis holds with 1."""
        total = self._of_weights(lambda weights: float(np.abs(weights).sum()))
        return max(total, SMALLEST_NORMAL) if total > 0.0 else 1.0

    def _of_weights(self, measure: Callable[[Floats], float]) -> float:
        """Return a measure of the layer's weights, without squares that leave the doubles."""
        exponent = math.frexp(float(np.abs(self.work.conv.weight).max()))[1]
        return float(np.ldexp(measure(np.ldexp(self.work.conv.weight, -exponent)), exponent))

    @property
    def instances(self) -> list[tuple[int, int]]:
        """Half and source of every instance; a slice of zeros needs no channel, and no constant is negative."""
        return [(int(half), int(source)) for half, source in np.argwhere(self.work.posed.any(axis=2))]

    def chosen(self, gain: GainRule | float) -> tuple[float, Bools]:
        """Return the gain, and the kept channels bool[units, sources]."""
        instances = self.instances
        with np.errstate(over="ignore"):
            factor = self._resolved(gain, instances)
            if not np.isfinite(self.work.slices / factor).all() or math.isinf(factor):
                rule = "has a gain, or weights over it, that leave the doubles"
                raise ArgumentError(f"node {self.work.node}", factor, rule, 'scale the layer, or pass gain="auto"')
        kept = np.zeros((self.pair.units, self.pair.sources), np.bool_)
        for (_, source), found in zip(instances, self._pursued(instances, factor), strict=True):
            kept[found.indices, source] = True
        return factor, kept

    def _resolved(self, gain: GainRule | float, instances: list[tuple[int, int]]) -> float:
        """Return the gain.

        "auto" quarters the unit gain for as long as the error of some large slices falls, and then tries twice and half
        of the best. A smaller gain asks for longer sums of the same channels: their errors stay what they were until
        channels run out, and the gain divides them.
        """
        if isinstance(gain, float):
            return gain
        if gain == "theorem":
            return self.norm
        if gain == "unit" or not instances:
            return self.unit
        sizes = np.linalg.norm(self.work.slices / self.unit, axis=1)
        largest = sorted(instances, key=lambda instance: -float(sizes[instance[1]]))[: self.probes]
        quick = replace(self, beam=1, setting=replace(self.setting, progress=None))

        def error(factor: float) -> float:
            return factor * float(np.linalg.norm([found.error for found in quick._pursued(largest, factor)]))

        errors = {self.unit: error(self.unit)}
        for quarters in range(1, _QUARTERS + 1):
            factor = self.unit / 4.0**quarters
            if factor < SMALLEST_NORMAL:
                break
            errors[factor] = error(factor)
            if errors[factor] > min(errors.values()):
                break
        best = min(errors, key=lambda factor: errors[factor])
        errors |= {factor: error(factor) for factor in (best / 2.0, best * 2.0)}
        return min(errors, key=lambda factor: errors[factor])

    def _pursued(self, instances: list[tuple[int, int]], gain: float) -> list[BandPursuit]:
        """Return for each instance which of its channels to keep, and the norm of what is left."""
        setting, progress = self.setting, self.setting.progress

        def vectors(number: int, units: Indices) -> Floats:
            half, source = instances[number]
            found = draw_second(self.pair, setting.law, setting.seed, source, units)
            return -found if half else found  # u v with u < 0 is |u| times -v

        return pursue_many(
            _Scales(self, instances),
            vectors,
            self.work.slices[[source for _, source in instances]] / gain,
            size=self.size,
            beam=self.beam,
            threads=thread_count(None),
            serve=serve_on(setting.device),
            progress=None if progress is None else (lambda _, done, total: progress(self.pair.path, done, total)),
        )


class _Scales:
    """The scales of each instance's channels, drawn when asked for, as all may not fit; of the other sign negative."""

    def __init__(self, channels: Channels, instances: Sequence[tuple[int, int]]) -> None:
        self.channels, self.instances = channels, instances

    def __getitem__(self, number: int) -> Floats:
        (half, source), pair, setting = self.instances[number], self.channels.pair, self.channels.setting
        scales = setting.law.weights(Stream(setting.seed, f"{pair.streams[0]}.{source}"), 0, pair.units)
        return -scales if half else scales
