"""The random layers: two random convolutions in place of one of the target, or one by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal, TypeAlias, get_args

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.graphs import ConvShape, Window
from slth.graphs.conv import Weighted
from slth.graphs.graph import check_name
from slth.graphs.window import Edges
from slth.graphs.window import Pair as Two
from slth.rng import STREAM_LENGTH
from slth.tickets.layout import TensorLayout

Removal: TypeAlias = Literal["channels", "weights"]
Halves: TypeAlias = Literal["both", "positive"]


@dataclass(frozen=True)
class Drawn:
    """Random numbers under one path, of which a mask keeps some: by default those of one tensor, all in one stream."""

    path: str

    def __post_init__(self) -> None:
        check_name(self.path)
        if self.random_parameters > STREAM_LENGTH:
            rule = f"asks for {self.random_parameters} random weights, more than a stream has"
            raise ArgumentError("path", self.path, rule, "choose smaller sizes")

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of each mask array, the outer one first."""
        raise NotImplementedError

    @property
    def streams(self) -> tuple[str, ...]:
        """The path from which the names of all streams are made."""
        return (self.path,)

    @property
    def open_positions(self) -> int:
        """Number of entries of the masks."""
        return sum(prod(shape) for shape in self.mask_shapes.values())

    def weights_of(self, kept: int) -> int:
        """Return how many weights are regenerated, at most, where so many entries of the outer mask are kept."""
        return kept

    @property
    def random_parameters(self) -> int:
        """Number of random weights, with those that a block mask removes."""
        return self.open_positions

    @property
    def target_parameters(self) -> int | None:
        """Number of weights and biases of what it stands for, or None where it does not say: inputs may be copies."""
        return None


@dataclass(frozen=True)
class Pair(Drawn, Weighted):
    r"""A random convolution of size 1 and a random convolution of the target's size, one behind the other.

    Source s is one of the ``inputs`` channels that come in or, with ``bias``, one more for each group that is 1
    everywhere. Each source owns ``units`` hidden channels (k, s) that see nothing else (the fixed block mask):

    .. math:: y = g \sum_{s, k} v_{ks} * \max(u_{ks} x_s, 0)

    over the kept ones, with one gain g that the ticket holds; without the maximum where the pair is not ``rectified``.
    On an image of one pixel this is a pair of dense layers. With ``removal="channels"`` a hidden channel is kept with
    all its weights or removed with all of them: what is left is a smaller network. With ``removal="weights"`` single
    weights of v are removed.

    The weight :math:`u_{ks}` is number k of the stream ``path.first.s``, and :math:`v_{ksoab}` is number
    ((k outputs + o) height + a) width + b of the stream ``path.second.s``, ``outputs`` those of the group. The weights
    of the first matrix that the block mask closes have no number: whatever they are, they are removed. The candidate
    k is the slowest index: more ``units`` extend the same network.

    Sources: Pensia et al. 2020, "Optimal Lottery Tickets via SubsetSum" (arXiv 2006.07990), the block structure by way
    of its restatement in Natale et al. 2024; da Cunha, Natale and Viennot 2022 for convolutions (unverified); da Cunha,
    d'Amore and Natale 2023 (arXiv 2311.09858), the 2n-channel-blocked mask (unverified); without a ReLU between, Otsuka
    et al. 2025 (arXiv 2511.04217), theorem 3 and lemmas 4 and 7.

    Parameters
    ----------
    path : str
        Name of the layer's streams and masks: letters, digits, ``.``, ``_`` and ``-``.
    inputs, outputs : int
        Channels that come in and go out.
    units : int
        Hidden channels of each source: the candidates.
    kernel, stride, padding, dilation
        Of the second convolution, as :class:`slth.graphs.Window` has them.
    groups : int
        Of the second convolution: a source feeds the outputs of its own group only.
    bias : bool
        Whether there are sources that are 1 everywhere.
    removal : {"weights", "channels"}
        What a mask removes.
    halves : {"positive", "both"}
        "both" where inputs may be negative: hidden channels with u > 0 serve x > 0, the others x < 0.
    rectified : bool
        Whether there is a ReLU between the two: not in front of an attention's products, where products of either sign
        serve every weight.

    Raises
    ------
    ArgumentError
        When one of these rules is broken, or the random weights exceed 2**62.

    Examples
    --------
    >>> pair = slth.Pair("layer0", inputs=1, outputs=8, units=200, kernel=(3, 3), bias=False, removal="channels")
    >>> pair.mask_shapes, pair.geometry.dimensions
    ({'layer0.units': (200, 1)}, 72)
    """

    inputs: int
    outputs: int
    units: int
    kernel: Two = (1, 1)
    stride: Two = (1, 1)
    padding: Edges = ((0, 0), (0, 0))
    dilation: Two = (1, 1)
    groups: int = 1
    bias: bool = True
    removal: Removal = "weights"
    halves: Halves = "positive"
    rectified: bool = True

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "padding", "dilation"):
            object.__setattr__(self, name, getattr(self.geometry.window, name))
        object.__setattr__(self, "units", whole(self.units, "units", 1, STREAM_LENGTH))
        for name, known in (("removal", get_args(Removal)), ("halves", get_args(Halves)), ("rectified", (True, False))):
            if getattr(self, name) not in known:
                raise ArgumentError(name, getattr(self, name), "is not known", f"use one of {known}")
        super().__post_init__()

    @classmethod
    def like(cls, shape: ConvShape, path: str, units: int, **options: object) -> Pair:
        """Return the pair that stands for a convolution of a shape."""
        window = shape.window
        return cls(
            path, shape.inputs, shape.outputs, units, window.kernel, window.stride, window.padding, window.dilation,
            shape.groups, shape.bias, **options,  # type: ignore[arg-type]
        )  # fmt: skip

    @cached_property
    def geometry(self) -> ConvShape:
        """The convolution that the pair stands for, without numbers."""
        window = Window(self.kernel, self.stride, self.padding, self.dilation)
        return ConvShape(self.inputs, self.outputs, window, self.groups, self.bias)

    @property
    def sources(self) -> int:
        """Channels that come in, and those that are 1 everywhere."""
        return self.geometry.sources

    @property
    def dimensions(self) -> int:
        """Numbers of one v: what one source's subset sums aim at."""
        return self.geometry.dimensions

    @property
    def streams(self) -> tuple[str, ...]:
        return f"{self.path}.first", f"{self.path}.second"

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {f"{self.path}.units": (self.units, self.sources)}
        if self.removal == "weights":
            shapes[f"{self.path}.weights"] = (self.units, self.sources, self.dimensions)
        return shapes

    def weights_of(self, kept: int) -> int:
        return kept * (1 + self.dimensions)

    @property
    def random_parameters(self) -> int:
        return self.units * self.sources * (self.sources + self.dimensions)

    @property
    def parameters(self) -> int:
        """Number of weights of the two random convolutions."""
        return self.random_parameters

    @property
    def target_parameters(self) -> int:
        return self.geometry.parameters


@dataclass(frozen=True)
class RandomLayer(Drawn, Weighted):
    r"""One plain random layer, :math:`y_o = g \sum_i m_{io} x_i` over the kept weights, at each pixel by itself.

    There is no block mask and no constant input. :math:`m_{io}` is number i outputs + o of the stream ``path``: the
    inputs are the slowest index.

    Parameters
    ----------
    path : str
        Name of the layer's stream and mask, as for :class:`Pair`.
    inputs, outputs : int

    Raises
    ------
    ArgumentError
        When one of these rules is broken, or the random matrix exceeds 2**62 entries.

    Examples
    --------
    >>> slth.RandomLayer("layer1", inputs=6, outputs=2).mask_shapes
    {'layer1': (6, 2)}
    """

    inputs: int
    outputs: int

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs"):
            object.__setattr__(self, name, whole(getattr(self, name), name, 1, STREAM_LENGTH))
        super().__post_init__()

    @cached_property
    def geometry(self) -> ConvShape:
        """The convolution of size 1 that it is, without numbers."""
        return ConvShape(self.inputs, self.outputs, Window((1, 1)), bias=False)

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        return {self.path: (self.inputs, self.outputs)}

    @property
    def parameters(self) -> int:
        """Number of weights of the random matrix."""
        return self.random_parameters


@dataclass(frozen=True)
class RandomTensor(Drawn):
    """One tensor of a module outside the network language, drawn as a whole: number i of its stream.

    Its stream is that of its ``path``, unless it has the numbers of another, in which layers share their weights.
    """

    extents: tuple[int, ...]
    stream: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "extents", tuple(whole(size, "extents", 1, STREAM_LENGTH) for size in self.extents))
        object.__setattr__(self, "stream", self.stream or self.path)
        super().__post_init__()

    @classmethod
    def of(cls, tensor: TensorLayout) -> RandomTensor:
        """Return the random tensor of a layout's."""
        return cls(tensor.name, tuple(tensor.shape), tensor.stream)

    @property
    def streams(self) -> tuple[str, ...]:
        return (self.stream,)

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        return {self.path: self.extents}


Random: TypeAlias = Pair | RandomLayer
"""The random layers of a graph."""
