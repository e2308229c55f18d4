"""A target and what a ticket has in its place as one list of rules, each with the numbers of the nodes it takes.

Values are flat vectors. A rule is chosen by the type of a node's step, in one map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from slth.certificates.interval import Interval, down, up
from slth.certificates.layout import conv_layout, window_places
from slth.certificates.numbers import Exact, affine_rule, transposed
from slth.certificates.rule import Rule
from slth.certificates.rules.add import AddRule
from slth.certificates.rules.affine import AffineRule
from slth.certificates.rules.attend import AttendRule
from slth.certificates.rules.gather import ConcatRule, ConstantRule, GatherRule
from slth.certificates.rules.largest import LargestRule
from slth.certificates.rules.relu import ReluRule
from slth.errors import ArgumentError
from slth.graphs import (
    INPUT,
    AdaptivePool,
    Add,
    Attend,
    Concat,
    Conv,
    ConvShape,
    Flatten,
    Graph,
    Node,
    Pool,
    Positions,
    Rearrange,
    Relu,
    Scale,
    Shape,
    Window,
)
from slth.tickets.folded import Folded
from slth.tickets.pair import Pair, RandomLayer


@dataclass(frozen=True, eq=False)
class Place:
    """One rule and where it stands."""

    rule: Rule
    sources: tuple[int, ...]
    picks: bool
    known: bool
    name: str = ""
    nonnegative: bool = False


@dataclass(frozen=True, eq=False)
class Problem:
    """Places in an order in which each comes behind those that it takes; the input, number 0, is not among them."""

    places: tuple[Place, ...]
    output: int
    numbers: dict[str, int]
    ends: dict[str, int]

    def rule(self, number: int) -> Rule:
        """Return the rule of a number from 1."""
        return self.places[number - 1].rule

    def by_lemma(self) -> Problem | None:
        """Return the problem with the theorem's lemma in the place of the sharper bound, or None without attention."""
        if not any(isinstance(place.rule, AttendRule) for place in self.places):
            return None
        places = tuple(
            replace(place, rule=replace(place.rule, by_lemma=True)) if isinstance(place.rule, AttendRule) else place
            for place in self.places
        )
        return replace(self, places=places)


class _Builder:
    """Numbers the nodes of a graph, one rule after the other."""

    def __init__(
        self, graph: Graph, exact: Mapping[str, Exact], folded: Mapping[str, Folded], *, nonnegative: bool
    ) -> None:
        self.graph, self.exact, self.folded = graph, exact, folded
        self.nonnegative = graph.nonnegative(inputs=nonnegative)
        self.places: list[Place] = []
        self.numbers = {INPUT: 0}
        self.known = [True]  # by number, the input's first

    def shapes(self, node: Node) -> tuple[Shape, ...]:
        """Return the shapes of what a node takes."""
        return tuple(self.graph.shapes[name] for name in node.inputs)

    def add(self, rule: Rule, sources: tuple[int, ...], name: str = "", *, keeps: bool = False) -> int:
        """Append a rule and return its number; ``keeps`` where each value is a function of one that it takes."""
        picks = all(self.known[source] for source in sources)
        self.known.append(picks and keeps)
        self.places.append(Place(rule, sources, picks, self.known[-1], name))
        return len(self.places)

    def built(self) -> Problem:
        """Return the problem of the whole graph."""
        for node in self.graph.nodes:
            sources = tuple(self.numbers[name] for name in node.inputs)
            if type(node.step) not in RULES:
                raise ArgumentError(node.name, type(node.step).__name__, "has no rule of certificates", "write one")
            self.numbers[node.name] = number = RULES[type(node.step)](self, node, sources)
            if number and self.nonnegative[node.name]:
                self.places[number - 1] = replace(self.places[number - 1], nonnegative=True)
        return Problem(tuple(self.places), self.numbers[self.graph.output], self.numbers, self._ends())

    def _ends(self) -> dict[str, int]:
        takers: dict[str, list[Node]] = {}
        for node in self.graph.nodes:
            for name in node.inputs:
                takers.setdefault(name, []).append(node)
        ends = {}
        for node in self.graph.weighted:
            taken = takers.get(node.name, [])
            alone = len(taken) == 1 and isinstance(taken[0].step, Relu) and node.name != self.graph.output
            ends[node.name] = self.numbers[taken[0].name if alone else node.name]
        return ends


Build = Callable[[_Builder, Node, tuple[int, ...]], int]


def _affine(builder: _Builder, node: Node, sources: tuple[int, ...]) -> int:
    rule = affine_rule(builder.exact[node.name], builder.folded[node.name], builder.shapes(node)[0])
    return builder.add(rule, sources, node.name)


def _pooling(builder: _Builder, node: Node, sources: tuple[int, ...]) -> int:
    (shape,) = builder.shapes(node)
    seen, divisors = node.step.seen(shape[1:])
    if node.step.operation == "max":
        flat = seen.reshape(-1, seen.shape[-1])
        whole = np.where(flat >= 0, flat, flat.max(axis=1, keepdims=True))
        pixels = prod(shape[1:])
        windows = (whole + pixels * np.arange(shape[0])[:, None, None]).reshape(-1, whole.shape[1])
        return builder.add(LargestRule(windows), sources)
    return builder.add(_mean(seen, divisors, shape), sources)


def _mean(seen: Any, divisors: Any, shape: Shape) -> AffineRule:
    """Return the exact affine map of a mean: one number for each divisor."""
    channels = shape[0]
    places = window_places(seen, shape, channels, channels)
    found, kind = np.unique(divisors.ravel(), return_inverse=True)
    by_row = np.tile(kind.ravel(), channels)
    places = replace(places, entry=np.repeat(by_row, np.diff(places.first)))
    shares = 1.0 / found
    exact = (found & (found - 1)) == 0
    weights = Interval(np.where(exact, shares, down(shares)), np.where(exact, shares, up(shares)))
    return AffineRule.shared(places, weights, Interval.point(np.zeros(places.rows)), places.longest)


def _scale(builder: _Builder, node: Node, sources: tuple[int, ...]) -> int:
    """Add fixed numbers, which the ticket has as they are: an exact affine map."""
    (shape,) = builder.shapes(node)
    channels, pixels = shape[0], prod(shape[1:])
    factor, shift = (np.broadcast_to(np.array(each), channels) for each in (node.step.factor, node.step.shift))
    weights, bias = Interval.point(np.array(factor)), Interval.point(np.repeat(shift, pixels))
    layout = conv_layout(ConvShape(channels, channels, Window((1, 1)), channels), shape)
    return builder.add(AffineRule.shared(layout, weights, bias, 1), sources, keeps=True)


def _gather(builder: _Builder, node: Node, sources: tuple[int, ...]) -> int:
    (shape,) = builder.shapes(node)
    indices = node.step.indices(shape)
    if np.array_equal(indices, np.arange(prod(shape))):
        return sources[0]  # a flat vector is the same in every shape
    return builder.add(GatherRule(indices, prod(shape)), sources, keeps=True)


def _positions(builder: _Builder, node: Node, sources: tuple[int, ...]) -> int:
    count = builder.graph.shapes[node.name][0]
    return builder.add(ConstantRule(np.eye(count).ravel()), (), keeps=True)


def _attend(builder: _Builder, node: Node, sources: tuple[int, ...]) -> int:
    queries, keys, _ = builder.shapes(node)
    heads, shared = node.step.heads, keys[0] == queries[0] // node.step.heads
    mirror = _mirror(builder, node, heads, shared=shared)
    rule = AttendRule(heads, queries[2], keys[2], shared, mirrored=mirror is not None)
    return builder.add(rule, (*sources, *(mirror or ())), node.name)


def _mirror(builder: _Builder, node: Node, heads: int, *, shared: bool) -> tuple[int, int] | None:
    """Add what the second form of the scores' errors needs: numbers of w with c, and of x; None where it has none."""
    if node.inputs[0] == INPUT:
        return None
    queries = builder.graph.node(node.inputs[0])
    if not queries.step.weighted:
        return None
    shape, folded = builder.exact[queries.name].shape, builder.folded[queries.name]
    window = shape.window
    plain = window.taps == 1 and window.stride == (1, 1) and window.padding == ((0, 0), (0, 0)) and shape.groups == 1
    linear = folded.negative is None or builder.nonnegative[queries.inputs[0]]
    if not (plain and linear):
        return None
    numbers = transposed(builder.exact[queries.name], folded, heads, shared=shared)
    keys = node.inputs[1]
    rule = affine_rule(*numbers, builder.graph.shapes[keys])
    return builder.add(rule, (builder.numbers[keys],)), builder.numbers[queries.inputs[0]]


def _plain(rule: Rule, *, keeps: bool = False) -> Build:
    return lambda builder, node, sources: builder.add(rule, sources, keeps=keeps)


RULES: dict[type, Build] = {
    Conv: _affine,
    Pair: _affine,
    RandomLayer: _affine,
    Relu: _plain(ReluRule()),
    Add: _plain(AddRule()),
    Concat: _plain(ConcatRule(), keeps=True),
    Scale: _scale,
    Flatten: _gather,
    Rearrange: _gather,
    Pool: _pooling,
    AdaptivePool: _pooling,
    Positions: _positions,
    Attend: _attend,
}
"""What makes the rule of a node, by the type of its step."""


def problem_of(
    graph: Graph, exact: Mapping[str, Exact], folded: Mapping[str, Folded], *, nonnegative: bool = False
) -> Problem:
    """Return the rules of a graph."""
    return _Builder(graph, exact, folded, nonnegative=nonnegative).built()
