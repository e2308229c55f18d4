"""A network: nodes and what flows between them. The one interpreter, which numpy, torch and certificates share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats
from slth.errors import ArgumentError
from slth.graphs.window import Shape

INPUT = "input"
"""The name of what goes into a graph."""

NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
LONGEST_NAME = 200
_BATCH_NUMBERS = 2**23  # numbers in flight at a time: 64 MiB, and a few such arrays live together


@dataclass(frozen=True)
class Step:
    """What a node does: a convolution of the target, the random pair in its place, or a step without weights.

    Shapes are (channels, height, width), those of what the node takes. By default a step has no weights, takes one
    value and changes none of its shape.
    """

    weighted: ClassVar[bool] = False

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return 0

    def shape(self, *shapes: Shape) -> Shape:
        """Channels, height and width of the result, or ArgumentError where inputs do not fit."""
        if len(shapes) != 1:
            raise ArgumentError(type(self).__name__, len(shapes), "must have one input", "name one node")
        return shapes[0]

    def scratch(self, *shapes: Shape) -> int:
        """Numbers that one example takes while it is computed."""
        return prod(self.shape(*shapes))

    def multiply_adds(self, *shapes: Shape) -> int:
        """Products that are added up for one example: of weights with values, or of values with values."""
        del shapes
        return 0

    def nonnegative(self, *inputs: bool) -> bool:
        """Whether no output is ever negative, given that of the inputs; no, where nobody says so."""
        del inputs
        return False


class SignKeeping(Step):
    """A step that moves, picks, sums or averages numbers: what is never negative stays so."""

    def nonnegative(self, *inputs: bool) -> bool:
        """Whether no input is ever negative."""
        return all(inputs)


@dataclass(frozen=True)
class Node:
    """One step and where it stands.

    Parameters
    ----------
    name : str
        Letters, digits, ``.``, ``_`` and ``-``; in a described module the name that its user gave the layer.
    step : Step
    inputs : tuple of str
        Names of the nodes whose values it takes, or ``"input"``.
    """

    name: str
    step: Any
    inputs: tuple[str, ...]

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name == INPUT:
            raise ArgumentError("name", self.name, "is that of the network's input", "choose another name")
        object.__setattr__(self, "inputs", tuple(self.inputs))


@dataclass(frozen=True, eq=False)
class Graph:
    """A network as nodes in an order in which each comes behind those that it takes.

    Parameters
    ----------
    input_shape : tuple of 1 to 3 int
        Shape of one example: (numbers,), (channels, length) or (channels, height, width). Inside it is an image of
        channels, height and width; what is missing is 1.
    nodes : sequence of Node
        At least one; stored as a tuple.
    output : str, optional
        The node whose value the network gives; the last one by default.
    output_shape : tuple of int, optional
        Shape of one result, of as many numbers as that node gives, in the same order. By default (channels,) where
        height and width are 1, otherwise (channels, height, width).

    Raises
    ------
    ArgumentError
        When nodes do not fit together; the message names the node.

    Examples
    --------
    A residual block:

    >>> import numpy as np
    >>> from slth.graphs import Add, Conv, Flatten, Node, Relu
    >>> nodes = [Node("conv", Conv(np.ones((1, 1, 3, 3)), padding=1), ("input",)),
    ...          Node("add", Add(), ("conv", "input")), Node("relu", Relu(), ("add",)),
    ...          Node("flat", Flatten(), ("relu",))]
    >>> slth.Graph((1, 2, 2), nodes).forward(np.ones((1, 1, 2, 2))).tolist()
    [[5.0, 5.0, 5.0, 5.0]]
    """

    input_shape: tuple[int, ...]
    nodes: Sequence[Node]
    output: str = ""
    output_shape: tuple[int, ...] = ()
    shapes: Mapping[str, Shape] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", _example_shape("input_shape", self.input_shape, most=3))
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if not self.nodes:
            raise ArgumentError("nodes", [], "must hold at least one node", "pass a list of nodes")
        object.__setattr__(self, "output", self.output or self.nodes[-1].name)
        object.__setattr__(self, "shapes", self._walked())
        if self.output not in self.shapes:
            raise ArgumentError("output", self.output, "is no node", f"name one, such as {self.nodes[-1].name!r}")
        last = self.shapes[self.output]
        usual = last[:1] if last[1:] == (1, 1) else last
        given = _example_shape("output_shape", self.output_shape or usual, most=None)
        if prod(given) != prod(last):
            raise ArgumentError("output_shape", given, f"must have the {prod(last)} numbers of {last}", "leave it out")
        object.__setattr__(self, "output_shape", given)

    def _walked(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {INPUT: self.image_shape}
        for node in self.nodes:
            if node.name in shapes:
                raise ArgumentError("name", node.name, "names two nodes", "give each node its own name")
            for name in node.inputs:
                if name not in shapes:
                    rule = f"takes {name!r}, which is no node before it"
                    raise ArgumentError(f"node {node.name}", node.inputs, rule, "order the nodes by what they take")
            try:
                shapes[node.name] = node.step.shape(*(shapes[name] for name in node.inputs))
            except ArgumentError as error:
                remedy = "mend this node or the ones that it takes"
                raise ArgumentError(f"node {node.name}", node.step, f"does not fit: {error}", remedy) from None
        return shapes

    @property
    def image_shape(self) -> Shape:
        """Channels, height and width of the input: a vector is (numbers, 1, 1), a sequence (channels, 1, length)."""
        first, *rest = self.input_shape
        height, width = ([1] * (2 - len(rest)) + rest)[:2]
        return first, height, width

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return prod(self.output_shape)

    @property
    def parameters(self) -> int:
        """Number of weights and biases, each once however often its layer is used."""
        return sum(step.parameters for step in {id(node.step): node.step for node in self.nodes}.values())

    @property
    def multiply_adds(self) -> int:
        """Products added up for one example, those with 0 too; a random pair counts as what it stands for."""
        return sum(int(node.step.multiply_adds(*(self.shapes[name] for name in node.inputs))) for node in self.nodes)

    @property
    def weighted(self) -> tuple[Node, ...]:
        """The nodes that have weights, in order."""
        return tuple(node for node in self.nodes if node.step.weighted)

    def node(self, name: str) -> Node:
        """Return the node of a name, or raise ArgumentError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise ArgumentError("node", name, "is no node of the graph", f"choose one of {[n.name for n in self.nodes]}")

    def nonnegative(self, *, inputs: bool = False) -> dict[str, bool]:
        """Return for the input and each node whether its values are never negative, given whether inputs never are."""
        known = {INPUT: inputs}
        for node in self.nodes:
            known[node.name] = bool(node.step.nonnegative(*(known[name] for name in node.inputs)))
        return known

    def run(self, x: Any, forward: Callable[[Node, tuple[Any, ...]], Any] | None = None) -> Any:
        """Walk the nodes and return the value of the output: the only interpreter of graphs.

        Parameters
        ----------
        x : object
            The value of the input; float64[batch, channels, height, width] where ``forward`` is left out.
        forward : callable, optional
            Called as forward(node, values of its inputs) for each node in order; by default the step's own.

        Returns
        -------
        object
            What ``forward`` gave for the output, in the shape [batch, channels, height, width] by default.
        """
        uses = {name: number for number, node in enumerate(self.nodes) for name in node.inputs}
        values = {INPUT: x}
        for number, node in enumerate(self.nodes):
            taken = tuple(values[name] for name in node.inputs)
            values[node.name] = node.step.forward(*taken) if forward is None else forward(node, taken)
            for name in set(node.inputs):
                if uses[name] == number and name != self.output:
                    del values[name]  # nobody takes it any more
        return values[self.output]

    def forward(self, x: ArrayLike) -> Floats:
        """Evaluate the network in float64, in bounded memory for any batch.

        Parameters
        ----------
        x : float64[batch, *input_shape]
            Finite.

        Returns
        -------
        float64[batch, *output_shape]

        Raises
        ------
        ArgumentError
            For another shape, or a number that is not finite.
        """
        return in_parts(self, self.run, x)


def in_parts(graph: Graph, run: Callable[[Floats], Any], x: ArrayLike, *, scratch: int = 0) -> Floats:
    """Return float64[batch, *output_shape] of ``run``, a part of the batch at a time.

    ``scratch`` is how many numbers one example takes where that is more than the graph's own steps say.
    """
    examples = examples_of(x, graph.input_shape)
    step = max(1, _BATCH_NUMBERS // max(1, scratch, largest_scratch(graph)))
    result = np.empty((len(examples), *graph.output_shape))
    for first in range(0, len(examples), step):
        part = examples[first : first + step]
        found = run(part.reshape(len(part), *graph.image_shape))
        result[first : first + step] = found.reshape(len(part), *graph.output_shape)
    return result


def largest_scratch(graph: Graph) -> int:
    """Return the most numbers that a node takes for one example, its result counted."""
    return max(
        prod(graph.shapes[node.name]) + int(node.step.scratch(*(graph.shapes[name] for name in node.inputs)))
        for node in graph.nodes
    )


def examples_of(x: ArrayLike, shape: tuple[int, ...], name: str = "x") -> Floats:
    """Return inputs as finite float64[batch, *shape], or raise ArgumentError."""
    try:
        examples = np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(
            name, type(x).__name__, f"is no array ({error})", "pass tensor.detach().cpu().double().numpy()"
        ) from None
    if examples.dtype.kind not in "fiub":
        raise ArgumentError(name, str(examples.dtype), "is not a dtype of real numbers", "convert to float64 first")
    if examples.shape[1:] != shape or examples.ndim != 1 + len(shape):
        rule = f"must have shape [batch, {', '.join(map(str, shape))}]"
        raise ArgumentError(name, list(examples.shape), rule, "one example is a batch of 1")
    floats: Floats = examples.astype(np.float64, copy=False)
    if not np.isfinite(floats).all():
        raise ArgumentError(name, "NaN or infinity", "must be finite", "remove NaN and infinities")
    return floats


def check_same_inputs(target: object, other: object) -> None:
    """Refuse two graphs, one of them a target's, that do not take the same inputs."""
    if isinstance(target, Graph) and isinstance(other, Graph) and target.input_shape != other.input_shape:
        rule = f"is the shape of its inputs, and that of the target's is {list(target.input_shape)}"
        raise ArgumentError("ticket", list(other.input_shape), rule, "pass the ticket of this target")


def check_name(name: object) -> None:
    """Raise ArgumentError unless it is a name that may stand in a file and name a stream."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not NAME_CHARACTERS.issuperset(name):
        rule = f"must be 1 to {LONGEST_NAME} of the characters A-Z a-z 0-9 . _ -"
        raise ArgumentError("name", name, rule, 'use a name such as "layer0"')


def _example_shape(name: str, given: object, *, most: int | None) -> tuple[int, ...]:
    shape = tuple(given) if isinstance(given, list | tuple) else ()
    sizes = all(not isinstance(size, bool) and isinstance(size, int) and 1 <= size < 2**40 for size in shape)
    if not shape or not sizes or (most is not None and len(shape) > most):
        rule = "must be a tuple of positive integers" if most is None else f"must be 1 to {most} positive integers"
        raise ArgumentError(name, given, rule, "pass (1, 28, 28) for images, (784,) for vectors")
    return shape
