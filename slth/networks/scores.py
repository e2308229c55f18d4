"""Attention as modules write it: scores of queries and keys, shares, and their product with values, as one node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from slth.arrays import Floats
from slth.graphs import Attend, Conv, Rearrange, Scale
from slth.networks.affine import joined
from slth.networks.traced import BATCH, Tracer, Value


@dataclass(frozen=True, eq=False)
class Scores:
    """Products of queries [..., tokens, size] with keys [..., other tokens, size]; their softmax where ``shares``."""

    queries: Value
    keys: Value
    scale: float = 1.0
    shares: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor: [..., tokens, other tokens]."""
        return (*self.queries.shape[:-1], self.keys.shape[-2])

    def viewed(self, tracer: Tracer, view: Callable[[Tensor], Tensor]) -> Scores:
        """Return what a view shows that leaves the last two axes alone."""
        shape = tuple(view(torch.empty(self.shape, device="meta")).shape)
        total = prod(self.shape)
        unmoved = torch.equal(view(torch.arange(total).reshape(self.shape)).reshape(-1), torch.arange(total))
        if not unmoved or shape[-2:] != self.shape[-2:]:
            raise tracer.refusal(
                "rearranges scores of attention", "leave the scores as they are until they meet values"
            )
        lead = shape[:-2]
        queries, keys = (
            one.viewed(lambda index, last=one.shape[-2:]: index.reshape(*lead, *last))  # type: ignore[misc]
            for one in (self.queries, self.keys)
        )
        return replace(self, queries=queries, keys=keys)


@dataclass(frozen=True)
class Source:
    """One head's queries, keys or values as weight [size, channels] of a node's image, plus bias [size]."""

    node: str
    weight: Floats
    bias: Floats


class Mixed:
    """Values mixed by shares, not yet written: numbers [heads, tokens, size] of each example.

    An output matrix that follows is merged into the values; whoever takes the numbers otherwise has it written.
    """

    def __init__(self, tracer: Tracer, scores: Scores, values: Value) -> None:
        self.place = tracer.place
        queries, keys = scores.queries, scores.keys
        self.scale = scores.scale
        owners = _owners(tracer, queries)
        mine = [int(lead) for lead in torch.nonzero(owners == 0)[:, 0]]
        self.heads, self.tokens, self.width = len(mine), queries.shape[-2], values.shape[-1]
        self.size = self.heads * self.tokens * self.width
        for one in (keys, values):
            if not torch.equal(_owners(tracer, one), owners):
                raise tracer.mixing()
        self.queries = [_head(tracer, queries, owners, head) for head in range(self.heads)]
        self.keys = [_head(tracer, keys, owners, head) for head in range(self.heads)]
        self.values = [_head(tracer, values, owners, head) for head in range(self.heads)]
        ranks = torch.stack([(owners[:lead] == owner).sum() for lead, owner in enumerate(owners)])
        first = owners * self.size + ranks * self.tokens * self.width
        index = 1 + first[:, None] + torch.arange(self.tokens * self.width)
        self.whole = Value(self, (*queries.shape[:-1], self.width), index.reshape(*queries.shape[:-1], self.width))

    def written(self, tracer: Tracer, value: Value) -> Value:
        """Write the attention with its heads side by side, and return the value as numbers of it."""
        heads, width, tokens = self.heads, self.width, self.tokens
        matrix = np.eye(heads * width).reshape(heads * width, heads, width)
        node = self._attend(tracer, matrix, None)
        numbers = value.numbers
        flat = numbers.clamp(min=1) - 1
        example, rest = flat // self.size, flat % self.size
        head, token, place = rest // (tokens * width), rest // width % tokens, rest % width
        moved = 1 + example * self.size + (head * width + place) * tokens + token
        return Value(node, value.shape, torch.where(numbers > 0, moved, 0))

    def with_matrix(
        self, tracer: Tracer, rows: Tensor, weight: Floats, bias: Floats | None
    ) -> tuple[str, Tensor] | None:
        """Write the attention with an output matrix merged in, for rows of its numbers int64[batch, positions, inputs].

        Returns the node and the token of each row, or None where the rows do not hold all heads of one token.
        """
        rest = rows[0] - 1
        if bool((rest < 0).any()) or bool((rows[1] != rows[0] + self.size).any()):
            return None
        head, token, place = rest // (self.tokens * self.width), rest // self.width % self.tokens, rest % self.width
        alike = (head == head[:1]).all() and (place == place[:1]).all() and (token == token[:, :1]).all()
        if not alike:
            return None
        matrix = np.zeros((len(weight), self.heads, self.width))
        for column, (one, at) in enumerate(zip(head[0].tolist(), place[0].tolist(), strict=True)):
            matrix[:, one, at] += weight[:, column]
        return self._attend(tracer, matrix, bias), token[:, 0]

    def _attend(self, tracer: Tracer, matrix: Floats, bias: Floats | None) -> str:
        """Write queries, keys, values and the node; matrix float64[outputs, heads, width]."""
        asking, asked, given = (_sources(tracer, heads) for heads in (self.queries, self.keys, self.values))
        pairs = list(zip(asking, asked, strict=True))
        weights = np.stack([self.scale * key.weight.T @ query.weight for query, key in pairs])
        # what a key's bias adds to the scores of a query is the same for all keys: softmax does not see it
        biases = np.stack([self.scale * key.weight.T @ query.bias for query, key in pairs])
        mixed = np.stack([matrix[:, head] @ one.weight for head, one in enumerate(given)])
        constants = np.zeros(mixed.shape[:2])
        # the shares of a head sum to 1, so that one head carries all constants
        constants[0] = np.sum([matrix[:, head] @ one.bias for head, one in enumerate(given)], axis=0)
        constants[0] += 0.0 if bias is None else bias
        place, operation, whole = tracer.place, tracer.operation, tracer.whole
        tracer.enter(self.place, "attend", whole=False)
        queries = tracer.add(_convolution(weights, biases), asking[0].node, part="queries")
        values = tracer.add(_convolution(mixed, constants), given[0].node, part="values")
        node = tracer.add(Attend(self.heads), queries, asked[0].node, values)
        tracer.enter(place, operation, whole=whole)
        return node


def _convolution(weights: Floats, biases: Floats) -> Conv:
    """Return all heads' matrices float64[heads, outputs, inputs] as one convolution of size 1."""
    flat = biases.reshape(-1)
    return Conv(weights.reshape(-1, weights.shape[2]), flat if flat.any() else None)


def _owners(tracer: Tracer, value: Value) -> Tensor:
    """Return int64[product of the leading axes]: the example of each matrix of a stack."""
    owners = tracer.batches(value).reshape(prod(value.shape[:-2]), -1)
    if not torch.equal(owners, owners[:, :1].expand_as(owners)):
        raise tracer.mixing()
    first = owners[:, 0]
    if len(set(torch.bincount(first, minlength=BATCH).tolist())) != 1:
        raise tracer.mixing()
    return first


def _head(tracer: Tracer, value: Value, owners: Tensor, head: int) -> Value:
    """Return one head of a stack for all examples: [batch, tokens, size]."""
    del tracer
    places = torch.stack([torch.nonzero(owners == example)[head, 0] for example in range(BATCH)])
    return value.viewed(lambda index: index.reshape(len(owners), *value.shape[-2:])[places])


def _source(tracer: Tracer, value: Value) -> Source | None:
    """Return a head as matrix and node where it is channels of a linear layer of the tokens, in their order."""
    value = tracer.written(value)
    _, height, width = tracer.shapes[value.source]
    pixels = height * width
    if value.shape[1] != pixels:
        return None
    one = value.numbers[0] - 1  # [tokens, size]
    channels = one[0] // pixels
    expected = channels * pixels + torch.arange(pixels)[:, None]
    if bool((one < 0).any()) or not torch.equal(one, expected):
        return None
    weight = np.eye(tracer.shapes[value.source][0])[channels.numpy()]
    return _behind(tracer, Source(value.source, weight, np.zeros(len(weight))))


def _behind(tracer: Tracer, source: Source) -> Source:
    """Look back through fixed scales to the linear layer, and through it."""
    node = tracer.nodes.get(source.node)
    step: Any = node.step if node else None
    if isinstance(step, Scale) and node:
        factor, shift = (np.broadcast_to(one, (tracer.shapes[source.node][0],)) for one in (step.factor, step.shift))
        found = Source(node.inputs[0], source.weight * factor, source.bias + source.weight @ shift)
        further = _behind(tracer, found)
        return further if further is not found else source
    window = step.window if isinstance(step, Conv) else None
    plain = window is not None and window.taps == 1 and window.stride == (1, 1) and window.padding == ((0, 0), (0, 0))
    if not plain or node is None or step.groups != 1:
        return source
    bias = source.bias if step.bias is None else source.bias + source.weight @ step.bias
    return Source(node.inputs[0], source.weight @ step.weight[:, :, 0, 0], bias)


def _sources(tracer: Tracer, heads: list[Value]) -> list[Source]:
    """Return the sources of all heads in one node of height 1: the tokens, or the heads' own numbers as channels."""
    found = [one for one in (_source(tracer, head) for head in heads) if one is not None]
    if len(found) == len(heads) and len({one.node for one in found}) == 1:
        node = _flat_positions(tracer, found[0].node)
        return [replace(one, node=node) for one in found]
    together = joined(tracer, list(heads), 2) if len(heads) > 1 else heads[0]
    order = torch.arange(prod(together.shape)).reshape(together.shape).transpose(1, 2)[:, :, None]
    node = tracer.arranged(together, order)
    matrix = np.eye(together.shape[2]).reshape(len(heads), -1, together.shape[2])
    return [Source(node, rows, np.zeros(len(rows))) for rows in matrix]


def _flat_positions(tracer: Tracer, node: str) -> str:
    """Return the node's image with all pixels in one row."""
    channels, height, width = tracer.shapes[node]
    if height == 1:
        return node
    step = Rearrange((channels, 1, height * width), (channels * height * width,), (1,))
    return tracer.add(step, node, part="rearrange")
