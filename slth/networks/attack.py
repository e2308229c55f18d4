"""The worst input that can be found: gradient ascent on the difference between a target and a ticket over a box."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from slth.errors import ArgumentError
from slth.networks.ascent import Attack as Attack
from slth.networks.ascent import box_of, check_effort, climb, every_direction, starting_points, worst_of
from slth.networks.conv_attack import attack_convolutions
from slth.networks.threads import threads_for
from slth.tickets import ConvNetwork, DenseNetwork, RandomLinear, Ticket


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
    check_effort(starts, steps)
    if isinstance(target, ConvNetwork):
        return attack_convolutions(target, ticket, input_box=input_box, starts=starts, steps=steps, seed=seed)
    inputs, outputs = target.layers[0].inputs, target.layers[-1].outputs
    if (inputs, outputs) != (ticket.description.inputs, ticket.description.outputs):
        raise ArgumentError(
            "ticket", (ticket.description.inputs, ticket.description.outputs), "has other sizes than the target",
            f"pass a ticket of {inputs} inputs and {outputs} outputs",
        )  # fmt: skip
    box = box_of(input_box, (inputs,))
    begin = starting_points(*box, starts=starts, seed=seed)
    points, direction = every_direction(begin, outputs)
    theirs, ours = _target_pass(target), _ticket_pass(ticket)
    with threads_for(len(points) * target.parameters):
        best, _ = climb(lambda x: ours(x) - theirs(x), points, direction, box, steps=steps)
    candidates = np.concatenate([best.numpy(), begin.numpy()])
    return worst_of(candidates, ticket.forward(candidates) - target.forward(candidates))


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
