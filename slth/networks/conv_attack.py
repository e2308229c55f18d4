"""The worst input of a convolutional ticket that can be found: gradient ascent on its difference from the target."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.ascent import Attack, Function, box_of, climb, every_direction, starting_points, worst_of
from slth.networks.conv_modules import run_steps
from slth.networks.folded import folded_module
from slth.networks.threads import threads_for
from slth.tickets import ConvLayer, ConvNetwork, Ticket

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
) -> Attack:
    """Return the largest difference found.

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
    Attack

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
    exact = box_of(input_box, shape)
    # Search in single precision; what is reported is evaluated in double precision by the reference forward passes.
    box = exact[0].float(), exact[1].float()
    begin = starting_points(*box, starts=starts, seed=seed)
    points, direction = every_direction(begin, outputs)
    ours, theirs = folded_module(ticket, dtype=torch.float32), _target_pass(target)
    way = {"steps": steps, "first_step": _FIRST_STEP, "momentum": _MOMENTUM}

    def difference(x: Tensor) -> Tensor:
        return ours(x).flatten(1) - theirs(x).flatten(1)  # type: ignore[no-any-return]

    with threads_for(_CLIMBS * outputs * target.parameters):
        climbs = [
            climb(difference, some, towards, box, **way)  # type: ignore[arg-type]
            for some, towards in zip(torch.split(points, _CLIMBS), torch.split(direction, _CLIMBS), strict=True)
        ]
    order = torch.cat([record for _, record in climbs]).argsort(descending=True)[:_CHECKED]
    chosen = torch.cat([torch.cat([best for best, _ in climbs])[order], begin[:_CHECKED]]).double()
    candidates = chosen.clamp(*exact).numpy()
    return worst_of(candidates, ticket.forward(candidates) - target.forward(candidates))


def _target_pass(target: ConvNetwork) -> Function:
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
