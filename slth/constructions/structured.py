"""Networks as tickets of which whole channels are removed: what is left is a smaller network that was never trained."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, get_args

import numpy as np

from slth.arrays import Bools, as_double, whole
from slth.certificates import certify
from slth.constructions.assembly import ticket_of
from slth.constructions.budget import check_within_doubles
from slth.constructions.channels import Channels, GainRule
from slth.constructions.construction import Row, measured
from slth.constructions.error_budget import beyond_doubles, sensitivities
from slth.constructions.kept_layers import kept_layer
from slth.constructions.layout import Work, lay_out
from slth.constructions.method import Built, Method, Traits
from slth.constructions.setting import Setting
from slth.constructions.sums import checked_gain
from slth.errors import ArgumentError, ConstructionError
from slth.graphs import Graph
from slth.rng import WeightLaw

_MOST_CHANNELS = 2**40
_LAW, _FIRST, _FEWEST = (
    0.35,
    0.1,
    50,
)  # relative error of the pursuit: law D^1.5 / n; where eps begins, and with how many
_WIDE = 288  # numbers a slice, beyond which a pursuit takes seconds
_BEAM, _BEAM_OF_WIDE = 8, 2
_PROBES = 3  # instances that decide on a gain, and one of those that take seconds
_MOST_FOUND = 2**20  # channels that eps may ask for: a layer takes minutes there


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
    channels : int, sequence of int, or mapping from node name to int, optional
        The theorem's n, for all layers or one number each: every source has 2n random channels, about n of them with
        the sign of u that it needs.
    eps : float, optional
        Instead: the certified error of the whole network. Layers begin with the n at which the pursuit's measured law,
        a relative error of :math:`0.35\, D^{1.5} / n` for D numbers a slice, gives 10 %; those that count most have
        theirs doubled until the certificate is within eps. The table says the n that was chosen.
    size : int, optional
        Keep exactly so many channels for each source and sign whose slice is not zero.
    gain : {"auto", "unit", "theorem"} or float
        One factor for each layer, which the ticket holds; the sums aim at K / gain. "unit" is the standard deviation of
        the layer's weights; "theorem" is :math:`\|K\|_1`, so that the sums aim at a kernel of norm 1 as the theorem
        supposes; "auto" tries some and takes the one with the smallest error.
    beam : int, optional
        Alternatives that the pursuit follows side by side; 8 by default, and 2 for slices of more than 288 numbers,
        where that takes a third of the time for errors a few hundredths larger (measured with 576).

    Raises
    ------
    ArgumentError
        If a value is outside its range.

    Examples
    --------
    >>> from slth.graphs import Conv, Graph, Node
    >>> target = Graph((1, 3, 3), [Node("conv", Conv([[[[0.5, -0.25], [0.0, 0.75]]]]), ("input",))])
    >>> ticket, (row,) = slth.Structured(channels=500, gain="unit").ticket(target)
    >>> row.relative_error < 0.05
    True
    """

    traits: ClassVar[Traits] = Traits.STRONG | Traits.STRUCTURED | Traits.DEVICES | Traits.RESUMES
    usual_law: ClassVar[WeightLaw] = WeightLaw("normal", 1.0)

    channels: int | Sequence[int] | Mapping[str, int] | None = None
    size: int | None = None
    gain: GainRule | float = "auto"
    beam: int | None = None
    eps: float | None = None

    def __post_init__(self) -> None:
        """Check every field that does not depend on the target."""
        if self.size is not None:
            object.__setattr__(self, "size", whole(self.size, "size", 1, _MOST_CHANNELS, remedy="leave it out for any"))
        if self.beam is not None:
            object.__setattr__(self, "beam", whole(self.beam, "beam", 1, 4096, remedy="8 is a good start"))
        object.__setattr__(self, "gain", checked_gain(self.gain, get_args(GainRule)))
        if (self.channels is None) == (self.eps is None):
            remedy = "pass channels=10_000, or eps=0.5 for as many as that takes"
            raise ArgumentError("channels", self.channels, "or eps must be given, and not both", remedy)
        if self.eps is not None:
            object.__setattr__(self, "eps", as_double(self.eps))
            if not 0.0 < self.eps < math.inf:
                raise ArgumentError("eps", self.eps, "must be a positive number", "pass the error to certify")
            if self.size is not None:
                raise ArgumentError("size", self.size, "fixes what eps has to choose", "leave one of both out")
        elif not isinstance(self.channels, list | tuple | Mapping):
            object.__setattr__(self, "channels", _number(self.channels))

    def build(self, target: Graph, setting: Setting) -> Built:
        works = lay_out(target, nonnegative=setting.nonnegative, removal="channels")
        if self.eps is not None:
            return self._within(self.eps, target, works, setting)
        counts = counts_of(self.channels, works)
        return _built(
            target, [self._layer(work.sized(2 * n), setting) for work, n in zip(works, counts, strict=True)], setting
        )

    def _layer(self, work: Work, setting: Setting) -> _Layer:
        """Choose the channels of a layer."""
        begin = time.perf_counter()
        dimension = work.slices.shape[1]
        beam = self.beam or (_BEAM if dimension <= _WIDE else _BEAM_OF_WIDE)
        options = repr((self.size, self.gain, beam, dimension > _WIDE))
        channels = Channels(work, setting, self.size, beam, _PROBES if dimension <= _WIDE else 1)
        gain, kept = kept_layer(work, setting, options, lambda: channels.chosen(self.gain))
        return _Layer(work, kept, gain, time.perf_counter() - begin)

    def _within(self, eps: float, target: Graph, works: Sequence[Work], setting: Setting) -> Built:
        """Double the channels of the layers that count most until the certificate is within eps."""
        check_within_doubles(target, eps, setting.box)
        slopes = sensitivities(target, works, setting.box)
        if not np.isfinite(slopes).all():
            raise beyond_doubles(eps, works[int(np.flatnonzero(~np.isfinite(slopes))[-1])].node)
        counts = [max(_FEWEST, math.ceil(_LAW * work.slices.shape[1] ** 1.5 / _FIRST)) for work in works]
        layers = [self._layer(work.sized(2 * n), setting) for work, n in zip(works, counts, strict=True)]
        while True:
            built = _built(target, layers, setting)
            certificate = certify(target, built.ticket, input_box=setting.box)
            if certificate.error <= eps:
                return replace(built, certificate=certificate)
            weights = [slope * row.largest_error for slope, row in zip(slopes.tolist(), built.table, strict=True)]
            grown = [number for number, weight in enumerate(weights) if weight >= max(weights) / 2.0]
            counts = [2 * n if number in grown else n for number, n in enumerate(counts)]
            if max(counts) > _MOST_FOUND:
                reached = (
                    f"{certificate.error:.3g} is certified with up to {max(counts) // 2:,} channels a source and sign"
                )
                raise ConstructionError(f"eps={eps} is not reached: {reached}; ask for more, or use PerWeight(eps=...)")
            for number in grown:
                layers[number] = self._layer(works[number].sized(2 * counts[number]), setting)


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer whose channels are chosen."""

    work: Work
    kept: Bools
    gain: float
    seconds: float


def _built(target: Graph, layers: Sequence[_Layer], setting: Setting) -> Built:
    """Put layers together, and measure each."""
    ticket = ticket_of(target, [(one.work, one.kept, one.gain) for one in layers], setting, structure="channel")
    rows = tuple(
        Row(
            **measured(number, one.work, ticket),
            candidates=None,
            instances=int(np.count_nonzero(one.work.posed.any(axis=2))),
            predicted_largest=None,
            predicted_median=None,
            tolerance=None,
            seconds=one.seconds,
        )
        for number, one in enumerate(layers)
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
