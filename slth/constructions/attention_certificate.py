r"""A bound on the largest difference between an attention target and its ticket over a whole box of inputs.

Dashes mark what the ticket has. Token by token the dense machinery (:mod:`slth.constructions.propagation`) encloses
:math:`x_t`, :math:`x'_t` and :math:`d_t = x'_t - x_t`, and likewise everything that is linear in a token: with
:math:`u_t = x_t A`, :math:`w_s = A x_s`, :math:`z_s = x_s B` the differences
:math:`\Delta u_t = x'_t A' - x_t A` and so on. The error of a score has two exact forms,

.. math:: s'_{ts} - s_{ts} = \Delta u_t \cdot x'_s + u_t \cdot d_s = d_t \cdot w'_s + x_t \cdot \Delta w_s,

in which constants may be subtracted from what depends on s: the same number for all s is nothing to softmax. With
:math:`\tau_t` the bound on the total variation of row t (:mod:`slth.constructions.attention_softmax`),

.. math:: \sum_s p'_{ts} z'_s - p_{ts} z_s = \sum_s p'_{ts} \Delta z_s + \sum_s (p'_{ts} - p_{ts}) z_s

lies in the hull of all :math:`\Delta z_s` plus :math:`\pm \tau_t (\max z - \min z)`. The mean over t and the
residual connection are exact; the read-out starts from these ranges. All of it holds in real arithmetic and is computed
with outward rounding; no exponential is evaluated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.attention_parts import AttentionParts, take_apart, with_projections
from slth.constructions.attention_rounding import attention_allowance
from slth.constructions.attention_softmax import (
    SoftmaxBounds,
    hull_of_tokens,
    lemma_bound,
    norm_above,
    ranges,
    spreads,
    total_variation,
)
from slth.constructions.certify import Certificate, LayerBounds, as_box, weight_errors
from slth.constructions.effective import EffectiveLayer
from slth.constructions.interval import Array, Interval, down, up, upper_product
from slth.constructions.propagation import State, augmented, concatenate, propagate, start
from slth.tickets import AttentionNetwork, DenseLayer, Ticket


@dataclass(frozen=True)
class AttentionCertificate(Certificate):
    """A certificate of an attention ticket; ``norm_bound`` is the bound with the theorem's softmax lemma.

    Parameters
    ----------
    error, per_output, norm_bound, float64_allowance, float32_allowance, input_box, layers
        As for :class:`Certificate`; the two matrices of the heads are layers of their own. Allowances assume an
        exponential function within 4 units in the last place.
    softmax : SoftmaxBounds
        The lemma beside the sharper bound that is used.
    """

    softmax: SoftmaxBounds


@dataclass(frozen=True)
class TokenRanges:
    """Ranges of a quantity for every token, float64[tokens, ...]: target's, ticket's, and their difference."""

    target: Interval
    ticket: Interval
    difference: Interval

    def part(self, index: tuple[slice | int, ...]) -> TokenRanges:
        """Return some coordinates."""
        return TokenRanges(self.target[index], self.ticket[index], self.difference[index])


def certify_attention(
    target: AttentionNetwork, ticket: Ticket, *, input_box: tuple[ArrayLike, ArrayLike]
) -> AttentionCertificate:
    """Bound the difference between an attention target and its ticket over a box of inputs.

    Parameters
    ----------
    target : AttentionNetwork
    ticket : Ticket
        With the target's tokens, sizes, heads and numbers of layers.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or one number per input.

    Returns
    -------
    AttentionCertificate

    Raises
    ------
    ArgumentError
        If the box is empty or not finite, or the ticket's shapes are not the target's.
    """
    return certify_parts(target, take_apart(target, ticket), as_box(input_box, target.inputs))


def certify_parts(target: AttentionNetwork, parts: AttentionParts, box: tuple[Array, Array]) -> AttentionCertificate:
    """Return the certificate of enclosed matrices and layers, which need not come from a ticket."""
    with np.errstate(over="ignore", invalid="ignore"):
        states = embedded(target, parts, box)
        tokens, projected = _behind(states, -2), _behind(states, -1)
        softmax, moved = _softmax_bounds(target, tokens, projected)
        norms = [_lemma_on_column(target, softmax.lemma)] * target.tokens
        mixed = _mixed(target, tokens, projected, moved)
        by_lemma = _mixed(target, tokens, projected, np.stack(norms))
        readout = propagate(target.readout, parts.readout, mixed)
        classical = _largest(propagate(target.readout, parts.readout, by_lemma)[-1])
        per_output = np.minimum(_largest(readout[-1]), classical)
        per_output.flags.writeable = False
        allowances = [
            attention_allowance(target, parts, states, readout, per_output, digits=digits) for digits in (53, 24)
        ]
        return AttentionCertificate(
            error=float(per_output.max()),
            per_output=per_output,
            norm_bound=float(classical.max()),
            float64_allowance=allowances[0],
            float32_allowance=allowances[1],
            input_box=box,
            layers=tuple(_layer_bounds(target, parts, states, mixed, readout, moved)),
            softmax=softmax,
        )


def embedded(target: AttentionNetwork, parts: AttentionParts, box: tuple[Array, Array]) -> list[list[State]]:
    """Return for every token the states through the embedding, and behind all that is linear in a token."""
    network, layers = with_projections(target, parts)
    places = np.eye(target.tokens)
    low, high = (end.reshape(target.tokens, target.token_size) for end in box)
    return [
        propagate(network, layers, start(np.append(low[token], place), np.append(high[token], place)))
        for token, place in enumerate(places)
    ]


def _behind(states: list[list[State]], layer: int) -> TokenRanges:
    """Return the ranges of all tokens behind a layer of the embedding, without the constant."""
    reached = [token[layer] for token in states]
    differences = [state.difference for state in reached if state.difference is not None]
    return TokenRanges(
        _stack([state.target for state in reached]),
        _stack([state.ticket for state in reached]),
        _stack(differences),
    )


def _stack(intervals: list[Interval]) -> Interval:
    return Interval(
        np.stack([interval.lower[:-1] for interval in intervals]),
        np.stack([interval.upper[:-1] for interval in intervals]),
    )


def _slices(target: AttentionNetwork, head: int) -> tuple[slice, slice, slice]:
    """Return where x A_h, A_h x and x B_h of a head stand among the projections."""
    width, outputs = target.width, target.values.shape[2]
    first = head * (2 * width + outputs)
    return (
        slice(first, first + width),
        slice(first + width, first + 2 * width),
        slice(first + 2 * width, first + 2 * width + outputs),
    )


def _softmax_bounds(
    target: AttentionNetwork, tokens: TokenRanges, projected: TokenRanges
) -> tuple[SoftmaxBounds, Array]:
    """Return what is known of the scores, and the bounds float64[tokens, outputs] on what moved shares change."""
    every = slice(None)
    error, spread = 0.0, 0.0
    moved = np.zeros((target.tokens, target.values.shape[2]))
    for head in range(target.heads):
        u, w, z = (projected.part((every, own)) for own in _slices(target, head))
        plain = _errors_of_products(u, tokens).meet(_errors_of_products(tokens, w))
        error = max(error, float(plain.magnitude.max()))
        row = np.minimum(
            spreads(_errors_of_products(u, _centred(tokens))), spreads(_errors_of_products(tokens, _centred(w)))
        )
        row = np.where(np.isnan(row), np.inf, row)
        spread = max(spread, float(row.max()))
        moved = up(moved + upper_product(total_variation(row)[:, None], ranges(z.target)))
    alpha = max(float(norm_above(tokens.target.magnitude).max()), float(up(np.sqrt(np.float64(target.width)))))
    share = total_variation(np.array(spread))
    bounds = SoftmaxBounds(
        score_error=error,
        score_spread=spread,
        token_norm=alpha,
        lemma=lemma_bound(target.width, alpha, error),
        sharp=float(up(share * norm_above(ranges(tokens.target)))),
    )
    return bounds, moved


def _errors_of_products(left: TokenRanges, right: TokenRanges) -> Interval:
    """Return ranges float64[t, s] of left'_t . right'_s - left_t . right_s, as sums of one difference each."""
    rows = []
    for token in range(len(left.target.lower)):
        by_left = left.difference[token] * right.ticket
        by_right = left.target[token] * right.difference
        rows.append(concatenate([by_left, by_right], axis=1).total())
    return Interval(np.stack([row.lower for row in rows]), np.stack([row.upper for row in rows]))


def _centred(values: TokenRanges) -> TokenRanges:
    """Return ranges less numbers that are the same for all tokens, about as wide to either side of 0."""

    def less_middle(part: Interval) -> Interval:
        hull = hull_of_tokens(part)
        return part - Interval.point(0.5 * hull.lower + 0.5 * hull.upper)

    return TokenRanges(values.target, less_middle(values.ticket), less_middle(values.difference))


def _lemma_on_column(target: AttentionNetwork, lemma: float) -> Array:
    """Return bounds float64[outputs] on what the lemma's change of a row becomes behind the matrices B."""
    columns = norm_above(np.abs(target.values).swapaxes(1, 2))
    return upper_product(up(columns.sum(axis=0) * (1.0 + target.heads * 2.0**-50)), np.asarray(lemma))


def _mixed(target: AttentionNetwork, tokens: TokenRanges, projected: TokenRanges, moved: Array) -> State:
    """Return the state behind the mean over the tokens; ``moved`` bounds what the changed shares contribute."""
    every = slice(None)
    values, ticket, difference = (Interval(np.zeros_like(moved), np.zeros_like(moved)) for _ in range(3))
    for head in range(target.heads):
        z = projected.part((every, _slices(target, head)[2]))
        values, ticket = values + hull_of_tokens(z.target), ticket + hull_of_tokens(z.ticket)
        difference = difference + hull_of_tokens(z.difference)
    difference = difference + Interval.symmetric(moved)
    if target.residual:
        values, ticket = values + tokens.target, ticket + tokens.ticket
        difference = difference + tokens.difference
    one, none = Interval.point(np.ones(1)), Interval.point(np.zeros(1))
    own = concatenate([_mean(values), one])
    change = concatenate([_mean(difference), none])
    return State(own, concatenate([_mean(ticket), one]).meet(own + change), change)


def _mean(values: Interval) -> Interval:
    """Return ranges of the mean over the first axis."""
    count = len(values.lower)
    total = Interval(values.lower.swapaxes(0, -1), values.upper.swapaxes(0, -1)).total()
    return Interval(down(total.lower / count), up(total.upper / count))


def _largest(state: State) -> Array:
    """Return the bound of each output; where a range left the doubles nothing is certified."""
    assert state.difference is not None, "every layer computes a difference"
    magnitude = state.difference.magnitude[:-1]
    return np.where(np.isnan(magnitude), np.inf, magnitude)


def _layer_bounds(
    target: AttentionNetwork,
    parts: AttentionParts,
    states: list[list[State]],
    mixed: State,
    readout: list[State],
    moved: Array,
) -> list[LayerBounds]:
    """Return a row for each layer with weights: embedding, scores, values, read-out."""
    rows: list[LayerBounds] = []

    def add(errors: Array, weights: Array, value: float, difference: float) -> None:
        nonzero = errors[weights != 0.0]
        median = float(np.median(nonzero)) if nonzero.size else 0.0
        rows.append(LayerBounds(len(rows), float(errors.max()), median, value, difference, math.inf))

    def add_dense(layer: DenseLayer, effective: EffectiveLayer, before: list[State], behind: list[State]) -> None:
        errors = np.max([weight_errors(layer, effective, state).magnitude for state in before], axis=0)
        differences = [state.difference.magnitude.max() for state in behind if state.difference is not None]
        value = max(float(state.target[:-1].magnitude.max()) for state in behind)
        add(errors, augmented(layer)[effective.sink], value, float(max(differences)))

    for number, (layer, effective) in enumerate(zip(target.embedding.layers, parts.embedding, strict=True)):
        add_dense(layer, effective, [s[number] for s in states], [s[number + 1] for s in states])
    for folded, exact in ((parts.scores, target.scores), (parts.values, target.values)):
        errors = (Interval(folded.lower, folded.upper) - Interval.point(exact)).magnitude
        behind = float(moved.max()) if exact is target.scores else _largest(mixed).max()
        add(errors, exact, float(mixed.target[:-1].magnitude.max()), float(behind))
    for number, (layer, effective) in enumerate(zip(target.readout.layers, parts.readout, strict=True)):
        add_dense(layer, effective, [readout[number]], [readout[number + 1]])
    return rows
