"""What is kept or removed together: weights, channels, kernels, heads, blocks, n of m."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from slth.arrays import as_double, whole
from slth.errors import ArgumentError
from slth.networks.selection import Rounding, kept_count, top_k

Size = tuple[int, ...]


@dataclass(frozen=True)
class Axes:
    """What the axes of a weight mean.

    Parameters
    ----------
    shape : sequence of int
        Of the weight: (outputs, inputs / groups, kernel ...), or (inputs, outputs / groups, kernel ...).
    first : {"outputs", "inputs"}
        What its first axis counts: inputs in transposed convolutions and embeddings.
    groups : int
        Of a grouped convolution.
    heads : int
        Of attention; 0 elsewhere.
    parts : int
        Projections that stand above one another (queries, keys, values); 0 where heads are on the second axis.
    """

    shape: Sequence[int]
    first: Literal["outputs", "inputs"] = "outputs"
    groups: int = 1
    heads: int = 0
    parts: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))

    @property
    def second(self) -> Literal["outputs", "inputs"]:
        """What the second axis counts, group by group."""
        return "inputs" if self.first == "outputs" else "outputs"


class Structure:
    """Which entries of a weight are kept or removed together: each such group has one score.

    A weight or a density that does not fit is refused by ArgumentError.
    """

    def shape(self, axes: Axes) -> Size:
        """Shape of the scores of a weight: that of the weight itself, where each has one."""
        return tuple(axes.shape)

    def select(self, scores: Tensor, kept: int) -> Tensor:
        """Return the groups that are kept, as bool in the shape of the scores."""
        return top_k(scores, kept)

    def kept(self, axes: Axes, density: float, rounding: Rounding = "nearest") -> int:
        """Return how many groups a density keeps."""
        return kept_count(density, int(torch.Size(self.shape(axes)).numel()), rounding=rounding)

    def expand(self, values: Tensor, axes: Axes) -> Tensor:
        """Give each entry of the weight the value of its group; differentiable."""
        del axes
        return values


def fixed_rows(structure: Structure) -> bool:
    """Whether a structure keeps a number of its own in each row, whatever other rows have."""
    return type(structure).select is not Structure.select


def totals(structure: Structure, weights: Tensor, axes: Axes) -> Tensor:
    """Return the sum over each group of a weight's entries: the transpose of ``expand``.

    Parameters
    ----------
    structure : Structure
    weights : Tensor
        For instance absolute values, for the L1 norm of channels.
    axes : Axes

    Returns
    -------
    Tensor
        In the shape of the structure's scores.

    Examples
    --------
    >>> import torch
    >>> slth.networks.totals(slth.networks.OutputChannels(), torch.ones(2, 3), slth.networks.Axes((2, 3)))
    tensor([3., 3.])
    """
    with torch.enable_grad():
        groups = torch.zeros(structure.shape(axes), dtype=weights.dtype, device=weights.device, requires_grad=True)
        # A view of another shape keeps the graph even where expand gives its argument back.
        found = structure.expand(groups * 1.0, axes)
    return torch.autograd.grad(found, groups, weights.detach())[0]


@dataclass(frozen=True)
class Weights(Structure):
    """Each weight for itself.

    Examples
    --------
    >>> slth.networks.Weights().shape(slth.networks.Axes((2, 3)))
    (2, 3)
    """


class _Channels(Structure):
    side: Literal["outputs", "inputs"]

    def shape(self, axes: Axes) -> Size:
        return (axes.shape[0] if self.side == axes.first else axes.shape[1] * axes.groups,)

    def expand(self, values: Tensor, axes: Axes) -> Tensor:
        kernel = [1] * (len(axes.shape) - 2)
        if self.side == axes.first:
            return values.reshape(-1, 1, *kernel).expand(tuple(axes.shape))
        each = values.reshape(axes.groups, axes.shape[1]).repeat_interleave(axes.shape[0] // axes.groups, 0)
        return each.reshape(axes.shape[0], axes.shape[1], *kernel).expand(tuple(axes.shape))


@dataclass(frozen=True)
class OutputChannels(_Channels):
    """All weights of an output channel or neuron: the filters of a convolution, the rows of a linear layer.

    Examples
    --------
    >>> import torch
    >>> slth.networks.OutputChannels().expand(torch.tensor([True, False]), slth.networks.Axes((2, 2))).tolist()
    [[True, True], [False, False]]
    """

    side = "outputs"


@dataclass(frozen=True)
class InputChannels(_Channels):
    """All weights of an input channel or neuron.

    Examples
    --------
    >>> import torch
    >>> slth.networks.InputChannels().expand(torch.tensor([True, False]), slth.networks.Axes((2, 2))).tolist()
    [[True, False], [True, False]]
    """

    side = "inputs"


@dataclass(frozen=True)
class NOfMChannels(_Channels):
    """All weights of an input channel, and exactly n of each m consecutive channels: equal parts of each block.

    Parameters
    ----------
    n, m : int
        1 <= n <= m; m divides the input channels.

    Examples
    --------
    >>> import torch
    >>> slth.networks.NOfMChannels(1, 2).select(torch.tensor([3.0, 1.0, 2.0, 2.0]), 2).tolist()
    [True, False, True, False]
    """

    side = "inputs"

    n: int = 2
    m: int = 4

    def __post_init__(self) -> None:
        NOfM(self.n, self.m)  # checks both

    def kept(self, axes: Axes, density: float, rounding: Rounding = "nearest") -> int:
        return NOfM(self.n, self.m).kept(Axes((1, *self.shape(axes))), density, rounding)

    def select(self, scores: Tensor, kept: int) -> Tensor:
        return NOfM(self.n, self.m).select(scores[None], kept)[0]


@dataclass(frozen=True)
class Kernels(Structure):
    """The kernel between one input and one output channel; single weights where there is no kernel.

    Examples
    --------
    >>> slth.networks.Kernels().shape(slth.networks.Axes((8, 4, 3, 3)))
    (8, 4)
    """

    def shape(self, axes: Axes) -> Size:
        return tuple(axes.shape[:2])

    def expand(self, values: Tensor, axes: Axes) -> Tensor:
        return values.reshape(*values.shape, *[1] * (len(axes.shape) - 2)).expand(tuple(axes.shape))


@dataclass(frozen=True)
class Heads(Structure):
    """All weights of an attention head: its queries, keys and values, or what is projected from it.

    Examples
    --------
    >>> import torch
    >>> slth.networks.Heads().expand(torch.tensor([1, 0]), slth.networks.Axes((2, 4), heads=2, parts=0)).tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0]]
    """

    def shape(self, axes: Axes) -> Size:
        if axes.heads < 1:
            remedy = "use it on the weights of nn.MultiheadAttention"
            raise ArgumentError("structure", self, f"has no heads in a weight of shape {list(axes.shape)}", remedy)
        return (axes.heads,)

    def expand(self, values: Tensor, axes: Axes) -> Tensor:
        rows, columns = axes.shape
        if axes.parts:  # [parts, heads, rows of a head, inputs]
            each = rows // (axes.parts * axes.heads)
            spread = values.reshape(1, -1, 1, 1).expand(axes.parts, axes.heads, each, columns)
        else:
            spread = values.reshape(1, -1, 1).expand(rows, axes.heads, columns // axes.heads)
        return spread.reshape(rows, columns)


@dataclass(frozen=True)
class Blocks(Structure):
    """Square blocks of the matrix [first axis, all others]; at the far borders they may be smaller.

    Parameters
    ----------
    size : int

    Examples
    --------
    >>> import torch
    >>> slth.networks.Blocks(2).expand(torch.tensor([[1.0, 0.0]]), slth.networks.Axes((2, 3))).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    """

    size: int = 4

    def __post_init__(self) -> None:
        whole(self.size, "size", remedy="use 4")

    def shape(self, axes: Axes) -> Size:
        rows, columns = _matrix(axes)
        return -(-rows // self.size), -(-columns // self.size)

    def expand(self, values: Tensor, axes: Axes) -> Tensor:
        rows, columns = _matrix(axes)
        spread = values.repeat_interleave(self.size, 0)[:rows].repeat_interleave(self.size, 1)[:, :columns]
        return spread.reshape(tuple(axes.shape))


@dataclass(frozen=True)
class NOfM(Structure):
    """Exactly n of each m consecutive weights along the second axis, as sparse tensor cores take 2 of 4.

    Parameters
    ----------
    n, m : int
        1 <= n <= m; m divides the second axis.

    Examples
    --------
    >>> import torch
    >>> slth.networks.NOfM(1, 2).select(torch.tensor([[3.0, 1.0, 2.0, 2.0]]), 2).tolist()
    [[True, False, True, False]]
    """

    n: int = 2
    m: int = 4

    def __post_init__(self) -> None:
        whole(self.n, "n", 1, whole(self.m, "m", remedy="use NOfM(2, 4)"), remedy="use NOfM(2, 4)")

    def shape(self, axes: Axes) -> Size:
        if len(axes.shape) < 2 or axes.shape[1] % self.m:
            rule = f"does not divide the second axis of a weight of shape {list(axes.shape)}"
            raise ArgumentError("m", self.m, rule, "leave this weight out, or choose another m")
        return tuple(axes.shape)

    def kept(self, axes: Axes, density: float, rounding: Rounding = "nearest") -> int:
        del rounding
        if not abs(as_double(density) - self.n / self.m) <= 1e-9:
            rule = f"is not that of {self.n} of {self.m}"
            raise ArgumentError("density", density, rule, f"use {self.n / self.m:g}")
        return int(torch.Size(self.shape(axes)).numel()) // self.m * self.n

    def select(self, scores: Tensor, kept: int) -> Tensor:
        del kept
        rows = scores.detach().movedim(1, -1)
        order = rows.reshape(-1, self.m).sort(dim=1, descending=True, stable=True).indices[:, : self.n]
        mask = torch.zeros(order.shape[0], self.m, dtype=torch.bool, device=scores.device)
        mask.scatter_(1, order, True)  # noqa: FBT003
        return mask.reshape(rows.shape).movedim(-1, 1).contiguous()


def _matrix(axes: Axes) -> tuple[int, int]:
    """Return the extents of a weight as a matrix."""
    return axes.shape[0], int(torch.Size(axes.shape[1:]).numel())
