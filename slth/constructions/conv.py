"""Convolutional networks as tickets whose single weights are removed: every entry of a kernel is a subset sum."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.constructions.arguments import check_solver, checked_gain, gain_of, integer
from slth.constructions.certificate import as_box
from slth.constructions.certify import certify
from slth.constructions.construction import Construction, ConvRow
from slth.constructions.conv_layout import ConvWork, as_convolutions, description_of, lay_out_convolutions
from slth.constructions.interval import Array
from slth.constructions.solving import MOST_CANDIDATES, Progress
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Solver, Status, solve_batch
from slth.tickets import ConvNetwork, DenseNetwork, Mask, Ticket
from slth.tickets.conv_weights import draw

_CHUNK = 2**22  # candidates in flight


@dataclass(frozen=True)
class Conv:
    r"""Approximate every entry of every kernel by a subset sum over products of random weights.

    Each convolution becomes a random convolution of size 1, block-masked so that a hidden channel sees one source, and
    a random one of the target's size of which single weights are removed; entry (o, a, b) of a source's kernel is a sum
    of products :math:`u_k v_{koab}`, and the hidden channels are re-used over all entries (da Cunha, Natale and Viennot
    2022, "Proving the Strong Lottery Ticket Hypothesis for Convolutional Neural Networks"; unverified).

    Parameters
    ----------
    candidates : int
        Candidates of each entry, 1 to 48: each source has ``2 * candidates`` hidden channels, of which those with the
        right sign of u are usable, about half, and at most ``candidates`` are offered.
    gain : {"auto", "unit"} or float
        What the outputs of each layer are multiplied by: "auto" is the smallest power of two for which weight / gain
        lies within [-1, 1], "unit" is 1.
    solver : Solver, optional
        As for :func:`slth.solve_batch`.

    Raises
    ------
    ArgumentError
        If a value is outside its range.

    Examples
    --------
    >>> Conv(candidates=20).gain
    'auto'
    """

    candidates: int
    gain: Literal["auto", "unit"] | float = "auto"
    solver: Solver | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        remedy = "20 gives errors of single weights near 1e-6"
        object.__setattr__(self, "candidates", integer("candidates", self.candidates, MOST_CANDIDATES, remedy))
        object.__setattr__(self, "gain", checked_gain(self.gain, ("auto", "unit")))
        check_solver(self.solver)


def construct_conv(
    target: ConvNetwork | DenseNetwork,
    method: Conv,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    seed: int = 0,
    law: WeightLaw | None = None,
    progress: Progress | None = None,
) -> Construction:
    """Return the ticket that approximates a convolutional network entry by entry, with its certificate.

    Parameters
    ----------
    target : ConvNetwork or DenseNetwork
        The network to approximate.
    method : Conv
        Number of candidates and gain.
    input_box : tuple of two array_like
        Smallest and largest input. Inputs that are never negative need half of the instances only.
    seed : int
        Seed of the random network, 0 <= seed < 2**64.
    law : WeightLaw, optional
        Law of the random weights; uniform on (-1, 1) if None.
    progress : callable, optional
        Called with (path of the layer, entries done, entries of the layer).

    Returns
    -------
    Construction
        Ticket, certificate and table.

    Raises
    ------
    ArgumentError
        For a bad box or seed, or a bias that meets the padding at every tap.

    Examples
    --------
    >>> from slth.tickets import ConvLayer
    >>> target = ConvNetwork((1, 3, 3), [ConvLayer([[[[0.5, -0.25], [0.0, 0.75]]]], [0.1])])
    >>> made = construct_conv(target, Conv(candidates=16))
    >>> made.certificate.error < 0.01
    True
    """
    network = as_convolutions(target)
    law = WeightLaw("uniform", 1.0) if law is None else law
    Stream(seed, "layer0")  # a stream knows the rule of seeds
    nonnegative = bool((as_box(input_box, network.input_shape)[0] >= 0.0).all())
    channels = [2 * method.candidates] * len(network.layers)
    works = lay_out_convolutions(network, nonnegative=nonnegative, channels=channels, removal="weights")
    masks: dict[str, NDArray[np.bool_]] = {}
    gains, seconds = [], []
    for work in works:
        begin = time.perf_counter()
        gains.append(gain_of(work.slices, method.gain))
        kept = _solve(work, method, gains[-1], law, seed, progress)
        masks[f"{work.pair.path}.channels"] = np.asarray(kept.any(axis=2))
        masks[f"{work.pair.path}.weights"] = kept
        seconds.append(time.perf_counter() - begin)
    ticket = Ticket(description_of(network, [work.pair for work in works]), law, seed, Mask(masks), np.array(gains))
    folded = ticket.folded_kernels()
    rows = tuple(
        ConvRow.of(number, work, ticket, folded[number], gain=gains[number], seconds=seconds[number])
        for number, work in enumerate(works)
    )
    return Construction(ticket, certify(network, ticket, input_box=input_box), table=rows)


def _solve(
    work: ConvWork, method: Conv, gain: float, law: WeightLaw, seed: int, progress: Progress | None
) -> NDArray[np.bool_]:
    """Return the kept weights bool[channels, sources, dimensions] of one pair."""
    pair = work.pair
    kept = np.zeros((pair.channels, pair.sources, pair.dimensions), np.bool_)
    done = 0
    for sources, channels, values in _instances(work, method.candidates, law, seed):
        goals = work.slices[sources] / gain
        entries = goals.reshape(-1)
        answer = solve_batch(values.reshape(len(entries), -1), entries, solver=method.solver)
        if (answer.status == Status.INTERRUPTED).any():
            raise KeyboardInterrupt  # half of a layer's answers would make a poor ticket that looks like a finished one
        subsets = answer.subsets & (entries != 0.0)[:, None]
        chosen = subsets.reshape(len(sources), pair.dimensions, -1)
        kept[channels[:, None, :], sources[:, None, None], np.arange(pair.dimensions)[:, None]] |= chosen
        done += len(entries)
        if progress is not None:
            progress(pair.path, done, (1 if pair.halves == "positive" else 2) * work.slices.size)
    return kept


def _instances(
    work: ConvWork, candidates: int, law: WeightLaw, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Array]]:
    """Yield sources, their usable channels [sources, m], and the products u v [sources, dimensions, m]; m > 0."""
    pair = work.pair
    every = np.arange(pair.channels)
    step = max(1, _CHUNK // (pair.dimensions * pair.channels))
    for negative in (False,) if pair.halves == "positive" else (False, True):
        posed = [source for source in range(pair.sources) if work.slices[source].any()]
        if negative:
            posed = [source for source in posed if source < pair.inputs]  # a constant 1 is never negative
        for start in range(0, len(posed), step):
            by_count: dict[int, list[tuple[int, NDArray[np.int64], Array]]] = {}
            for source in posed[start : start + step]:
                first, second = draw(pair, law, seed, source, every)
                usable = np.flatnonzero((first < 0.0) if negative else (first > 0.0))[:candidates]
                products = (first[usable, None] * second[usable]).T
                by_count.setdefault(len(usable), []).append((source, usable, products))
            for count, found in by_count.items():
                if count:
                    sources, channels, values = zip(*found, strict=True)
                    yield np.array(sources), np.stack(channels), np.stack(values)
