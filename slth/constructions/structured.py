"""Networks as tickets of which whole channels are removed: what is left is a smaller network that was never trained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np

from slth.arrays import whole
from slth.constructions.assembly import ticket_of
from slth.constructions.channels import Channels, GainRule
from slth.constructions.construction import Row, measured
from slth.constructions.layout import Work, lay_out
from slth.constructions.method import Built, Method, Traits
from slth.constructions.setting import Setting
from slth.constructions.sums import checked_gain
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.rng import WeightLaw

_MOST_CHANNELS = 2**40


@dataclass(frozen=True)
class Structured(Method):
    r"""Approximate every convolution by whole channels of a random one.

    Each convolution K becomes a random convolution of size 1, block-masked so that a hidden channel sees one source
    (an input channel, or a constant 1 for the biases), and a random one of K's size. The channels that are kept are
    chosen so that the sum of their products :math:`u_k v_k` is near the slice of K that belongs to the source, divided
    by the gain; all others are removed for good, and what is left is a small dense network that was never trained (da
    Cunha, d'Amore and Natale 2023; unverified). The theorem's bound on n exists for one vector and a fixed size; this
    finds the channels. A linear layer is a convolution of size 1.

    Parameters
    ----------
    channels : int, sequence of int, or mapping from node name to int
        The theorem's n, for all layers or one number each: every source has 2n random channels, about n of them with
        the sign of u that it needs.
    size : int, optional
        Keep exactly so many channels for each source and sign whose slice is not zero.
    gain : {"auto", "unit", "theorem"} or float
        One factor for each layer, which the ticket holds; the sums aim at K / gain. "unit" is the standard deviation of
        the layer's weights; "theorem" is :math:`\|K\|_1`, so that the sums aim at a kernel of norm 1 as the theorem
        supposes; "auto" tries some and takes the one with the smallest error.
    beam : int
        Alternatives that the pursuit follows side by side.

    Raises
    ------
    ArgumentError
        If a value is outside its range.

    Examples
    --------
    >>> from slth.graphs import Conv, Graph, Node
    >>> target = Graph((1, 3, 3), [Node("conv", Conv([[[[0.5, -0.25], [0.0, 0.75]]]]), ("input",))])
    >>> ticket, (row,) = Structured(channels=500, gain="unit").ticket(target)
    >>> row.relative_error < 0.05
    True
    """

    traits: ClassVar[Traits] = Traits.STRONG | Traits.STRUCTURED | Traits.DEVICES
    usual_law: ClassVar[WeightLaw] = WeightLaw("normal", 1.0)

    channels: int | Sequence[int] | Mapping[str, int]
    size: int | None = None
    gain: GainRule | float = "auto"
    beam: int = 8

    def __post_init__(self) -> None:
        """Check every field that does not depend on the target."""
        if self.size is not None:
            object.__setattr__(self, "size", whole(self.size, "size", 1, _MOST_CHANNELS, remedy="leave it out for any"))
        object.__setattr__(self, "beam", whole(self.beam, "beam", 1, 4096, remedy="8 is a good start"))
        object.__setattr__(self, "gain", checked_gain(self.gain, get_args(GainRule)))
        if not isinstance(self.channels, list | tuple | Mapping):
            object.__setattr__(self, "channels", _number(self.channels))

    def build(self, target: Graph, setting: Setting) -> Built:
        works = lay_out(target, nonnegative=setting.nonnegative, removal="channels")
        works = [work.sized(2 * n) for work, n in zip(works, counts_of(self.channels, works), strict=True)]
        chosen, spent = [], []
        for work in works:
            begin = time.perf_counter()
            gain, kept = Channels(work, setting, self.size, self.beam).chosen(self.gain)
            chosen.append((work, kept, gain))
            spent.append(time.perf_counter() - begin)
        ticket = ticket_of(target, chosen, setting, structure="channel")
        rows = tuple(
            Row(
                **measured(number, work, ticket),
                candidates=None,
                instances=int(np.count_nonzero(work.posed.any(axis=2))),
                predicted_largest=None,
                predicted_median=None,
                tolerance=None,
                seconds=seconds,
            )
            for number, (work, seconds) in enumerate(zip(works, spent, strict=True))
        )
        return Built(ticket, rows)


def counts_of(given: Any, works: Sequence[Work]) -> list[int]:
    """Return one number for each layer from one for all, a list, or a mapping from node names."""
    names = [work.node for work in works]
    if isinstance(given, Mapping):
        if set(given) != set(names):
            odd = sorted(map(str, set(given) ^ set(names)))
            rule = f"must have a number for each of the nodes {names}; missing or unknown: {odd}"
            raise ArgumentError("channels", dict(given), rule, "name each layer once, or pass one number for all")
        return [_number(given[name]) for name in names]
    if isinstance(given, list | tuple):
        if len(given) != len(works):
            rule = f"must hold one number for each of the {len(works)} layers {names}"
            raise ArgumentError("channels", given, rule, "pass one number for all, or one each")
        return [_number(one) for one in given]
    return [_number(given)] * len(works)


def _number(given: object) -> int:
    return whole(given, "channels", 1, _MOST_CHANNELS, remedy="10_000 gives errors of a few percent")
