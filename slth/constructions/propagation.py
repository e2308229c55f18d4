r"""Ranges of the target's values, of the ticket's values and of their difference, side by side through the layers.

Write :math:`h` for an input of the layer in the target, :math:`h' = h + e` for what the ticket has in its place, W for
the target's weights and A for the ticket's. The difference of the two outputs has two exact forms,

.. math:: z' - z = (A - W)\,h' + W\,e = (A - W)\,h + A\,e,

and each term of the sum lies in the intersection of its two ranges. The first layer has :math:`e = 0`, and its terms
depend on one coordinate of the box each, so there the sum of ranges is the range of the sum: nothing is lost. Through a
ReLU the range of :math:`\max(z + e, 0) - \max(z, 0)` over the rectangle of all (z, e) is exact: the function grows with
e; in z it grows where e > 0 and falls where e < 0.

Ranges alone forget that all neurons share one input; behind the first layer they are therefore intersected with
linear bounds that are carried back to the input (:mod:`slth.constructions.linear`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slth.constructions.effective import EffectiveLayer, apply, slopes
from slth.constructions.interval import Array, Interval, down, up
from slth.constructions.linear import ActivationForm, AffineForm, difference_form, upper_bounds, value_form
from slth.tickets import DenseLayer, DenseNetwork

_CHUNK = 2**20  # elements of one temporary array
_ROWS = 512  # linear bounds carried back at a time
_MOST_LINEAR = 2**23  # weights of a layer beyond which linear bounds would take minutes


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

    @property
    def exact_constant(self) -> bool:
        """Whether the ticket's last input is the constant 1 itself, not a copy of it that a layer computed."""
        return self.difference is None or float(self.difference.magnitude[-1]) == 0.0


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
    states, affine = [state], []
    activations: list[tuple[ActivationForm, ActivationForm]] = []
    for number, (layer, effective) in enumerate(zip(target.layers, layers, strict=True)):
        before = _affine(layer, effective, states[-1])
        affine.append(_form(layer, effective, states[-1]))
        if number and effective.positive.lower.size <= _MOST_LINEAR:
            before = _sharpened(before, effective, affine, activations)
        behind = _activated(before, layer.activation)
        activations.append(
            (
                value_form(before.values, layer.activation),
                difference_form(before.values[effective.sink], before.difference, behind.difference, layer.activation),
            )
        )
        states.append(_with_constant(behind, effective, layer.outputs))
    return states


@dataclass(frozen=True)
class _Before:
    """Ranges in front of an activation: the target's values, and the ticket's values and differences."""

    values: Interval
    ticket: Interval
    difference: Interval
    sink: NDArray[np.int64]


def _affine(layer: DenseLayer, effective: EffectiveLayer, state: State) -> _Before:
    weights = augmented(layer)
    rows = max(1, _CHUNK // max(weights.shape[1], len(effective.source)))
    values = concatenate(
        [
            (Interval.point(weights[first : first + rows]) * state.target).total()
            for first in range(0, len(weights), rows)
        ]
    )
    values.lower[-1] = values.upper[-1] = 1.0  # the constant, without the rounding of its sum
    parts = [
        _affine_rows(weights[effective.sink[first : first + rows]], _rows(effective, first, rows), state)
        for first in range(0, len(effective.sink), rows)
    ]
    difference = concatenate([part[0] for part in parts])
    ticket = concatenate([part[1] for part in parts])
    return _reconciled(_Before(values, ticket, difference, effective.sink))


def _reconciled(before: _Before) -> _Before:
    """Intersect the ranges of both values and of their difference with what each two say of the third."""
    own = before.values[before.sink]
    ticket = before.ticket.meet(own + before.difference)
    return _Before(before.values, ticket, before.difference.meet(ticket - own), before.sink)


def _form(layer: DenseLayer, effective: EffectiveLayer, state: State) -> AffineForm:
    weights = augmented(layer)
    exact = Interval.point(weights[effective.sink])
    nothing = Interval.point(np.zeros(state.ticket.shape))
    either = state.target.hull(state.ticket) if effective.one_to_one else state.ticket
    return AffineForm(
        weights=weights,
        positive=folded(effective, weights.shape[1]) - exact,
        negative=None if effective.negative is None else effective.negative - exact,
        moves=slopes(effective.positive, effective.negative, either),
        inputs=state.target,
        differences=nothing if state.difference is None else state.difference,
    )


def _sharpened(
    before: _Before,
    effective: EffectiveLayer,
    affine: list[AffineForm],
    activations: list[tuple[ActivationForm, ActivationForm]],
) -> _Before:
    """Intersect ranges with linear bounds, some rows at a time."""
    count, neurons = len(effective.sink), before.values.shape[0]
    none_of_values, none_of_differences = np.zeros((1, neurons)), np.zeros((1, count))

    def both_ends(size: int, *, of_values: bool) -> Interval:
        ends = []
        for first in range(0, size, _ROWS):
            chosen = np.eye(min(_ROWS, size - first), size, first)
            for sign in (-1.0, 1.0):
                on_values = sign * chosen if of_values else np.repeat(none_of_values, len(chosen), axis=0)
                on_differences = np.repeat(none_of_differences, len(chosen), axis=0) if of_values else sign * chosen
                ends.append(upper_bounds(on_differences, on_values, affine, activations))
        return Interval(-np.concatenate(ends[::2]), np.concatenate(ends[1::2]))

    values = before.values.meet(both_ends(neurons, of_values=True))
    values.lower[-1] = values.upper[-1] = 1.0
    difference = before.difference.meet(both_ends(count, of_values=False))
    return _reconciled(_Before(values, before.ticket, difference, before.sink))


def _activated(before: _Before, activation: str) -> _Before:
    if activation == "identity":
        return before
    own = before.values[before.sink]
    difference = relu_difference(own, before.difference).meet(before.ticket.relu() - own.relu())
    return _Before(before.values.relu(), before.ticket.relu(), difference, before.sink)


def _with_constant(behind: _Before, effective: EffectiveLayer, outputs: int) -> State:
    """Return the state for the next layer, with the ticket's exact constant 1 where no copies of it are computed."""
    ticket, difference = behind.ticket, behind.difference
    if not (effective.sink == outputs).any():
        ticket = concatenate([ticket, Interval.point(np.ones(1))])
        difference = concatenate([difference, Interval.point(np.zeros(1))])
    return State(behind.values, ticket, difference)


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


def _affine_rows(weights: Array, effective: EffectiveLayer, state: State) -> tuple[Interval, Interval]:
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
        terms = concatenate([terms, moved], axis=1)
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


def concatenate(parts: list[Interval], axis: int = 0) -> Interval:
    """Join arrays of intervals."""
    return Interval(
        np.concatenate([part.lower for part in parts], axis=axis),
        np.concatenate([part.upper for part in parts], axis=axis),
    )
