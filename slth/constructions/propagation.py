r"""Ranges of the target's values, of the ticket's values and of their difference, side by side through the layers.

Write :math:`h` for an input of the layer in the target, :math:`h' = h + e` for what the ticket has in its place, W for
the target's weights and A for the ticket's. The difference of the two outputs has two exact forms,

.. math:: z' - z = (A - W)\,h' + W\,e = (A - W)\,h + A\,e,

and each term of the sum lies in the intersection of its two ranges. The first layer has :math:`e = 0`, and its terms
depend on one coordinate of the box each, so there the sum of ranges is the range of the sum: nothing is lost. Through a
ReLU the range of :math:`\max(z + e, 0) - \max(z, 0)` over the rectangle of all (z, e) is exact: the function grows with
e; in z it grows where e > 0 and falls where e < 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slth.constructions.effective import EffectiveLayer, apply, slopes
from slth.constructions.interval import Array, Interval, down, up
from slth.tickets import DenseLayer, DenseNetwork

_CHUNK = 2**20  # elements of one temporary array


@dataclass(frozen=True)
class State:
    """Ranges over the whole input box behind one layer.

    Parameters
    ----------
    target : Interval float64[d + 1]
        Values of the target's neurons, the constant 1 last.
    ticket : Interval float64[p]
        Values of the ticket's neurons; the constant 1 last, unless its copies are among them.
    difference : Interval float64[p] or None
        Ticket's value minus the value of the target's neuron that it stands for; None where they are the same.
    """

    target: Interval
    ticket: Interval
    difference: Interval | None


def augmented(layer: DenseLayer) -> Array:
    """Return weights float64[out + 1, in + 1]: bias in the last column, a last row that hands the constant 1 on."""
    outputs, inputs = layer.weight.shape
    weights = np.zeros((outputs + 1, inputs + 1))
    weights[:outputs, :inputs] = layer.weight
    if layer.bias is not None:
        weights[:outputs, inputs] = layer.bias
    weights[outputs, inputs] = 1.0
    return weights


def start(low: Array, high: Array) -> State:
    """Return the state in front of the first layer: the box, and the constant 1."""
    box = Interval(np.append(low, 1.0), np.append(high, 1.0))
    return State(box, box, None)


def propagate(target: DenseNetwork, layers: Sequence[EffectiveLayer], state: State) -> list[State]:
    """Return the state in front of the first layer and behind each of the layers."""
    states = [state]
    for layer, effective in zip(target.layers, layers, strict=True):
        states.append(step(layer, effective, states[-1]))
    return states


def step(layer: DenseLayer, effective: EffectiveLayer, state: State) -> State:
    """Return the state behind one layer: affine part, then activation."""
    weights = augmented(layer)
    rows = max(1, _CHUNK // max(weights.shape[1], len(effective.source)))
    values = _concatenate(
        [
            (Interval.point(weights[first : first + rows]) * state.target).total()
            for first in range(0, len(weights), rows)
        ]
    )
    values.lower[-1] = values.upper[-1] = 1.0  # the constant, without the rounding of its sum
    parts = [
        _affine(weights[effective.sink[first : first + rows]], _rows(effective, first, rows), state)
        for first in range(0, len(effective.sink), rows)
    ]
    difference = _concatenate([part[0] for part in parts])
    ticket = _concatenate([part[1] for part in parts])
    own = values[effective.sink]
    ticket = ticket.meet(own + difference)
    difference = difference.meet(ticket - own)
    if layer.activation == "relu":
        difference = relu_difference(own, difference).meet(ticket.relu() - own.relu())
        values, ticket = values.relu(), ticket.relu()
    if not (effective.sink == len(weights) - 1).any():
        ticket = _concatenate([ticket, Interval.point(np.ones(1))])
        difference = _concatenate([difference, Interval.point(np.zeros(1))])
    return State(values, ticket, difference)


def relu_difference(values: Interval, difference: Interval) -> Interval:
    """Return the exact range of ``max(z + e, 0) - max(z, 0)`` for z in ``values`` and e in ``difference``."""
    low, high = difference.lower, difference.upper
    return Interval(
        np.where(
            low >= 0.0,
            np.minimum(low, np.maximum(down(values.lower + low), 0.0)),
            np.maximum(low, -np.maximum(values.upper, 0.0)),
        ),
        np.where(
            high >= 0.0,
            np.minimum(high, np.maximum(up(values.upper + high), 0.0)),
            np.maximum(high, -np.maximum(values.lower, 0.0)),
        ),
    )


def _affine(weights: Array, effective: EffectiveLayer, state: State) -> tuple[Interval, Interval]:
    """Return the ranges of the outputs' difference and of the ticket's outputs, for some rows of a layer."""
    exact = Interval.point(weights)
    values = apply(effective.positive, effective.negative, state.ticket).total()
    if not effective.one_to_one:
        return _affine_copies(exact, effective, state), values
    positive = effective.positive - exact
    negative = None if effective.negative is None else effective.negative - exact
    terms = apply(positive, negative, state.target)
    if state.difference is not None:
        either = state.target.hull(state.ticket)
        by_ticket = apply(positive, negative, state.ticket) + exact * state.difference
        by_target = terms + slopes(effective.positive, effective.negative, either) * state.difference
        terms = by_ticket.meet(by_target)
    return terms.total(), values


def _affine_copies(exact: Interval, effective: EffectiveLayer, state: State) -> Interval:
    """Return the range of the outputs' difference where several inputs stand for one input of the target."""
    errors = folded(effective, exact.shape[1]) - exact
    terms = errors * state.target
    if state.difference is not None:
        moved = effective.positive * state.difference
        terms = _concatenate([terms, moved], axis=1)
    return terms.total()


def folded(effective: EffectiveLayer, inputs: int) -> Interval:
    """Return enclosures of the weight that each of the target's inputs meets, all its copies together."""
    if effective.one_to_one:
        return effective.positive
    order = np.argsort(effective.source, kind="stable")
    counts = np.bincount(effective.source, minlength=inputs)
    # Pad to the largest number of copies, so that one sum with one error bound serves every input.
    copies = int(counts.max())
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (len(effective.sink), inputs, copies)
    lower, upper = np.zeros(shape), np.zeros(shape)
    lower[:, effective.source[order], place] = effective.positive.lower[:, order]
    upper[:, effective.source[order], place] = effective.positive.upper[:, order]
    return Interval(lower, upper).total()


def _rows(effective: EffectiveLayer, first: int, count: int) -> EffectiveLayer:
    chosen = slice(first, first + count)
    return EffectiveLayer(
        positive=effective.positive[chosen],
        negative=None if effective.negative is None else effective.negative[chosen],
        magnitude=effective.magnitude[chosen],
        terms=effective.terms,
        factor=effective.factor,
        source=effective.source,
        sink=effective.sink[chosen],
    )


def _concatenate(parts: list[Interval], axis: int = 0) -> Interval:
    return Interval(
        np.concatenate([part.lower for part in parts], axis=axis),
        np.concatenate([part.upper for part in parts], axis=axis),
    )
