"""Random networks of every kind of node, to hunt for violated certificates in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from slth.arrays import Floats
from slth.graphs import (
    INPUT,
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
    Shape,
)

SIDE = 5
"""Height and width of random images."""


class Growing:
    """A graph under construction: each step takes the newest nodes unless it is told which."""

    def __init__(self, generator: np.random.Generator, shape: Shape, scale: float) -> None:
        self.generator, self.scale, self.last = generator, scale, INPUT
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {INPUT: shape}

    @property
    def shape(self) -> Shape:
        """Channels, height and width of the newest node."""
        return self.shapes[self.last]

    def add(self, step: Any, *inputs: str) -> str:
        """Append a node and return its name."""
        name, taken = f"node{len(self.nodes)}", inputs or (self.last,)
        self.shapes[name] = step.shape(*(self.shapes[each] for each in taken))
        self.nodes.append(Node(name, step, taken))
        self.last = name
        return name

    def numbers(self, *shape: int, inputs: int) -> Floats:
        """Return normal weights of a size that keeps signals as they are, times the scale."""
        return self.scale / math.sqrt(inputs) * self.generator.standard_normal(shape)

    def conv(self, outputs: int, kernel: int = 1, *, bias: bool = True, **window: Any) -> str:
        """Append a convolution with random weights."""
        groups = window.get("groups", 1)
        each = self.shape[0] // groups
        weight = self.numbers(outputs, each, kernel, kernel, inputs=each * kernel**2)
        return self.add(Conv(weight, 0.3 * self.generator.standard_normal(outputs) if bias else None, **window))

    def kernel(self) -> int:
        """Return 3 where the image has room for it."""
        return 3 if min(self.shape[1:]) >= 3 else 1

    def graph(self, input_shape: tuple[int, ...]) -> Graph:
        """Flatten what there is, read two numbers out, and return the network."""
        self.add(Flatten())
        self.conv(2)
        return Graph(input_shape, self.nodes)


def chain(generator: np.random.Generator, sizes: Sequence[int], *, scale: float = 1.0) -> Graph:
    """Return linear layers with ReLU between them."""
    grown = Growing(generator, (sizes[0], 1, 1), scale)
    for outputs in sizes[1:]:
        if grown.nodes:
            grown.add(Relu())
        grown.conv(outputs)
    return Graph((sizes[0],), grown.nodes)


def _convolve(grown: Growing) -> None:
    generator, channels = grown.generator, grown.shape[0]
    kernel = grown.kernel()
    groups = channels if generator.random() < 0.3 else 1
    window = {"stride": int(generator.integers(1, 3)), "padding": kernel // 2, "groups": groups}
    if min(grown.shape[1:]) >= 5 and generator.random() < 0.3:
        window = {"dilation": 2, "groups": groups}
    grown.conv(groups * (1 if groups > 2 else 2), kernel, bias=bool(generator.random() < 0.7), **window)
    if generator.random() < 0.7:
        grown.add(Relu())


def _residual(grown: Growing) -> None:
    short, kernel = grown.last, grown.kernel()
    grown.conv(grown.shape[0], kernel, padding=kernel // 2)
    grown.add(Relu())
    grown.conv(grown.shapes[short][0])
    grown.add(Add(), short, grown.last)
    grown.add(Relu())


def _concatenate(grown: Growing) -> None:
    short, kernel = grown.last, grown.kernel()
    grown.conv(1, kernel, padding=kernel // 2)
    grown.add(Concat(), short, grown.last)


def _pool(grown: Growing) -> None:
    operation: Literal["max", "average"] = "max" if grown.generator.random() < 0.5 else "average"
    _, height, width = grown.shape
    if grown.generator.random() < 0.5:
        grown.add(AdaptivePool(operation, (max(1, height - 1), max(1, width - 1))))
    else:
        kernel = min(2, height, width)
        edge = (kernel // 2, kernel // 2)
        grown.add(Pool(operation, (kernel, kernel), padding=(edge, edge), ceil=True))


def _place(grown: Growing) -> None:
    value = grown.last
    channels = grown.shape[0]
    grown.add(Positions())
    grown.conv(channels, bias=False)
    grown.add(Add(), value, grown.last)


def _scale(grown: Growing) -> None:
    factors = grown.generator.uniform(-2.0, 2.0, grown.shape[0])
    grown.add(Scale(tuple(factors.tolist()), (float(grown.generator.uniform(-0.5, 0.5)),)))


def _reverse(grown: Growing) -> None:
    size = math.prod(grown.shape)
    grown.add(Rearrange(grown.shape, (size,), (-1,), size - 1))


_STEPS: tuple[Callable[[Growing], None], ...] = (
    _convolve, _convolve, _convolve, _residual, _concatenate, _pool, _place, _scale, _reverse,
)  # fmt: skip


def images(generator: np.random.Generator, *, channels: int, layers: int, scale: float = 1.0) -> Graph:
    """Return a network of images: a convolution, some steps or blocks of every kind, and a linear layer."""
    grown = Growing(generator, (channels, SIDE, SIDE), scale)
    _convolve(grown)
    for number in generator.integers(0, len(_STEPS), layers):
        _STEPS[number](grown)
    return grown.graph((channels, SIDE, SIDE))


def attention(generator: np.random.Generator, *, tokens: int, width: int, layers: int, scale: float = 1.0) -> Graph:
    """Return a network of attention blocks with places and residuals, the mean of its tokens read out."""
    grown = Growing(generator, (2, 1, tokens), scale)
    grown.conv(width)
    _place(grown)
    grown.add(Relu())
    for _ in range(layers):
        value, heads = grown.last, int(generator.integers(1, 3))
        matrices = grown.numbers(2, heads * width, width, inputs=width)
        queries, mixed = (grown.add(Conv(matrix), value) for matrix in matrices)
        grown.add(Attend(heads), queries, value, mixed)
        grown.add(Add(), value, grown.last)
    grown.add(AdaptivePool("average", (1, 1)))
    return grown.graph((2, tokens))
