"""Iterative magnitude pruning: train, remove the smallest weights, go back, and again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal, get_args

from torch import Tensor

from slth.arrays import as_double, one_of, truth, whole
from slth.errors import ArgumentError, ConstructionError
from slth.networks import kept_count, maskable
from slth.networks.supermasks import Scope
from slth.searches.method import check_spared
from slth.trainable.bench import Bench
from slth.trainable.branches import BRANCHES, Branch, Restart
from slth.trainable.method import TrainableMethod
from slth.trainable.pruning import largest_left, pruned_names, words_given
from slth.trainable.result import Level
from slth.training import Recipe
from slth.training.method import Tensors

Reset = Literal["init", "rewind", "learning-rate", "none"]
LEVELS = 10


@dataclass(frozen=True)
class IMP(TrainableMethod):
    r"""Iterative magnitude pruning: each level removes a share of what is left, by trained magnitude, and trains anew.

    Level 0 is dense. Level l keeps, of n weights that level l - 1 kept, those :math:`n - r n` (rounded) of largest
    :math:`|w|` at the end of its training; they go back to what they were, are trained again, and what is removed is
    exactly zero from there on.

    Parameters
    ----------
    rate : float
        Share r of what is left that each level removes, in (0, 1).
    levels : int, optional
        Levels behind the dense one; 10 by default.
    density : float, optional
        Instead: as many levels as reach kept / total of the weights that may be removed; the last keeps exactly so
        many.
    scope : {"global", "layer"}
        Whether all weights are ranked together, or each tensor loses its share.
    rates : mapping of str to float
        Other rates of some tensors, by name or pattern, where each loses its share: 0.1 for the last layer in Frankle
        and Carbin.
    spared : sequence of str
        Names, or patterns of names, of weights that are kept whole.
    reset : {"init", "rewind", "learning-rate", "none"}
        Where each level starts: at the first weights, and at the start of the recipe, which is not 0 where these come
        from as many steps of other training; at those of step ``rewind`` of dense training, with buffers such
        as batch-norm statistics, the rest of the schedule and of the order of examples, and fresh momentum; at the
        trained weights, but with the schedule from step ``rewind`` on (learning-rate rewinding); or at the trained
        weights, with the recipe of ``tuning`` (fine-tuning).
    rewind : int
        The step.
    tuning : Recipe, optional
        Of fine-tuning; by default the recipe itself from a tenth of its first rate, in half a cosine.
    branches : sequence of {"reinitialised", "shuffled", "random", "signs"}
        What is trained beside each level: its masks over other random weights (from step 0 on); its weights under masks
        shuffled within each tensor; under random masks of as many weights in all; its masks over the signs of its
        weights, times the deviation of each tensor.
    published_count : bool
        Whether a level removes as many as the published code: :math:`\lceil r n' \rceil + 1`, where n' counts spared
        weights too.

    Notes
    -----
    Sources: Frankle, Carbin, "The Lottery Ticket Hypothesis", ICLR 2019; Frankle, Dziugaite, Roy, Carbin, "Linear Mode
    Connectivity and the Lottery Ticket Hypothesis", ICML 2020 (rewinding); Renda, Frankle, Carbin, "Comparing Rewinding
    and Fine-tuning in Neural Network Pruning", ICLR 2020 (learning-rate rewinding); Zhou et al., "Deconstructing
    Lottery Tickets", NeurIPS 2019 (signs). In open_lth and lth_diet, as here, training up to the rewinding step is a
    training of its own, and level 0 starts there as all levels do, without its momentum; both remove one weight more
    than they say, and count spared layers.

    Examples
    --------
    >>> slth.IMP(rate=0.2, density=0.1).count
    11
    >>> slth.IMP(reset="rewind", rewind=200, spared=["fc.weight"]).count
    10
    """

    rate: float = 0.2
    levels: int | None = None
    density: float | None = None
    scope: Scope = "global"
    rates: Mapping[str, float] = field(default_factory=dict)
    spared: Sequence[str] = ()
    reset: Reset = "init"
    rewind: int = 0
    tuning: Recipe | None = None
    branches: Sequence[Branch] = ()
    published_count: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "spared", words_given(self.spared, "spared"))
        object.__setattr__(self, "branches", words_given(self.branches, "branches"))
        if not isinstance(self.rates, Mapping):
            raise ArgumentError("rates", self.rates, "is no dictionary", 'pass one such as {"fc.*": 0.1}')
        for name, rate in {"rate": self.rate, **{f"rates {name}": rate for name, rate in self.rates.items()}}.items():
            if not 0.0 < as_double(rate) < 1.0:
                raise ArgumentError(name, rate, "must lie in (0, 1)", "use 0.2: a fifth of what is left")
        if self.density is not None and not 0.0 < as_double(self.density) < 1.0:
            raise ArgumentError("density", self.density, "must lie in (0, 1)", "density = kept / total")
        if self.levels is not None:
            whole(self.levels, "levels", remedy="use 10")
        whole(self.rewind, "rewind", 0, remedy="use 0, or the step to rewind to")
        for name, known in {"scope": get_args(Scope), "reset": get_args(Reset)}.items():
            if not one_of(getattr(self, name), known):
                raise ArgumentError(name, getattr(self, name), "is not known", f"use one of {', '.join(known)}")
        apart = self.scope == "layer"
        truth(self.published_count, "published_count")
        rules = {
            "levels": (self.levels is None or self.density is None, "and density say the same", "pass one of them"),
            "rates": (not self.rates or apart, "are of tensors that are ranked apart", 'use scope="layer"'),
            "density": (self.density is None or not self.rates, "is not that of several rates", "pass levels"),
            "published_count": (not (self.published_count and apart), "is global", 'use scope="global"'),
            "rewind": (
                self.rewind > 0 if self.reset == "rewind" else self.rewind == 0 or self.reset == "learning-rate",
                f'does not go with reset="{self.reset}"',
                'use reset="rewind" and the step, or reset="init" and 0',
            ),
            "tuning": (self.tuning is None or self.reset == "none", "is of fine-tuning", 'use reset="none"'),
            "branches": (set(self.branches) <= set(BRANCHES), "are not known", f"use some of {', '.join(BRANCHES)}"),
        }  # fmt: skip
        for name, (holds, rule, remedy) in rules.items():
            if not holds:
                raise ArgumentError(name, getattr(self, name), rule, remedy)

    @property
    def count(self) -> int:
        """Levels behind the dense one."""
        if self.density is None:
            return LEVELS if self.levels is None else self.levels
        # Where powers of decimals meet a decimal exactly, as 0.5 does 0.25, logarithms may miss it by their rounding.
        return max(1, math.ceil(math.log(self.density) / math.log1p(-self.rate) - 1e-9))

    @property
    def trainings(self) -> int:
        return (2 if self.reset == "rewind" else 1) + self.count * (1 + len(self.branches))

    def compared(self) -> IMP:
        """Return the same without number of levels and branches, which may be others when a folder goes on."""
        return replace(self, levels=None, branches=())

    def run(self, bench: Bench) -> Iterator[Level | None]:
        """Train level after level, and the branches of each."""
        axes = maskable(bench.module)
        check_spared((*self.spared, *self.rates), axes)
        if self.rewind and not bench.recipe.start <= self.rewind < bench.steps:
            remedy = f"use a step from {bench.recipe.start} to {bench.steps - 1}"
            raise ArgumentError("rewind", self.rewind, "is not before the end of training", remedy)
        names = pruned_names(bench.names, self.spared)
        if not names:
            raise ArgumentError("spared", self.spared, "leaves nothing to remove", "spare fewer weights")
        masks = bench.whole()
        if self.reset == "rewind":
            begun = yield from bench.train(0, "start", bench.first, masks, until=self.rewind)
            bench.start = begun.state
        first = self.rewind if self.reset == "rewind" else None
        level = yield from bench.train(0, "ticket", bench.start, masks, start=first)
        yield level
        for number in range(1, self.count + 1):
            masks = self.next_masks(level.state, masks, names, last=number == self.count)
            state = bench.start if self.reset in ("init", "rewind") else level.state
            begin = None if self.reset in ("init", "none") else self.rewind
            level = yield from bench.train(number, "ticket", state, masks, recipe=self._recipe(bench), start=begin)
            yield level
            yield from self._branches(bench, Restart(number, masks, state, begin, tuple(names)))

    def _branches(self, bench: Bench, ticket: Restart) -> Iterator[Level | None]:
        for name in self.branches:
            other = BRANCHES[name](bench, ticket)
            recipe = bench.recipe if name == "reinitialised" else self._recipe(bench)
            training = bench.train(ticket.number, name, other.state, other.masks, recipe=recipe, start=other.start)
            yield (yield from training)

    def _recipe(self, bench: Bench) -> Recipe:
        """Return how a level behind the first is trained."""
        return bench.recipe if self.reset != "none" else self.tuning or bench.tuning

    def next_masks(self, weights: Tensors, masks: Tensors, names: Sequence[str], *, last: bool) -> dict[str, Tensor]:
        """Return the masks of the next level; those of weights that are not named stay."""
        left = {name: masks[name] for name in names}
        counts = {name: int(mask.sum()) for name, mask in left.items()}
        if self.scope == "layer":
            kept: dict[str, int] | int = {
                name: self._kept(count, left[name].numel(), self._rate(name), last=last)
                for name, count in counts.items()
            }
        else:
            every = sum(int(mask.sum()) for mask in masks.values()) if self.published_count else None
            total = sum(mask.numel() for mask in left.values())
            kept = self._kept(sum(counts.values()), total, self.rate, last=last, every=every)
        return {**masks, **largest_left(weights, left, kept)}

    def _kept(self, left: int, total: int, rate: float, *, last: bool, every: int | None = None) -> int:
        """Return how many of those that are left stay; ``every`` counts spared weights too, as published."""
        removed = kept_count(rate, left) if every is None else kept_count(rate, every, rounding="up") + 1
        kept = left - removed
        if self.density is not None:
            end = kept_count(self.density, total)
            kept = min(left, end) if last else max(kept, min(left, end))
        if kept < 1:
            rule = f"a level removes {removed} of the {left} weights that are left"
            raise ConstructionError(f"{rule}: ask for fewer levels, or a smaller rate")
        return kept

    def _rate(self, name: str) -> float:
        return next((rate for word, rate in self.rates.items() if fnmatchcase(name, word)), self.rate)
