"""Exact algebra on a traced graph: scales fold into neighbouring convolutions, and what nobody takes is dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.graphs import Add, Conv, Flatten, Node, Positions, Rearrange, Scale
from slth.networks.traced import Tracer


def simplified(tracer: Tracer, output: str) -> tuple[list[Node], str]:
    """Return the nodes that the output needs, after folding what folds exactly.

    A scale (fixed, or a trained depthwise convolution of size 1) behind a convolution that nobody else takes becomes
    part of it, and one in front of convolutions where zero padding does not see its shift.
    """
    work = _Work(tracer, output)
    folding = True
    while folding:
        work.drop()
        folding = work.fold_behind() or work.merge_constants() or work.fold_ahead()
    return list(work.nodes.values()), work.output


class _Work:
    """The nodes by name, while they are rewritten."""

    def __init__(self, tracer: Tracer, output: str) -> None:
        self.nodes = dict(tracer.nodes)
        self.shapes = tracer.shapes
        self.scales = dict(tracer.scales)  # trained ones, by the ids of their steps; Linear(1, 1) is none
        self.output = output

    def is_scale(self, step: Any) -> bool:
        """Whether a step is a multiplication of channels by numbers, written as such in the module."""
        return isinstance(step, Scale) or id(step) in self.scales

    def drop(self) -> None:
        """Drop what the output does not need."""
        needed, waiting = set(), [self.output]
        while waiting:
            name = waiting.pop()
            if name in self.nodes and name not in needed:
                needed.add(name)
                waiting += self.nodes[name].inputs
        self.nodes = {name: node for name, node in self.nodes.items() if name in needed}
        self.uses = Counter(name for node in self.nodes.values() for name in node.inputs)
        self.uses[self.output] += 1
        self.takers: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for name in {*node.inputs} & self.takers.keys():
                self.takers[name].append(node)
        self.objects = Counter(id(node.step) for node in self.nodes.values())

    def _redirect(self, gone: str, instead: str) -> None:
        self.nodes = {
            name: replace(node, inputs=tuple(instead if one == gone else one for one in node.inputs))
            for name, node in self.nodes.items()
            if name != gone
        }
        self.output = instead if self.output == gone else self.output

    def _put(self, name: str, step: Any) -> None:
        self.nodes[name] = replace(self.nodes[name], step=step)

    def fold_behind(self) -> bool:
        """Fold one scale into the convolution or scale before it, wherever that object is used if all are alike."""
        for node in self.nodes.values():
            before = self.nodes.get(node.inputs[0])
            if before is None or not self.is_scale(node.step) or not isinstance(before.step, Conv | Scale):
                continue
            pairs = [(one, self._next(one)) for one in self.nodes.values() if one.step is before.step]
            if isinstance(before.step, Scale):
                pairs = [(before, self._next(before))]
            steps = [taker.step for _, taker in pairs if taker is not None]
            if len(steps) != len(pairs) or not all(_equal(step, node.step) for step in steps):
                continue
            folded = _behind(before.step, node.step)
            if self.is_scale(before.step):
                self.scales[id(folded)] = folded
            for one, taker in pairs:
                self._put(one.name, folded)
                self._redirect(taker.name, one.name)  # type: ignore[union-attr]
            return True
        return False

    def _next(self, node: Node) -> Node | None:
        """Return the one node that takes a node."""
        takers = self.takers[node.name]
        return takers[0] if self.uses[node.name] == 1 and takers else None

    def fold_ahead(self) -> bool:
        """Fold one scale into all the convolutions that take it, a fixed one past a rearrangement too."""
        for node in self.nodes.values():
            after = self._next(node)
            last, scale = node, node.step
            if isinstance(scale, Scale) and after is not None and isinstance(after.step, Flatten | Rearrange):
                last, scale = after, _moved(scale, after.step, self.shapes[node.inputs[0]])
            takers = self.takers[last.name]
            if scale is None or not self.is_scale(scale) or not takers or last.name == self.output:
                continue
            if not all(isinstance(one.step, Conv) and self._alone(one.step, takers) for one in takers):
                continue
            folded = {id(one.step): _ahead(one.step, scale) for one in takers}
            if any(step is None for step in folded.values()):
                continue
            for one in takers:
                self._put(one.name, folded[id(one.step)])
            self._redirect(node.name, node.inputs[0])
            return True
        return False

    def _alone(self, step: Any, takers: list[Node]) -> bool:
        return self.objects[id(step)] == sum(one.step is step for one in takers)

    def merge_constants(self) -> bool:
        """Merge two constants at positions that are added one behind the other."""
        for node in self.nodes.values():
            before = self.nodes.get(node.inputs[0])
            if not isinstance(node.step, Add) or before is None or not isinstance(before.step, Add):
                continue
            if len(node.inputs) != 2 or len(before.inputs) != 2 or self.uses[before.name] != 1:
                continue
            first, second = (self._constant(one.inputs[1]) for one in (before, node))
            if first is None or second is None or first.weight.shape != second.weight.shape:
                continue
            merged = Conv(first.weight + second.weight)
            constant = self.nodes[before.inputs[1]]
            self._put(constant.name, merged)
            self._redirect(node.name, before.name)
            return True
        return False

    def _constant(self, name: str) -> Conv | None:
        node = self.nodes.get(name)
        if node is None or not isinstance(node.step, Conv) or node.step.bias is not None or self.uses[name] != 1:
            return None
        source = self.nodes.get(node.inputs[0])
        alone = self.objects[id(node.step)] == 1
        return node.step if alone and source is not None and isinstance(source.step, Positions) else None


def _equal(first: Any, second: Any) -> bool:
    if first is second or isinstance(first, Scale):
        return bool(first == second)
    if not isinstance(first, Conv) or not isinstance(second, Conv) or first.geometry != second.geometry:
        return False
    return all(np.array_equal(*pair) for pair in zip(_numbers(first, 0), _numbers(second, 0), strict=True))


def _numbers(step: Any, channels: int) -> tuple[Floats, Floats]:
    """Return factor and shift of each channel."""
    if isinstance(step, Scale):
        return np.broadcast_to(step.factor, channels).copy(), np.broadcast_to(step.shift, channels).copy()
    return step.weight[:, 0, 0, 0], np.zeros(len(step.weight)) if step.bias is None else step.bias


def _behind(before: Any, step: Any) -> Any:
    """Return one step for a convolution or scale and the scale behind it."""
    if isinstance(before, Scale):
        channels = len(step.weight) if isinstance(step, Conv) else max(before.channels, step.channels)
        inner, outer = (_numbers(one, channels) for one in (before, step))
        factor, shift = outer[0] * inner[0], outer[0] * inner[1] + outer[1]
        if isinstance(step, Scale):
            return Scale(tuple(factor.tolist()), tuple(shift.tolist()))
        return Conv(factor[:, None, None, None], shift if shift.any() else None, groups=channels)
    factor, shift = _numbers(step, len(before.weight))
    bias = shift if before.bias is None else factor * before.bias + shift
    return replace(before, weight=before.weight * factor[:, None, None, None],
                   bias=bias if before.bias is not None or bias.any() else None)  # fmt: skip


def _ahead(conv: Conv, step: Any) -> Conv | None:
    """Return one convolution for a scale and the convolution behind it, None where padding sees the shift."""
    groups, outputs = conv.groups, len(conv.weight)
    factor, shift = _numbers(step, conv.geometry.inputs)
    if shift.any() and conv.padding != ((0, 0), (0, 0)):
        return None
    seen = np.arange(outputs) // (outputs // groups)  # the group of each output
    factors, shifts = (one.reshape(groups, -1)[seen][:, :, None, None] for one in (factor, shift))
    bias = (conv.weight * shifts).sum(axis=(1, 2, 3)) + (0.0 if conv.bias is None else conv.bias)
    return replace(conv, weight=conv.weight * factors, bias=bias if conv.bias is not None or bias.any() else None)


def _moved(step: Scale, after: Flatten | Rearrange, shape: Any) -> Scale | None:
    """Return the scale that does behind a rearrangement what a scale does in front of it."""
    picked = after.indices(shape)
    to = after.shape(shape)
    factor, shift = (np.repeat(one, shape[1] * shape[2])[picked] for one in _numbers(step, shape[0]))
    if (picked < 0).any():
        if shift.any():
            return None
        factor[picked < 0] = 1.0
    by_channel = [one.reshape(to[0], -1) for one in (factor, shift)]
    if any((one != one[:, :1]).any() for one in by_channel):
        return None
    return Scale(*(tuple(one[:, 0].tolist()) for one in by_channel))
