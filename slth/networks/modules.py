"""Graphs as torch modules: one builder, one rule a kind of step, and bounded memory for any batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.arrays import one_of
from slth.errors import ArgumentError
from slth.graphs import (
    AdaptivePool,
    Add,
    Attend,
    Concat,
    Conv,
    ConvShape,
    Flatten,
    Graph,
    Node,
    Pool,
    Positions,
    Rearrange,
    Relu,
    Scale,
    Window,
)
from slth.networks.given import instance

Dtype: TypeAlias = torch.dtype | Literal["float32", "float64"]
"""Of a network's numbers; the names serve callers that do not import torch."""

BUDGET = 2**26
"""Numbers in flight at a time: 256 MiB in float32, 512 MiB in float64."""


class GraphModule(nn.Module):
    """A graph with torch modules in the place of its weighted steps.

    Maps ``[batch, *input_shape]`` to ``[batch, *output_shape]``, a part of the batch at a time where all of it would
    not fit into 1 GiB beside input and output. Its parameters require no gradient: they are there to be counted.

    Parameters
    ----------
    graph : Graph
    layers : mapping from a node's name to torch.nn.Module
        For each weighted node; called with [batch, channels, height, width]. Where one serves several nodes it is
        held once. A layer may say how many numbers an example takes there, by ``numbers_held(height, width)``.
    """

    def __init__(self, graph: Graph, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.graph = graph
        self.layers = nn.ModuleDict({_key(name): layer for name, layer in layers.items()})
        for number, node in enumerate(graph.nodes):
            constant = _CONSTANTS.get(type(node.step))
            if constant is not None:
                shape = graph.shapes[node.inputs[0]]
                self.register_buffer(f"constant{number}", constant(node.step, shape), persistent=False)
        self._numbers = {node.name: number for number, node in enumerate(graph.nodes)}
        self.values_an_example = max(self._held(node) for node in graph.nodes)

    def _held(self, node: Node) -> int:
        shapes = [self.graph.shapes[name] for name in node.inputs]
        held = sum(map(prod, shapes)) + prod(self.graph.shapes[node.name])
        if node.step.weighted:
            held += int(self.layer(node.name).numbers_held(*shapes[0][1:]))  # type: ignore[operator]
        return held

    def layer(self, name: str) -> nn.Module:
        """Return the module of a weighted node."""
        return self.layers[_key(name)]

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the network."""
        if x.ndim != 1 + len(self.graph.input_shape) or tuple(x.shape[1:]) != self.graph.input_shape:
            rule = f"must have shape [batch, {', '.join(map(str, self.graph.input_shape))}]"
            raise ArgumentError("x", list(x.shape), rule, "one example is a batch of 1")
        images = x.reshape(-1, *self.graph.image_shape)
        step = max(1, BUDGET // self.values_an_example)
        # An exported program is for batches of any size, so it takes each as it comes.
        if torch.compiler.is_compiling() or len(images) <= step:
            found = self.graph.run(images, self._through)
        else:
            found = torch.cat([self.graph.run(part, self._through) for part in torch.split(images, step)])
        result: Tensor = found.reshape(-1, *self.graph.output_shape)
        return result

    def _through(self, node: Node, inputs: tuple[Tensor, ...]) -> Tensor:
        if node.step.weighted:
            found: Tensor = self.layer(node.name)(inputs[0])
            return found
        rule = RULES[type(node.step)]
        if type(node.step) in _CONSTANTS:
            return rule(node.step, *inputs, self.get_buffer(f"constant{self._numbers[node.name]}"))
        return rule(node.step, *inputs)


def _key(name: str) -> str:
    """Return a node's name as torch lets a module be called: without dots, and no method of the dictionary's."""
    return f"{name}/" if hasattr(nn.ModuleDict, name) else name.replace(".", "/")


def fixed(tensor: Tensor) -> nn.Parameter:
    """Return a parameter that is not trained."""
    return nn.Parameter(tensor, requires_grad=False)


class ExactConv(nn.Module):
    """A convolution of a target, its numbers rounded to the dtype once."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, conv: Conv, dtype: torch.dtype) -> None:
        super().__init__()
        self.shape = conv.geometry
        self.register_parameter("weight", fixed(tensor_of(conv.weight, dtype)))
        self.register_parameter("bias", None if conv.bias is None else fixed(tensor_of(conv.bias, dtype)))

    def numbers_held(self, height: int, width: int) -> int:
        """Numbers of the windows of one example, where torch unfolds them."""
        return unfolded(self.shape, self.weight.dtype, height, width)

    def forward(self, x: Tensor) -> Tensor:
        check_dtype(x, self.weight)
        found = convolved(x, self.weight, self.shape)
        return found if self.bias is None else found + self.bias[:, None, None]


def module_of(graph: Graph, *, dtype: Dtype = torch.float32) -> GraphModule:
    """Return a target's graph as a torch module in evaluation mode.

    Parameters
    ----------
    graph : Graph
        Whose weighted steps are convolutions.
    dtype : torch.dtype or str
        ``torch.float32`` or ``torch.float64``, or their names.

    Returns
    -------
    GraphModule

    Raises
    ------
    ArgumentError
        For another dtype, or a graph of random layers (use :func:`slth.to_torch`).

    Examples
    --------
    >>> import torch
    >>> graph = slth.Graph((2,), [slth.Node("a", slth.Conv([[1.0, -1.0]], [0.5]), ("input",))])
    >>> slth.networks.module_of(graph)(torch.tensor([[2.0, 1.0]])).tolist()
    [[1.5]]
    """
    number_type = as_dtype(dtype)
    instance(graph, Graph, "graph", "describe a module with slth.describe")
    layers: dict[int, nn.Module] = {}
    named = {}
    for node in graph.weighted:
        if not isinstance(node.step, Conv):
            raise ArgumentError("graph", node.name, "is a random layer", "build the module from the ticket")
        named[node.name] = layers.setdefault(id(node.step), ExactConv(node.step, number_type))
    return GraphModule(graph, named).eval()


def tensor_of(array: np.ndarray[Any, Any], dtype: torch.dtype) -> Tensor:
    """Return a tensor of its own memory."""
    return torch.from_numpy(np.array(array)).to(dtype)


def convolved(x: Tensor, weight: Tensor, shape: ConvShape) -> Tensor:
    """Convolve [batch, inputs, height, width] with [outputs, inputs / groups, *kernel], without a bias."""
    window = shape.window
    if x.shape[2:] == (1, 1) and window.taps == 1 and shape.groups == 1 and window.padding == ((0, 0), (0, 0)):
        return (x[:, :, 0, 0] @ weight[:, :, 0, 0].T)[:, :, None, None]  # a linear layer
    (top, bottom), (left, right) = window.padding
    padding = (top, left)
    if (top, left) != (bottom, right):
        x, padding = functional.pad(x, (left, right, top, bottom)), (0, 0)
    return functional.conv2d(x, weight, None, window.stride, padding, window.dilation, shape.groups)


def spread(x: Tensor, weight: Tensor, window: Window) -> Tensor:
    """Convolve, each input spread over the outputs that it reaches: fast in float64 where inputs are many.

    torch's convolution copies every window of every input in float64; of the transposed one it copies the outputs.
    """
    across = [(size - 1) * step for size, step in zip(window.kernel, window.dilation, strict=True)]
    everywhere = functional.conv_transpose2d(x, weight.flip(2, 3).transpose(0, 1), dilation=window.dilation)
    (top, bottom), (left, right) = window.padding
    edges = (left - across[1], right - across[1], top - across[0], bottom - across[0])
    return functional.pad(everywhere, edges)[:, :, :: window.stride[0], :: window.stride[1]]


def unfolded(shape: ConvShape, dtype: torch.dtype, height: int, width: int) -> int:
    """Return the numbers that one example takes in a convolution: torch copies all windows of float64."""
    if shape.window.taps == 1 or dtype == torch.float32:
        return 0
    rows, columns = shape.window.output_size((height, width))
    return shape.inputs * rows * columns * shape.window.taps


def as_dtype(dtype: Dtype) -> torch.dtype:
    """Return float32 or float64, given as such or by name, or raise ArgumentError."""
    named: Any = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
    if not one_of(named, (torch.float32, torch.float64)):
        raise ArgumentError("dtype", dtype, "must be float32 or float64", "convert the module afterwards if you must")
    return torch.float64 if named == torch.float64 else torch.float32


def check_dtype(x: Tensor, weight: Tensor) -> None:
    """Raise ArgumentError where numbers of two dtypes would meet."""
    if x.dtype != weight.dtype:
        remedy = "convert the inputs, or ask for the module with dtype=torch.float64"
        raise ArgumentError("x", x.dtype, f"must be {weight.dtype}, as the network's weights are", remedy)


def _picked(step: Rearrange, x: Tensor, indices: Tensor) -> Tensor:
    flat = x.flatten(1)
    found = flat[:, indices.clamp(min=0)]
    return torch.where(indices < 0, found.new_zeros(()), found).reshape(-1, *step.to)


def _pooled(step: Pool, x: Tensor) -> Tensor:
    stride = step.stride or step.kernel
    (top, bottom), (left, right) = step.padding
    if (top, left) == (bottom, right):
        if step.operation == "max":
            return functional.max_pool2d(x, step.kernel, stride, (top, left), step.dilation, step.ceil)
        if step.dilation == (1, 1):
            return functional.avg_pool2d(x, step.kernel, stride, (top, left), step.ceil, step.count_padding)
    seen, divisors = (torch.from_numpy(np.array(part)) for part in step.seen((x.shape[2], x.shape[3])))
    values = x.flatten(2)[:, :, seen.clamp(min=0).to(x.device)]
    outside = (seen < 0).to(x.device)
    if step.operation == "max":
        return torch.where(outside, -torch.inf, values).amax(dim=-1)
    return torch.where(outside, 0.0, values).sum(dim=-1) / divisors.to(x)


def _adapted(step: AdaptivePool, x: Tensor) -> Tensor:
    pool = functional.adaptive_max_pool2d if step.operation == "max" else functional.adaptive_avg_pool2d
    found: Tensor = pool(x, step.size)
    return found


def _attended(step: Attend, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    heads, tokens = step.heads, queries.shape[3]
    by_head = queries.reshape(-1, heads, queries.shape[1] // heads, tokens)
    keys = keys.reshape(-1, keys.shape[1] // by_head.shape[2], by_head.shape[2], keys.shape[3])
    shares = (by_head.transpose(2, 3) @ keys).softmax(dim=3)
    mixed = values.reshape(-1, heads, values.shape[1] // heads, values.shape[3]) @ shares.transpose(2, 3)
    summed: Tensor = mixed.sum(dim=1)
    return summed.unsqueeze(2)


def _added(_: Add, x: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        x = x + other
    return x


def _scaled(step: Scale, x: Tensor) -> Tensor:
    factor, shift = (torch.tensor(part, dtype=x.dtype, device=x.device)[:, None, None]
                     for part in (step.factor, step.shift))  # fmt: skip
    return x * factor + shift


RULES: dict[type[Any], Callable[..., Tensor]] = {
    Relu: lambda _, x: torch.relu(x),
    Add: _added,
    Concat: lambda _, *parts: torch.cat(parts, dim=1),
    Flatten: lambda _, x: x.reshape(x.shape[0], -1, 1, 1),
    Rearrange: _picked,
    Positions: lambda _, x, places: places.to(x.dtype).expand(x.shape[0], *places.shape),
    Pool: _pooled,
    AdaptivePool: _adapted,
    Attend: _attended,
    Scale: _scaled,
}
"""What a step without weights does to tensors; those of ``_CONSTANTS`` get their constant last."""

_CONSTANTS: dict[type[Any], Callable[..., Tensor]] = {
    Rearrange: lambda step, shape: torch.from_numpy(np.array(step.indices(shape))),
    Positions: lambda _, shape: torch.eye(shape[1] * shape[2], dtype=torch.bool).reshape(-1, *shape[1:]),
}
