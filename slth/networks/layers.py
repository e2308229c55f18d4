"""Layers of torch as steps of a graph: convolutions, linear layers, batch norms, poolings, means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from slth.arrays import Floats
from slth.errors import ArgumentError
from slth.graphs import AdaptivePool, Conv, Pool
from slth.networks.affine import affine
from slth.networks.scores import Mixed, Scores
from slth.networks.traced import BATCH, Constant, Tracer, Value

Handler: TypeAlias = Callable[..., Any]


def array(constant: Constant) -> Floats:
    """Return a constant's numbers in float64."""
    numbers: Floats = constant.tensor.detach().to("cpu", torch.float64).numpy()
    return numbers


def shared(tracer: Tracer, weight: Any, bias: Any, **options: Any) -> Conv:
    """Return the convolution of these tensors: one object however often the module uses them."""
    for one in (weight, bias):
        if isinstance(one, Value | Scores):
            raise tracer.refusal("has weights that depend on the input", "use weights that are parameters")
    key = (_identity(tracer, weight), bias and _identity(tracer, bias), str(sorted(options.items())))
    if key not in tracer.convolutions:
        try:
            made = Conv(array(weight), None if bias is None else array(bias), **options)
        except ArgumentError as error:
            raise tracer.refusal(f"cannot be described: {error}", "use finite numbers and sizes that fit") from None
        tracer.convolutions[key] = (made, weight, bias)  # the tensors too, so that their ids stay theirs
    found: Conv = tracer.convolutions[key][0]
    return found


def _identity(tracer: Tracer, constant: Constant) -> Any:
    """Return what two uses of one tensor have in common; a computed one is known by its layer and its numbers."""
    if id(constant.tensor) in tracer.held:
        return id(constant.tensor)
    return tracer.place, constant.tensor.shape, hashlib.sha256(array(constant).tobytes()).hexdigest()


def derived(tracer: Tracer, weight: Constant, name: str, view: Callable[[Tensor], Tensor]) -> Constant:
    """Return a view of a weight, the same object each time."""
    key = (name, id(weight.tensor))
    if key not in tracer.convolutions:
        made = Constant(view(weight.tensor.detach()), weight.trained)
        tracer.convolutions[key] = (made, weight)  # both stay, so that their ids stay theirs
        if id(weight.tensor) in tracer.held:
            tracer.held.add(id(made.tensor))
    found: Constant = tracer.convolutions[key][0]
    return found


def images(tracer: Tracer, value: Value, axes: int = 2) -> Tensor:
    """Return the order of a [batch, channels, (height,) width] value as images."""
    if value.shape[0] != BATCH or len(value.shape) != 2 + axes:
        raise tracer.refusal(f"takes a tensor of shape {list(value.shape)}", "give it [batch, channels, ...]")
    plain = torch.arange(prod(value.shape)).reshape(value.shape)
    return plain if axes == 2 else plain[:, :, None, :]


def sliding(tracer: Tracer, value: Value, step: Any, axes: int) -> Value:
    """Write a step on images and return its result with as many axes behind the channels."""
    node = tracer.add(step, tracer.arranged(value, images(tracer, value, axes)))
    channels, height, width = tracer.shapes[node]
    return tracer.whole_of(node, (channels, height, width) if axes == 2 else (channels, width))


def convolution(axes: int) -> Handler:
    """Return the handler of convolutions over one or two axes."""

    def handle(
        tracer: Tracer, value: Value, weight: Constant, bias: Constant | None = None, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: int = 1,
    ) -> Value:  # fmt: skip
        if not isinstance(weight, Constant):
            raise tracer.refusal("has weights that depend on the input", "use weights that are parameters")
        steps, gaps = spread_pair(stride, axes, 1), spread_pair(dilation, axes, 1)
        kernel = tuple(weight.tensor.shape[2:])
        if isinstance(padding, str):
            total = [
                gap * (size - 1) if padding == "same" else 0 for gap, size in zip(gaps[-axes:], kernel, strict=True)
            ]
            edges = tuple((one // 2, one - one // 2) for one in total)
            edges = edges if axes == 2 else ((0, 0), *edges)
        else:
            edges = tuple((one, one) for one in spread_pair(padding, axes, 0))
        options = {"stride": steps, "padding": edges, "dilation": gaps, "groups": int(groups)}
        if axes == 1:
            lifted = derived(tracer, weight, "lifted", lambda tensor: tensor.unsqueeze(2))
            return sliding(tracer, value, shared(tracer, lifted, bias, **options), axes)
        return sliding(tracer, value, shared(tracer, weight, bias, **options), axes)

    return handle


def spread_pair(given: Any, axes: int, alone: int) -> tuple[int, int]:
    """Return two integers from what torch has for one or two axes; ``alone`` stands for the axis that is not there."""
    numbers = [int(one) for one in given] if isinstance(given, list | tuple) else [int(given)]
    numbers = numbers * axes if len(numbers) == 1 else numbers
    return (alone, numbers[0]) if axes == 1 else (numbers[0], numbers[1])


def linear(tracer: Tracer, value: Any, weight: Any, bias: Any = None) -> Value:
    """Write a linear layer on the last axis: a convolution of size 1, with all other axes as positions."""
    if isinstance(value, Constant) or not isinstance(weight, Constant):
        raise tracer.refusal("multiplies values with values", "write attention as softmax(q @ k.T) @ v")
    step = shared(tracer, weight, bias)
    inputs, outputs = value.shape[-1], step.weight.shape[0]
    shape = (*value.shape[:-1], outputs)
    if isinstance(value.source, Mixed):
        rows = tracer.rows(value)
        merged = value.source.with_matrix(tracer, value.numbers.reshape(-1)[rows], step.weight[:, :, 0, 0], step.bias)
        if merged is not None:
            node, token = merged
            width = tracer.shapes[node][2]
            lead = rows[..., :1] // inputs
            index = torch.empty(prod(shape), dtype=torch.int64)
            own = torch.arange(BATCH)[:, None, None] * outputs * width
            index[lead * outputs + torch.arange(outputs)] = 1 + own + torch.arange(outputs) * width + token[:, None]
            return Value(node, shape, index.reshape(shape))
    value = tracer.written(value)
    order = _token_order(tracer, value)
    node = tracer.add(step, tracer.arranged(value, order))
    lead = (order[:, 0] // inputs)[:, None]
    return tracer.spread(node, lead * outputs + torch.arange(outputs)[:, None, None], shape)


def _token_order(tracer: Tracer, value: Value) -> Tensor:
    """Return an order in which the last axis is the channels: the source's own if it is one."""
    inputs = value.shape[-1]
    order = tracer.order(value)
    if order.shape[1] == inputs and bool((order % inputs == torch.arange(inputs)[:, None, None]).all()):
        lead = order // inputs
        if torch.equal(lead, lead[:, :1].expand_as(lead)):
            return order
    return tracer.rows(value).transpose(1, 2)[:, :, None]


def batch_norm(
    tracer: Tracer, value: Value, weight: Constant | None, bias: Constant | None, mean: Constant | None,
    variance: Constant | None, *rest: Any,
) -> Value:  # fmt: skip
    """Write a batch normalisation at evaluation, one factor and one shift a channel."""
    training, epsilon = (rest[0], rest[2]) if isinstance(rest[0], bool) else (False, rest[1])
    if training or mean is None or variance is None:
        rule = "uses the statistics of the batch at evaluation"
        raise tracer.refusal(rule, "use a BatchNorm with track_running_stats=True in evaluation mode")
    spread = array(variance) + epsilon
    if not (spread > 0.0).all():
        raise tracer.refusal("has a running variance that is negative", "load weights of a trained module")
    factor = (1.0 if weight is None else array(weight)) / np.sqrt(spread)
    shift = (0.0 if bias is None else array(bias)) - array(mean) * factor
    axes = (-1, *[1] * (len(value.shape) - 2))
    return affine(tracer, value, torch.tensor(factor).reshape(axes), torch.tensor(shift).reshape(axes), trained=True)


def batch_norm_parts(tracer: Tracer, *args: Any) -> tuple[Value, None, None]:
    """Write a batch normalisation of which torch gives the (empty) statistics too."""
    return batch_norm(tracer, *args), None, None


def max_pool(axes: int) -> Handler:
    """Return the handler of maxima over sliding windows."""

    def handle(
        tracer: Tracer, value: Value, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False,  # noqa: FBT001, FBT002
    ) -> Value:  # fmt: skip
        steps = kernel if stride in ([], (), None) else stride
        pairs = (spread_pair(kernel, axes, 1), spread_pair(steps, axes, 1), spread_pair(padding, axes, 0))
        step = _checked(tracer, "max", *pairs, spread_pair(dilation, axes, 1), ceil_mode)
        return sliding(tracer, value, step, axes)

    return handle


def _checked(tracer: Tracer, *options: Any) -> Pool:
    try:
        return Pool(*options)
    except ArgumentError as error:
        raise tracer.refusal(f"cannot be described: {error}", "use another window") from None


def average_pool(axes: int) -> Handler:
    """Return the handler of means over sliding windows."""

    def handle(
        tracer: Tracer, value: Value, kernel: Any, stride: Any = (), padding: Any = 0,
        ceil_mode: bool = False, count_include_pad: bool = True, divisor: int | None = None,  # noqa: FBT001, FBT002
    ) -> Value:  # fmt: skip
        steps = kernel if stride in ([], (), None) else stride
        pairs = (spread_pair(kernel, axes, 1), spread_pair(steps, axes, 1), spread_pair(padding, axes, 0))
        if divisor is None:
            step = _checked(tracer, "average", *pairs, (1, 1), ceil_mode, count_include_pad)
            return sliding(tracer, value, step, axes)
        if ceil_mode:
            raise tracer.refusal("has divisor_override and ceil_mode", "use one of them")
        mean = sliding(tracer, value, _checked(tracer, "average", *pairs), axes)
        return affine(tracer, mean, prod(pairs[0]) / divisor)

    return handle


def adaptive_pool(operation: Any, axes: int, *, indices: bool = False) -> Handler:
    """Return the handler of pooling to a given size."""

    def handle(tracer: Tracer, value: Value, size: Any) -> Any:
        wanted = list(size) if isinstance(size, list | tuple) else [size] * axes
        height, width = [1, *wanted][-2:] if axes == 1 else wanted
        pooled = sliding(tracer, value, AdaptivePool(operation, (int(height), int(width))), axes)
        return (pooled, None) if indices else pooled

    return handle


def with_indices(handle: Any) -> Handler:
    """Return a handler of operations that give places too: whoever takes the places is refused."""
    return lambda tracer, *args, **kwargs: (handle(tracer, *args, **kwargs), None)


def over_axes(operation: Any, *, total: bool = False) -> Handler:
    """Return the handler of means, sums or maxima over whole axes."""

    def handle(tracer: Tracer, value: Value, axes: Any = None, keepdim: bool = False, **_: Any) -> Value:  # noqa: FBT001, FBT002
        if not isinstance(value, Value):
            raise tracer.refusal("reduces scores of attention", "leave attention's shares inside")
        ndim = len(value.shape)
        chosen = [axes] if isinstance(axes, int) else list(axes if axes else range(ndim))
        chosen = sorted(axis % ndim for axis in chosen)
        value = tracer.written(value)
        node, order = _reduced(tracer, value, chosen, operation)
        kept = tuple(size for axis, size in enumerate(value.shape) if axis not in chosen)
        found = tracer.spread(node, order, kept)
        count = prod(value.shape[axis] for axis in chosen)
        if keepdim:
            shape = tuple(1 if axis in chosen else size for axis, size in enumerate(value.shape))
            found = found.viewed(lambda index: index.reshape(shape))
        return affine(tracer, found, float(count)) if total else found

    return handle


def _reduced(tracer: Tracer, value: Value, chosen: list[int], operation: Any) -> tuple[str, Tensor]:
    """Write the pooling of the chosen axes; return it and the order of the axes that are kept."""
    kept = [size for axis, size in enumerate(value.shape) if axis not in chosen]
    places = torch.arange(prod(kept)).reshape(kept)
    for axis in chosen:
        places = places.unsqueeze(axis)
    order = tracer.order(value)
    by_channel = places.expand(value.shape).reshape(-1)[order]
    if order.shape[1] * BATCH == prod(kept) and bool((by_channel == by_channel[:, :, :1, :1]).all()):
        pooled = tracer.add(AdaptivePool(operation, (1, 1)), tracer.arranged(value, order))
        return pooled, by_channel[:, :, :1, :1]
    # the axes that are kept become channels, the others one row of pixels
    axes = [*(axis for axis in range(len(value.shape)) if axis not in chosen), *chosen]
    rows = torch.arange(prod(value.shape)).reshape(value.shape).permute(axes).reshape(prod(kept), -1)
    owners = tracer.batches(value).reshape(-1)[rows]
    if not torch.equal(owners, owners[:, :1].expand_as(owners)):
        raise tracer.mixing()
    ranked = torch.argsort(owners[:, 0], stable=True).reshape(BATCH, -1)
    pooled = tracer.add(AdaptivePool(operation, (1, 1)), tracer.arranged(value, rows[ranked][:, :, None]))
    return pooled, ranked[:, :, None, None]
