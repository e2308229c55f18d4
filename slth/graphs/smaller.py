"""Channels that are computed for nothing, and the same network without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from slth.arrays import Bools, Floats
from slth.errors import ArgumentError
from slth.graphs.attend import Attend
from slth.graphs.constants import constants
from slth.graphs.conv import Conv
from slth.graphs.graph import INPUT, Graph, Node
from slth.graphs.plain import Add, Concat, Flatten, Positions, Rearrange, Relu, rearrangement
from slth.graphs.pooling import AdaptivePool, Pool
from slth.graphs.scale import Scale
from slth.graphs.window import Shape


def shrink(graph: Graph) -> Graph:
    """Return the same function as a smaller network: channels that are constant, or that nobody reads, are gone.

    A channel goes where everyone who takes it can do without: it has weights of 0 there, or the channel is 0, or it is
    another constant that becomes part of a bias (where windows see no padding, or stand in one place). Sums keep a
    channel that one of their terms needs, grouped convolutions lose whole groups and as many channels of each of the
    others, attention loses heads whose values are 0, and an operation that is not known here keeps all that it takes.
    Biases that are all 0 go too. What is left is looked through again, until nothing goes.

    Parameters
    ----------
    graph : Graph
        As :func:`slth.describe` gives it for a module with masks of channels, kernels or single weights.

    Returns
    -------
    Graph
        With the same inputs and outputs; equal but for the rounding of sums in another order. The graph itself where
        there is nothing to remove.

    Raises
    ------
    slth.errors.ArgumentError
        It is no Graph.

    Examples
    --------
    The second of two hidden units is 0:

    >>> from slth.graphs import Conv, Graph, Node, Relu
    >>> nodes = [Node("first", Conv([[1.0, 2.0], [0.0, 0.0]]), ("input",)), Node("relu", Relu(), ("first",)),
    ...          Node("second", Conv([[3.0, 4.0]], [5.0]), ("relu",))]
    >>> small = slth.shrink(Graph((2,), nodes))
    >>> small.node("second").step.weight.ravel().tolist(), small.forward([[1.0, 1.0]]).tolist()
    ([3.0], [[14.0]])
    """
    if not isinstance(graph, Graph):
        raise ArgumentError("graph", type(graph).__name__, "is no Graph", "describe a module with slth.describe")
    while True:
        smaller = _without_dead(_without_zeros(_reached(graph)))
        if _size(smaller) == _size(graph):
            return graph
        graph = smaller


def _size(graph: Graph) -> tuple[int, ...]:
    numbers = sum(prod(graph.shapes[node.name]) for node in graph.nodes)
    return numbers, sum(len(node.inputs) for node in graph.nodes), graph.parameters


def _reached(graph: Graph) -> Graph:
    """Leave out nodes that the output does not come from."""
    needed = {graph.output}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return replace(graph, nodes=[node for node in graph.nodes if node.name in needed])


def _without_zeros(graph: Graph) -> Graph:
    """Leave out terms of sums that are 0 everywhere, and sums of one term."""
    known = constants(graph)
    instead: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        taken = tuple(instead.get(name, name) for name in node.inputs)
        if isinstance(node.step, Add):
            terms = tuple(name for name in taken if np.isnan(known[name]).any() or known[name].any()) or taken[:1]
            if len(terms) == 1 and (node.name, terms[0]) != (graph.output, INPUT):
                instead[node.name] = terms[0]
                continue
            taken = terms if len(terms) > 1 else taken
        nodes.append(replace(node, inputs=taken))
    return replace(graph, nodes=nodes, output=instead.get(graph.output, graph.output))


def _without_dead(graph: Graph) -> Graph:
    """Leave out the channels that can go at once."""
    rigid: set[str] = set()
    while True:
        channels = _Channels(graph, constants(graph), frozenset(rigid))
        made = {node.name: channels.rebuilt(node) for node in graph.nodes if channels.alive[node.name].any()}
        stiff = {name for name, step in made.items() if step is None}
        if not stiff:
            break
        rigid |= stiff
    instead: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.name not in made:
            continue
        taken = tuple(instead.get(name, name) for name in node.inputs if channels.alive[name].any())
        if isinstance(node.step, Concat) and len(taken) == 1 and (node.name, taken[0]) != (graph.output, INPUT):
            instead[node.name] = taken[0]
        else:
            nodes.append(Node(node.name, made[node.name], taken))
    return replace(graph, nodes=nodes, output=instead.get(graph.output, graph.output))


class _Channels:
    """Which channels stay: all that the output depends on, and those that cannot be taken apart from them."""

    def __init__(self, graph: Graph, known: dict[str, Floats], rigid: frozenset[str]) -> None:
        self.graph, self.known, self.rigid = graph, known, rigid
        self.alive = {name: np.zeros(shape[0], np.bool_) for name, shape in graph.shapes.items()}
        self.alive[INPUT][:] = True
        self.alive[graph.output][:] = True
        self.uses: dict[int, list[Node]] = {}
        for node in graph.weighted:
            self.uses.setdefault(id(node.step), []).append(node)
        self.steps: dict[int, Any] = {}
        self._grow()

    def _grow(self) -> None:
        """Let each rule add what must stay until none does; what everybody can do without keeps one channel."""
        before = -1
        while before != (before := sum(int(np.count_nonzero(alive)) for alive in self.alive.values())):
            for node in reversed(self.graph.nodes):
                rule = KINDS.get(type(node.step), _OTHER).stay
                (_whole if node.name in self.rigid else rule)(self, node)
            for uses in self.uses.values():
                _alike([self.alive[node.name] for node in uses])
                _alike([self.alive[node.inputs[0]] for node in uses])
        for node in self.graph.nodes:
            if self.alive[node.name].any() and not any(self.alive[name].any() for name in node.inputs):
                varies = np.isnan(self.known[node.inputs[0]]).any(axis=(1, 2))
                self.alive[node.inputs[0]][int(np.argmin(varies))] = True  # a constant, for which nothing is computed
                self._grow()
                return

    def absorbed(self, node: Node) -> Bools:
        """Return for each channel whether a convolution can do without it: it is 0, or a constant for its bias."""
        conv: Conv = node.step
        known, zero = self.known[node.inputs[0]], self.zero(node)
        if len(self.uses[id(conv)]) > 1:
            return zero
        uniform: Bools = (known == known[:, :1, :1]).all(axis=(1, 2)) & (conv.padding == ((0, 0), (0, 0)))
        one_place = ~np.isnan(known).any(axis=(1, 2)) & (self.graph.shapes[node.name][1:] == (1, 1))
        return zero | uniform | one_place

    def zero(self, node: Node) -> Bools:
        """Return which channels that a convolution takes are 0."""
        zero: Bools = (self.known[node.inputs[0]] == 0.0).all(axis=(1, 2))
        return zero

    def rebuilt(self, node: Node) -> Any:
        """Return the step among the channels that stay, or None where there is none such."""
        if node.name in self.rigid:
            return node.step
        rebuild = KINDS.get(type(node.step), _OTHER).rebuild
        if id(node.step) not in self.uses:
            return rebuild(self, node)
        if id(node.step) not in self.steps:
            self.steps[id(node.step)] = rebuild(self, node)
        return self.steps[id(node.step)]


def _alike(several: list[Bools]) -> None:
    """Let the same channels stay in all."""
    together = np.logical_or.reduce(several)
    for alive in several:
        alive |= together


def _whole(channels: _Channels, node: Node) -> None:
    """All that goes in and comes out."""
    alive = channels.alive
    if alive[node.name].any():
        for name in (node.name, *node.inputs):
            alive[name][:] = True


def _same(channels: _Channels, node: Node) -> None:
    """Each channel comes out of those of its number."""
    _alike([channels.alive[name] for name in (node.name, *node.inputs)])


def _joined(channels: _Channels, node: Node) -> None:
    alive, start = channels.alive, 0
    for name in node.inputs:
        stop = start + len(alive[name])
        _alike([alive[name], alive[node.name][start:stop]])
        start = stop


def _picked(channels: _Channels, node: Node) -> None:
    """A channel of which a number is picked stays with the channel that it becomes a part of."""
    shape, to = channels.graph.shapes[node.inputs[0]], channels.graph.shapes[node.name]
    indices = node.step.indices(shape).reshape(to[0], -1)
    results, _ = np.nonzero(indices >= 0)
    sources = indices[indices >= 0] // (shape[1] * shape[2])
    before, after = channels.alive[node.inputs[0]], channels.alive[node.name]
    after[results[before[sources]]] = True
    before[sources[after[results]]] = True


def _placed(channels: _Channels, node: Node) -> None:
    """Places are counted, whatever the channels are."""
    channels.alive[node.name][:] |= channels.alive[node.name].any()


def _convolved(channels: _Channels, node: Node) -> None:
    conv, before, after = node.step, channels.alive[node.inputs[0]], channels.alive[node.name]
    if conv.groups == 1:
        before |= (conv.weight[after] != 0.0).any(axis=(0, 2, 3)) & ~channels.absorbed(node)
        return
    inputs, outputs = (alive.reshape(conv.groups, -1) for alive in (before, after))
    taken = (_by_group(conv) != 0.0).any(axis=(3, 4)) & outputs[:, :, None]
    inputs |= taken.any(axis=1) & ~channels.zero(node).reshape(conv.groups, -1)
    stay = np.logical_or(inputs.any(axis=1), outputs.any(axis=1))
    for group in (inputs, outputs):
        _as_many(group, stay)


def _by_group(conv: Conv) -> Floats:
    """Return the weights as [groups, outputs, inputs, height, width], a view."""
    return conv.weight.reshape(conv.groups, -1, *conv.weight.shape[1:])


def _as_many(alive: Bools, stay: Bools) -> None:
    """Let as many channels of each group that stays be alive as of the largest: those of the others too, in order."""
    most = max(1, int(alive.sum(axis=1).max()))
    first = np.argsort(~alive, axis=1, kind="stable")[:, :most]
    alive[np.flatnonzero(stay)[:, None], first[stay]] = True


def _attended(channels: _Channels, node: Node) -> None:
    """A head goes whole, where its values are 0."""
    alive, heads = channels.alive, node.step.heads
    if not alive[node.name].any():
        return
    alive[node.name][:] = True
    queries, keys, values = (alive[name] for name in node.inputs)
    by_head = [
        part.reshape(heads, -1) for part in (queries, values, keys) if len(part) == len(queries) or part is values
    ]
    stay = (channels.known[node.inputs[2]].reshape(heads, -1) != 0.0).any(axis=1)
    stay |= np.logical_or.reduce([part.any(axis=1) for part in by_head])
    stay[0] |= not stay.any()
    for part in by_head:
        part |= stay[:, None]
    keys |= len(keys) != len(queries)


def _kept(_: _Channels, node: Node) -> Any:
    return node.step


def _fewer_heads(channels: _Channels, node: Node) -> Attend:
    values = channels.alive[node.inputs[2]].reshape(node.step.heads, -1)
    return Attend(int(np.count_nonzero(values.any(axis=1))))


def _fewer_scales(channels: _Channels, node: Node) -> Scale:
    stay = np.flatnonzero(channels.alive[node.name])
    factor, shift = (
        numbers if len(numbers) == 1 else tuple(numbers[channel] for channel in stay)
        for numbers in (node.step.factor, node.step.shift)
    )
    return Scale(factor, shift)


def _fewer_kernels(channels: _Channels, node: Node) -> Conv:
    conv: Conv = node.step
    before, after = channels.alive[node.inputs[0]], channels.alive[node.name]
    bias = None if conv.bias is None or not conv.bias[after].any() else conv.bias[after]
    if conv.groups > 1:
        inputs, outputs = (alive.reshape(conv.groups, -1) for alive in (before, after))
        left = [weight[stay][:, seen] for weight, seen, stay in zip(_by_group(conv), inputs, outputs, strict=True)]
        left = [weight for weight in left if len(weight)]
        return replace(conv, weight=np.concatenate(left), bias=bias, groups=len(left))
    weight, known = conv.weight[after], channels.known[node.inputs[0]]
    gone = ~before & np.nan_to_num(known).any(axis=(1, 2)) & (weight != 0.0).any(axis=(0, 2, 3))
    if gone.any():
        # A window without padding sees the same in all places, and elsewhere there is one place.
        constant = replace(conv, weight=weight[:, gone], bias=bias).forward(known[None, gone])[0, :, 0, 0]
        bias = constant if constant.any() else None
    return replace(conv, weight=weight[:, before], bias=bias)


def _fewer_picked(channels: _Channels, node: Node) -> Rearrange | None:
    before, after = channels.alive[node.inputs[0]], channels.alive[node.name]
    if before.all() and after.all():
        return node.step  # type: ignore[no-any-return]
    shape = channels.graph.shapes[node.inputs[0]]
    stay = np.repeat(before, shape[1] * shape[2])
    places = np.append(np.where(stay, np.cumsum(stay) - 1, -1), -1)  # the last is that of zeros
    old = node.step.indices(shape).reshape(len(after), -1)[after]
    to: Shape = (len(old), *node.step.to[1:])
    for sizes in _sizes(node.step, to):
        found = rearrangement(places[old].reshape(sizes), to)
        if found is not None:
            return found
    return None


def _sizes(step: Rearrange, to: Shape) -> list[tuple[int, ...]]:
    """Return digits that may count fewer channels: those of the result, and the step's own with one of them smaller."""
    wanted, had, found = prod(to), prod(step.to), [tuple(to)]
    for place, size in enumerate(step.sizes):
        if size * wanted % had == 0:
            found.append((*step.sizes[:place], size * wanted // had, *step.sizes[place + 1 :]))
    return found


@dataclass(frozen=True)
class _Kind:
    """Which channels of a kind of step stay together, and the step among them."""

    stay: Callable[[_Channels, Node], None] = _whole
    rebuild: Callable[[_Channels, Node], Any] = _kept


_OTHER = _Kind()

KINDS: dict[type[Any], _Kind] = {
    Conv: _Kind(_convolved, _fewer_kernels),
    Scale: _Kind(_same, _fewer_scales),
    Concat: _Kind(_joined),
    Flatten: _Kind(_picked),
    Rearrange: _Kind(_picked, _fewer_picked),
    Positions: _Kind(_placed),
    Attend: _Kind(_attended, _fewer_heads),
    **dict.fromkeys((Relu, Pool, AdaptivePool, Add), _Kind(_same)),
}
"""Kinds of steps of which channels can go; all of the others stay whole."""
