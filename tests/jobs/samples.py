"""A small target, and jobs of every kind that take a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.constructions import PerWeight, Shallow, Structured
from slth.graphs import Conv, Graph, Node, Relu
from slth.jobs.models import model_of
from slth.jobs.pipeline import Job
from slth.training import Cosine, Recipe

QUICK = Recipe(epochs=1, schedule=Cosine(0.05))


def small_target(*, negative: bool = False) -> Graph:
    """From 16 inputs, as those of the synthetic data, to 4 outputs; both signs reach the second layer on request."""
    generator = np.random.default_rng(3)
    first = Node("layer0", Conv(generator.uniform(-1, 1, (5, 16)), generator.uniform(-1, 1, 5)), ("input",))
    second = Conv(generator.uniform(-1, 1, (4, 5)))
    if negative:
        return Graph((16,), [first, Node("layer1", second, ("layer0",))])
    return Graph((16,), [first, Node("relu", Relu(), ("layer0",)), Node("layer1", second, ("relu",))])


@dataclass(frozen=True)
class Kind:
    """A job, the layers that its ticket has, and what of its network is exact."""

    job: Job
    paths: int
    exact: tuple[str, ...] = ()


def small_attention() -> Job:
    """An attention network of width 4 on rows of digits."""
    return Job(model_of("attention", {"width": 4, "hidden": ()}), PerWeight(candidates=6), QUICK)


KINDS = {
    "per-weight": Kind(Job(model_of("mlp", {"hidden": (4,)}), PerWeight(candidates=8), QUICK), 2),
    "shallow": Kind(Job(model_of("mlp", {"hidden": (4,)}), Shallow(candidates=6), QUICK), 2),
    "structured": Kind(Job(model_of("small-cnn"), Structured(channels=40, gain="unit", beam=2), QUICK), 3),
    "per-weight cnn": Kind(Job(model_of("small-cnn"), PerWeight(candidates=6), QUICK), 3),
    "attention": Kind(small_attention(), 5, ("places", "softmax", "W_Q")),
}
