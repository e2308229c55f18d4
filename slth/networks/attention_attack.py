"""Gradient ascent on the difference between an attention target and its ticket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from slth.errors import ArgumentError
from slth.networks.ascent import Attack, box_of, check_effort, climb, every_direction, starting_points, worst_of
from slth.networks.threads import threads_for
from slth.tickets import AttentionNetwork, FoldedLayer, ProductPair, Ticket, TokenMean
from slth.tickets.folding import fold
from slth.tickets.network import batch_of


def attack_attention(
    target: AttentionNetwork,
    ticket: Ticket,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    starts: int = 8,
    steps: int = 60,
    seed: int = 0,
    points: ArrayLike | None = None,
) -> Attack:
    """Look for the input of a box at which an attention ticket differs most from its target.

    As :func:`slth.networks.attack_difference`: from random inputs and random corners, for each output and sign. The
    gradient uses the ticket's folded matrices; the answer is evaluated by the masked random network itself.

    Parameters
    ----------
    target : AttentionNetwork
    ticket : Ticket
        Of as many inputs and outputs.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or one number per input.
    starts, steps : int
        Starting points for each output and sign, and steps from each.
    seed : int
        Seed of the starting points, 0 <= seed < 2**64.
    points : array_like, float64[n, inputs], optional
        Inputs of the box to start from as well, such as those at which a test set differs most.

    Returns
    -------
    Attack
        The worst that was found: a lower bound on the true maximum.

    Raises
    ------
    ArgumentError
        If a number is not positive, the seed is outside its range, or the networks have different sizes.
    """
    check_effort(starts, steps)
    sizes = (target.inputs, target.outputs)
    if sizes != (ticket.description.inputs, ticket.description.outputs):
        found = (ticket.description.inputs, ticket.description.outputs)
        rule = f"must have the target's {sizes[0]} inputs and {sizes[1]} outputs"
        raise ArgumentError("ticket", found, rule, "pass the ticket of this target")
    box = box_of(input_box, (target.inputs,))
    begin = starting_points(*box, starts=starts, seed=seed)
    if points is not None:
        begin = torch.cat([begin, torch.tensor(batch_of(points, target.inputs))])
    rows, direction = every_direction(begin, target.outputs)
    theirs, ours = _target_pass(target), _ticket_pass(target, ticket)
    with threads_for(len(rows) * target.parameters):
        best, _ = climb(lambda x: ours(x) - theirs(x), rows, direction, box, steps=steps)
    candidates = np.concatenate([best.numpy(), begin.numpy()])
    return worst_of(candidates, ticket.forward(candidates) - target.forward(candidates))


Dense = list[tuple[Tensor, Tensor, Tensor | None, bool]]
"""Weights on max(x, 0) and on min(x, 0), bias, and whether a ReLU follows."""


def _target_pass(target: AttentionNetwork) -> Callable[[Tensor], Tensor]:
    def dense(part: str) -> Dense:
        layers = target.embedding.layers if part == "embedding" else target.readout.layers
        return [
            (
                torch.tensor(layer.weight),
                torch.tensor(layer.weight),
                None if layer.bias is None else torch.tensor(layer.bias),
                layer.activation == "relu",
            )
            for layer in layers
        ]

    scores, values = torch.tensor(target.scores), torch.tensor(target.values)
    return _pass(target, dense("embedding"), scores, values, dense("readout"))


def _ticket_pass(target: AttentionNetwork, ticket: Ticket) -> Callable[[Tensor], Tensor]:
    parts: tuple[Dense, Dense] = ([], [])
    behind = False
    gains = dict(zip([layer.path for layer in ticket.description.random_layers], ticket.gains.tolist(), strict=True))
    for layer in ticket.description.layers:
        behind = behind or isinstance(layer, TokenMean)
        if isinstance(layer, ProductPair):
            folded: FoldedLayer = fold(layer, ticket.mask, ticket.law, ticket.seed, gains[layer.path])
            positive, negative = torch.tensor(folded.plus), torch.tensor(folded.minus)
            dense = (positive[:, :-1], negative[:, :-1], positive[:, -1], layer.activation == "relu")
            parts[behind].append(dense)
    scores, values = (torch.tensor(folded.middle) for folded in ticket.folded_heads())
    return _pass(target, parts[0], scores, values, parts[1])


def _pass(
    target: AttentionNetwork, embedding: Dense, scores: Tensor, values: Tensor, readout: Dense
) -> Callable[[Tensor], Tensor]:
    """Return the function [batch, inputs] -> [batch, outputs] in float64."""
    places = torch.eye(target.tokens, dtype=torch.float64)

    def forward(x: Tensor) -> Tensor:
        rows = x.reshape(len(x), target.tokens, target.token_size)
        embedded = _dense(embedding, torch.cat([rows, places.expand(len(x), -1, -1)], dim=2))
        each = embedded.unsqueeze(1)
        shares = (each @ scores @ each.transpose(2, 3)).softmax(dim=3)
        mixed = (shares @ (each @ values)).sum(dim=1)
        if target.residual:
            mixed = mixed + embedded
        return _dense(readout, mixed.mean(dim=1))

    return forward


def _dense(layers: Dense, x: Tensor) -> Tensor:
    for positive, negative, bias, rectified in layers:
        x = x.clamp(min=0.0) @ positive.T + x.clamp(max=0.0) @ negative.T
        if bias is not None:
            x = x + bias
        if rectified:
            x = x.relu()
    return x
