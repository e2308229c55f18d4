"""Multiplications and additions of constants, as the smallest exact step that does them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import torch
from torch import Tensor

from slth.arrays import Floats
from slth.graphs import INPUT, AdaptivePool, Add, Concat, Conv, Positions, Scale
from slth.networks.traced import BATCH, Constant, Tracer, Value


def affine(
    tracer: Tracer, value: Value, factor: Tensor | float = 1.0, shift: Tensor | float = 0.0, *, trained: bool = False
) -> Value:
    """Write factor * value + shift, for tensors that broadcast to the value's shape.

    Trained numbers become a depthwise convolution of size 1, or for sums that differ from pixel to pixel one on
    positions; others a :class:`slth.graphs.Scale`, which is exact.
    """
    factors, shifts = (torch.as_tensor(one, dtype=torch.float64).detach().cpu() for one in (factor, shift))
    value = tracer.written(_broadcast(value, factors, shifts))
    uniform = factors.numel() == shifts.numel() == 1
    if uniform and not trained and (not shifts.any() or value.index is None or bool((value.index > 0).all())):
        step = Scale((factors.item(),), (shifts.item(),))
        return Value(tracer.add(step, value.source), value.shape, value.index)
    order = tracer.order(value)
    by_place = [_one_example(tracer, one.expand(value.shape), order) for one in (factors, shifts)]
    same = all((one == one[:, :1, :1]).all() for one in by_place)
    sums = trained and bool((by_place[0] == 1.0).all())
    if not same and not sums:  # each number is a channel
        order = order.reshape(BATCH, -1, 1, 1)
        by_place = [one.reshape(-1, 1, 1) for one in by_place]
    node = tracer.arranged(value, order)
    if sums and not same:
        return tracer.spread(tracer.add(Add(), node, at_positions(tracer, node, by_place[1])), order, value.shape)
    done = _by_channel(tracer, node, *(one[:, 0, 0] for one in by_place), trained=trained)
    return tracer.spread(done, order, value.shape)


def _broadcast(value: Value, *others: Tensor) -> Value:
    shape = broadcast(value.shape, *(other.shape for other in others))
    return value if shape == value.shape else value.viewed(lambda index: index.expand(shape))


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to."""
    return np.broadcast_shapes(*shapes)


def _one_example(tracer: Tracer, numbers: Tensor, order: Tensor) -> Floats:
    images = numbers.reshape(-1)[order]
    if not torch.equal(images, images[:1].expand_as(images)):
        raise tracer.refusal("uses numbers that differ from example to example", "use the same for all examples")
    found: Floats = images[0].numpy()
    return found


def _by_channel(tracer: Tracer, node: str, factors: Floats, shifts: Floats, *, trained: bool) -> str:
    if (factors == 1.0).all() and not shifts.any():
        return node
    if not trained:
        return tracer.add(Scale(_short(factors), _short(shifts)), node)
    step = Conv(factors[:, None, None, None], shifts if shifts.any() else None, groups=len(factors))
    tracer.scales[id(step)] = step
    return tracer.add(step, node)


def _short(numbers: Floats) -> tuple[float, ...]:
    """Return one number where all are the same."""
    return tuple(numbers[:1].tolist() if (numbers == numbers[0]).all() else numbers.tolist())


def at_positions(tracer: Tracer, node: str, numbers: Floats) -> str:
    """Write a constant float64[channels, height, width] beside a node of that height and width."""
    size = tracer.shapes[node][1:]
    if size not in tracer.positions:
        tracer.positions[size] = tracer.add(Positions(), node, part="positions")
    positions = tracer.positions[size]
    weight = numbers.reshape(len(numbers), -1)
    return tracer.add(Conv(weight), positions, part="constant")


def constant_value(tracer: Tracer, constant: Constant) -> Value:
    """Write a constant tensor, the same for each example, as a node."""
    tensor = constant.tensor.detach().to("cpu", torch.float64)
    if tensor.ndim > 1 and len(tensor) == 1:
        tensor = tensor.expand(BATCH, *tensor.shape[1:])
    examples = tensor.reshape(BATCH, -1) if tensor.ndim > 1 and len(tensor) % BATCH == 0 else tensor.reshape(-1, 1)
    if len(examples) != BATCH or not torch.equal(examples, examples[:1].expand_as(examples)):
        raise tracer.refusal("uses numbers that differ from example to example", "expand them over the batch")
    pixel = tracer.add(AdaptivePool("average", (1, 1)), INPUT, part="pixel")
    node = at_positions(tracer, pixel, examples[0].reshape(-1, 1, 1).numpy())
    return Value(node, tuple(tensor.shape))


def joined(tracer: Tracer, parts: list[Value | Constant], axis: int) -> Value:
    """Write a concatenation along an axis: of values along channels, or zero-padded and summed where constants join."""
    whole = [part for part in parts if isinstance(part, Value)]
    batch = tracer.batch_axis(whole[0])
    if batch is None:  # merged with others, such as the heads of attention
        split = [part.viewed(lambda index: index.reshape(BATCH, -1, *index.shape[1:])) for part in parts]
        return joined(tracer, split, axis + 1).viewed(lambda index: index.flatten(0, 1))
    if batch != 0:  # tokens first, or a new axis in front of the batch
        fronted = [part.viewed(lambda index: index.movedim(batch, 0)) for part in parts]
        together = joined(tracer, fronted, axis + 1 if axis < batch else axis)
        return together.viewed(lambda index: index.movedim(0, batch))
    shape = list(whole[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    if len(whole) == len(parts):
        return _along_channels(tracer, whole, axis, tuple(shape))
    total: Value | None = None
    numbers = torch.zeros(shape, dtype=torch.float64)
    start, trained = 0, False
    for part in parts:
        size = part.shape[axis]
        if isinstance(part, Constant):
            numbers.narrow(axis, start, size).copy_(part.tensor.detach())
            trained |= part.trained
        else:
            padded = part.viewed(_padding(axis, start, shape[axis] - start - size))
            total = padded if total is None else summed(tracer, total, padded)
        start += size
    assert total is not None
    return affine(tracer, total, 1.0, numbers, trained=trained) if numbers.any() else total


def _padding(axis: int, before: int, behind: int) -> Callable[[Tensor], Tensor]:
    def view(index: Tensor) -> Tensor:
        pads = [0, 0] * (index.ndim - 1 - axis) + [before, behind]
        return torch.nn.functional.pad(index, pads)

    return view


def _along_channels(tracer: Tracer, parts: list[Value], axis: int, shape: tuple[int, ...]) -> Value:
    orders = [_channel_order(tracer, part.shape, axis) for part in parts]
    nodes = [tracer.arranged(part, order) for part, order in zip(parts, orders, strict=True)]
    return tracer.spread(tracer.add(Concat(), *nodes), _channel_order(tracer, shape, axis), shape)


def _channel_order(tracer: Tracer, shape: tuple[int, ...], axis: int) -> Tensor:
    if axis == 0 or shape[0] != BATCH:
        raise tracer.mixing()
    moved = torch.arange(prod(shape)).reshape(shape).movedim(axis, 1)
    if moved.ndim == 4:
        return moved
    return moved.reshape(*moved.shape[:2], 1, -1)


def summed(tracer: Tracer, first: Value, second: Value) -> Value:
    """Write the sum of two values of one shape, or of shapes that broadcast."""
    shape = broadcast(first.shape, second.shape)
    first, second = (tracer.written(_broadcast(one, torch.empty(shape, device="meta"))) for one in (first, second))
    alike = tracer.shapes[first.source] == tracer.shapes[second.source]
    if alike and (first.index is second.index or torch.equal(first.numbers, second.numbers)):
        return Value(tracer.add(Add(), first.source, second.source), shape, first.index)
    complete = [one for one in (first, second) if one.index is None or _is_permutation(tracer, one)]
    order = tracer.order((complete or [first])[0])
    nodes = [tracer.arranged(one, order) for one in (first, second)]
    return tracer.spread(tracer.add(Add(), *nodes), order, shape)


def _is_permutation(tracer: Tracer, value: Value) -> bool:
    total = BATCH * prod(tracer.shapes[value.source])
    return prod(value.shape) == total and int(torch.unique(value.numbers).numel()) == total and bool(
        (value.numbers > 0).all()
    )  # fmt: skip
