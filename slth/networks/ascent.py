"""Gradient ascent over a box of inputs: where it starts, how it climbs, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from slth.errors import ArgumentError
from slth.rng import Stream

Floats = NDArray[np.float64]
Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Attack:
    """The largest difference that gradient ascent found.

    Parameters
    ----------
    error : float
        |ticket(x)[output] - target(x)[output]| in float64, by the reference forward passes.
    input : float64[inputs] or float64[channels, height, width]
        The input x.
    output : int
        The output at which it occurs, among all numbers of the result.
    """

    error: float
    input: Floats
    output: int


def check_effort(starts: object, steps: object) -> None:
    """Raise ArgumentError unless both are positive integers."""
    for name, value in (("starts", starts), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ArgumentError(
                name, value, "must be an integer of at least 1", "8 starts of 60 steps are a fair search"
            )


def box_of(input_box: tuple[ArrayLike, ArrayLike], shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the smallest and the largest input, in float64."""
    low, high = (torch.from_numpy(np.array(np.broadcast_to(np.asarray(end, np.float64), shape))) for end in input_box)
    return low, high


def starting_points(low: Tensor, high: Tensor, *, starts: int, seed: int) -> Tensor:
    """Return random inputs of a box and, from the middle on, random corners, in the dtype of the box."""
    generator = torch.Generator().manual_seed(Stream(seed, "attack").seed)
    uniform = torch.rand(starts, *low.shape, dtype=low.dtype, generator=generator)
    uniform[starts // 2 :] = uniform[starts // 2 :].round()
    return low + (high - low) * uniform


def every_direction(begin: Tensor, outputs: int) -> tuple[Tensor, Tensor]:
    """Return each starting point once for each output and sign, and those directions, one a row."""
    points = begin.repeat_interleave(2 * outputs, dim=0)
    direction = torch.eye(outputs, dtype=begin.dtype).repeat_interleave(2, dim=0).repeat(len(begin), 1)
    direction[1::2] *= -1.0
    return points, direction


def climb(
    difference: Function,
    points: Tensor,
    direction: Tensor,
    box: tuple[Tensor, Tensor],
    *,
    steps: int,
    first_step: float = 0.5,
    momentum: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return the best point of each climb of ``direction . difference(x)``, one a row of ``points``, and its height.

    Steps go along the sign of an average of the gradients so far, and shrink from ``first_step`` of the box to nothing.
    """
    low, high = box
    axes = tuple(range(1, points.dim()))
    best, record = points.clone(), torch.full((len(points),), -torch.inf, dtype=points.dtype)
    average = torch.zeros_like(points)
    for step in range(steps + 1):
        points = points.detach().requires_grad_()
        values = (difference(points) * direction).sum(dim=1)
        better = values.detach() > record
        record = torch.where(better, values.detach(), record)
        best = torch.where(better.reshape(-1, *(1 for _ in axes)), points.detach(), best)
        if step < steps:
            (gradient,) = torch.autograd.grad(values.sum(), points)
            size = gradient.abs().mean(dim=axes, keepdim=True)
            average = momentum * average + gradient / torch.where(size > 0.0, size, torch.ones_like(size))
            length = first_step * (1.0 - step / steps)
            points = torch.clamp(points.detach() + length * (high - low) * average.sign(), low, high)
    return best, record


def worst_of(candidates: Floats, differences: Floats) -> Attack:
    """Return the candidate with the largest |difference| of any output."""
    gaps = np.abs(differences).reshape(len(candidates), -1)
    row, output = np.unravel_index(int(gaps.argmax()), gaps.shape)
    worst = candidates[row].copy()
    worst.flags.writeable = False
    return Attack(float(gaps[row, output]), worst, int(output))
