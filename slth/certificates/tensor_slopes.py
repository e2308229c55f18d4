"""Gradient steps on slopes as tensors: chains of several inputs side by side, padded with zeros, on one device.

The passes are those of :mod:`slth.kernels.slopes`. Chains have few rows and units, so that one alone leaves an
accelerator idle between some forty small kernels for each link; with many side by side these cost the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from slth.arrays import Indices
from slth.certificates.slopes import AT_MOST, MEMORIES, Chain, Link, rates
from slth.resources import SHARE
from slth.subset_sum.places import free_memory


@dataclass(frozen=True)
class TensorSteps:
    """What takes gradient steps on the slopes of several chains on one device."""

    place: torch.device

    def __call__(self, chains: Sequence[Chain], steps: int) -> None:
        """Take so many steps with all chains, as many side by side as fit."""
        if len(chains) > 1 and _bytes(chains) > SHARE * free_memory(self.place):
            half = len(chains) // 2
            self(chains[:half], steps)
            self(chains[half:], steps)
            return
        with torch.inference_mode():
            batch = _Batch(chains, self.place)
            for rate in rates(steps):
                batch.step(rate)
            batch.hand_back(chains)


class _Units:
    """The units of all chains at one place of their order.

    Shapes: z, e, h, r [11, chains, 1 or rows, n]; chord [chains, 1 or rows, n]; target, difference [chains, n, columns
    in front]; lost [2, chains, 1 or rows, n]; slopes, strides, mean, square [3, chains, rows, n]; gaps [chains, rows,
    n].
    """

    def __init__(
        self, links: Sequence[Link | None], columns: Sequence[Indices], first: int, rows: int, place: torch.device
    ) -> None:
        self.first, self.count = first, max(link.count for link in links if link is not None)
        own = rows if any(link is not None and len(link.singles.chord) > 1 for link in links) else 1
        chains, count = len(links), self.count
        ranges, lost = np.zeros((4, chains, own, count), np.float32), np.zeros((2, chains, own, count), np.float32)
        chord = np.zeros((chains, own, count), np.float32)
        target, difference = (np.zeros((chains, count, first), np.float32) for _ in range(2))
        slopes, strides = (np.zeros((3, chains, rows, count), np.float32) for _ in range(2))
        for number, link in enumerate(links):
            if link is None:
                continue
            single, many, row = link.singles, link.count, len(link.gaps)
            limited = row if len(single.chord) > 1 else own
            ranges[:, number, :limited, :many] = single.ranges
            lost[:, number, :limited, :many] = single.lost
            chord[number, :limited, :many] = single.chord
            for matrix, given in ((target, single.target), (difference, single.difference)):
                matrix[number][:many, columns[number][: given.shape[1]]] = given
            slopes[:, number, :row, :many], strides[:, number, :row, :many] = link.slopes, link.strides
        numbers = (ranges, lost, chord, target, difference, slopes, strides)
        ends, self.lost, self.chord, self.target, self.difference, self.slopes, self.strides = (
            torch.from_numpy(each).to(place) for each in numbers
        )
        self.z, self.e = _points(*ends)
        self.h = self.z.relu()
        self.r = (self.z + self.e).relu() - self.h
        self.mean, self.square = torch.zeros_like(self.slopes), torch.zeros_like(self.slopes)
        self.gaps = torch.zeros_like(self.slopes[0])

    def through(self, rows: Tensor) -> None:
        """Carry rows through the units, to the columns in front of them."""
        self.p, self.a = (rows[..., start : start + self.count] for start in (self.first, self.first + self.count))
        lower, in_moves, shift = self.slopes
        self.slope = torch.where(self.p > 0.0, self.chord, lower)
        beta, sigma = self.p * self.slope + shift, self.a * in_moves
        sums = self.p * self.h - beta * self.z + self.a * self.r - sigma * self.e
        where = sums.argmax(dim=0, keepdim=True)
        self.at_z, self.at_e = (each.expand_as(sums).gather(0, where)[0] for each in (self.z, self.e))
        rows[..., : self.first] += beta @ self.target + sigma @ self.difference

    def step(self, at: Tensor, rate: float) -> None:
        """Fill in the values of the units' symbols, those in front of them given, and move the slopes."""
        before = at[..., : self.first]
        values, moves = before @ self.target.mT, before @ self.difference.mT
        here, here_moves, h = values - self.at_z, moves - self.at_e, self.at_z.relu()
        behind = self.slope * here + h
        moved = self.slopes[1] * here_moves + (self.at_z + self.at_e).relu() - h
        at[..., self.first : self.first + self.count] = behind
        at[..., self.first + self.count : self.first + 2 * self.count] = moved
        true = values.relu()
        self.gaps = self.p.abs() * ((behind - true).abs() + AT_MOST * self.lost[0])
        self.gaps += self.a.abs() * ((moved - (values + moves).relu() + true).abs() + AT_MOST * self.lost[1])
        gradients = torch.stack([self.p.clamp(max=0.0) * here, self.a * here_moves, here])
        self.mean.lerp_(gradients, 1.0 - MEMORIES[0])
        self.square.lerp_(gradients.square(), 1.0 - MEMORIES[1])
        self.slopes -= rate * self.strides * self.mean / (self.square.sqrt() + 1e-18)
        self.slopes[:2].clamp_(0.0, 1.0)


class _Batch:
    """Chains side by side: all columns that no unit fills first, then those of the units, padded to the most."""

    def __init__(self, chains: Sequence[Chain], place: torch.device) -> None:
        layers, counts = zip(*_layers(chains), strict=True)
        self.plain = max(chain.rows.shape[1] - 2 * sum(link.count for link in chain.links) for chain in chains)
        firsts = [self.plain + 2 * sum(counts[:number]) for number in range(len(counts) + 1)]
        columns = [_columns(chain, firsts, counts) for chain in chains]
        rows = max(len(chain.rows) for chain in chains)
        start = np.zeros((len(chains), rows, firsts[-1]), np.float32)
        lower, upper = (np.zeros((len(chains), 1, firsts[-1]), np.float32) for _ in range(2))
        for number, (chain, own) in enumerate(zip(chains, columns, strict=True)):
            start[number][: len(chain.rows), own] = chain.rows
            lower[number, 0, own], upper[number, 0, own] = chain.lower, chain.upper
        self.rows, lowest, highest = (torch.from_numpy(each).to(place) for each in (start, lower, upper))
        self.lower, self.upper = lowest[..., : self.plain], highest[..., : self.plain]
        self.units = [
            _Units(layer, columns, first, rows, place) for layer, first in zip(layers, firsts[:-1], strict=True)
        ]

    def step(self, rate: float) -> None:
        """Take one step."""
        rows, at = self.rows.clone(), torch.zeros_like(self.rows)
        for units in reversed(self.units):
            units.through(rows)
        plain = slice(self.plain)
        at[..., plain] = torch.where(rows[..., plain] > 0.0, self.upper, self.lower)
        for units in self.units:
            units.step(at, rate)

    def hand_back(self, chains: Sequence[Chain]) -> None:
        """Write slopes and gaps to the chains."""
        for place, units in enumerate(self.units):
            slopes, gaps = units.slopes.cpu().numpy(), units.gaps.cpu().numpy()
            for number, chain in enumerate(chains):
                if place < len(chain.links):
                    link = chain.links[place]
                    link.slopes[:] = slopes[:, number, : len(link.gaps), : link.count]
                    link.gaps[:] = gaps[number, : len(link.gaps), : link.count]


def _layers(chains: Sequence[Chain]) -> list[tuple[tuple[Link | None, ...], int]]:
    """Return the links of all chains at each place of their order, with the most units there."""
    layers = zip_longest(*(chain.links for chain in chains))
    return [(layer, max(link.count for link in layer if link is not None)) for layer in layers]


def _columns(chain: Chain, firsts: Sequence[int], counts: Sequence[int]) -> Indices:
    """Return where each symbol of a chain lies in a batch: int64[symbols]."""
    columns = np.full(chain.rows.shape[1], -1)
    for link, first, most in zip(chain.links, firsts, counts, strict=False):
        own = first + np.arange(link.count)
        columns[link.first : link.first + 2 * link.count] = np.concatenate([own, own + most])
    plain = columns < 0
    columns[plain] = np.arange(plain.sum())
    return columns


def _points(low: Tensor, high: Tensor, below: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
    """Return the z and e of the eleven points where maxima are attained (:mod:`slth.certificates.symbols`)."""
    z, e = torch.zeros_like(low).clamp(low, high), torch.zeros_like(below).clamp(below, above)
    at_low, at_high = (-low).clamp(below, above), (-high).clamp(below, above)
    return (
        torch.stack([low, z, high, low, high, z, z, (-below).clamp(low, high), (-above).clamp(low, high), low, high]),
        torch.stack([below, below, below, above, above, above, e, below, above, at_low, at_high]),
    )


def _bytes(chains: Sequence[Chain]) -> int:
    """Return about how much memory chains take side by side: matrices, and some fifty numbers a row and unit."""
    counts = [count for _, count in _layers(chains)]
    rows, total = max(len(chain.rows) for chain in chains), max(chain.rows.shape[1] for chain in chains)
    units = sum(counts)
    return int(4 * len(chains) * (3 * rows * total + 2 * units * total + 60 * rows * units))
