"""Selection on an accelerator: the largest numbers of many tensors at once, by counting digits, in twelve launches.

Numbers in float32 have the order of their bits, those of negative ones turned round. Four passes over all tensors count
the 8-bit digits of what can still be the threshold of its tensor, from the highest digit down, and choose one: behind
the last the threshold is known exactly, and how many of its equals are kept. Nothing waits for the device, and no shape
depends on the numbers, so that a CUDA graph can capture it. A pass reads each number once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 4096  # numbers that one program counts: one atomic addition a digit for all of them
_DIGITS = tl.constexpr(256)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Where tensors of some sizes stand when they are laid one behind the other, and how many of each are kept."""

    tensor_of_block: Tensor
    start_of_block: Tensor
    first_block: Tensor
    end: Tensor
    kept: Tensor
    most_blocks: int


def largest_of_each(values: Sequence[Tensor], kept: Sequence[int]) -> list[Tensor]:
    """Return masks that keep so many of the largest numbers of each tensor, of equal ones those that come first.

    Parameters
    ----------
    values : sequence of Tensor
        float32 on one device, together below 2**31 numbers.
    kept : sequence of int
        Between 1 and the size of each.

    Returns
    -------
    list of Tensor of bool
        In the shapes of the tensors.
    """
    sizes = tuple(one.numel() for one in values)
    flat = torch.cat([one.reshape(-1) for one in values]) if len(values) > 1 else values[0].reshape(-1).contiguous()
    plan = _plan(sizes, tuple(kept), flat.device)
    tensors, blocks = len(sizes), len(plan.tensor_of_block)
    counts = torch.zeros((4, tensors, _DIGITS.value), dtype=torch.int32, device=flat.device)
    prefix = torch.zeros(tensors, dtype=torch.int64, device=flat.device)
    left, equals = plan.kept.clone(), torch.empty_like(plan.kept)
    places = plan.tensor_of_block, plan.start_of_block, plan.end
    kernels: Any = _count, _choose, _count_equals, _mask
    count, choose, count_equals, mask = kernels
    for number in range(4):
        count[(blocks,)](flat, *places, prefix, counts[number], number, _BLOCK)
        choose[(tensors,)](counts[number], prefix, left, equals)
    in_block = torch.empty(blocks, dtype=torch.int32, device=flat.device)
    found = torch.empty(flat.shape, dtype=torch.int8, device=flat.device)
    count_equals[(blocks,)](flat, *places, prefix, in_block, _BLOCK)
    mask[(blocks,)](flat, *places, plan.first_block, prefix, left, equals, in_block, found, plan.most_blocks, _BLOCK)
    parts = torch.split(found.view(torch.bool), list(sizes))
    return [part.reshape(one.shape) for part, one in zip(parts, values, strict=True)]


@lru_cache(maxsize=64)
def _plan(sizes: tuple[int, ...], kept: tuple[int, ...], device: torch.device) -> _Plan:
    """Return what kernels need to know of sizes; kept, since a graph that is captured cannot make it."""
    starts = [0, *accumulate(sizes)]
    per_tensor = [-(-size // _BLOCK) for size in sizes]
    tensor_of = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(per_tensor))
    first = torch.tensor([0, *accumulate(per_tensor)][:-1])
    start_of = torch.tensor(starts[:-1])[tensor_of] + _BLOCK * (torch.arange(len(tensor_of)) - first[tensor_of])
    made = (tensor_of, start_of, first, torch.tensor(starts[1:]), torch.tensor(kept))
    tensor, start, block, end, count = (one.to(device, torch.int32) for one in made)
    return _Plan(tensor, start, block, end, count, max(per_tensor))


@triton.jit
def _keys(flat, tensor_of, start_of, ends, BLOCK: tl.constexpr):
    """Numbers of a block as integers of the same order, from 0 to 2**32 - 1, and which of them there are."""
    block = tl.program_id(0)
    tensor = tl.load(tensor_of + block)
    places = tl.load(start_of + block) + tl.arange(0, BLOCK)
    there = places < tl.load(ends + tensor)
    values = tl.load(flat + places, mask=there, other=0.0)
    bits = tl.where(values == 0.0, 0.0, values).to(tl.int32, bitcast=True)  # both zeros are equal
    keys = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.int64) + 2147483648
    return tensor, places, there, keys


@triton.jit
def _count(flat, tensor_of, start_of, ends, prefixes, counts, number, BLOCK: tl.constexpr):
    """Count the digits of what begins with the prefix of its tensor; others are counted where nobody looks."""
    tensor, _, there, keys = _keys(flat, tensor_of, start_of, ends, BLOCK)
    shift = 24 - 8 * number
    begins = there & ((keys >> (shift + 8)) == tl.load(prefixes + tensor))
    digits = tl.where(begins, (keys >> shift) & 255, 256).to(tl.int32)
    found = tl.histogram(digits, 512)
    at = tl.arange(0, 512)
    tl.atomic_add(counts + tensor * 256 + at, found, mask=(at < 256) & (found > 0))


@triton.jit
def _choose(counts, prefixes, lefts, equals):
    """Choose the digit with which the threshold of a tensor goes on: as many as are left have it or a larger one."""
    tensor = tl.program_id(0)
    at = tl.arange(0, 256)
    turned = tl.load(counts + tensor * 256 + 255 - at)  # from the largest digit down
    above = tl.cumsum(turned, 0)
    left = tl.load(lefts + tensor)
    passed = above < left
    place = tl.sum(passed.to(tl.int32), 0)
    tl.store(lefts + tensor, left - tl.sum(tl.where(passed, turned, 0), 0))
    tl.store(equals + tensor, tl.sum(tl.where(at == place, turned, 0), 0))
    tl.store(prefixes + tensor, tl.load(prefixes + tensor) * 256 + 255 - place)


@triton.jit
def _count_equals(flat, tensor_of, start_of, ends, thresholds, in_block, BLOCK: tl.constexpr):
    """Count how many numbers of a block are equal to the threshold of their tensor."""
    tensor, _, there, keys = _keys(flat, tensor_of, start_of, ends, BLOCK)
    equal = there & (keys == tl.load(thresholds + tensor))
    tl.store(in_block + tl.program_id(0), tl.sum(equal.to(tl.int32), 0))


@triton.jit
def _mask(
    flat,
    tensor_of,
    start_of,
    ends,
    first_blocks,
    thresholds,
    lefts,
    equals,
    in_block,
    found,
    MOST: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Keep what is above the threshold, and as many equals as are left, in their order."""
    tensor, places, there, keys = _keys(flat, tensor_of, start_of, ends, BLOCK)
    threshold = tl.load(thresholds + tensor)
    left = tl.load(lefts + tensor)
    kept = keys >= threshold
    if tl.load(equals + tensor) > left:
        first, last, before = tl.load(first_blocks + tensor), tl.program_id(0), 0
        for start in range(0, MOST, 1024):
            blocks = first + start + tl.arange(0, 1024)
            before += tl.sum(tl.load(in_block + blocks, mask=blocks < last, other=0), 0)
        equal = (there & (keys == threshold)).to(tl.int32)
        kept = (keys > threshold) | ((equal > 0) & (before + tl.cumsum(equal, 0) <= left))
    tl.store(found + places, kept.to(tl.int8), mask=there)
