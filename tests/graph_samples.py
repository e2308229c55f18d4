"""Graphs to test with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slth.graphs import (
    AdaptivePool,
    Add,
    Attend,
    Concat,
    Conv,
    Flatten,
    Graph,
    Node,
    Pool,
    Positions,
    Rearrange,
    Relu,
    Scale,
)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def everything() -> Graph:
    """A network in which every kind of step stands."""
    return Graph(
        (2, 6, 6),
        [
            Node("conv1", Conv(numbers(4, 2, 3, 3), numbers(4), padding=1), ("input",)),
            Node("relu1", Relu(), ("conv1",)),
            Node("block.conv", Conv(numbers(4, 1, 3, 3, seed=1), padding=((0, 2), (1, 1)), groups=4), ("relu1",)),
            Node("add", Add(), ("block.conv", "relu1")),
            Node("pool", Pool("max", 2, padding=1, ceil=True), ("add",)),
            Node("mean", AdaptivePool("average", (2, 2)), ("relu1",)),
            Node("short", Rearrange((4, 2, 2), (4, 2, 2), (36, 18, 3)), ("relu1",)),
            Node("both", Concat(), ("mean", "short")),
            Node("where", Positions(), ("both",)),
            Node("places", Conv(numbers(8, 4, 1, 1, seed=2)), ("where",)),
            Node("placed", Add(), ("both", "places")),
            Node("tokens", Rearrange((8, 1, 4), (8, 4), (4, 1)), ("placed",)),
            Node("query", Conv(numbers(16, 8, 1, 1, seed=3)), ("tokens",)),
            Node("value", Conv(numbers(6, 8, 1, 1, seed=4)), ("tokens",)),
            Node("attend", Attend(2), ("query", "tokens", "value")),
            Node("flat", Flatten(), ("attend",)),
            Node("scale", Scale((2.0, *[1.0 / 3.0] * 11), 0.25), ("flat",)),
            Node("head", Conv(numbers(3, 12, seed=5), [0.5, 0.0, -1.0]), ("scale",)),
            Node("unused", Relu(), ("head",)),
        ],
        output="head",
    )


def with_zeros(graph: Graph, generator: np.random.Generator) -> Graph:
    """Set filters, slices, weights and biases to 0 at random, the same in all uses of a step."""
    made: dict[int, Conv] = {}
    for node in graph.weighted:
        weight = node.step.weight.copy()
        weight[generator.random(len(weight)) < 0.4] = 0.0
        weight[:, generator.random(weight.shape[1]) < 0.4] = 0.0
        weight[generator.random(weight.shape) < 0.2] = 0.0
        bias = None if node.step.bias is None else node.step.bias * (generator.random(len(weight)) < 0.4)
        made.setdefault(id(node.step), replace(node.step, weight=weight, bias=bias))
    return replace(graph, nodes=[replace(node, step=made.get(id(node.step), node.step)) for node in graph.nodes])
