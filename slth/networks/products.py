"""Matrix products: of values with constants they are linear layers, of values with values attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from slth.networks.affine import broadcast, constant_value
from slth.networks.layers import derived, linear
from slth.networks.scores import Mixed, Scores
from slth.networks.traced import Constant, Tracer, Value


def added_linear(tracer: Tracer, bias: Any, value: Any, weight: Any, *, beta: float = 1, alpha: float = 1) -> Value:
    """Write bias + value @ weight."""
    if (beta, alpha) != (1, 1) or not isinstance(bias, Constant) or bias.tensor.ndim != 1:
        raise tracer.refusal("scales its terms", "use F.linear")
    found: Value = product(tracer, value, weight, bias=bias)
    return found


def product(tracer: Tracer, first: Any, second: Any, *, bias: Any = None) -> Any:
    """Write a matrix product: with a constant a linear layer, of two values scores, of shares and values attention."""
    if isinstance(first, Scores):
        if not first.shares or not isinstance(second, Value):
            raise tracer.refusal("multiplies scores before their softmax", "write softmax(q @ k.T) @ v")
        return Mixed(tracer, first, _stacked(second, first.shape)).whole
    if isinstance(second, Scores):
        raise tracer.refusal("has scores on the right", "write softmax(q @ k.T, -1) @ v")
    if isinstance(first, Value) and isinstance(second, Constant) and second.tensor.ndim == 2:
        return linear(tracer, first, derived(tracer, second, "transposed", lambda tensor: tensor.T), bias)
    if isinstance(first, Constant) and isinstance(second, Value) and first.tensor.ndim == 2:
        turned = second.viewed(lambda index: index.transpose(-1, -2))
        return linear(tracer, turned, first).viewed(lambda index: index.transpose(-1, -2))
    first, second = (constant_value(tracer, one) if isinstance(one, Constant) else one for one in (first, second))
    if isinstance(first, Value) and isinstance(second, Value) and len(first.shape) == len(second.shape) >= 3:
        lead = (*broadcast(first.shape[:-2], second.shape[:-2]), 0, 0)
        return Scores(_stacked(first, lead), _stacked(second.viewed(lambda index: index.transpose(-1, -2)), lead))
    raise tracer.refusal("multiplies these matrices", "use linear layers, and softmax(q @ k.T) @ v for attention")


def _stacked(value: Value, shape: Sequence[int]) -> Value:
    lead = tuple(shape[:-2])
    return value if value.shape[:-2] == lead else value.viewed(lambda index: index.expand(*lead, *value.shape[-2:]))


def attention(
    tracer: Tracer, queries: Any, keys: Any, values: Any, *rest: Any, scale: float | None = None, **options: Any
) -> Value:
    """Write scaled dot-product attention; behind the values come a mask, dropout, and whether it is causal."""
    defaults: tuple[Any, ...] = (None, 0.0, False)
    mask, dropout, causal = rest + defaults[len(rest) :]
    if mask is not None or causal:
        raise tracer.refusal("has a mask", "leave the mask out")
    if dropout or options.get("enable_gqa"):
        raise tracer.refusal("has dropout at evaluation or grouped queries", "use dropout_p=0.0, enable_gqa=False")
    queries, keys, values = (constant_value(tracer, one) if isinstance(one, Constant) else one
                             for one in (queries, keys, values))  # fmt: skip
    lead = broadcast(*(one.shape[:-2] for one in (queries, keys, values)))
    queries, keys, values = (_stacked(one, (*lead, 0, 0)) for one in (queries, keys, values))
    scores = Scores(queries, keys, queries.shape[-1] ** -0.5 if scale is None else float(scale), shares=True)
    return Mixed(tracer, scores, values).whole


def softmax(tracer: Tracer, scores: Any, axis: int, *_: Any, **__: Any) -> Scores:
    """Turn scores into shares along the last axis."""
    if not isinstance(scores, Scores) or scores.shares or axis not in (-1, len(scores.shape) - 1):
        raise tracer.refusal("is a softmax outside of attention", "leave it out: classes are compared by their logits")
    return Scores(scores.queries, scores.keys, scores.scale, shares=True)


def einsum(tracer: Tracer, equation: str, operands: list[Any], **_: Any) -> Any:
    """Write a sum over products of two tensors as a matrix product of their rearranged axes."""
    sides = equation.replace(" ", "").split("->")
    names = sides[0].split(",")
    if len(sides) != 2 or len(names) != 2 or "." in equation or any(len(set(name)) != len(name) for name in names):
        raise tracer.refusal(f"computes {equation}", "write it with linear and matmul")
    (first, second), (left, right), wanted = operands, names, sides[1]
    summed = [axis for axis in left if axis in right and axis not in wanted]
    shared = [axis for axis in left if axis in right and axis in wanted]
    alone = [[axis for axis in name if axis not in other] for name, other in ((left, right), (right, left))]
    if sorted(wanted) != sorted([*shared, *alone[0], *alone[1]]) or not summed:
        raise tracer.refusal(f"computes {equation}", "write it with linear and matmul")
    sizes = dict(zip(left + right, [*first.shape, *second.shape], strict=True))

    def merged(tensor: Any, name: str, groups: Sequence[Sequence[str]]) -> Any:
        axes = [name.index(axis) for group in groups for axis in group]
        lengths = [sizes[axis] for axis in shared] if groups[0] is shared else []
        lengths += [torch.Size([sizes[axis] for axis in group]).numel() for group in groups if group is not shared]
        if isinstance(tensor, Scores) and axes == list(range(len(name))):
            return tensor.viewed(tracer, lambda index: index.reshape(lengths))
        return _moved(tracer, tensor, lambda index: index.permute(axes).reshape(lengths))

    groups = ([shared, alone[0], summed], [shared, summed, alone[1]]) if shared else (
        [alone[0], summed], [summed, alone[1]])  # fmt: skip
    product_of = product(tracer, merged(first, left, groups[0]), merged(second, right, groups[1]))
    order = [*shared, *alone[0], *alone[1]]
    lengths = [sizes[axis] for axis in order]
    axes = [order.index(axis) for axis in wanted]
    return _moved(tracer, product_of, lambda index: index.reshape(lengths).permute(axes))


def _moved(tracer: Tracer, tensor: Any, view: Any) -> Any:
    return tensor.viewed(tracer, view) if isinstance(tensor, Scores) else tensor.viewed(view)
