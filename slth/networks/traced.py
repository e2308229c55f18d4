"""What a traced tensor is in a graph that is being written: numbers of one node, in any order, or constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from slth.arrays import Indices
from slth.errors import ArgumentError
from slth.graphs import INPUT, Add, Flatten, Node, Shape
from slth.graphs.graph import LONGEST_NAME, NAME_CHARACTERS
from slth.networks.strides import pieces

BATCH = 2
"""Examples that are traced at once: two show whether an operation mixes them."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that does not depend on the input, and whether it comes from parameters."""

    tensor: Tensor
    trained: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return tuple(self.tensor.shape)

    def viewed(self, view: Callable[[Tensor], Tensor]) -> Constant:
        """Return what a view shows."""
        return Constant(view(self.tensor), self.trained)


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor whose numbers are those of one source, or 0.

    ``source`` is the name of a node, or an attention that is not yet written. ``index`` has the tensor's shape, the
    batch included, and says for each number 1 + which of the source's numbers (of all examples) it is; 0 is the number
    0. None stands for all numbers in their order. ``origin`` is the value that a view was taken of, and the view.
    """

    source: Any
    shape: tuple[int, ...]
    index: Tensor | None = None
    origin: tuple[Value, Callable[[Tensor], Tensor]] | None = None

    @property
    def numbers(self) -> Tensor:
        """The index, written out."""
        return torch.arange(1, prod(self.shape) + 1).reshape(self.shape) if self.index is None else self.index

    def viewed(self, view: Callable[[Tensor], Tensor]) -> Value:
        """Return the value that a view shows."""
        index = view(self.numbers)
        return Value(self.source, tuple(index.shape), index, (self, view))


class Tracer:
    """The nodes that were written so far, and where in the module the call is."""

    def __init__(self, image_shape: Shape) -> None:
        self.nodes: dict[str, Node] = {}
        self.shapes: dict[str, Shape] = {INPUT: image_shape}
        self.convolutions: dict[Any, Any] = {}  # one object for one layer, however often it is used
        self.held: set[int] = set()  # ids of the module's own tensors
        self.scales: dict[int, Any] = {}  # trained scales of channels, by the ids of their steps
        self.positions: dict[tuple[int, int], str] = {}  # the node of positions for each height and width
        self.place, self.operation, self.whole = "", "", False
        self._known: dict[Any, str] = {}

    def enter(self, place: str, operation: str, *, whole: bool) -> None:
        """Say whose operation comes next; ``whole`` if it is a layer that holds no others."""
        self.place, self.operation, self.whole = place, operation, whole

    def refusal(self, rule: str, remedy: str) -> ArgumentError:
        """Return the error that names the place in the user's module and the operation."""
        place = f"{self.place or 'forward'} uses aten.{self.operation}"
        return ArgumentError("module", place, rule, remedy)

    def add(self, step: Any, *inputs: str, part: str = "") -> str:
        """Write a node and return its name; the same step on the same inputs is written once."""
        key = (step if step.__hash__ and not step.weighted else id(step), inputs)
        if key in self._known:
            return self._known[key]
        try:
            shape = step.shape(*(self.shapes[name] for name in inputs))
        except ArgumentError as error:
            raise self.refusal(f"does not fit: {error}", "use sizes that fit") from None
        name = self._name(part)
        self.nodes[name] = Node(name, step, inputs)
        self.shapes[name] = shape
        self._known[key] = name
        return name

    def _name(self, part: str) -> str:
        words = [self.place] if self.place else []
        if part or not self.whole or not self.place:
            words.append(part or self.operation)
        name = "".join(one if one in NAME_CHARACTERS else "_" for one in ".".join(words))[: LONGEST_NAME - 8]
        unique, number = name, 1
        while unique in self.shapes:
            number += 1
            unique = f"{name}-{number}"
        return unique

    def written(self, value: Value) -> Value:
        """Return the value as numbers of a node: an attention whose output matrix never came is written now."""
        return value if isinstance(value.source, str) else value.source.written(self, value)

    def whole_of(self, node: str, shape: tuple[int, ...] | None = None) -> Value:
        """Return all numbers of a node, in their order."""
        return Value(node, (BATCH, *(self.shapes[node] if shape is None else shape)))

    def arranged(self, value: Value, order: Tensor) -> str:
        """Return a node that has the value's numbers as images: order int64[batch, channels, height, width].

        The order says at which place of the flat value each number of the images is.
        """
        value = self.written(value)
        to: Shape = tuple(order.shape[1:])  # type: ignore[assignment]
        have = self.shapes[value.source]
        if value.index is None and to == have and torch.equal(order.reshape(-1), torch.arange(order.numel())):
            return str(value.source)
        numbers = value.numbers.reshape(-1)[order]
        one = self._one_example(numbers, prod(have))
        if one.size == prod(have) and np.array_equal(one.reshape(-1), np.arange(one.size)):
            if to == have:
                return str(value.source)
            if to == (one.size, 1, 1):
                return self.add(Flatten(), value.source, part="flatten")
        most = 4 if value.origin else 16
        node = self._rearranged(value.source, one, to, most)
        if node:
            return node
        total = prod(to)
        if (
            value.index is not None and value.shape[0] == BATCH and one.size == prod(value.shape[1:])
        ):  # its own axes first, then the order
            node = self._rearranged(value.source, self._one_example(value.numbers, prod(have)), (total, 1, 1), most)
            if node:
                return self.arranged(self.whole_of(node, value.shape[1:]), order)
        if value.origin is None:
            raise self.refusal("takes numbers in no regular order", "use slices, permutations and reshapes")
        parent, view = value.origin  # the chain of views is irregular: write out what it begins with
        flat = torch.arange(prod(parent.shape)).reshape(BATCH, -1, 1, 1)
        settled = self.whole_of(self.arranged(parent, flat), parent.shape[1:])
        return self.arranged(Value(settled.source, value.shape, view(settled.numbers)), order)

    def _rearranged(self, source: str, places: Indices, to: Shape, most: int) -> str | None:
        """Write the places of a source as one rearrangement or the sum of some; None where it would take more."""
        nodes = [self.add(step, source, part="rearrange") for step in pieces(places, to, most=most)]
        return (nodes[0] if len(nodes) == 1 else self.add(Add(), *nodes)) if nodes else None

    def _one_example(self, numbers: Tensor, size: int) -> Indices:
        """Return int64 places of the first example, -1 for 0, where all examples do the same with their own numbers."""
        inside = numbers > 0
        own = (torch.arange(BATCH) * size).reshape(-1, *[1] * (numbers.ndim - 1))
        places = torch.where(inside, numbers - 1 - own, -1)
        if not torch.equal(places, places[:1].expand_as(places)) or int(places.max()) >= size:
            raise self.mixing()
        found: Indices = places[0].numpy()
        return found

    def mixing(self) -> ArgumentError:
        """Return the refusal of what mixes examples."""
        return self.refusal("mixes the examples of a batch, or arranges them as no network does",
                            "treat each example alone, the batch being the first axis")  # fmt: skip

    def spread(self, node: str, order: Tensor, shape: tuple[int, ...]) -> Value:
        """Return a node's images as a tensor of a shape, the inverse of :meth:`arranged`."""
        flat = order.reshape(-1)
        index = torch.empty_like(flat)
        index[flat] = torch.arange(1, len(flat) + 1)
        plain = torch.equal(flat, torch.arange(len(flat)))
        return Value(node, shape, None if plain else index.reshape(shape))

    def batches(self, value: Value) -> Tensor:
        """Return int64[shape]: the example that each number belongs to; zeros belong where their neighbours do."""
        owned = self._owners(value)
        axes = [axis for axis, size in enumerate(value.shape) if size % BATCH == 0]
        for axis in axes:
            lines = owned.movedim(axis, 0).reshape(value.shape[axis], -1)
            most = lines.max(dim=1).values
            alike = (lines == most[:, None]) | (lines < 0)
            if bool(alike.all()) and int(most.min()) >= 0 and int(most.max()) == BATCH - 1:
                return most.reshape(-1, *[1] * (len(value.shape) - 1 - axis)).expand(value.shape)
        if bool((owned < 0).any()):
            raise self.mixing()
        return owned

    def batch_axis(self, value: Value) -> int | None:
        """Return the axis that is the batch; None where it is merged with others."""
        owners = self.batches(value)
        for axis, size in enumerate(value.shape):
            lines = owners.movedim(axis, 0).reshape(size, -1)
            if size == BATCH and torch.equal(lines, torch.arange(BATCH)[:, None].expand_as(lines)):
                return axis
        return None

    def _owners(self, value: Value) -> Tensor:
        numbers = value.numbers
        size = value.source.size if not isinstance(value.source, str) else prod(self.shapes[value.source])
        return torch.where(numbers > 0, torch.div(numbers - 1, size, rounding_mode="floor"), -1)

    def rows(self, value: Value) -> Tensor:
        """Return int64[batch, positions, last axis]: places of the flat value, the positions of each example in order.

        The batch may be any axis but the last, or be merged with others.
        """
        last = value.shape[-1]
        owners = self.batches(value).reshape(-1, last)
        if not torch.equal(owners, owners[:, :1].expand_as(owners)):
            raise self.mixing()
        counts = torch.bincount(owners[:, 0], minlength=BATCH)
        if int(counts.min()) != int(counts.max()):
            raise self.mixing()
        places = torch.arange(prod(value.shape)).reshape(-1, last)
        return places[torch.argsort(owners[:, 0], stable=True)].reshape(BATCH, -1, last)

    def order(self, value: Value) -> Tensor:
        """Return the natural order of a value: that of its source where it has all numbers of it, each once."""
        value = self.written(value)
        total = prod(value.shape)
        if value.index is not None and total == BATCH * prod(self.shapes[value.source]):
            places = torch.argsort(value.index.reshape(-1))
            if torch.equal(value.index.reshape(-1)[places], torch.arange(1, total + 1)):
                return places.reshape(BATCH, *self.shapes[value.source])
        if value.index is None:
            return torch.arange(total).reshape(BATCH, *self.shapes[value.source])
        if value.shape[0] != BATCH:
            owners = self.batches(value).reshape(-1)
            if len(set(torch.bincount(owners, minlength=BATCH).tolist())) != 1:
                raise self.mixing()
            return torch.argsort(owners, stable=True).reshape(BATCH, -1, 1, 1)
        plain = torch.arange(total).reshape(value.shape)
        channel = self._channel_axis(value)
        sizes = value.shape[1:]
        if len(sizes) == 3 or len(sizes) == 2:
            moved = plain.movedim(channel, 1)
            return moved if len(sizes) == 3 else moved[:, :, None, :]
        return plain.reshape(BATCH, -1, 1, 1)

    def _channel_axis(self, value: Value) -> int:
        """Return the axis along which the source's channels are: the last for tokens, otherwise usually the first."""
        pixels = prod(self.shapes[value.source][1:])
        for axis in range(1, len(value.shape)):
            lines = value.numbers.movedim(axis, 0).reshape(value.shape[axis], -1)
            line = lines[:, int((lines > 0).sum(dim=0).argmax())]
            known = line[line > 0] - 1
            if len(known) > 1 and bool(((known[1:] - known[:-1]) % pixels == 0).all()):
                return axis
        return 1
