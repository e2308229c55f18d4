"""An attention ticket taken apart: the dense tickets of its embedding and read-out, and its matrices enclosed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.constructions.effective import EffectiveLayer, effective_layers
from slth.constructions.interval import Array, Interval
from slth.errors import ArgumentError
from slth.tickets import (
    AttentionNetwork,
    DenseLayer,
    DenseNetwork,
    FoldedHeads,
    Mask,
    NetworkDescription,
    ProductPair,
    Ticket,
    TokenMean,
    Tokens,
    ValueOutput,
)


@dataclass(frozen=True)
class AttentionParts:
    """The layers of an attention ticket beside those of its target.

    Parameters
    ----------
    embedding, readout : tuple of EffectiveLayer
        Effective layers of the dense parts.
    scores, values : FoldedHeads
        Enclosed matrices of the heads.
    factor : float
        Upper bound of 1 and of the absolute values of the law's numbers and of the gains.
    """

    embedding: tuple[EffectiveLayer, ...]
    readout: tuple[EffectiveLayer, ...]
    scores: FoldedHeads
    values: FoldedHeads
    factor: float


def dense_parts(ticket: Ticket) -> tuple[Ticket, Ticket]:
    """Return embedding and read-out of an attention ticket as tickets of their own: same seed, same weights.

    Raises
    ------
    ArgumentError
        If the ticket has no attention.
    """
    layers = ticket.description.layers
    middle = [number for number, layer in enumerate(layers) if isinstance(layer, TokenMean)]
    if not middle:
        raise ArgumentError("ticket", ticket.description.to_json(), "has no attention", "pass an attention ticket")
    pairs = [number for number, layer in enumerate(layers) if isinstance(layer, ProductPair)]
    before = [number for number in pairs if number < middle[0]]
    return _part(ticket, before), _part(ticket, pairs[len(before) :])


def _part(ticket: Ticket, numbers: list[int]) -> Ticket:
    layers = ticket.description.layers
    gains = dict(zip([layer.path for layer in ticket.description.random_layers], ticket.gains.tolist(), strict=True))
    description = NetworkDescription([layers[number] for number in numbers])
    mask = Mask({name: ticket.mask[name] for name in description.mask_shapes})
    chosen = np.array([gains[layer.path] for layer in description.layers])
    return Ticket(description, ticket.law, ticket.seed, mask, chosen, ticket.family)


def take_apart(target: AttentionNetwork, ticket: Ticket) -> AttentionParts:
    """Return the ticket's layers, checked against the target's.

    Raises
    ------
    ArgumentError
        If tokens, sizes, heads, residual or activations do not correspond.
    """
    embedding, readout = dense_parts(ticket)
    layers = ticket.description.layers
    steps = {type(layer): layer for layer in layers}
    found = (steps[Tokens].count, steps[Tokens].size, steps[ValueOutput].heads, steps[ValueOutput].residual)
    wanted = (target.tokens, target.token_size, target.heads, target.residual)
    if found != wanted:
        rule = f"must be the target's tokens, token size, heads and residual {wanted}"
        raise ArgumentError("ticket", found, rule, "certify a ticket against the target that it was constructed for")
    scores, values = ticket.folded_heads()
    if scores.lower.shape != target.scores.shape or values.lower.shape != target.values.shape:
        shapes = (scores.lower.shape, values.lower.shape)
        rule = f"must have the target's matrices {target.scores.shape} and {target.values.shape}"
        raise ArgumentError("ticket", shapes, rule, "certify a ticket against the target that it was constructed for")
    return AttentionParts(
        embedding=effective_layers(embedding, target.embedding),
        readout=effective_layers(readout, target.readout),
        scores=scores,
        values=values,
        factor=max(1.0, ticket.law.scale * (1.0 if ticket.law.name == "uniform" else 8.3), float(ticket.gains.max())),
    )


def with_projections(target: AttentionNetwork, parts: AttentionParts) -> tuple[DenseNetwork, list[EffectiveLayer]]:
    """Return the embedding followed by all that is linear in a token: x A_h, A_h x and x B_h, head after head."""
    exact = _stacked(target.scores, target.values)
    lower = _stacked(parts.scores.lower, parts.values.lower)
    upper = _stacked(parts.scores.upper, parts.values.upper)
    magnitude = _stacked(parts.scores.magnitude, parts.values.magnitude)
    constant = np.zeros((len(exact), 1))
    network = DenseNetwork([*target.embedding.layers, DenseLayer(exact, activation="identity")])
    layer = EffectiveLayer(
        positive=Interval(np.hstack([lower, constant]), np.hstack([upper, constant])),
        negative=None,
        magnitude=np.hstack([magnitude, constant]),
        terms=max(parts.scores.terms, parts.values.terms),
        factor=parts.factor,
        source=np.arange(target.width + 1),
        sink=np.arange(len(exact)),
    )
    return network, [*parts.embedding, layer]


def _stacked(scores: Array, values: Array) -> Array:
    """Return the matrices whose rows make x A_h, A_h x and x B_h of a token, head after head."""
    return np.concatenate([scores.swapaxes(1, 2), scores, values.swapaxes(1, 2)], axis=1).reshape(-1, scores.shape[1])
