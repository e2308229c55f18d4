"""Trained networks that a robust ensemble is compared with: dense, mixed, pruned by magnitude, and a deep ensemble."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from slth.data.data_set import DataSet
from slth.jobs.models import Model, made
from slth.networks import multiply_adds
from slth.resources import Progress
from slth.rng import Stream, WeightLaw
from slth.trainable import IMP, EnsembleModule, TrainableMethod, TrainResult, train
from slth.trainable.result import Level
from slth.training import Examples, Recipe

if TYPE_CHECKING:
    from torch import nn

    from slth.trainable.bench import Bench

TRAINED = ("dense", "mixup", "magnitude", "deep")
MIXUP = 0.2
_WIDTHS = range(16, 1025)  # of 1024ths: narrower ones have layers of no channel


@dataclass(frozen=True, eq=False)
class Compared:
    """A network or an ensemble, in evaluation mode, and how long it was searched or trained."""

    module: EnsembleModule
    seconds: float


@dataclass(frozen=True)
class Dense(TrainableMethod):
    """One training without masks."""

    def run(self, bench: Bench) -> Iterator[Level | None]:
        """Train all weights."""
        yield (yield from bench.train(0, "dense", bench.first, bench.whole()))


@dataclass(frozen=True, eq=False)
class TrainedBaselines:
    """What is trained beside an ensemble of a density and a number of members, whose multiply-adds are ``products``."""

    model: Model
    data: DataSet
    examples: Examples
    recipe: Recipe
    density: float
    members: int
    products: int | None
    seed: int = 0
    device: str = "cpu"
    folder: Path | None = None
    progress: Progress | None = None

    def trained(self, name: str) -> Compared | None:
        """Train a baseline, as far as it was not trained in the folder; None where the model or density has none."""
        kinds = {"dense": self._dense, "mixup": self._mixup, "magnitude": self._magnitude, "deep": self._deep}
        return kinds[name]()

    @cached_property
    def _pruned(self) -> TrainResult:
        """A dense network, and where the ensemble is not denser its largest weights, trained as long at the same rates.

        The rate goes back to its beginning, weights do not (learning-rate rewinding): of one pass the best on average
        in Renda, Frankle, Carbin 2020 (unverified).
        """
        whole = self.density >= 1.0
        method = Dense() if whole else IMP(rate=1.0 - self.density, levels=1, reset="learning-rate")
        return self._train("dense", made(self.model, self.data, self.seed), method)

    def _dense(self) -> Compared:
        return _compared([self._pruned], 0)

    def _magnitude(self) -> Compared | None:
        return None if self.density >= 1.0 else _compared([self._pruned], 1)

    def _mixup(self) -> Compared:
        module, recipe = made(self.model, self.data, self.seed), replace(self.recipe, mixup=MIXUP)
        return _compared([self._train("mixup", module, Dense(), recipe)], 0)

    def _deep(self) -> Compared | None:
        """Train as many dense networks, of first weights and orders of their own, of the widths that cost no more."""
        if not self.model.narrows or self.products is None:
            return None
        cheap = bisect_right(_WIDTHS, self.products // self.members, key=self._products)
        if cheap == 0:
            return None  # the narrowest cost more
        width = _WIDTHS[cheap - 1]
        members = []
        for member in range(self.members):
            seed = int(Stream(self.seed, f"baselines/deep/{member}").raw(0, 1)[0])
            module = self._narrow(width, seed)
            members.append(self._train(f"deep/member{member}", module, Dense(), seed=seed))
        return _compared(members, 0)

    def _narrow(self, width: int, seed: int = 0) -> nn.Module:
        options = {**self.model.options, "width": self.model.options.get("width", 1.0) * width / _WIDTHS[-1]}
        return made(replace(self.model, options=options), self.data, seed)

    def _products(self, width: int) -> int:
        return multiply_adds(self._narrow(width), self.examples.inputs[:1]) or 0

    def _train(
        self,
        name: str,
        module: nn.Module,
        method: TrainableMethod,
        recipe: Recipe | None = None,
        *,
        seed: int | None = None,
    ) -> TrainResult:
        return train(
            module, self.examples, method, recipe=recipe or self.recipe, law=WeightLaw("normal"),
            seed=self.seed if seed is None else seed, device=self.device,
            folder=None if self.folder is None else self.folder / name, progress=named(self.progress, name),
        )  # fmt: skip


def named(progress: Progress | None, name: str) -> Progress | None:
    """Return what is told of one of several networks."""
    return None if progress is None else lambda label, done, total: progress(f"{name}, {label}", done, total)


def _compared(results: list[TrainResult], level: int) -> Compared:
    """Return the networks of a level, whose probabilities are averaged, and the seconds of all trainings up to it."""
    module = EnsembleModule([one.module(level) for one in results], by="probabilities")
    module.eval()
    traces = [one.trace for result in results for one in result.levels[: level + 1]]
    return Compared(module, sum(trace[-1].seconds for trace in traces if trace))
