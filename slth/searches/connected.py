"""Random masks in which nothing is kept in vain: each kept weight lies on a path from an input to an output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks import Weights
from slth.resources import Progress
from slth.rng import Stream
from slth.searches.baseline import Baseline, Finding, Problem

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BETWEEN = (
    nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.GELU, nn.Sigmoid, nn.SiLU, nn.ELU, nn.Identity, nn.Flatten,
    nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd,
)  # fmt: skip
"""What hands each unit on by itself."""


@dataclass(frozen=True)
class MiCA(Baseline):
    """Minimum connection assurance: a random mask of given layer densities without weights that lead nowhere.

    Of each layer as many units (neurons, channels) are used as its weights and those of the next can reach. Each has
    one kept weight at least before it and behind it; what is left to keep is drawn among the weights between such
    units. The counts of the layers stay exactly what they are. It is for chains: ``nn.Sequential`` of linear layers and
    convolutions, each fed by the one before.

    Parameters
    ----------
    units : int, optional
        At most so many units of each layer but the last are used: a small network within a wide one.

    Notes
    -----
    Source: Otsuka et al. 2024, minimum connection assurance (unverified: written after what it promises). Paths lead
    from channel to channel: with padding, a position at the border of an image may see nothing but padding through the
    taps that are kept.

    Examples
    --------
    >>> slth.searches.MiCA()
    MiCA(units=None)
    """

    units: int | None = None

    def __post_init__(self) -> None:
        """Check the number of units."""
        if self.units is not None:
            whole(self.units, "units", remedy="use None, for as many as can be reached")

    def find(self, problem: Problem, progress: Progress | None = None) -> Finding:
        """Draw the units that are used, then the weights between them."""
        selection = problem.selection
        if selection.scope != "layer" or not isinstance(selection.structure, Weights):
            remedy = 'use allocation="erk" and no structure'
            raise ArgumentError("allocation", None, "must give single weights of each layer their number", remedy)
        chain = list(_chain(problem.module))
        kept = [int(selection.select(_zeros(problem, name), problem.axes)[name].sum()) for name, _ in chain]
        first, last = chain[0][1][1], chain[-1][1][0]
        most = [shape[0] if self.units is None else min(shape[0], self.units) for _, shape in chain[:-1]]
        inner = [min(*counts) for counts in zip(most, kept, kept[1:], strict=False)]
        used = [min(first, kept[0]), *inner, min(last, kept[-1])]
        generator = torch.Generator().manual_seed(int(Stream(problem.seed, "baselines/mica").raw(0, 1)[0] >> 1))
        sizes = [first, *(shape[0] for _, shape in chain)]
        units = [torch.randperm(size, generator=generator)[:count] for size, count in zip(sizes, used, strict=True)]
        masks = {}
        for place, (name, shape) in enumerate(chain):
            room = used[place] * used[place + 1] * shape[2]
            if kept[place] > room:
                rule = f"keeps {kept[place]} weights of {name}, between units that its neighbours reach are {room}"
                raise ArgumentError("density", kept[place], rule, "use another allocation, or a larger density")
            mask = _between(units[place + 1], units[place], shape, kept[place], generator)
            masks[name] = mask.reshape(tuple(problem.axes[name].shape))
            self.report(progress, place + 1, len(chain))
        return Finding(masks)


def _chain(module: nn.Module) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Return the layers in their order: outputs, units before, weights between two units."""
    before = None
    if not isinstance(module, nn.Sequential):
        raise ArgumentError("module", type(module).__name__, "is no chain of layers", "pass an nn.Sequential")
    for path, part in module.named_modules():
        if isinstance(part, nn.Sequential):
            continue
        if not isinstance(part, _LAYERS) and isinstance(part, _BETWEEN):
            continue
        if not isinstance(part, _LAYERS) or getattr(part, "groups", 1) != 1:
            rule = f"has {path} ({type(part).__name__}), through which paths are not known"
            raise ArgumentError("module", type(module).__name__, rule, "use Random(), or a chain of linear layers")
        outputs, inputs = part.weight.shape[:2]
        units = inputs if before is None else before
        if inputs % units or (inputs != units and not isinstance(part, nn.Linear)):
            rule = f"has {units} units in front of {path}, which takes {inputs}"
            raise ArgumentError("module", type(module).__name__, rule, "use Random()")
        yield f"{path}.weight", (outputs, units, inputs // units * prod(part.weight.shape[2:]))
        before = outputs


def _between(
    after: Tensor, before: Tensor, shape: tuple[int, int, int], kept: int, generator: torch.Generator
) -> Tensor:
    """Return a mask [outputs, units, weights between two] of so many weights, some at each of the used units."""
    mask, allowed = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    longest = max(len(after), len(before))
    ends = [units[torch.arange(longest) % len(units)] for units in (after, before)]
    mask[ends[0], ends[1], torch.randint(shape[2], (longest,), generator=generator)] = True
    allowed[after[:, None], before[None, :]] = True
    free = torch.nonzero((allowed & ~mask).reshape(-1))[:, 0]
    more = free[torch.randperm(len(free), generator=generator)[: kept - int(mask.sum())]]
    mask.view(-1)[more] = True
    return mask


def _zeros(problem: Problem, name: str) -> dict[str, Tensor]:
    """Return scores of one weight, to count what is kept of it."""
    return {name: torch.zeros(tuple(problem.axes[name].shape))}
