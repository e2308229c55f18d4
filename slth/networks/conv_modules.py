"""A described network of convolutions as a torch module: steps without weights, and pairs held in two ways.

A **small** pair holds what is kept: for each kept hidden channel the number of its source and its weight u, and one
dense convolution over the kept channels. A **masked** pair holds the whole random network with zeros where its fixed
block mask or the ticket's mask removes a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.errors import ArgumentError
from slth.tickets import Branch, ConvPair, Flatten, Join, NetworkDescription, Pool, Swap
from slth.tickets.steps import walk

Dtype: TypeAlias = torch.dtype | Literal["float32", "float64"]
"""Of a network's numbers; the names serve callers that do not import torch."""


class StepNetwork(nn.Module):
    """Steps of a description around modules that stand for its pairs.

    Maps [batch, channels, height, width] to [batch, outputs] where the description flattens, as a classifier does, and
    to images elsewhere. It has no parameters: weights are buffers.
    """

    def __init__(self, description: NetworkDescription, pairs: Mapping[int, Any]) -> None:
        super().__init__()
        self.layers = tuple(description.layers)
        self.input_shape = tuple(description.input_shape or ())
        self.flat = flattens(description)
        self.pairs = nn.ModuleDict({str(number): pair for number, pair in pairs.items()})
        # what bounds the memory of a batch: the most numbers that one image is at any place
        places = list(walk(self.layers, description.input_shape or (1, 1, 1)))
        self.values_an_image = max(
            prod(place.takes[1:]) * (pairs[number].channels_held if number in pairs else place.takes[0])
            for number, place in enumerate(places)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the network."""
        check_images(x, self.input_shape)
        result = run_steps(self.layers, x, lambda number, values: self.pairs[str(number)](values))
        return result.flatten(1) if self.flat else result


class SmallPair(nn.Module):
    r"""The kept part of a pair of convolutions, :math:`y = g \sum_c v_c * \max(u_c x_{s(c)}, 0)`.

    Hidden channels stand in the order of their groups, each group with a dense kernel of its own; a source behind the
    inputs is 1 everywhere. Every number is a weight of the random network, a gain, or 0 where a single weight is
    removed.
    """

    sources: Tensor
    scale: Tensor
    gain: Tensor

    def __init__(self, pair: ConvPair, sources: Tensor, scale: Tensor, kernels: Sequence[Tensor], gain: Tensor) -> None:
        super().__init__()
        self.pair = pair
        self.register_buffer("sources", sources)
        self.register_buffer("scale", scale)
        for group, kernel in enumerate(kernels):
            self.register_buffer(f"kernel{group}", kernel)
        self.register_buffer("gain", gain)

    @property
    def channels_held(self) -> int:
        """Hidden channels."""
        return len(self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs, height, width] to [batch, outputs, height, width], without the activation."""
        check_dtype(x, self.scale)
        seen = with_constants(self.pair, x).index_select(1, self.sources)
        hidden = torch.relu(seen * self.scale[:, None, None])
        kernels = [self.get_buffer(f"kernel{group}") for group in range(self.pair.groups)]
        parts = torch.split(hidden, [kernel.shape[1] for kernel in kernels], dim=1)
        sums = [self._sum(part, kernel) for part, kernel in zip(parts, kernels, strict=True)]
        return (sums[0] if len(sums) == 1 else torch.cat(sums, dim=1)) * self.gain

    def _sum(self, hidden: Tensor, kernel: Tensor) -> Tensor:
        if kernel.shape[1] == 0:  # torch convolves no empty group
            rows, columns = self.pair.window.output_size((hidden.shape[2], hidden.shape[3]))
            return hidden.new_zeros(hidden.shape[0], kernel.shape[0], rows, columns)
        return functional.conv2d(hidden, kernel, stride=self.pair.stride, padding=self.pair.padding)


class MaskedConvPair(nn.Module):
    """The whole random pair with its masks applied: a dense convolution of size 1, then one of the target's size.

    Hidden channels stand group after group, in each with the candidate slowest and the source fastest.
    """

    first: Tensor
    second: Tensor
    gain: Tensor

    def __init__(self, pair: ConvPair, first: Tensor, second: Tensor, gain: Tensor) -> None:
        super().__init__()
        self.pair = pair
        self.register_buffer("first", first)
        self.register_buffer("second", second)
        self.register_buffer("gain", gain)

    @property
    def channels_held(self) -> int:
        """Hidden channels, all of them."""
        return len(self.first)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs, height, width] to [batch, outputs, height, width], without the activation."""
        check_dtype(x, self.first)
        hidden = torch.relu(functional.conv2d(with_constants(self.pair, x), self.first))
        pair = self.pair
        sums = functional.conv2d(hidden, self.second, stride=pair.stride, padding=pair.padding, groups=pair.groups)
        return sums * self.gain


def run_steps(steps: Sequence[Any], x: Tensor, weighted: Callable[[int, Tensor], Tensor]) -> Tensor:
    """Evaluate steps; ``weighted(number, x)`` is the sum of the pair of that number, without its activation."""
    aside: list[Tensor] = []
    for number, step in enumerate(steps):
        if isinstance(step, Branch):
            aside.append(x)
        elif isinstance(step, Swap):
            x, aside[-1] = aside[-1], x
        elif isinstance(step, Pool):
            x = pooled(step, x)
        elif isinstance(step, Flatten):
            x = x.flatten(1)[:, :, None, None]
        else:
            x = x + aside.pop() if isinstance(step, Join) else weighted(number, x)
            x = torch.relu(x) if step.activation == "relu" else x
    return x


def pooled(step: Pool, x: Tensor) -> Tensor:
    """Return the maxima or means of sliding windows."""
    stride, padding = step.window.stride, step.padding
    largest = step.operation == "max"
    if any(2 * pad > size for pad, size in zip(padding, step.window.kernel, strict=True)):
        # torch's own padding goes up to half of the window only
        rows, columns = padding
        x = functional.pad(x, (columns, columns, rows, rows), value=float("-inf") if largest else 0.0)
        padding = (0, 0)
    if largest:
        return functional.max_pool2d(x, step.window.kernel, stride, padding)
    return functional.avg_pool2d(x, step.window.kernel, stride, padding)


def with_constants(pair: ConvPair, x: Tensor) -> Tensor:
    """Append a channel for each group that is 1 everywhere, where the pair has biases."""
    if not pair.bias:
        return x
    return torch.cat([x, x.new_ones(x.shape[0], pair.groups, *x.shape[2:])], dim=1)


def flattens(description: NetworkDescription) -> bool:
    """Return whether outputs are those of a classifier, [batch, outputs]."""
    return any(isinstance(step, Flatten) for step in description.layers)


def check_images(x: Tensor, shape: Sequence[int]) -> None:
    """Raise ArgumentError unless ``x`` is a batch of images of that shape."""
    if x.ndim != 4 or tuple(x.shape[1:]) != tuple(shape):
        rule = f"must have shape [batch, {', '.join(map(str, shape))}]"
        raise ArgumentError("x", list(x.shape), rule, "one example is a batch of 1")


def as_dtype(dtype: Dtype) -> torch.dtype:
    """Return float32 or float64, given as such or by name, or raise ArgumentError."""
    named: Any = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
    if named not in (torch.float32, torch.float64):
        raise ArgumentError("dtype", dtype, "must be float32 or float64", "convert the module afterwards if you must")
    return torch.float64 if named == torch.float64 else torch.float32


def check_dtype(x: Tensor, weight: Tensor) -> None:
    """Raise ArgumentError where numbers of two dtypes would meet."""
    if x.dtype != weight.dtype:
        remedy = "convert the inputs, or ask for the module with dtype=torch.float64"
        raise ArgumentError("x", x.dtype, f"must be {weight.dtype}, as the network's weights are", remedy)
