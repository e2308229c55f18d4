"""The steps of a network that have no weights, and the walk that checks how all steps fit together.

A network is a list of steps. Each takes the value that the one before gives; ``Branch`` also puts a copy of it aside,
``Swap`` exchanges the two, and ``Join`` adds them up again. So a residual block is
``Branch, convolutions, Join``, and with a convolution in the shortcut ``Branch, ..., Swap, convolution, Join``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, get_args, runtime_checkable

import numpy as np

from slth.errors import ArgumentError
from slth.tickets.geometry import ImageShape, Pair, Window
from slth.tickets.network import Activation, Floats, activate, check_activation

Operation: TypeAlias = Literal["max", "average"]


@dataclass(frozen=True)
class Pool:
    """Maximum or mean of sliding windows; zeros of the padding are averaged too, and never are a maximum.

    Parameters
    ----------
    operation : {"max", "average"}
    kernel : int or (int, int)
    stride : int or (int, int), optional
        The kernel by default, so that windows do not overlap.
    padding : int or (int, int)

    Raises
    ------
    ArgumentError
        For another operation, or a window that breaks a rule of :class:`Window`.

    Examples
    --------
    >>> Pool("max", (2, 2)).output_shape((8, 28, 28))
    (8, 14, 14)
    """

    operation: Operation
    kernel: Pair
    stride: Pair | None = None
    padding: Pair = (0, 0)

    def __post_init__(self) -> None:
        if self.operation not in get_args(Operation):
            raise ArgumentError("operation", self.operation, "is no pooling", 'use "max" or "average"')
        window = Window(self.kernel, self.kernel if self.stride is None else self.stride, self.padding)
        for name in ("kernel", "stride", "padding"):
            object.__setattr__(self, name, getattr(window, name))

    @property
    def window(self) -> Window:
        """The window that slides."""
        return Window(self.kernel, self.stride or self.kernel, self.padding)

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Channels, height and width of the result."""
        return (shape[0], *self.window.output_size(shape[1:]))

    def forward(self, x: Floats) -> Floats:
        """Pool float64[batch, channels, height, width]."""
        fill = -np.inf if self.operation == "max" else 0.0
        views = self.window.views(x, fill=fill)
        pooled: Floats = views.max(axis=(4, 5)) if self.operation == "max" else views.mean(axis=(4, 5))
        return pooled


@dataclass(frozen=True)
class Flatten:
    """Make every number a channel of an image of one pixel, so that a linear layer is a convolution of size 1.

    Examples
    --------
    >>> Flatten().output_shape((16, 7, 7))
    (784, 1, 1)
    """

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Channels, height and width of the result."""
        return (prod(shape), 1, 1)

    def forward(self, x: Floats) -> Floats:
        """Reshape float64[batch, channels, height, width]."""
        return x.reshape(len(x), -1, 1, 1)


@dataclass(frozen=True)
class Branch:
    """Put a copy of the value aside.

    Examples
    --------
    >>> steps = [Branch(), Pool("average", 3, stride=1, padding=1), Join()]  # max(x + mean of the neighbours, 0)
    >>> run(steps, np.ones((1, 1, 1, 1)), lambda number, x: x).item()  # zeros around one pixel are averaged too
    1.1111111111111112
    """


@dataclass(frozen=True)
class Swap:
    """Exchange the value and the one that was put aside last.

    Examples
    --------
    >>> steps = [Branch(), Pool("max", 2), Swap(), Pool("average", 2), Join()]
    >>> run(steps, np.arange(4.0).reshape(1, 1, 2, 2), lambda number, x: x).item()  # 3 + 1.5
    4.5
    """


@dataclass(frozen=True)
class Join:
    """Add the value that was put aside last, then apply an activation.

    Parameters
    ----------
    activation : {"relu", "identity"}

    Examples
    --------
    >>> run([Branch(), Join("identity")], np.full((1, 1, 1, 1), 0.5), lambda number, x: x).item()
    1.0
    """

    activation: Activation = "relu"

    def __post_init__(self) -> None:
        check_activation(self.activation)


Plain: TypeAlias = Pool | Flatten | Branch | Swap | Join
PLAIN: dict[str, type[Any]] = {"pool": Pool, "flatten": Flatten, "branch": Branch, "swap": Swap, "join": Join}


@runtime_checkable
class Weighted(Protocol):
    """A step with weights: a convolution of the target, or the random pair in its place."""

    @property
    def activation(self) -> Activation:
        """What follows the sum."""

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Channels, height and width of the result, or ArgumentError."""


Step = TypeVar("Step")


@dataclass(frozen=True)
class Place:
    """Where a step stands: the shape that it takes and gives, and whether its inputs are never negative."""

    step: Any
    takes: ImageShape
    gives: ImageShape
    nonnegative: bool


def walk(steps: Iterable[Any], shape: ImageShape, *, nonnegative: bool = False) -> Iterator[Place]:
    """Yield the place of each step, and refuse steps that do not fit together.

    Parameters
    ----------
    steps : iterable of Pool, Flatten, Branch, Swap, Join or weighted steps
    shape : (channels, height, width)
        Of the network's input.
    nonnegative : bool
        Whether the network's inputs are never negative.

    Raises
    ------
    ArgumentError
        Naming the step and what does not fit.
    """
    aside: list[tuple[ImageShape, bool]] = []
    number = -1
    for number, step in enumerate(steps):
        takes, before = shape, nonnegative
        try:
            if isinstance(step, Branch):
                aside.append((shape, nonnegative))
            elif isinstance(step, Swap | Join) and not aside:
                rule = "has no value that was put aside"
                raise ArgumentError("step", type(step).__name__, rule, "put a Branch before it")
            elif isinstance(step, Swap):
                (shape, nonnegative), aside[-1] = aside[-1], (shape, nonnegative)
            elif isinstance(step, Join):
                other, also = aside.pop()
                if other != shape:
                    raise ArgumentError("Join", shape, f"must have the shape {other} of the other branch", "match them")
                nonnegative = (nonnegative and also) or step.activation == "relu"
            elif isinstance(step, Pool | Flatten):
                shape = step.output_shape(shape)
            elif isinstance(step, Weighted):
                shape = step.output_shape(shape)
                nonnegative = step.activation == "relu"
            else:
                raise ArgumentError("step", step, "is no step of a network", "use convolutions, Pool, Flatten, Branch")
        except ArgumentError as error:
            raise ArgumentError(f"steps[{number}]", step, str(error), "mend this step or the one before") from None
        yield Place(step, takes, shape, before)
    if number < 0:
        raise ArgumentError("steps", [], "must hold at least one step", "pass a list of steps")
    if aside:
        raise ArgumentError("steps", "Branch", "is not joined again", "put a Join behind each Branch")


def run(steps: Sequence[Any], x: Floats, weighted: Callable[[int, Floats], Floats]) -> Floats:
    """Evaluate the steps on float64[batch, channels, height, width].

    ``weighted(number, x)`` is the sum of the weighted step of that number, without its activation.
    """
    aside: list[Floats] = []
    for number, step in enumerate(steps):
        if isinstance(step, Branch):
            aside.append(x)
        elif isinstance(step, Swap):
            x, aside[-1] = aside[-1], x
        elif isinstance(step, Join):
            x = x + aside.pop()
            activate(x, step.activation)
        elif isinstance(step, Pool | Flatten):
            x = step.forward(x)
        else:
            x = weighted(number, x)
            activate(x, step.activation)
    return x
