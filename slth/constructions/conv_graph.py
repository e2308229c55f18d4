"""A target of convolutions and what a ticket has in its place, as one graph of sparse affine maps, ReLUs and maxima.

Values are flat vectors. A convolution, with its stride, padding and groups, is a sparse matrix; so is an average
pooling; flattening is nothing at all; a branch is a node that two others take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slth.constructions.interval import Array, Interval, down, up
from slth.errors import ArgumentError
from slth.tickets import Branch, ConvLayer, ConvNetwork, ConvPair, Flatten, FoldedConv, Join, Pool, Swap, Ticket
from slth.tickets.conv_weights import folded_kernel
from slth.tickets.geometry import ImageShape

_LARGEST_NORMAL = 8.3  # the normal law's numbers end at 8.21 standard deviations

Indices: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EffectiveConv:
    r"""One convolution of a ticket, :math:`A^+ * \max(x, 0) + A^- * \min(x, 0) + B * 1`, on zero-padded images.

    Parameters
    ----------
    positive : Interval float64[outputs, inputs / groups, height, width]
        Enclosures of the kernel :math:`A^+` that nonnegative inputs meet.
    negative : Interval of the same shape or None
        Enclosures of :math:`A^-`, for negative inputs; None where they are the same.
    constant : Interval float64[outputs, height, width] or None
        Enclosures of the kernel B on the image that is 1 everywhere; None where there is none.
    magnitude : float64[outputs, inputs / groups, height, width]
        Upper bounds of the sums of absolute products behind each number: what rounding errors are proportional to.
    constant_magnitude : float64[outputs, height, width] or None
        The same for the constants.
    terms : int
        Largest number of products that any output adds up.
    factor : float
        Upper bound of 1 and of the absolute values of all random weights and of the gain.
    """

    positive: Interval
    negative: Interval | None
    constant: Interval | None
    magnitude: Array
    constant_magnitude: Array | None
    terms: int
    factor: float


@dataclass(frozen=True, eq=False)
class Places:
    """The pattern of a sparse matrix whose numbers are those of a kernel, many times; no row is empty.

    Parameters
    ----------
    first : int64[rows + 1]
        Where each row begins.
    inputs : int64[entries]
        Columns.
    entry : int64[entries]
        Places in the flattened kernel.
    columns : int
        Number of columns.
    """

    first: Indices
    inputs: Indices
    entry: Indices
    columns: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.first) - 1

    @property
    def longest(self) -> int:
        """Largest number of entries in a row."""
        return int(np.diff(self.first).max())

    def sums(self, terms: Array) -> Array:
        """Return the rounded sums of each row's terms."""
        return np.asarray(np.add.reduceat(terms, self.first[:-1]))


@dataclass(frozen=True, eq=False)
class Affine:
    """A sparse affine map, the target's and the ticket's.

    Parameters
    ----------
    source : int
        The node that it takes.
    places : Places
        Of the matrix.
    weights : Interval float64[kernel]
        The target's numbers.
    positive : Interval float64[kernel]
        The ticket's numbers on nonnegative inputs.
    negative : Interval float64[kernel] or None
        On negative inputs; None where they are the same.
    errors, negative_errors : Interval float64[kernel], the second or None
        Ticket's minus target's numbers.
    bias, bias_error : Interval float64[rows]
        The target's constants, and the ticket's minus the target's.
    magnitude, bias_magnitude : float64[kernel], float64[rows]
        Sums of absolute products behind the ticket's numbers.
    terms : int
        Largest number of products that any output of the ticket adds up.
    factor : float
        Upper bound of 1 and of the ticket's random weights and gain.
    layer : int or None
        Number of the convolution; None for an average pooling.
    """

    source: int
    places: Places
    weights: Interval
    positive: Interval
    negative: Interval | None
    errors: Interval
    negative_errors: Interval | None
    bias: Interval
    bias_error: Interval
    magnitude: Array
    bias_magnitude: Array
    terms: int
    factor: float
    layer: int | None


@dataclass(frozen=True)
class Relu:
    """Maximum of each number and 0."""

    source: int


@dataclass(frozen=True, eq=False)
class Largest:
    """Maximum over windows.

    Parameters
    ----------
    source : int
    windows : int64[outputs, size]
        The inputs of each window; where it stands over the edge one of its inputs is repeated.
    """

    source: int
    windows: Indices


@dataclass(frozen=True)
class Sum:
    """Sum of the values of two nodes."""

    source: int
    other: int


Node: TypeAlias = Affine | Relu | Largest | Sum


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which each comes behind those that it takes; node 0 is the input, and not among them.

    Parameters
    ----------
    inputs : int
    nodes : tuple of Node
        Numbered from 1.
    ends : tuple of int
        For each convolution the node behind its activation.
    output : int
        The node that the network gives.
    """

    inputs: int
    nodes: tuple[Node, ...]
    ends: tuple[int, ...]
    output: int


def effective_convs(ticket: Ticket, target: ConvNetwork) -> tuple[EffectiveConv, ...]:
    """Return the ticket's convolutions with their kernels enclosed, one for each of the target's.

    Raises
    ------
    ArgumentError
        If the ticket's steps are not the target's, with a pair in the place of each convolution.
    """
    description = ticket.description
    if description.input_shape != target.input_shape:
        raise _misfit(f"input shape {description.input_shape}", f"must have the target's {target.input_shape}")
    if len(description.layers) != len(target.steps):
        raise _misfit(f"{len(description.layers)} steps", f"must have the target's {len(target.steps)} steps")
    for number, (step, aim) in enumerate(zip(description.layers, target.steps, strict=True)):
        if not _corresponds(step, aim):
            raise _misfit(f"step {number}: {step}", f"must stand for the target's {type(aim).__name__}")
    pairs = [step for step in description.layers if isinstance(step, ConvPair)]
    scale = ticket.law.scale * (1.0 if ticket.law.name == "uniform" else _LARGEST_NORMAL)
    return tuple(
        _enclosed(pair, folded, max(1.0, scale, gain))
        for pair, folded, gain in zip(pairs, ticket.folded_kernels(), ticket.gains.tolist(), strict=True)
    )


def _corresponds(step: Any, aim: Any) -> bool:
    if not isinstance(aim, ConvLayer):
        return bool(step == aim)
    names = ("inputs", "outputs", "window", "groups", "activation")
    return isinstance(step, ConvPair) and all(getattr(step, name) == getattr(aim, name) for name in names)


def _enclosed(pair: ConvPair, folded: FoldedConv, factor: float) -> EffectiveConv:
    kernels, constants = zip(
        *(
            folded_kernel(pair, each)
            for each in (
                folded.plus_lower, folded.plus_upper, folded.minus_lower, folded.minus_upper, folded.magnitude,
            )
        ),
        strict=True,
    )  # fmt: skip
    return EffectiveConv(
        positive=Interval(kernels[0], kernels[1]),
        negative=Interval(kernels[2], kernels[3]),
        constant=None if constants[0] is None else Interval(constants[0], constants[1]),
        magnitude=kernels[4],
        constant_magnitude=constants[4],
        terms=folded.terms,
        factor=factor,
    )


def graph_of(target: ConvNetwork, convs: Sequence[EffectiveConv]) -> Graph:
    """Return the graph of a target and the convolutions that a ticket has in place of its own."""
    nodes: list[Node] = []
    ends: list[int] = []
    here, aside = 0, list[int]()

    def add(node: Node) -> int:
        nodes.append(node)
        return len(nodes)

    for place in target.places():
        step = place.step
        if isinstance(step, Branch):
            aside.append(here)
        elif isinstance(step, Swap):
            here, aside[-1] = aside[-1], here
        elif isinstance(step, Join):
            here = add(Sum(here, aside.pop()))
        elif isinstance(step, Pool):
            here = add(_pooling(step, place.takes, here))
        elif not isinstance(step, Flatten):
            here = add(_convolution(step, convs[len(ends)], place.takes, here, len(ends)))
        if getattr(step, "activation", "identity") == "relu":
            here = add(Relu(here))
        if isinstance(step, ConvLayer):
            ends.append(here)
    return Graph(prod(target.input_shape), tuple(nodes), tuple(ends), here)


def _convolution(layer: ConvLayer, conv: EffectiveConv, shape: ImageShape, source: int, number: int) -> Affine:
    seen = layer.window.indices(shape)
    places = _places(seen, layer.outputs, layer.groups, prod(shape))
    weights = Interval.point(layer.weight.ravel())
    positive = _flat(conv.positive)
    negative = None if conv.negative is None else _flat(conv.negative)
    exact = np.zeros(layer.outputs) if layer.bias is None else layer.bias
    bias = Interval.point(np.repeat(exact, seen[0, :, :, 0].size))
    constants, size = _constants(conv, seen[0] >= 0, bias.lower.shape)
    return Affine(
        source=source,
        places=places,
        weights=weights,
        positive=positive,
        negative=negative,
        errors=positive - weights,
        negative_errors=None if negative is None else negative - weights,
        bias=bias,
        bias_error=constants - bias,
        magnitude=conv.magnitude.ravel(),
        bias_magnitude=size,
        terms=conv.terms,
        factor=conv.factor,
        layer=number,
    )


def _constants(conv: EffectiveConv, inside: NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[Interval, Array]:
    """Return what the zero-padded image of ones adds to each output, and the absolute products behind it."""
    if conv.constant is None or conv.constant_magnitude is None:
        return Interval.point(np.zeros(shape)), np.zeros(shape)
    outputs = len(conv.constant_magnitude)

    def seen(kernel: Array) -> Array:
        return np.where(inside, kernel.reshape(outputs, 1, 1, -1), 0.0).reshape(*shape, -1)

    total = Interval(seen(conv.constant.lower), seen(conv.constant.upper)).total()
    return total, Interval.point(seen(conv.constant_magnitude)).total().upper


def _places(seen: Indices, outputs: int, groups: int, columns: int) -> Places:
    """Return the pattern of a convolution from the inputs that each window sees: -1 in the padding."""
    channels, rows, across, taps = seen.shape
    inputs, each = channels // groups, outputs // groups
    # [group, row, column, input, tap], once for each output of the group
    by_group = seen.reshape(groups, inputs, rows, across, taps).transpose(0, 2, 3, 1, 4)
    by_output = np.repeat(by_group, each, axis=0).reshape(outputs * rows * across, inputs * taps)
    kernel = np.arange(outputs * inputs * taps).reshape(outputs, inputs * taps)
    entries = np.repeat(kernel, rows * across, axis=0)
    inside = by_output >= 0
    first = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    return Places(first, by_output[inside], entries[inside], columns)


def _pooling(pool: Pool, shape: ImageShape, source: int) -> Node:
    seen = pool.window.indices(shape)
    flat = seen.reshape(-1, seen.shape[-1])
    inside = flat >= 0
    if pool.operation == "max":
        some = flat.max(axis=1, keepdims=True)  # no window lies in the padding alone
        return Largest(source, np.where(inside, flat, some))
    columns, taps = prod(shape), flat.shape[1]
    first = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    places = Places(first, flat[inside], np.zeros(int(inside.sum()), np.int64), columns)
    share = np.array([1.0 / taps])
    weight = Interval.point(share) if taps & (taps - 1) == 0 else Interval(down(share), up(share))
    nothing, none = Interval.point(np.zeros(1)), Interval.point(np.zeros(len(flat)))
    return Affine(
        source=source, places=places, weights=weight, positive=weight, negative=None, errors=nothing,
        negative_errors=None, bias=none, bias_error=none, magnitude=weight.upper, bias_magnitude=none.upper,
        terms=taps, factor=1.0, layer=None,
    )  # fmt: skip


def _flat(kernel: Interval) -> Interval:
    return Interval(kernel.lower.ravel(), kernel.upper.ravel())


def _misfit(value: str, rule: str) -> ArgumentError:
    return ArgumentError("ticket", value, rule, "certify a ticket against the target that it was constructed for")
