"""Overlapping tickets: masks that trainings on disjoint parts of the examples agree on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from slth.arrays import whole
from slth.errors import ArgumentError, ConstructionError
from slth.networks import maskable
from slth.networks.supermasks import Scope
from slth.rng import Stream
from slth.searches.method import check_spared
from slth.trainable.bench import Bench
from slth.trainable.imp import IMP, LEVELS
from slth.trainable.method import TrainableMethod
from slth.trainable.pruning import pruned_names
from slth.trainable.result import Level
from slth.training import Examples
from slth.training.method import Tensors


@dataclass(frozen=True)
class COLT(TrainableMethod):
    """Cyclic overlapping tickets: each level keeps what trainings on two parts of the classes both would keep.

    In each level two networks start at the first weights under the masks as they stand, each is trained on the examples
    of half of the classes (``"part-0"``, ``"part-1"``), and each loses a share of its smallest weights. What both keep
    is kept, starts at the first weights, and is trained on all examples (``"ticket"``). Density falls faster than by
    the rate; by how much is an outcome.

    Parameters
    ----------
    rate : float
        Share of what is left that each part removes, in (0, 1).
    levels : int
        Levels behind the dense one.
    scope : {"global", "layer"}
        Whether all weights are ranked together, or each tensor loses its share.
    spared : sequence of str
        Names, or patterns of names, of weights that are kept whole.

    Notes
    -----
    Source: Hossain et al., "COLT: Cyclic Overlapping Lottery Tickets for Faster Pruning of Convolutional Neural
    Networks", 2022 (arXiv 2212.12770), unverified: how its cycles hand weights on was not looked up; here each level
    starts at the first weights, as :class:`IMP` does. Classes are parted at random by the seed.

    Examples
    --------
    >>> slth.COLT(rate=0.3, levels=5).trainings
    16
    """

    rate: float = 0.2
    levels: int = LEVELS
    scope: Scope = "global"
    spared: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check what may be said."""
        whole(self.levels, "levels", remedy="use 10")
        object.__setattr__(self, "spared", self._pruning.spared)

    @property
    def _pruning(self) -> IMP:
        return IMP(self.rate, self.levels, scope=self.scope, spared=self.spared)

    @property
    def trainings(self) -> int:
        return 1 + 3 * self.levels

    def compared(self) -> COLT:
        """Return the same without the number of levels, which may be another when a folder goes on."""
        return replace(self, levels=1)

    def run(self, bench: Bench) -> Iterator[Level | None]:
        """Train level after level, each behind its parts."""
        check_spared(self.spared, maskable(bench.module))
        names = pruned_names(bench.names, self.spared)
        if not names:
            raise ArgumentError("spared", self.spared, "leaves nothing to remove", "spare fewer weights")
        masks: Tensors = bench.whole()
        parts = parted(bench.data, bench.seed)
        yield (yield from bench.train(0, "ticket", bench.first, masks))
        for number in range(1, self.levels + 1):
            both = dict(masks)
            for place, part in enumerate(parts):
                level = yield from bench.train(number, f"part-{place}", bench.first, masks, data=part)
                yield level
                kept = self._pruning.next_masks(level.state, masks, names, last=False)
                both = {name: mask & kept[name] for name, mask in both.items()}
            masks = both
            if not any(bool(masks[name].any()) for name in names):
                rule = f"the parts agree on no weight in level {number}"
                raise ConstructionError(f"{rule}: ask for fewer levels, or a smaller rate")
            yield (yield from bench.train(number, "ticket", bench.first, masks))


def parted(data: Examples, seed: int) -> tuple[Examples, Examples]:
    """Return the examples of one half of the classes, drawn by the seed, and of the other."""
    labels = data.targets.cpu().numpy()
    classes = np.unique(labels)
    if labels.ndim != 1 or data.targets.is_floating_point() or len(classes) < 2:
        raise ArgumentError("data", str(data.targets.dtype), "has no two classes to part", "use slth.IMP()")
    order = np.argsort(Stream(seed, "colt/classes").raw(0, len(classes)), kind="stable")
    first = torch.from_numpy(np.isin(labels, classes[order[: len(classes) // 2]])).to(data.targets.device)
    return data.at(first), data.at(~first)
