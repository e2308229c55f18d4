"""A ticket as a torch module, in three forms: what is kept, the whole masked random network, or multiplied out.

Random layers add thousands of products for one weight of their target. They are summed in float64 whatever the dtype
and rounded to it once, so that float32 costs no more than in a network of the target's size: the certificate's
``float32_allowance`` counts on it. The multiplied-out form is such a network, and computes in its dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor, nn

from slth.arrays import Floats, Indices, one_of
from slth.errors import ArgumentError
from slth.graphs import ConvShape
from slth.networks.given import instance
from slth.networks.modules import (
    BUDGET,
    Dtype,
    GraphModule,
    as_dtype,
    check_dtype,
    convolved,
    fixed,
    spread,
    tensor_of,
    unfolded,
)
from slth.resources import require_memory
from slth.tickets.blocks import blocks, draw, plain_blocks
from slth.tickets.folded import Folded
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import Ticket

Form: TypeAlias = Literal["small", "folded", "masked"]


class HiddenPair(nn.Module):
    r"""Some hidden channels of a pair, :math:`y = g \sum_c v_c * \max(u_c x_{s(c)}, 0)`.

    They stand in the order of their groups, each group with a dense kernel of its own; a source behind the inputs is 1
    everywhere. Every number is a weight of the random network, a gain, or 0 where one is removed. In the small form
    these are the kept channels, in the masked form all of them, with zeros where the mask removes.
    """

    sources: Tensor
    scale: Tensor
    gain: Tensor

    def __init__(
        self, pair: Pair, sources: Sequence[Indices], scale: Floats, kernels: Sequence[Floats], gain: Tensor
    ) -> None:
        super().__init__()
        self.pair = pair
        self.counts = [len(part) for part in sources]
        self.register_buffer("sources", torch.from_numpy(np.concatenate(sources)))
        self.register_parameter("scale", fixed(tensor_of(scale, gain.dtype)))
        for group, kernel in enumerate(kernels):
            made = tensor_of(kernel, gain.dtype).transpose(0, 1).contiguous()
            self.register_parameter(f"kernel{group}", fixed(made))
        self.register_parameter("gain", fixed(gain))

    def numbers_held(self, height: int, width: int) -> int:
        """Numbers that one example takes: of all hidden channels, or of as many as are computed at a time."""
        return min(len(self.scale) * height * width, BUDGET)

    def forward(self, x: Tensor) -> Tensor:
        check_dtype(x, self.scale)
        pair, wide = self.pair, _sums_of(x)
        if pair.bias:
            x = torch.cat([x, x.new_ones(x.shape[0], pair.groups, *x.shape[2:])], dim=1)
        x = x.to(wide)
        step = max(1, BUDGET // (x.shape[2] * x.shape[3]))
        sums, start = [], 0
        for group, count in enumerate(self.counts):
            kernel = self.get_parameter(f"kernel{group}")
            parts = [
                self._sum(x, slice(start + first, start + min(first + step, count)), kernel[:, first : first + step])
                for first in range(0, count, step)
            ]
            sums.append(self._total(x, parts, kernel))
            start += count
        total = (sums[0] if len(sums) == 1 else torch.cat(sums, dim=1)) * self.gain.to(wide)
        return total.to(self.gain.dtype)

    def _sum(self, x: Tensor, channels: slice, kernel: Tensor) -> Tensor:
        hidden = x.index_select(1, self.sources[channels]).mul_(self.scale[channels, None, None])
        if self.pair.rectified:
            hidden = hidden.relu_()
        window, kernel = self.pair.geometry.window, kernel.to(x.dtype)
        if x.dtype == torch.float64 and window.taps > 1:
            return spread(hidden, kernel, window)
        return convolved(hidden, kernel, ConvShape(kernel.shape[1], kernel.shape[0], window, bias=False))

    def _total(self, x: Tensor, parts: list[Tensor], kernel: Tensor) -> Tensor:
        if not parts:
            rows, columns = self.pair.geometry.window.output_size((x.shape[2], x.shape[3]))
            return x.new_zeros(x.shape[0], kernel.shape[0], rows, columns)
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class FoldedLayer(nn.Module):
    """A random layer multiplied out to a kernel or two: no longer a subnetwork of the random network."""

    positive: Tensor
    negative: Tensor | None
    constant: Tensor | None

    def __init__(self, folded: Folded, *, nonnegative: bool, dtype: torch.dtype) -> None:
        super().__init__()
        positive, negative, constant = folded.middle()
        self.shape = folded.shape
        self.linear = negative is None or nonnegative
        """Whether max(x, 0) may be taken as x."""
        if negative is None or nonnegative or not negative.any():
            negative = None
        self.register_parameter("positive", fixed(tensor_of(positive, dtype)))
        self.register_parameter("negative", None if negative is None else fixed(tensor_of(negative, dtype)))
        self.register_parameter("constant", None if constant is None else fixed(tensor_of(constant[:, None], dtype)))

    def numbers_held(self, height: int, width: int) -> int:
        """Numbers of the windows of one example, where torch unfolds them, and of both halves."""
        return unfolded(self.shape, self.positive.dtype, height, width) + 2 * self.shape.inputs * height * width

    def forward(self, x: Tensor) -> Tensor:
        check_dtype(x, self.positive)
        total = convolved(x if self.linear else x.clamp(min=0.0), self.positive, self.shape)
        if self.negative is not None:
            total = total + convolved(x.clamp(max=0.0), self.negative, self.shape)
        if self.constant is not None:
            ones = x.new_ones(1, 1, *x.shape[2:])
            window = ConvShape(1, self.shape.outputs, self.shape.window, bias=False)
            total = total + convolved(ones, self.constant, window)
        return total


class PlainLayer(nn.Module):
    """A plain random layer, with 0 where a weight is removed."""

    weight: Tensor
    gain: Tensor

    def __init__(self, layer: RandomLayer, weight: Floats, gain: Tensor) -> None:
        super().__init__()
        self.shape = layer.geometry
        self.register_parameter("weight", fixed(tensor_of(weight.T[:, :, None, None], gain.dtype)))
        self.register_parameter("gain", fixed(gain))

    def numbers_held(self, height: int, width: int) -> int:
        """Nothing beside input and output."""
        del height, width
        return 0

    def forward(self, x: Tensor) -> Tensor:
        check_dtype(x, self.weight)
        wide = _sums_of(x)
        found = convolved(x.to(wide), self.weight.to(wide), self.shape) * self.gain.to(wide)
        return found.to(x.dtype)


def _sums_of(x: Tensor) -> torch.dtype:
    """Return the dtype of sums: float64, which runtimes of ONNX files do not convolve."""
    return x.dtype if torch.onnx.is_in_onnx_export() else torch.float64


def module_from_ticket(ticket: Ticket, *, form: Form = "small", dtype: Dtype = torch.float32) -> GraphModule:
    """Return the network of a ticket as a torch module without parameters, in evaluation mode: :func:`slth.to_torch`.

    Any batch takes at most 1 GiB beside weights, input and output. Weights are buffers, rounded to the dtype: they move
    with ``.to(device)``, stand in ``state_dict()``, and no optimiser sees them. What the block mask closes is held by
    no form.
    """
    instance(ticket, Ticket, "ticket", "load one with slth.load_ticket, or construct it")
    if not one_of(form, get_args(Form)):
        raise ArgumentError("form", form, "is not known", f"use one of {get_args(Form)}")
    number_type = as_dtype(dtype)
    if form == "masked":
        remedy = 'use form="small", or the ticket of fewer candidates'
        random = sum(layer.units * layer.sources * (1 + layer.dimensions) for layer in ticket.layers
                     if isinstance(layer, Pair))  # fmt: skip
        require_memory(3 * random * number_type.itemsize, "form", remedy, value=form)
    never = ticket.graph.nonnegative()
    layers: dict[str, nn.Module] = {}
    for node in ticket.graph.weighted:
        path = node.step.path
        if form == "folded" and isinstance(node.step, Pair):
            folded, nonnegative = ticket.folded[path], never[node.inputs[0]]
            layers[node.name] = FoldedLayer(folded, nonnegative=nonnegative, dtype=number_type)
            continue
        known = next((layers[other.name] for other in ticket.graph.weighted
                      if other.name in layers and other.step.path == path), None)  # fmt: skip
        layers[node.name] = known or _built(node.step, ticket, form, number_type)
    return GraphModule(ticket.graph, layers).eval()


def _built(layer: Any, ticket: Ticket, form: Form, dtype: torch.dtype) -> nn.Module:
    gain = torch.tensor(ticket.gain(layer.path), dtype=dtype)
    if isinstance(layer, RandomLayer):
        parts = plain_blocks(layer, ticket.mask, ticket.law, ticket.seed)
        return PlainLayer(layer, np.concatenate([part for _, part in parts]), gain)
    channels: Callable[[Pair, Ticket], Any] = _kept if form == "small" else _every
    each, groups = layer.outputs // layer.groups, range(layer.groups)
    gathered: list[list[Any]] = [[] for _ in groups]
    for group, own, first, second in channels(layer, ticket):
        gathered[group].append((own, first, second))
    sources = [_joined([own for own, _, _ in gathered[g]], np.zeros(0, np.int64)) for g in groups]
    scales = [_joined([u for _, u, _ in gathered[g]], np.zeros(0)) for g in groups]
    kernels = [_joined([v for _, _, v in gathered[g]], np.zeros((0, layer.dimensions))) for g in groups]
    shaped = [kernel.reshape(-1, each, *layer.kernel) for kernel in kernels]
    return HiddenPair(layer, sources, np.concatenate(scales), shaped, gain)


def _joined(parts: list[Any], nothing: Any) -> Any:
    return np.concatenate([nothing, *parts])


def _kept(pair: Pair, ticket: Ticket) -> Any:
    """Yield (group, sources, u, v) of the kept hidden channels."""
    for block in blocks(pair, ticket.mask, ticket.law, ticket.seed):
        yield block.group, block.sources, block.first, block.second


def _every(pair: Pair, ticket: Ticket) -> Any:
    """Yield (group, sources, u, v) of all hidden channels, 0 where removed."""
    units, groups = np.arange(pair.units), pair.geometry.groups_of(np.arange(pair.sources))
    for source, group in enumerate(groups.tolist()):
        first, second = draw(pair, ticket.law, ticket.seed, source, units)
        kept = ticket.mask[f"{pair.path}.units"][:, source]
        weights = kept[:, None] if pair.removal == "channels" else ticket.mask[f"{pair.path}.weights"][:, source]
        yield group, np.full(len(units), source), first * kept, second * weights
