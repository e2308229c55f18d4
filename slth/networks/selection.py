"""From a density to a number, and from scores to the mask that keeps exactly so many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from slth.arrays import as_double, one_of, whole
from slth.errors import ArgumentError
from slth.networks.given import tensor_given

Rounding = Literal["nearest", "up", "down"]
_PIECE = 1 << 20  # numbers that are counted at once
_MOST_COUNTED = 1 << 31  # numbers that kernels have places for


def kept_count(density: float, total: int, *, rounding: Rounding = "nearest") -> int:
    """Return how many of ``total`` a density keeps: the one place where a share becomes a number.

    The density is taken as the decimal number that it is written as, so that 0.29 of 100 is 29 under each rule.

    Parameters
    ----------
    density : float
        kept / total, in [0, 1].
    total : int
        At least 0.
    rounding : {"nearest", "up", "down"}
        The nearest integer (halves up), the next, or the last. Edge-popup's code removes ``int((1 - density) total)``,
        which is "up".

    Returns
    -------
    int
        From 0 to ``total``.

    Raises
    ------
    slth.errors.ArgumentError
        The density is outside [0, 1], the total negative, or the rule another word.

    Examples
    --------
    >>> from slth.networks import kept_count
    >>> kept_count(0.5, 5), kept_count(0.5, 5, rounding="down"), kept_count(0.29, 100, rounding="down")
    (3, 2, 29)
    """
    if not one_of(rounding, get_args(Rounding)):
        raise ArgumentError("rounding", rounding, "is not a rule", 'use "nearest", "up" or "down"')
    if not 0.0 <= as_double(density) <= 1.0:
        raise ArgumentError("density", density, "must lie in [0, 1]", "density = kept / total")
    total = whole(total, "total", 0, remedy="count what there is to keep")
    exact = Fraction(repr(float(density))) * total
    if rounding == "nearest":
        return math.floor(exact + Fraction(1, 2))
    return math.ceil(exact) if rounding == "up" else math.floor(exact)


def kth_largest(values: Tensor, k: int) -> Tensor:
    """Return the k-th largest number of a tensor, exactly.

    On the CPU numpy's partition selects it (ten times faster than ``torch.kthvalue``) in one copy of the values, and
    numbers of 16 bits are counted, in no copy. Elsewhere the tensor is sorted, which on CUDA is the faster one.

    Parameters
    ----------
    values : Tensor
        Floating-point or integer, of any shape and memory format; without nan.
    k : int
        From 1 to the number of entries.

    Returns
    -------
    Tensor
        A single number of the same dtype and device, without gradient.

    Raises
    ------
    slth.errors.ArgumentError
        There is no k-th entry.

    Examples
    --------
    >>> import torch
    >>> slth.kth_largest(torch.tensor([0.5, 2.0, 1.0, 2.0]), 3)
    tensor(1.)
    """
    values = tensor_given(values, "values")
    dense = values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last)
    flat = (values.permute(0, 2, 3, 1) if dense else values).reshape(-1)  # any order will do: no copy is made for it
    k = whole(k, "k", 1, flat.numel(), remedy="count from the largest, which is 1")
    if flat.device.type != "cpu":
        return flat.sort(descending=True).values[k - 1]
    flat = flat.resolve_neg()
    if flat.dtype in (torch.float16, torch.bfloat16):
        return _by_counting(flat, k)
    if flat.is_floating_point() and flat.element_size() == 1:
        return _by_counting(flat.to(torch.float16), k).to(flat.dtype)  # which holds each of them
    place = flat.numel() - k
    return torch.from_numpy(np.partition(flat.numpy(), place)[place : place + 1].copy())[0]


def _by_counting(flat: Tensor, k: int) -> Tensor:
    """Select among numbers of 16 bits by counting each: bits, of negative ones turned round, have their order."""
    bits = flat.detach().contiguous().view(torch.int16).numpy().view(np.uint16)
    counts = np.zeros(2**16, np.int64)
    for start in range(0, len(bits), _PIECE):
        part = bits[start : start + _PIECE]
        counts += np.bincount(np.where(part & 0x8000, ~part, part | 0x8000), minlength=2**16)
    key = np.uint16(2**16 - 1 - int(np.searchsorted(counts[::-1].cumsum(), k)))
    found = np.array([key & 0x7FFF if key & 0x8000 else ~key], np.uint16)
    return torch.from_numpy(found.view(np.int16)).view(flat.dtype)[0]


def top_k(scores: Tensor, k: int) -> Tensor:
    """Return the mask that keeps exactly the k largest scores, of equal ones those that come first in row-major order.

    Parameters
    ----------
    scores : Tensor
        Of any shape and memory format; without nan.
    k : int
        From 0 to the number of entries.

    Returns
    -------
    Tensor of bool
        Of the same shape, contiguous, with exactly k entries true.

    Raises
    ------
    slth.errors.ArgumentError
        k is outside its range, or a score is nan.

    Examples
    --------
    >>> import torch
    >>> slth.networks.top_k(torch.tensor([[1.0, 2.0], [2.0, 2.0]]), 2).tolist()
    [[False, True], [True, False]]
    """
    scores = tensor_given(scores, "scores")
    flat = scores.reshape(-1)
    k = whole(k, "k", 0, flat.numel(), remedy="use kept_count(density, total)")
    if k in (0, flat.numel()):
        return torch.full(scores.shape, k > 0, device=scores.device)
    if flat.device.type == "cpu":
        return _by_threshold(flat, k).reshape(scores.shape)
    counted = _by_digits([scores], [k])
    return _by_order(flat, k).reshape(scores.shape) if counted is None else counted[0]


def top_k_each(scores: Mapping[str, Tensor], kept: Mapping[str, int]) -> dict[str, Tensor]:
    """Return the masks of :func:`top_k` for several tensors by name: on CUDA all together, in a dozen launches.

    An error names the tensor.
    """
    apart = [name for name, one in scores.items() if 0 < kept[name] < one.numel() and one.device.type != "cpu"]
    counted = _by_digits([scores[name] for name in apart], [kept[name] for name in apart]) if apart else None
    found = {} if counted is None else dict(zip(apart, counted, strict=True))
    for name, one in scores.items():
        if name not in found:
            try:
                found[name] = top_k(one, kept[name])
            except ArgumentError as error:
                raise ArgumentError(error.argument, error.value, f"in {name} {error.rule}", error.remedy) from None
    return {name: found[name] for name in scores}


def _by_threshold(flat: Tensor, k: int) -> Tensor:
    """Select by the k-th value, and fill up among its equals in index order."""
    threshold = kth_largest(flat, k)
    mask = flat >= threshold
    surplus = int(torch.count_nonzero(mask)) - k
    if surplus > 0:
        equals = torch.nonzero(flat == threshold)[:, 0]
        mask[equals[len(equals) - surplus :]] = False
    if int(torch.count_nonzero(mask)) != k:
        raise ArgumentError("scores", "nan", "cannot be ordered", "lower the learning rate: scores have diverged")
    return mask


def _by_order(flat: Tensor, k: int) -> Tensor:
    """Select by a stable sort, without waiting for the device; nan counts as largest there."""
    places = flat.sort(descending=True, stable=True).indices[:k]
    return torch.zeros(flat.shape, dtype=torch.bool, device=flat.device).scatter_(0, places, True)  # noqa: FBT003


def _by_digits(scores: Sequence[Tensor], kept: Sequence[int]) -> list[Tensor] | None:
    """Select in all tensors at once by counting digits, without waiting; None where that is not to be had."""
    counted = all(one.dtype == torch.float32 for one in scores) and sum(one.numel() for one in scores) < _MOST_COUNTED
    if not counted or find_spec("triton") is None:
        return None
    from slth.networks.digits import largest_of_each  # Triton, which comes with torch's builds for CUDA

    return largest_of_each(scores, kept)
