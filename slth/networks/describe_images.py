"""From a torch module on images to a described network of convolutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from torch import nn

from slth.errors import ArgumentError
from slth.networks.conv_models import Residual
from slth.networks.describe_parts import (
    Normalisation,
    mean_and_deviation,
    parts_of,
    refusal,
    weight_and_bias,
    with_batch_norm,
)
from slth.tickets import Branch, ConvLayer, ConvNetwork, Flatten, Join, Pool, Swap
from slth.tickets.geometry import ImageShape, Pair, as_pair

_REMEDY = "use an nn.Sequential of convolutions, pooling, Flatten, Linear and ReLU, or build a slth ConvNetwork"


def describe_images(module: nn.Module, input_shape: ImageShape, normalisation: Normalisation | None) -> ConvNetwork:
    """Return the described network of a module on images (see :func:`slth.networks.describe_module`)."""
    walk = _Walk(input_shape)
    walk.follow(module, "")
    steps = walk.steps if normalisation is None else _normalised(walk.steps, input_shape, normalisation)
    return ConvNetwork(input_shape, steps)


class _Walk:
    """The steps so far, the shape that comes out of them, and whether it was flattened."""

    def __init__(self, shape: ImageShape, *, flat: bool = False) -> None:
        self.steps: list[Any] = []
        self.shape = shape
        self.flat = flat

    def follow(self, module: nn.Module, name: str) -> None:
        """Append the steps of a module's layers."""
        for place, part in parts_of(module, name):
            handle = next((handle for kind, handle in _HANDLERS.items() if isinstance(part, kind)), None)
            if handle is None:
                raise refusal(place, part, "is not a layer that can be described", _REMEDY)
            handle(self, place, part)

    def append(self, name: str, part: nn.Module, make: Callable[[], Any]) -> None:
        """Append one step, and name the layer where its sizes break a rule or do not fit."""
        try:
            step = make()
            self.shape = step.output_shape(self.shape)
        except ArgumentError as error:
            raise refusal(name, part, f"cannot stand here ({error})", _REMEDY) from None
        self.steps.append(step)


def _convolution(walk: _Walk, name: str, part: nn.Conv2d) -> None:
    if walk.flat:
        raise refusal(name, part, "stands behind Flatten", "put it in front")
    if part.padding_mode != "zeros" or part.dilation != (1, 1):
        raise refusal(name, part, "has dilation, or another padding than zeros", "use dilation=1, padding_mode='zeros'")
    weight, bias = weight_and_bias(part)
    padding = _padding(name, part)
    stride = as_pair("stride", part.stride, 1)
    walk.append(name, part, lambda: ConvLayer(weight, bias, "identity", stride, padding, part.groups))


def _padding(name: str, part: nn.Conv2d) -> Pair:
    if isinstance(part.padding, str):
        if part.padding == "valid":
            return (0, 0)
        if any(size % 2 == 0 for size in part.kernel_size):
            rule = 'pads by "same" with an even kernel, more on one side than on the other'
            raise refusal(name, part, rule, "use an odd kernel or a padding in numbers")
        return (part.kernel_size[0] // 2, part.kernel_size[1] // 2)
    return as_pair("padding", part.padding, 0)


def _linear(walk: _Walk, name: str, part: nn.Linear) -> None:
    if not walk.flat:
        raise refusal(name, part, "stands in front of Flatten, where it sees one axis of the image", "flatten first")
    weight, bias = weight_and_bias(part)
    walk.append(name, part, lambda: ConvLayer(weight[:, :, None, None], bias, "identity"))


def _batch_norm(walk: _Walk, name: str, part: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    last = walk.steps[-1] if walk.steps else None
    if not isinstance(last, ConvLayer) or last.activation != "identity":
        rule = "does not stand directly behind a convolution or Linear, into which it could be folded"
        raise refusal(name, part, rule, "put it between the convolution and its ReLU")
    if walk.flat != isinstance(part, nn.BatchNorm1d):
        rule = f"normalises {'images' if walk.flat else 'flat inputs'}, which these are not"
        raise refusal(name, part, rule, f"use BatchNorm{1 if walk.flat else 2}d")
    weight, bias = with_batch_norm(name, part, last.weight, last.bias)
    walk.steps[-1] = replace(last, weight=weight, bias=bias)


def _relu(walk: _Walk, name: str, part: nn.ReLU) -> None:
    """Rectify the last sum; maxima and Flatten between them exchange places with ReLU, means do not."""
    averaged = False
    for place in reversed(range(len(walk.steps))):
        step = walk.steps[place]
        if isinstance(step, ConvLayer | Join):
            if step.activation != "relu":
                if averaged:
                    raise refusal(name, part, "rectifies means of numbers of both signs", "put it before the pooling")
                walk.steps[place] = replace(step, activation="relu")
            return
        if not isinstance(step, Pool | Flatten):
            break
        averaged |= isinstance(step, Pool) and step.operation == "average"
    raise refusal(name, part, "is a ReLU with no convolution in front of it", "put a convolution or Linear first")


def _max_pool(walk: _Walk, name: str, part: nn.MaxPool2d) -> None:
    if part.ceil_mode or part.return_indices or as_pair("dilation", part.dilation, 1) != (1, 1):
        rule = "has dilation, ceil_mode or return_indices"
        raise refusal(name, part, rule, "use dilation=1, ceil_mode=False, return_indices=False")
    walk.append(name, part, lambda: _pool("max", part))


def _average_pool(walk: _Walk, name: str, part: nn.AvgPool2d) -> None:
    padded = as_pair("padding", part.padding, 0) != (0, 0)
    if part.ceil_mode or part.divisor_override is not None or (padded and not part.count_include_pad):
        rule = "has ceil_mode, divisor_override, or a padding that is not counted"
        raise refusal(name, part, rule, "use ceil_mode=False, count_include_pad=True")
    walk.append(name, part, lambda: _pool("average", part))


def _pool(operation: Any, part: nn.MaxPool2d | nn.AvgPool2d) -> Pool:
    return Pool(
        operation,
        as_pair("kernel", part.kernel_size, 1),
        as_pair("stride", part.stride, 1),
        as_pair("padding", part.padding, 0),
    )


def _adaptive_pool(walk: _Walk, name: str, part: nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d) -> None:
    wanted: Any = part.output_size if isinstance(part.output_size, tuple) else (part.output_size,) * 2
    if isinstance(part, nn.AdaptiveMaxPool2d) and part.return_indices:
        raise refusal(name, part, "gives indices too", "use return_indices=False")
    windows = []
    for extent, count in zip(walk.shape[1:], wanted, strict=True):
        window = _uniform_window(extent, extent if count is None else count)
        if window is None:
            rule = f"has windows of several sizes on an image of {walk.shape[1]} x {walk.shape[2]}"
            raise refusal(name, part, rule, "choose an output size that divides the image")
        windows.append(window)
    (height, down), (width, across) = windows
    operation: Any = "average" if isinstance(part, nn.AdaptiveAvgPool2d) else "max"
    walk.append(name, part, lambda: Pool(operation, (height, width), (down, across)))


def _uniform_window(extent: int, count: int) -> Pair | None:
    """Size and step of the windows [floor(i extent / count), ceil((i + 1) extent / count)), None if they differ."""
    starts = [i * extent // count for i in range(count)]
    sizes = {-(-(i + 1) * extent // count) - start for i, start in enumerate(starts)}
    steps = {after - before for before, after in pairwise(starts)} or {extent}
    if len(sizes) > 1 or len(steps) > 1 or not min(steps):
        return None
    return sizes.pop(), steps.pop()


def _flatten(walk: _Walk, name: str, part: nn.Flatten) -> None:
    if part.start_dim != 1 or part.end_dim != -1:
        raise refusal(name, part, "flattens other axes than all but the batch", "use nn.Flatten()")
    if not walk.flat:
        walk.append(name, part, Flatten)
        walk.flat = True


def _residual(walk: _Walk, name: str, part: Residual) -> None:
    inner = []
    for branch, child in (("body", part.body), ("shortcut", part.shortcut)):
        inner.append(_Walk(walk.shape, flat=walk.flat))
        if child is not None:
            inner[-1].follow(child, f"{name}.{branch}")
    body, shortcut = inner
    if (body.shape, body.flat) != (shortcut.shape, shortcut.flat):
        rule = f"adds {body.shape} and {shortcut.shape}"
        raise refusal(name, part, rule, "give the shortcut the body's channels and stride")
    beside = [Swap(), *shortcut.steps] if shortcut.steps else []
    walk.steps += [Branch(), *body.steps, *beside, Join("relu")]
    walk.shape, walk.flat = body.shape, body.flat


_HANDLERS: dict[Any, Callable[[_Walk, str, Any], None]] = {
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: _relu,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _adaptive_pool,
    nn.AdaptiveMaxPool2d: _adaptive_pool,
    nn.Flatten: _flatten,
    Residual: _residual,
}


def _normalised(steps: list[Any], shape: ImageShape, normalisation: Normalisation) -> list[Any]:
    """Fold mean and standard deviation of each channel into the first convolution."""
    if any(np.size(part) not in (1, shape[0]) for part in normalisation):
        rule = f"must have 1 or {shape[0]} numbers"
        raise ArgumentError("normalisation", normalisation, rule, "pass one mean and one deviation per channel")
    mean, deviation = mean_and_deviation(normalisation, shape[0])
    for place, step in enumerate(steps):
        if isinstance(step, ConvLayer | Pool) and any(step.padding) and mean.any() and not _is_maximum(step):
            rule = "has a mean that is not 0, and the first layer pads with zeros, which stand for that mean"
            remedy = (
                "train on raw inputs and leave it out, use a mean of 0 or padding=0, or normalise by a Conv2d of size 1"
                " with groups=channels in front"
            )
            raise ArgumentError("normalisation", normalisation, rule, remedy)
        if isinstance(step, ConvLayer):
            return [*steps[:place], _folded(step, mean, deviation), *steps[place + 1 :]]
        if isinstance(step, Flatten):
            mean, deviation = (np.repeat(part, prod(shape[1:])) for part in (mean, deviation))
        elif not isinstance(step, Pool):
            break  # pooling of each channel and such a normalisation exchange places; a branch does not
        shape = step.output_shape(shape)
    raise ArgumentError(
        "normalisation",
        normalisation,
        "needs a convolution in front of branches",
        "leave it out and train on raw inputs",
    )


def _is_maximum(step: ConvLayer | Pool) -> bool:
    return isinstance(step, Pool) and step.operation == "max"


def _folded(layer: ConvLayer, mean: Any, deviation: Any) -> ConvLayer:
    # which inputs each output sees: [outputs, inputs / groups]
    inputs = layer.weight.shape[1]
    seen = (np.arange(layer.outputs) // (layer.outputs // layer.groups) * inputs)[:, None] + np.arange(inputs)
    scaled = layer.weight / deviation[seen][:, :, None, None]
    if layer.bias is None and not mean.any():
        return replace(layer, weight=scaled)
    shift = (scaled.sum(axis=(2, 3)) * mean[seen]).sum(axis=1)
    return replace(layer, weight=scaled, bias=(0.0 if layer.bias is None else layer.bias) - shift)
