"""A search without any gradient: masks that are mutated and selected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from slth.arrays import as_double, whole
from slth.errors import ArgumentError
from slth.networks import total_density
from slth.networks.calls import Calling
from slth.networks.structures import fixed_rows
from slth.networks.threads import threads_for
from slth.resources import Progress
from slth.rng import Stream
from slth.searches.baseline import Baseline, Finding, Problem
from slth.searches.criteria import Random
from slth.training import Examples, Record
from slth.training.evaluation import evaluate_function

Masks = dict[str, Tensor]


@dataclass(frozen=True)
class Evolution(Baseline):
    """Evolution of masks, (parents + offspring): of each generation those of least loss are the next one's parents.

    A child is a parent in which some kept groups change places with removed ones of the same weight, so every mask
    keeps exactly as many of each weight as the first, random ones. Only the loss is looked at: no gradient, any loss.
    It is for small networks: each step changes few weights, and their number grows with the network.

    Parameters
    ----------
    generations : int
    parents, offspring : int
        Masks that survive a generation, and that are made in it: (parents + offspring) evaluations a generation.
    swaps : float
        Largest share of the kept groups that a child exchanges, in (0, 1]; their number is drawn log-uniformly from 1.
    examples : int or None
        How many of the data a generation is measured on, other ones each time; all if None.

    Notes
    -----
    Source: the (mu + lambda) evolution strategy (Schwefel 1981, unverified); of strong lottery tickets a genetic
    algorithm is in Altmann et al., ICAART 2024 (unverified).

    Examples
    --------
    >>> slth.searches.Evolution(generations=10).offspring
    20
    """

    generations: int = 500
    parents: int = 1
    offspring: int = 20
    swaps: float = 0.1
    examples: int | None = 512

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("generations", "parents", "offspring"):
            whole(getattr(self, name), name, remedy=f"use {getattr(Evolution, name)}")
        if self.examples is not None:
            whole(self.examples, "examples", remedy="use 512, or None for all")
        if not 0.0 < as_double(self.swaps) <= 1.0:
            raise ArgumentError("swaps", self.swaps, "must lie in (0, 1]", "use 0.1")

    def find(self, problem: Problem, progress: Progress | None = None) -> Finding:
        """Mutate and select, and return the best of the last parents over all examples."""
        if fixed_rows(problem.selection.structure):
            remedy = "use single weights, channels, kernels, heads or blocks"
            raise ArgumentError("structure", problem.selection.structure, "has rows of fixed numbers", remedy)
        begin, trace = time.perf_counter(), []
        parents = [self._first(problem, number) for number in range(self.parents)]
        density = total_density(parents[0]).density
        products = len(problem.data) * sum(weight.numel() for weight in problem.module.parameters())
        with threads_for(products if self.examples is None else products * self.examples // len(problem.data)):
            for number in range(1, self.generations + 1):
                generator = _generator(problem.seed, number)
                examples = self._examples(problem.data, generator)
                children = [self._child(parents, generator) for _ in range(self.offspring)]
                parents, losses = self._best([*parents, *children], problem, examples)
                seconds = time.perf_counter() - begin
                trace.append(Record(number, number, losses[0], 0.0, density, seconds))
                self.report(progress, number, self.generations)
            last, _ = self._best(parents, problem, problem.data)
        return Finding(last[0], trace=tuple(trace))

    def _first(self, problem: Problem, number: int) -> Masks:
        """Return a random mask; all have the counts of the first."""
        first = {name: mask.cpu() for name, mask in Random().find(problem).chosen.items()}
        generator = _generator(problem.seed, -number)
        return first if number == 0 else {name: _shuffled(mask, generator) for name, mask in first.items()}

    def _examples(self, data: Examples, generator: torch.Generator) -> Examples:
        """Return the examples of a generation."""
        if self.examples is None or self.examples >= len(data):
            return data
        return data.at(torch.randperm(len(data), generator=generator)[: self.examples].to(data.inputs.device))

    def _child(self, parents: list[Masks], generator: torch.Generator) -> Masks:
        """Return a parent with some groups exchanged."""
        parent = parents[int(torch.randint(len(parents), (1,), generator=generator))]
        room = torch.tensor([min(int(mask.sum()), int((~mask).sum())) for mask in parent.values()], dtype=torch.float64)
        most = max(1.0, self.swaps * sum(int(mask.sum()) for mask in parent.values()))
        count = int(most ** float(torch.rand(1, generator=generator)))
        if not bool(room.any()):
            return parent
        layers = torch.multinomial(room, count, replacement=True, generator=generator)
        counts = torch.bincount(layers, minlength=len(room)).minimum(room.long()).tolist()
        return {
            name: _exchanged(mask, count, generator) for (name, mask), count in zip(parent.items(), counts, strict=True)
        }

    def _best(self, masks: list[Masks], problem: Problem, examples: Examples) -> tuple[list[Masks], list[float]]:
        """Return the masks of least loss with their losses; of equal ones the older first, and nan last."""
        losses = torch.tensor([_loss(problem, one, examples) for one in masks], dtype=torch.float64)
        order = losses.sort(stable=True).indices[: self.parents].tolist()
        return [masks[place] for place in order], [float(losses[place]) for place in order]


def _loss(problem: Problem, masks: Mapping[str, Tensor], examples: Examples) -> float:
    """Return the loss of the random network with a mask."""
    device = examples.inputs.device
    weights = problem.masked({name: mask.to(device) for name, mask in masks.items()}, problem.module)

    def function(inputs: Tensor) -> Tensor:
        outputs: Tensor = Calling(problem.module)(problem.module, weights, (inputs,))
        return outputs

    return evaluate_function(function, examples, problem.loss, 1024).loss


def _exchanged(mask: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return a mask in which so many of each kind have changed places."""
    if not count:
        return mask
    found = mask.clone().reshape(-1)
    for value in (True, False):
        places = torch.nonzero(mask.reshape(-1) == value)[:, 0]
        found[places[torch.randperm(len(places), generator=generator)[:count]]] = not value
    return found.reshape(mask.shape)


def _shuffled(mask: Tensor, generator: torch.Generator) -> Tensor:
    """Return a mask with its entries in another order."""
    return mask.reshape(-1)[torch.randperm(mask.numel(), generator=generator)].reshape(mask.shape)


def _generator(seed: int, number: int) -> torch.Generator:
    """Return the generator of a generation."""
    return torch.Generator().manual_seed(int(Stream(seed, f"evolution/{number}").raw(0, 1)[0] >> 1))
