"""Operations that only move numbers: torch itself applies them to the index of a traced value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from slth.networks.affine import joined
from slth.networks.scores import Scores
from slth.networks.traced import Constant, Tracer, Value

VIEWS = frozenset({
    "view", "reshape", "_unsafe_view", "_reshape_alias", "flatten", "unflatten", "permute", "transpose", "t",
    "numpy_T", "mT", "adjoint", "movedim", "moveaxis", "swapaxes", "swapdims", "slice", "select", "narrow",
    "expand", "expand_as", "squeeze", "unsqueeze", "unbind", "split", "split_with_sizes", "chunk",
    "tensor_split", "clone", "contiguous", "alias", "detach", "lift_fresh_copy", "flip", "roll", "repeat",
    "repeat_interleave", "tile", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
    "native_channel_shuffle", "index_select", "index", "diagonal", "unfold", "view_as", "reshape_as",
    "broadcast_to", "take", "ravel", "hsplit", "vsplit", "dsplit", "rot90", "fliplr", "flipud", "positive",
    "resolve_conj", "resolve_neg",
})  # fmt: skip
"""Names of the operations of torch that pick numbers and change none."""

PICKING = frozenset({
    "upsample_nearest1d", "upsample_nearest2d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "im2col",
    "reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d",
})  # fmt: skip
"""Those of them that torch has for floating-point numbers only."""


def view(tracer: Tracer, target: Callable[..., Any], value: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply an operation of :data:`VIEWS` to the index of a value; several results are several values."""
    if tracer.operation in ("view", "_unsafe_view", "view_as"):
        target = torch.ops.aten.reshape.default if tracer.operation != "view_as" else torch.ops.aten.reshape_as.default
    if tracer.operation in PICKING:
        # float64 holds the numbers of any index exactly
        return value.viewed(lambda index: target(index.double(), *plain(args), **plain(kwargs)).long())
    if isinstance(value, Scores):
        return value.viewed(tracer, lambda index: target(index, *plain(args), **plain(kwargs)))
    arguments, options = plain(args), plain(kwargs)
    found = target(value.numbers, *arguments, **options)
    if isinstance(found, Tensor):
        return value.viewed(lambda index: target(index, *arguments, **options))
    return tuple(
        value.viewed(lambda index, place=place: target(index, *arguments, **options)[place])
        for place in range(len(found))
    )


def plain(given: Any) -> Any:
    """Return arguments with tensors in the place of constants; of a value only the shape counts."""
    if isinstance(given, Constant):
        return given.tensor.detach()
    if isinstance(given, Value):
        return given.numbers
    if isinstance(given, tuple | list):
        return type(given)(plain(one) for one in given)
    return {key: plain(one) for key, one in given.items()} if isinstance(given, dict) else given


def padded(tracer: Tracer, given: Value, pads: list[int], mode: str = "constant", value: float | None = None) -> Value:
    """Pad with zeros, or by what torch picks for other modes."""
    if mode == "constant" and value in (None, 0, 0.0):
        return given.viewed(lambda index: torch.nn.functional.pad(index, pads))
    if mode == "constant":
        raise tracer.refusal(f"pads with {value}", "pad with 0")
    # torch pads integers by no such mode; float64 holds these numbers exactly
    return given.viewed(lambda index: torch.nn.functional.pad(index.double(), pads, mode=mode).long())


def concatenated(tracer: Tracer, parts: list[Value | Constant], axis: int = 0) -> Value:
    """Join along an axis that is there; empty parts are left out, as torch does."""
    kept = [part for part in parts if isinstance(part, Value) or part.tensor.numel()]
    ndim = next(len(part.shape) for part in kept if isinstance(part, Value))
    return kept[0] if len(kept) == 1 and isinstance(kept[0], Value) else joined(tracer, kept, axis % ndim)


def stacked(tracer: Tracer, parts: list[Value | Constant], axis: int = 0) -> Value:
    """Join along a new axis."""
    ndim = 1 + next(len(part.shape) for part in parts if isinstance(part, Value))
    lifted = [part.viewed(lambda index: index.unsqueeze(axis)) for part in parts]
    return joined(tracer, lifted, axis % ndim)


def converted(tracer: Tracer, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Leave out a conversion to the floating-point numbers that are there."""
    wanted = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.dtype)]
    wanted += [one.tensor.dtype for one in args if isinstance(one, Constant)]
    for dtype in wanted:
        if dtype != torch.float64:
            raise tracer.refusal(f"converts to {dtype}", "compute in one floating-point type, and convert outside")
    return value
