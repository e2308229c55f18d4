"""Convolutional networks as tickets of which whole channels are removed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.constructions.arguments import checked_gain, integer
from slth.constructions.certificate import as_box
from slth.constructions.certify import certify
from slth.constructions.channels import Choice, Search, choose_channels
from slth.constructions.construction import Construction, ConvRow
from slth.constructions.conv_layout import (
    GAIN_RULES,
    ConvWork,
    GainRule,
    as_convolutions,
    description_of,
    lay_out_convolutions,
    layer_counts,
)
from slth.constructions.solving import Progress
from slth.rng import Stream, WeightLaw
from slth.tickets import ConvNetwork, DenseNetwork, Mask, Ticket

_MOST_CHANNELS = 2**40


@dataclass(frozen=True)
class Structured:
    r"""Approximate every convolution by whole channels of a random one.

    Each convolution K becomes a random convolution of size 1, block-masked so that a hidden channel sees one source
    (an input channel, or a constant 1 for the biases), and a random one of K's size. The channels that are kept are
    chosen so that the sum of their products :math:`u_k v_k` is near the slice of K that belongs to the source, divided
    by the gain; all others are removed for good, and what is left is a small dense network that was never trained (da
    Cunha, d'Amore and Natale 2023; unverified). The theorem's bound on n exists for one vector and a fixed size; this
    finds the channels.

    Parameters
    ----------
    channels : int, sequence of int, or mapping from layer number to int
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
    >>> Structured(channels=10_000).gain
    'auto'
    """

    channels: int | Sequence[int] | Mapping[int, int]
    size: int | None = None
    gain: GainRule | float = "auto"
    beam: int = 8

    def __post_init__(self) -> None:
        """Check every field that does not depend on the target."""
        if self.size is not None:
            object.__setattr__(self, "size", integer("size", self.size, _MOST_CHANNELS, "leave it out for any size"))
        object.__setattr__(self, "beam", integer("beam", self.beam, 4096, "8 is a good start"))
        object.__setattr__(self, "gain", checked_gain(self.gain, GAIN_RULES))
        if isinstance(self.channels, int | np.integer):
            remedy = "10_000 gives errors of a few percent"
            object.__setattr__(self, "channels", integer("channels", self.channels, _MOST_CHANNELS, remedy))


def construct_structured(
    target: ConvNetwork | DenseNetwork,
    method: Structured,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    seed: int = 0,
    law: WeightLaw | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Construction:
    """Return the ticket that approximates a network by whole channels of a random one, with its certificate.

    Parameters
    ----------
    target : ConvNetwork or DenseNetwork
        The network to approximate.
    method : Structured
        Number of channels, size, gain and beam.
    input_box : tuple of two array_like
        Smallest and largest input. Inputs that are never negative need half of the instances only.
    seed : int
        Seed of the random network, 0 <= seed < 2**64.
    law : WeightLaw, optional
        Law of the random weights; the standard normal, which the theorem supposes, if None.
    device : {"cpu", "cuda", "auto"} or str
        Where the channels are searched. Other devices walk with other random numbers: they keep other channels, with
        errors as small.
    progress : callable, optional
        Called with (path of the layer, instances done, instances of the layer).

    Returns
    -------
    Construction
        Ticket, certificate and table.

    Raises
    ------
    ArgumentError
        For a bad box or seed, numbers of channels that do not fit the layers, a size beyond the usable channels, or a
        bias that meets the padding at every tap.

    Examples
    --------
    >>> from slth.tickets import ConvLayer
    >>> target = ConvNetwork((1, 3, 3), [ConvLayer([[[[0.5, -0.25], [0.0, 0.75]]]])])
    >>> made = construct_structured(target, Structured(channels=500, gain="unit"))
    >>> made.table[0].relative_error < 0.05
    True
    """
    network = as_convolutions(target)
    box = as_box(input_box, network.input_shape)
    nonnegative = bool((box[0] >= 0.0).all())
    ticket, rows = structured_ticket(
        network, method, nonnegative=nonnegative, seed=seed, law=law, device=device, progress=progress
    )
    return Construction(ticket, certify(network, ticket, input_box=input_box), table=rows)


def structured_ticket(
    target: ConvNetwork,
    method: Structured,
    *,
    nonnegative: bool = True,
    seed: int = 0,
    law: WeightLaw | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> tuple[Ticket, tuple[ConvRow, ...]]:
    """Return the ticket and the table alone, without a certificate: it takes longer than all the rest.

    Parameters
    ----------
    target : ConvNetwork
    method : Structured
    nonnegative : bool
        Whether inputs are never negative.
    seed, law, device, progress
        As for :func:`construct_structured`.

    Returns
    -------
    tuple of Ticket and tuple of ConvRow

    Raises
    ------
    ArgumentError
        As :func:`construct_structured`.
    """
    law = WeightLaw("normal", 1.0) if law is None else law
    Stream(seed, "layer0")  # a stream knows the rule of seeds
    remedy = "pass one number, or one for each layer"
    counts = [2 * n for n in layer_counts("channels", method.channels, target, _MOST_CHANNELS, remedy)]
    works = lay_out_convolutions(target, nonnegative=nonnegative, channels=counts, removal="channels")
    search = Search(law, seed, method.size, method.beam, device=device, progress=progress)
    masks: dict[str, NDArray[np.bool_]] = {}
    gains, seconds = [], []
    for work in works:
        begin = time.perf_counter()
        choice = choose_channels(work, method.gain, search)
        gains.append(choice.gain)
        masks[f"{work.pair.path}.channels"] = _mask(work, choice)
        seconds.append(time.perf_counter() - begin)
    description = description_of(target, [work.pair for work in works])
    ticket = Ticket(description, law, seed, Mask(masks, structure="channel"), np.array(gains))
    folded = ticket.folded_kernels()
    rows = (
        ConvRow.of(number, work, ticket, folded[number], gain=gains[number], seconds=seconds[number])
        for number, work in enumerate(works)
    )
    return ticket, tuple(rows)


def _mask(work: ConvWork, choice: Choice) -> NDArray[np.bool_]:
    kept = np.zeros((work.pair.channels, work.pair.sources), np.bool_)
    for source, channels in choice.channels:
        kept[channels, source] = True
    return kept
