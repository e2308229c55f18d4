"""Who answers pursuits on an accelerator: many in step, their sweeps as tensors in float32, sums in float64.

The pursuit itself is the one that processors run; only what it asks to be computed is answered here, for all instances
at the same time. A descent flips, in each instance, the candidate that brings its residual down most: one sweep over
all candidates, which memory bandwidth limits. Annealing flips one candidate of each walk at a time, chosen with the
probability that it would be the next one accepted, so that no step is spent on refusals (Bortz, Kalos and Lebowitz
1975, recalled). float32 decides which candidates; what they leave of the target is summed again in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch

from slth.arrays import Bools, Floats
from slth.resources import SHARE
from slth.subset_sum.places import free_memory
from slth.subset_sum.pursuit_steps import (
    COLDEST,
    HOTTEST,
    SWEEPS,
    Annealed,
    Answer,
    Descended,
    Descent,
    Request,
    Walks,
)

CHECK_EVERY = 16  # steps between two questions to the device whether anything still moves
ROUNDING = 1e-6  # of |x|^2: a gain in float32 below it may be rounding, and made and unmade for ever

_Ask = TypeVar("_Ask", Descent, Walks)
_Answers: TypeAlias = Callable[[Sequence[_Ask]], list[Answer]]


@dataclass
class TensorServer:
    """Answers the requests of many pursuits on one device."""

    place: torch.device
    work: dict[str, int] = field(
        default_factory=lambda: {"descent_steps": 0, "descent_bytes": 0, "walk_steps": 0, "walk_bytes": 0}
    )

    seconds: dict[str, float] = field(default_factory=lambda: {"descents": 0.0, "walks": 0.0})

    @classmethod
    def on(cls, device: str) -> TensorServer:
        """The server on a device by its name."""
        return cls(torch.device(device))

    def __call__(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer for each request, in this order."""
        answers: list[Answer | None] = [None] * len(requests)
        descents = [(at, ask) for at, ask in enumerate(requests) if isinstance(ask, Descent)]
        walks = [(at, ask) for at, ask in enumerate(requests) if isinstance(ask, Walks)]
        begin = perf_counter()
        self._serve(answers, descents, lambda ask: 12 * ask.rows.size, lambda ask: 0, self._descend)
        between = perf_counter()
        self._serve(answers, walks, _walk_bytes, lambda ask: len(ask.places), self._walk)
        self.seconds["descents"] += between - begin
        self.seconds["walks"] += perf_counter() - between
        return [answer for answer in answers if answer is not None]

    def _serve(
        self,
        answers: list[Answer | None],
        asked: list[tuple[int, _Ask]],
        size: Callable[[_Ask], int],
        kind: Callable[[_Ask], int],
        serve: _Answers[_Ask],
    ) -> None:
        """Serve what is alike and fits side by side, the large ones first so that little is padded."""
        asked = sorted(asked, key=lambda item: (kind(item[1]), -size(item[1])))
        for _, alike in groupby(asked, key=lambda item: kind(item[1])):
            for part in _parts(list(alike), size, SHARE * free_memory(self.place)):
                for (at, _), answer in zip(part, serve([ask for _, ask in part]), strict=True):
                    answers[at] = answer

    def _descend(self, asked: Sequence[Descent]) -> list[Answer]:
        units = [_unit(ask.rows, ask.residual) for ask in asked]
        rows = self._stack([ask.rows / unit for ask, unit in zip(asked, units, strict=True)], torch.float32)
        residual = self._stack([ask.residual / unit for ask, unit in zip(asked, units, strict=True)], torch.float32)
        chosen = self._stack([ask.chosen for ask in asked], torch.bool)
        count, least, most, limit = (
            torch.tensor([getattr(ask, name) for ask in asked], device=self.place)
            for name in ("count", "least", "most", "limit")
        )
        squares = (rows * rows).sum(dim=2)
        flips = torch.zeros_like(count)
        each = torch.arange(len(asked), device=self.place)
        steps = 0
        while True:
            sign = 1.0 - 2.0 * chosen.float()
            change = squares - 2.0 * sign * torch.bmm(rows, residual[:, :, None])[:, :, 0]
            allowed = torch.where(chosen, (count > least)[:, None], (count < most)[:, None])
            best, at = torch.where(allowed, change, 0.0).min(dim=1)
            moves = (-best > ROUNDING * squares[each, at]) & (flips < limit)
            step = torch.where(moves, sign[each, at], 0.0)
            residual -= step[:, None] * rows[each, at]
            chosen[each, at] ^= moves
            count += step.long()
            flips += moves
            steps += 1
            if steps % CHECK_EVERY == 0 and not bool(moves.any()):
                break
        self.work["descent_steps"] += steps
        self.work["descent_bytes"] += steps * 4 * rows.numel()
        subsets, made = chosen.cpu().numpy(), flips.cpu().numpy()
        return [_resummed(ask, subsets[k, : len(ask.rows)], int(made[k])) for k, ask in enumerate(asked)]

    def _walk(self, asked: Sequence[Walks]) -> list[Answer]:
        tables = _Tables.of(self, asked)
        walk = _Walking(tables, asked, self.place)
        for level in range(max(len(ask.temperatures) for ask in asked)):
            walk.cool(level)
        self.work["walk_steps"] += walk.steps
        self.work["walk_bytes"] += walk.steps * 4 * walk.inner.numel()
        subsets, made = walk.best.cpu().numpy(), walk.flips.cpu().numpy()
        return [
            [
                Annealed(own, ask.window.error(own, ask.window.norm), int(made[k, place]))
                for place in range(len(ask.places))
                for own in (subsets[k, place, : len(ask.start)],)
            ]
            for k, ask in enumerate(asked)
        ]

    def _stack(self, arrays: Sequence[np.ndarray[Any, Any]], kind: torch.dtype, *, fill: float = 0.0) -> torch.Tensor:
        """Arrays of one rank side by side, padded to the largest."""
        shape = np.max([array.shape for array in arrays], axis=0)
        host = np.full((len(arrays), *shape), fill, dtype=str(kind).removeprefix("torch."))
        for k, array in enumerate(arrays):
            host[k][tuple(slice(length) for length in array.shape)] = array
        return torch.from_numpy(host).to(self.place)


@dataclass(frozen=True, eq=False)
class _Tables:
    """What the walks over A windows need: rows float64[A, M, D], Gram matrices, |x|^2 (infinite where padded)."""

    rows: torch.Tensor
    base: torch.Tensor
    pairs: torch.Tensor
    squares: torch.Tensor
    price: torch.Tensor
    temperatures: torch.Tensor

    @classmethod
    def of(cls, server: TensorServer, asked: Sequence[Walks]) -> _Tables:
        rows = server._stack([ask.window.rows for ask in asked], torch.float64)
        single = rows.float()
        return cls(
            rows,
            server._stack([ask.window.residual for ask in asked], torch.float64),
            torch.bmm(single, single.transpose(1, 2)),
            server._stack([ask.window.squares for ask in asked], torch.float32, fill=np.inf),
            torch.tensor([ask.window.price for ask in asked], device=server.place)[:, None, None],
            server._stack([ask.temperatures for ask in asked], torch.float32),
        )


class _Walking:
    """K walks over each of A windows: where they are, and the best subsets that they met."""

    def __init__(self, tables: _Tables, asked: Sequence[Walks], place: torch.device) -> None:
        self.tables = tables
        windows, size = tables.squares.shape
        walks = len(asked[0].places)
        self.chosen = torch.zeros((windows, walks, size), dtype=torch.bool, device=place)
        for k, ask in enumerate(asked):
            self.chosen[k, :, : len(ask.start)] = torch.from_numpy(ask.start).to(place)
        self.best = self.chosen.clone()
        self.missing = torch.zeros((windows, walks, 1), device=place)
        self.flips = torch.zeros((windows, walks), dtype=torch.int64, device=place)
        self.inner, self.energy = self._resum()
        self.least = self.energy.clone()
        self.generator = torch.Generator(place).manual_seed(asked[0].places.start)
        self.owner = torch.arange(windows, device=place)[:, None]
        self.steps = 0

    def cool(self, level: int) -> None:
        """Walk at one temperature for the time of a fixed number of sweeps."""
        tables = self.tables
        temperature = tables.temperatures[:, level, None, None]
        squares = tables.squares[:, None, :]
        active = (squares >= COLDEST * temperature) & (squares <= HOTTEST * temperature) & (temperature > 0.0)
        unit = tables.price * temperature
        self.inner, self.energy = self._resum()
        elapsed = torch.zeros_like(self.energy)
        while True:
            draws = torch.rand((CHECK_EVERY, 2, *elapsed.shape), generator=self.generator, device=elapsed.device)
            for waiting, place in draws:
                self._flip(active, temperature, unit, elapsed, waiting, place)
            if bool((elapsed > SWEEPS).all()):
                return

    def _flip(
        self,
        active: torch.Tensor,
        temperature: torch.Tensor,
        unit: torch.Tensor,
        elapsed: torch.Tensor,
        waiting: torch.Tensor,
        place: torch.Tensor,
    ) -> None:
        """One flip of each walk whose time is not over; `elapsed` grows by what refusals would have taken."""
        tables = self.tables
        sign = 1.0 - 2.0 * self.chosen.float()
        change = tables.squares[:, None, :] - 2.0 * sign * self.inner
        cost = change + unit * (1.0 - 2.0 * sign * self.missing)
        rates = torch.where(active, torch.exp((-cost / temperature).clamp(max=0.0)), 0.0).cumsum(dim=2)
        total = rates[:, :, -1]
        elapsed -= torch.log1p(-waiting) / total.clamp(min=1e-30) - 1e-30
        moves = elapsed <= SWEEPS
        at = torch.searchsorted(rates, (place * total)[:, :, None], right=True).clamp(max=rates.shape[2] - 1)
        step = torch.where(moves[:, :, None], sign.gather(2, at), 0.0)
        self.energy += torch.where(moves, change.gather(2, at)[:, :, 0], 0.0)
        self.inner -= step * tables.pairs[self.owner, at[:, :, 0]]
        self.chosen.scatter_(2, at, self.chosen.gather(2, at) ^ moves[:, :, None])
        self.missing -= step
        self.flips += moves
        better = moves & (self.energy < self.least)
        better &= (tables.price[:, :, 0] == 0.0) | (self.missing[:, :, 0] == 0.0)
        self.least = torch.where(better, self.energy, self.least)
        self.best = torch.where(better[:, :, None], self.chosen, self.best)
        self.steps += 1

    def _resum(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Inner products with the residual and its squared length, float32, from sums in float64."""
        tables = self.tables
        residual = tables.base[:, None, :] - torch.bmm(self.chosen.double(), tables.rows)
        inner = torch.bmm(residual, tables.rows.transpose(1, 2))
        return inner.float(), (residual * residual).sum(dim=2).float()


def _resummed(ask: Descent, chosen: Bools, flips: int) -> Descended:
    """The descent with its residual from the candidates in float64; the start where rounding made it no better."""
    added, removed = chosen & ~ask.chosen, ask.chosen & ~chosen
    residual = ask.residual - ask.rows[added].sum(axis=0) + ask.rows[removed].sum(axis=0)
    if not float(residual @ residual) < float(ask.residual @ ask.residual) and ask.least <= ask.count <= ask.most:
        return Descended(ask.chosen, ask.residual, ask.count, 0)
    return Descended(chosen, residual, ask.count + int(added.sum()) - int(removed.sum()), flips)


def _walk_bytes(ask: Walks) -> int:
    """Memory of one window and its walks: Gram matrix, rows twice, a dozen temporaries of each walk."""
    size, dimension = int(ask.window.rows.shape[0]), int(ask.window.rows.shape[1])
    return 4 * size * size + 20 * size * dimension + 64 * size * len(ask.places)


def _parts(
    asked: list[tuple[int, _Ask]], size: Callable[[_Ask], int], memory: float
) -> Iterator[list[tuple[int, _Ask]]]:
    """Runs that fit into memory when padded to their first and largest; at least one at a time."""
    start = 0
    while start < len(asked):
        many = max(1, int(memory // max(size(asked[start][1]), 1)))
        yield asked[start : start + many]
        start += many


def _unit(*arrays: Floats) -> float:
    """A power of two near the largest number, by which float32 neither overflows nor loses digits."""
    largest = max(float(np.max(np.abs(array), initial=0.0)) for array in arrays)
    return float(np.ldexp(1.0, min(int(np.frexp(largest)[1]), 1023)))
