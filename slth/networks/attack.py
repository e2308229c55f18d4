"""The worst input that can be found: gradient ascent on the difference between a target and a ticket over a box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from slth.errors import ArgumentError
from slth.networks.conv_attack import attack_convolutions
from slth.networks.threads import threads_for
from slth.rng import Stream
from slth.tickets import ConvNetwork, DenseNetwork, RandomLinear, Ticket

Floats = NDArray[np.float64]


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


def attack_difference(
    target: DenseNetwork | ConvNetwork,
    ticket: Ticket,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    starts: int = 8,
    steps: int = 60,
    seed: int = 0,
) -> Attack:
    """Look for the input of a box at which a ticket differs most from its target: a lower bound on the true maximum.

    From random inputs and random corners, each output and each sign is climbed by steps of the gradient's sign that
    shrink from half of the box to nothing, projected on the box; networks of ReLUs are piecewise linear, so that their
    extremes tend to lie in corners. The gradient uses the ticket folded to one weight per connection; the answer is
    evaluated by the masked random network itself.

    Parameters
    ----------
    target : DenseNetwork or ConvNetwork
        The target.
    ticket : Ticket
        A strong ticket of as many inputs and outputs.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or one number per input.
    starts : int
        Starting points for each output and sign.
    steps : int
        Steps from each starting point.
    seed : int
        Seed of the starting points, 0 <= seed < 2**64.

    Returns
    -------
    Attack
        The worst that was found.

    Raises
    ------
    ArgumentError
        If a number is not positive, the seed is outside its range, or the networks have different sizes.

    Examples
    --------
    >>> from slth.constructions import Dense, construct_dense
    >>> from slth.tickets import DenseLayer
    >>> target = DenseNetwork([DenseLayer([[0.5, -0.25]]), DenseLayer([[0.75]], activation="identity")])
    >>> construction = construct_dense(target, Dense(candidates=12))
    >>> attack_difference(target, construction.ticket).error <= construction.certificate.error
    True
    """
    for name, value in (("starts", starts), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ArgumentError(
                name, value, "must be an integer of at least 1", "8 starts of 60 steps are a fair search"
            )
    if isinstance(target, ConvNetwork):
        found = attack_convolutions(target, ticket, input_box=input_box, starts=starts, steps=steps, seed=seed)
        found[1].flags.writeable = False
        return Attack(*found)
    inputs, outputs = target.layers[0].inputs, target.layers[-1].outputs
    if (inputs, outputs) != (ticket.description.inputs, ticket.description.outputs):
        raise ArgumentError(
            "ticket", (ticket.description.inputs, ticket.description.outputs), "has other sizes than the target",
            f"pass a ticket of {inputs} inputs and {outputs} outputs",
        )  # fmt: skip
    low, high = (
        torch.from_numpy(np.array(np.broadcast_to(np.asarray(end, np.float64), (inputs,)))) for end in input_box
    )
    generator = torch.Generator().manual_seed(Stream(seed, "attack").seed)
    uniform = torch.rand(starts, inputs, dtype=torch.float64, generator=generator)
    uniform[starts // 2 :] = uniform[starts // 2 :].round()
    begin = low + (high - low) * uniform
    climbs = 2 * outputs
    points = begin.repeat_interleave(climbs, dim=0)
    direction = torch.eye(outputs, dtype=torch.float64).repeat_interleave(2, dim=0).repeat(starts, 1)
    direction[1::2] *= -1.0
    with threads_for(len(points) * target.parameters):
        best = climb(_target_pass(target), _ticket_pass(ticket), points, direction, low, high, steps)
    candidates = np.concatenate([best.numpy(), begin.numpy()])
    differences = np.abs(ticket.forward(candidates) - target.forward(candidates))
    row, output = np.unravel_index(int(differences.argmax()), differences.shape)
    worst = candidates[row].copy()
    worst.flags.writeable = False
    return Attack(float(differences[row, output]), worst, int(output))


class _Pass:
    """A network as float64 matrices on max(x, 0) and min(x, 0), without a constant input where ``bias`` is None."""

    def __init__(self, layers: list[tuple[Tensor, Tensor, Tensor | None, bool]]) -> None:
        self.layers = layers

    def __call__(self, x: Tensor) -> Tensor:
        for positive, negative, bias, rectified in self.layers:
            x = x.clamp(min=0.0) @ positive.T + x.clamp(max=0.0) @ negative.T
            if bias is not None:
                x = x + bias
            if rectified:
                x = x.relu()
        return x


def _target_pass(target: DenseNetwork) -> _Pass:
    layers = []
    for layer in target.layers:
        weight = torch.tensor(layer.weight)
        bias = None if layer.bias is None else torch.tensor(layer.bias)
        layers.append((weight, weight, bias, layer.activation == "relu"))
    return _Pass(layers)


def _ticket_pass(ticket: Ticket) -> _Pass:
    layers = []
    for layer, folded in zip(ticket.description.layers, ticket.folded_layers(), strict=True):
        positive, negative = torch.tensor(folded.plus), torch.tensor(folded.minus)
        bias = None if isinstance(layer, RandomLinear) else positive[:, -1]
        layers.append((positive[:, :-1], negative[:, :-1], bias, layer.activation == "relu"))
    return _Pass(layers)


def climb(
    target: Callable[[Tensor], Tensor],
    ticket: Callable[[Tensor], Tensor],
    points: Tensor,
    direction: Tensor,
    low: Tensor,
    high: Tensor,
    steps: int,
) -> Tensor:
    """Return the best point of each climb of ``direction . (ticket(x) - target(x))``, one a row of ``points``."""
    best, record = points.clone(), torch.full((len(points),), -torch.inf, dtype=torch.float64)
    for step in range(steps + 1):
        points = points.detach().requires_grad_()
        values = ((ticket(points) - target(points)) * direction).sum(dim=1)
        better = values.detach() > record
        record = torch.where(better, values.detach(), record)
        best = torch.where(better[:, None], points.detach(), best)
        if step < steps:
            (gradient,) = torch.autograd.grad(values.sum(), points)
            length = 0.5 * (1.0 - step / steps)
            points = torch.clamp(points.detach() + length * (high - low) * gradient.sign(), low, high)
    return best
