"""Two random convolutions in place of one of the target: the pair whose channels, or weights, a ticket removes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal, TypeAlias, get_args

from slth.errors import ArgumentError
from slth.rng import STREAM_LENGTH
from slth.tickets.convolutional import check_channels, check_groups
from slth.tickets.geometry import ImageShape, Pair, Window
from slth.tickets.network import Activation, check_activation

Removal: TypeAlias = Literal["channels", "weights"]
Halves: TypeAlias = Literal["both", "positive"]


@dataclass(frozen=True)
class ConvPair:
    r"""A random convolution of size 1 and a random convolution of the target's size, one behind the other.

    Source s is one of the ``inputs`` channels that come in or, with ``bias``, one more for each group that is 1
    everywhere. Each source owns ``channels`` hidden channels (k, s) that see nothing else (the fixed block mask):

    .. math:: y = \sigma\Bigl(g \sum_{s, k} v_{ks} * \max(u_{ks} x_s, 0)\Bigr)

    over the kept hidden channels, with one gain g that the ticket holds. With ``removal="channels"`` a hidden channel
    is kept with all its weights or removed with all of them: what is left is a smaller network. With
    ``removal="weights"`` single weights of v are removed.

    The weight :math:`u_{ks}` is number k of the stream ``path.first.s``, and :math:`v_{ksoab}` is number
    ((k outputs + o) height + a) width + b of the stream ``path.second.s``, ``outputs`` those of the group. The weights
    of the first matrix that the block mask closes have no number: whatever they are, they are removed. The candidate
    k is the slowest index: more ``channels`` extend the same network.

    Source: da Cunha, d'Amore and Natale 2023, "Polynomially Over-Parameterized Convolutional Neural Networks Contain
    Structured Strong Winning Lottery Tickets" (arXiv 2311.09858), the 2n-channel-blocked mask (unverified); for
    ``removal="weights"`` da Cunha, Natale and Viennot 2022 (unverified).

    Parameters
    ----------
    path : str
        Name of the layer's streams and masks: letters, digits, ``.``, ``_`` and ``-``.
    inputs, outputs : int
        Channels that come in and go out, each >= 1.
    channels : int
        Hidden channels of each source.
    kernel, stride, padding : int or (int, int)
        Of the second convolution.
    groups : int
        Of the second convolution: a source feeds the outputs of its own group only.
    bias : bool
        Whether there are sources that are 1 everywhere.
    removal : {"channels", "weights"}
        What a mask removes.
    halves : {"both", "positive"}
        "both" where inputs may be negative: channels with u > 0 serve x > 0, the others x < 0.
    activation : {"relu", "identity"}
        What follows the sum, :math:`\sigma`.

    Raises
    ------
    ArgumentError
        When one of these rules is broken, or the random weights exceed 2**62.

    Examples
    --------
    >>> pair = ConvPair("layer0", inputs=1, outputs=8, channels=200, kernel=(3, 3), padding=(1, 1), bias=False)
    >>> pair.mask_shapes, pair.dimensions
    ({'layer0.channels': (200, 1)}, 72)
    """

    path: str
    inputs: int
    outputs: int
    channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    bias: bool = True
    removal: Removal = "channels"
    halves: Halves = "both"
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        window = Window(self.kernel, self.stride, self.padding)
        for name in ("kernel", "stride", "padding"):
            object.__setattr__(self, name, getattr(window, name))
        for name in ("inputs", "outputs", "channels"):
            size = getattr(self, name)
            if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= STREAM_LENGTH:
                raise ArgumentError(name, size, "must be an integer from 1 to 2**62", "pass a Python int")
        check_groups(self.groups, self.inputs, self.outputs)
        if not isinstance(self.bias, bool):
            raise ArgumentError("bias", self.bias, "must be True or False", "pass a bool")
        if self.removal not in get_args(Removal):
            raise ArgumentError("removal", self.removal, "is not known", 'use "channels" or "weights"')
        if self.halves not in get_args(Halves):
            raise ArgumentError("halves", self.halves, "is not known", 'use "both" or "positive"')
        check_activation(self.activation)
        if self.random_parameters > STREAM_LENGTH:
            rule = f"ask for {self.random_parameters} random weights, more than a stream has"
            raise ArgumentError(self.path, (self.inputs, self.outputs, self.channels), rule, "choose smaller sizes")

    @property
    def window(self) -> Window:
        """The window of the second convolution."""
        return Window(self.kernel, self.stride, self.padding)

    @property
    def sources(self) -> int:
        """Channels that come in, and those that are 1 everywhere."""
        return self.inputs + (self.groups if self.bias else 0)

    @property
    def dimensions(self) -> int:
        """Numbers of one target slice, and of one v: outputs of a group x height x width."""
        return self.outputs // self.groups * prod(self.kernel)

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """Paths of the random streams that the layer draws from, source after source."""
        return tuple(f"{self.path}.{part}.{source}" for source in range(self.sources) for part in ("first", "second"))

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of each mask array."""
        shapes: dict[str, tuple[int, ...]] = {f"{self.path}.channels": (self.channels, self.sources)}
        if self.removal == "weights":
            shapes[f"{self.path}.weights"] = (self.channels, self.sources, self.dimensions)
        return shapes

    @property
    def open_positions(self) -> int:
        """Number of entries of the masks: channels, and single weights where those are removed."""
        each = 1 if self.removal == "channels" else 1 + self.dimensions
        return self.channels * self.sources * each

    @property
    def random_parameters(self) -> int:
        """Number of weights of the two random convolutions, with those that the block mask removes."""
        return self.channels * self.sources * (self.sources + self.dimensions)

    @property
    def target_parameters(self) -> int:
        """Number of weights and biases of the convolution that the pair stands for."""
        return self.inputs * self.dimensions + (self.outputs if self.bias else 0)

    def group_of(self, source: int) -> int:
        """Return the group that a source feeds."""
        return source // (self.inputs // self.groups) if source < self.inputs else source - self.inputs

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Channels, height and width of the result; ArgumentError for another number of channels."""
        check_channels(shape, self.inputs)
        return (self.outputs, *self.window.output_size(shape[1:]))
