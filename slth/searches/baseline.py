"""What finds a mask without training scores: the network, the examples and the number to keep go in, masks come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from slth.networks import Axes, TopK
from slth.resources import Progress
from slth.training import Examples, Record
from slth.training.recipe import Loss


@dataclass(frozen=True, eq=False)
class Problem:
    """A random network of which a part is to be kept."""

    module: nn.Module
    data: Examples
    loss: Loss
    seed: int
    selection: TopK
    axes: Mapping[str, Axes]

    def masked(self, chosen: Mapping[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
        """Return the weights of a module of this architecture times the masks of kept groups."""
        structure = self.selection.structure
        return {
            name: module.get_parameter(name).detach() * structure.expand(groups, self.axes[name])
            for name, groups in chosen.items()
        }


@dataclass(frozen=True, eq=False)
class Finding:
    """Which groups are kept, with the scores by which they were, if there are any."""

    chosen: Mapping[str, Tensor]
    scores: Mapping[str, Tensor] = field(default_factory=dict)
    trace: tuple[Record, ...] = ()


class Baseline:
    """A way to a mask that trains no scores; a method overrides ``find``."""

    def find(self, problem: Problem, progress: Progress | None = None) -> Finding:
        """Return what is kept of a random network, which stays as it is."""
        raise NotImplementedError

    def report(self, progress: Progress | None, done: int, total: int) -> None:
        """Say how much is done."""
        if progress is not None:
            progress("prune", done, total)
