"""A target laid out as a random network: a pair in the place of each convolution, and what its sums aim at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from slth.arrays import Bools, Floats, frozen
from slth.errors import ArgumentError
from slth.graphs import Attend, Concat, Conv, Graph, Node, Rearrange, Scale
from slth.tickets.pair import Pair, Random, RandomLayer, Removal

_MOVED = Rearrange, Concat, Scale


@dataclass(frozen=True, eq=False)
class Work:
    """One convolution of the target, wherever it is used, and the random layer that takes its place.

    Shapes: slices float64[sources, dimensions].
    """

    nodes: tuple[str, ...]
    conv: Conv
    layer: Random
    slices: Floats

    @property
    def node(self) -> str:
        """Name of the first node."""
        return self.nodes[0]

    @property
    def rectified(self) -> bool:
        """Whether there is a ReLU between two random matrices, so that the sign of the first decides what is usable."""
        return isinstance(self.layer, Pair) and self.layer.rectified

    @property
    def units(self) -> int:
        """Hidden channels of each source, or copies of it."""
        return self.layer.units if isinstance(self.layer, Pair) else self.layer.inputs // len(self.slices)

    @property
    def halves(self) -> int:
        """How many sums each weight needs: two where inputs of either sign meet different hidden channels."""
        return 2 if isinstance(self.layer, Pair) and self.layer.halves == "both" else 1

    @cached_property
    def posed(self) -> Bools:
        """Which (half, source, dimension) are subset-sum instances: zeros are not, nor is a negative constant."""
        posed = np.repeat((self.slices != 0.0)[None], self.halves, axis=0)
        if isinstance(self.layer, Pair):
            posed[1:, self.layer.inputs :] = False
        return frozen(posed)

    def sized(self, units: int) -> Work:
        """Return the same with another number of hidden channels: the random network is extended or cut."""
        assert isinstance(self.layer, Pair), "the inputs of a plain layer are copies, whose number is a width"
        return replace(self, layer=replace(self.layer, units=units))

    @property
    def instances(self) -> int:
        """Number of subset-sum instances."""
        return int(np.count_nonzero(self.posed))


def lay_out(target: Graph, *, nonnegative: bool, removal: Removal = "weights") -> list[Work]:
    """Return the work on each convolution, once however often it is used, with pairs of one hidden channel a source."""
    never_negative = target.nonnegative(inputs=nonnegative)
    works = []
    for places in convolutions(target).values():
        conv: Conv = places[0].step
        rectified = removal == "channels" or not all(_for_attention(target, node.name) for node in places)
        pair = Pair.like(
            conv.geometry,
            places[0].name,
            1,
            removal=removal,
            rectified=rectified,
            halves="positive" if not rectified or all(never_negative[node.inputs[0]] for node in places) else "both",
        )
        works.append(Work(tuple(node.name for node in places), conv, pair, _slices(target, places)))
    return works


def convolutions(target: Graph) -> dict[int, list[Node]]:
    """Return the nodes of each convolution of a graph, those that share one together."""
    places: dict[int, list[Node]] = {}
    for node in target.weighted:
        places.setdefault(id(node.step), []).append(node)
    return places


def _for_attention(target: Graph, name: str) -> bool:
    """Whether only attention takes a value, as it is or moved and scaled: then a ReLU in front of it has no place."""
    consumers = [node for node in target.nodes if name in node.inputs]
    return (
        name != target.output
        and bool(consumers)
        and all(
            isinstance(node.step, Attend) or (isinstance(node.step, _MOVED) and _for_attention(target, node.name))
            for node in consumers
        )
    )


def _slices(target: Graph, places: list[Node]) -> Floats:
    conv: Conv = places[0].step
    slices = conv.geometry.slices_of(conv.weight)
    if conv.bias is None:
        return frozen(slices)
    for node in places:
        size = target.shapes[node.inputs[0]][1:]
        constant = conv.constant(size)
        if constant is None:
            kernel = conv.window.kernel
            rule = f"meets the padding {conv.padding} at every tap of the kernel {kernel} on an image of {size}"
            remedy = "pad less than half of the kernel, or train without biases"
            raise ArgumentError(f"bias of node {node.name}", "a bias", rule, remedy)
    assert constant is not None, "there is a place"
    return frozen(np.concatenate([slices, constant.reshape(conv.groups, -1)]))


def source_of(target: Graph, layers: Mapping[str, Random]) -> Graph:
    """Return the random network: the target with a random layer in the place of each named node's step."""
    nodes = [replace(node, step=layers.get(node.name, node.step)) for node in target.nodes]
    return Graph(target.input_shape, nodes, target.output, target.output_shape)


def masks_of(layer: Random, kept: Bools) -> dict[str, Bools]:
    """Return a layer's arrays of the mask from bool[units, sources, dimensions], or [units, sources] of channels."""
    if isinstance(layer, RandomLayer):
        return {layer.path: kept.reshape(layer.inputs, layer.outputs)}
    if layer.removal == "channels":
        return {f"{layer.path}.units": kept}
    return {f"{layer.path}.units": np.asarray(kept.any(axis=2)), f"{layer.path}.weights": kept}
