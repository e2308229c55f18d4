"""The worst input of a convolutional ticket that can be found: gradient ascent on its difference from the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.conv_modules import run_steps
from slth.networks.folded import folded_module
from slth.networks.threads import threads_for
from slth.rng import Stream
from slth.tickets import ConvLayer, ConvNetwork, Ticket

Floats: TypeAlias = NDArray[np.float64]
Pass: TypeAlias = Callable[[Tensor], Tensor]

_CLIMBS = 128  # at a time
_CHECKED = 8  # best points that are evaluated by the reference forward passes
# Measured on the reference network: first steps of half of the box, or no momentum, end about a tenth lower.
_FIRST_STEP, _MOMENTUM = 0.1, 0.9


def attack_convolutions(
    target: ConvNetwork,
    ticket: Ticket,
    *,
    input_box: tuple[ArrayLike, ArrayLike],
    starts: int,
    steps: int,
    seed: int,
) -> tuple[float, Floats, int]:
    """Return the largest difference found, the input, and the output at which it occurs.

    Parameters
    ----------
    target : ConvNetwork
    ticket : Ticket
    input_box : tuple of two array_like
        Smallest and largest input.
    starts : int
        Starting points for each output and sign: half of them random, half random corners.
    steps : int
        Steps from each, along the sign of an average of the gradients so far, which shrink from a tenth of the box to
        nothing.
    seed : int

    Returns
    -------
    tuple of float, float64[channels, height, width] and int

    Raises
    ------
    ArgumentError
        If the networks take other images or have other outputs.
    """
    shape = target.input_shape
    outputs = int(np.prod(target.output_shape))
    if (shape, outputs) != (ticket.description.input_shape, ticket.description.outputs):
        found = (ticket.description.input_shape, ticket.description.outputs)
        remedy = f"pass a ticket for {shape} with {outputs} outputs"
        raise ArgumentError("ticket", found, "has other sizes than the target", remedy)
    # Search in single precision; what is reported is evaluated in double precision by the reference forward passes.
    low, high = (torch.tensor(np.broadcast_to(np.asarray(end, np.float64), shape).copy()).float() for end in input_box)
    generator = torch.Generator().manual_seed(Stream(seed, "attack").seed)
    uniform = torch.rand(starts, *shape, generator=generator)
    uniform[starts // 2 :] = uniform[starts // 2 :].round()
    begin = low + (high - low) * uniform
    ours = folded_module(ticket, dtype=torch.float32)
    theirs = _target_pass(target)

    def difference(x: Tensor) -> Tensor:
        return ours(x).flatten(1) - theirs(x).flatten(1)  # type: ignore[no-any-return]

    points = begin.repeat_interleave(2 * outputs, dim=0)
    direction = torch.eye(outputs).repeat_interleave(2, dim=0).repeat(starts, 1)
    direction[1::2] *= -1.0
    found_points, records = [], []
    with threads_for(_CLIMBS * outputs * target.parameters):
        for first in range(0, len(points), _CLIMBS):
            part = slice(first, first + _CLIMBS)
            best, record = _climb(difference, points[part], direction[part], low, high, steps)
            found_points.append(best)
            records.append(record)
    order = torch.cat(records).argsort(descending=True)[:_CHECKED]
    chosen = torch.cat([torch.cat(found_points)[order], begin[:_CHECKED]]).double().numpy()
    chosen = np.clip(chosen, *(np.broadcast_to(np.asarray(end, np.float64), shape) for end in input_box))
    gaps = np.abs(ticket.forward(chosen) - target.forward(chosen)).reshape(len(chosen), -1)
    row, output = np.unravel_index(int(gaps.argmax()), gaps.shape)
    return float(gaps[row, output]), chosen[row].copy(), int(output)


def _target_pass(target: ConvNetwork) -> Pass:
    """Return the target as a function of single-precision images."""
    weights: dict[int, tuple[Tensor, Tensor | None]] = {}
    for number, step in enumerate(target.steps):
        if isinstance(step, ConvLayer):
            bias = None if step.bias is None else torch.tensor(step.bias).float()
            weights[number] = torch.tensor(step.weight).float(), bias

    def weighted(number: int, x: Tensor) -> Tensor:
        weight, bias = weights[number]
        step = target.steps[number]
        return functional.conv2d(x, weight, bias, stride=step.stride, padding=step.padding, groups=step.groups)

    return lambda x: run_steps(target.steps, x, weighted)


def _climb(
    difference: Pass, points: Tensor, direction: Tensor, low: Tensor, high: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Return the best point of each climb, and how high it is."""
    best, record = points.clone(), torch.full((len(points),), -torch.inf)
    average = torch.zeros_like(points)
    for step in range(steps + 1):
        points = points.detach().requires_grad_()
        values = (difference(points) * direction).sum(dim=1)
        better = values.detach() > record
        record = torch.where(better, values.detach(), record)
        best = torch.where(better[:, None, None, None], points.detach(), best)
        if step < steps:
            (gradient,) = torch.autograd.grad(values.sum(), points)
            size = gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
            average = _MOMENTUM * average + gradient / torch.where(size > 0.0, size, torch.ones_like(size))
            length = _FIRST_STEP * (1.0 - step / steps)
            points = torch.clamp(points.detach() + length * (high - low) * average.sign(), low, high)
    return best, record
