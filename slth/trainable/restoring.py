"""Pruned connections that return: dense-sparse-dense training and iterative hard thresholding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from slth.arrays import as_double, one_of, whole
from slth.errors import ArgumentError, ConstructionError
from slth.networks import kept_count, maskable
from slth.networks.supermasks import Scope
from slth.searches.method import check_spared
from slth.trainable.bench import Bench
from slth.trainable.method import TrainableMethod
from slth.trainable.pruning import largest_left, pruned_names, words_given
from slth.trainable.result import Level
from slth.training import Recipe
from slth.training.method import Tensors


@dataclass(frozen=True)
class Restoring(TrainableMethod):
    """Training in phases: dense; then, cycle by cycle, the largest weights alone, and all of them again from zero."""

    density: float
    scope: Scope = "layer"
    spared: Sequence[str] = ()
    sparse: Recipe | None = None
    restored: Recipe | None = None
    plain: bool = True

    def __post_init__(self) -> None:
        """Check what may be said."""
        object.__setattr__(self, "spared", words_given(self.spared, "spared"))
        if not 0.0 < as_double(self.density) < 1.0:
            raise ArgumentError("density", self.density, "must lie in (0, 1)", "density = kept / total")
        if not one_of(self.scope, get_args(Scope)):
            raise ArgumentError("scope", self.scope, "is not known", 'use "global" or "layer"')
        whole(self.count, "cycles", remedy="use 3")

    @property
    def count(self) -> int:
        """How often connections are removed and restored."""
        return 1

    @property
    def trainings(self) -> int:
        return 1 + self.count * (3 if self.plain else 2)

    def run(self, bench: Bench) -> Iterator[Level | None]:
        """Train phase after phase, and beside them the first sparse network as long as others restore."""
        check_spared(self.spared, maskable(bench.module))
        level = yield from bench.train(0, "dense", bench.first, bench.whole())
        yield level
        sparse, restored = self.sparse or replace(bench.recipe, start=0), self.restored or bench.tuning
        plain: Level | None = None
        for number in range(1, self.count + 1):
            masks = self.masks(bench, level.state)
            thin = yield from bench.train(number, "sparse", level.state, masks, recipe=sparse)
            yield thin
            level = yield from bench.train(number, "restored", thin.state, bench.whole(), recipe=restored)
            yield level
            if self.plain:
                before = thin if plain is None else plain
                plain = yield from bench.train(number, "fine-tuned", before.state, before.masks, recipe=restored)
                yield plain

    def masks(self, bench: Bench, weights: Tensors) -> Tensors:
        """Return the masks that keep the largest weights."""
        masks = bench.whole()
        left = {name: masks[name] for name in pruned_names(bench.names, self.spared)}
        if not left:
            raise ArgumentError("spared", self.spared, "leaves nothing to remove", "spare fewer weights")
        sizes = {name: mask.numel() for name, mask in left.items()}
        if self.scope == "global":
            sizes = {"all": sum(sizes.values())}
        counts = {name: kept_count(self.density, size) for name, size in sizes.items()}
        empty = next((name for name, count in counts.items() if not count), None)
        if empty is not None:
            raise ConstructionError(
                f"the density keeps none of the {sizes[empty]} weights of {empty}: use a larger one"
            )
        return {**masks, **largest_left(weights, left, counts["all"] if self.scope == "global" else counts)}


@dataclass(frozen=True)
class DSD(Restoring):
    """Dense-sparse-dense training: the removed connections return at zero, and the network ends dense.

    Level 0 is dense; in level 1 the largest weights alone are trained (``"sparse"``), then all, of which the removed
    ones start at zero (``"restored"``). Beside them the sparse network is trained as long under its masks
    (``"fine-tuned"``): the difference is the capacity that restoring gives back.

    Parameters
    ----------
    density : float
        kept / total of the weights that may be removed, in (0, 1).
    scope : {"layer", "global"}
        Whether each tensor keeps its share, or all weights are ranked together.
    spared : sequence of str
        Names, or patterns of names, of weights that are kept whole.
    sparse, restored : Recipe, optional
        Of the two phases; by default the recipe itself, and the same from a tenth of its first rate, in half a cosine.
    plain : bool
        Whether the sparse network is fine-tuned beside.

    Notes
    -----
    Source: Han et al., "DSD: Dense-Sparse-Dense Training for Deep Neural Networks", ICLR 2017 (rates and densities of
    its recipes are unverified).

    Examples
    --------
    >>> slth.DSD().density
    0.7
    """

    density: float = 0.7
    product = "restored"


@dataclass(frozen=True)
class IHT(Restoring):
    """Iterative hard thresholding: cycles of training the largest weights alone, and all of them again.

    Level 0 is dense; in each cycle the largest weights of all are kept and trained (``"sparse"``), then the others
    return at zero and all are trained (``"restored"``). Beside them the first sparse network is trained as long as
    others restore (``"fine-tuned"``).

    Parameters
    ----------
    density : float
        kept / total of the weights that may be removed, in (0, 1).
    scope : {"layer", "global"}
        Whether each tensor keeps its share, or all weights are ranked together.
    spared : sequence of str
        Names, or patterns of names, of weights that are kept whole.
    sparse, restored : Recipe, optional
        Of the two phases; by default the recipe itself, and the same from a tenth of its first rate, in half a cosine.
    plain : bool
        Whether the first sparse network is fine-tuned beside.
    cycles : int
        How often connections are removed and restored.

    Notes
    -----
    Source: Jin, Yuan, Feng, Yan, "Training Skinny Deep Neural Networks with Iterative Hard Thresholding Methods", 2016
    (arXiv 1607.05423; numbers of its recipes are unverified).

    Examples
    --------
    >>> slth.IHT(density=0.1, cycles=2).trainings
    7
    """

    density: float = 0.1
    cycles: int = 3
    product = "sparse"

    @property
    def count(self) -> int:
        return self.cycles

    def compared(self) -> IHT:
        """Return the same without the number of cycles, which may be another when a folder goes on."""
        return replace(self, cycles=1)
