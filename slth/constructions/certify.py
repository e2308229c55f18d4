r"""A bound on the largest difference between a target and a ticket over a whole box of inputs.

The bound holds in real arithmetic, for the real numbers that the target's doubles and the sums of products of the
ticket's random doubles are; it is computed with outward rounding (:mod:`slth.constructions.interval` proves why). What
floating-point evaluation can add is stated apart, for binary64 and binary32 (:mod:`slth.constructions.rounding`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.certificate import Certificate as Certificate
from slth.constructions.certificate import LayerBounds as LayerBounds
from slth.constructions.certificate import as_box as as_box
from slth.constructions.conv_certify import certify_convolutions
from slth.constructions.effective import EffectiveLayer, effective_layers, slopes
from slth.constructions.interval import Array, Interval, up, upper_product, upper_total
from slth.constructions.propagation import State, augmented, folded, propagate, start
from slth.constructions.rounding import evaluation_allowance
from slth.tickets import ConvNetwork, DenseLayer, DenseNetwork, Ticket


def certify(
    target: DenseNetwork | ConvNetwork, ticket: Ticket, *, input_box: tuple[ArrayLike, ArrayLike]
) -> Certificate:
    """Bound the difference between a target and a ticket over a box of inputs.

    Parameters
    ----------
    target : DenseNetwork or ConvNetwork
        Layers with float64 weights: exact real numbers.
    ticket : Ticket
        A strong ticket of as many layers, or of the same steps; its effective weights are enclosed, never rounded.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or one number per input, [channels, height, width] for convolutions.

    Returns
    -------
    Certificate
        The bound, and what it is made of.

    Raises
    ------
    ArgumentError
        If the box is empty or not finite, or the ticket's shapes are not the target's.

    Examples
    --------
    >>> from slth.constructions import Dense, construct_dense
    >>> from slth.tickets import DenseLayer
    >>> target = DenseNetwork([DenseLayer([[0.5, -0.25]], activation="identity")])
    >>> ticket = construct_dense(target, Dense(candidates=12)).ticket
    >>> corner = [[1.0, 1.0]]
    >>> difference = abs(ticket.forward(corner) - target.forward(corner)).max()
    >>> bool(difference <= certify(target, ticket, input_box=(0.0, 1.0)).error)
    True
    """
    if isinstance(target, ConvNetwork):
        return certify_convolutions(target, ticket, input_box=input_box)
    box = as_box(input_box, target.layers[0].weight.shape[1])
    return certify_layers(target, effective_layers(ticket, target), box)


def certify_layers(target: DenseNetwork, layers: Sequence[EffectiveLayer], box: tuple[Array, Array]) -> Certificate:
    """Return the certificate of effective layers, which need not come from a ticket: before anything is solved, say."""
    with np.errstate(over="ignore", invalid="ignore"):
        states = propagate(target, layers, start(*box))
        norms = _norm_bounds(target, layers, states)
        # Both are bounds; each is rounded up in its own way, by which the sharper one may end up larger.
        per_output = np.minimum(_largest_difference(states[-1]), norms[-1])
        per_output.flags.writeable = False
        return Certificate(
            error=float(per_output.max()),
            per_output=per_output,
            norm_bound=norms[-1],
            float64_allowance=evaluation_allowance(target, layers, states, per_output, digits=53),
            float32_allowance=evaluation_allowance(target, layers, states, per_output, digits=24),
            input_box=box,
            layers=tuple(_layer_bounds(target, layers, states, norms)),
        )


def certified_error(target: DenseNetwork, layers: Sequence[EffectiveLayer], box: tuple[Array, Array]) -> float:
    """Return the certificate's error alone."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(_largest_difference(propagate(target, layers, start(*box))[-1]).max())


def _largest_difference(last: State) -> Array:
    """Return the bound of each output; where a range left the doubles nothing is certified."""
    assert last.difference is not None, "every layer computes a difference"
    magnitude = last.difference.magnitude[:-1]
    magnitude[np.isnan(magnitude)] = np.inf
    magnitude.flags.writeable = False
    return magnitude


def weight_errors(layer: DenseLayer, effective: EffectiveLayer, state: State) -> Interval:
    """Return enclosures of (ticket's weight - target's weight), bias last, all copies of an input together.

    Where an input takes both signs in ``state`` the ticket has two weights for it: both errors are enclosed.
    """
    exact = Interval.point(augmented(layer)[effective.sink])
    errors = folded(effective, exact.shape[1]) - exact
    if effective.negative is None:
        return errors
    return slopes(errors, effective.negative - exact, state.target.hull(state.ticket))


def _layer_bounds(
    target: DenseNetwork, layers: Sequence[EffectiveLayer], states: Sequence[State], norms: Sequence[float]
) -> list[LayerBounds]:
    rows = []
    for number, (layer, effective) in enumerate(zip(target.layers, layers, strict=True)):
        behind = states[number + 1]
        difference = behind.difference
        errors = weight_errors(layer, effective, states[number]).magnitude
        nonzero = errors[augmented(layer)[effective.sink] != 0.0]
        rows.append(
            LayerBounds(
                layer=number,
                largest_weight_error=float(errors.max()),
                median_weight_error=float(np.median(nonzero)) if nonzero.size else 0.0,
                value=float(behind.target[:-1].magnitude.max()),
                difference=0.0 if difference is None else min(float(difference.magnitude.max()), norms[number]),
                norm_bound=norms[number],
            )
        )
    return rows


def _norm_bounds(target: DenseNetwork, layers: Sequence[EffectiveLayer], states: Sequence[State]) -> list[float]:
    r"""Return :math:`E_l = \|A_l - W_l\| X_{l-1} + \|A_l\| E_{l-1}`, X the target's norm bound, by largest row sums.

    The constant input is 1 whatever X is, so its column enters with factor 1 and, where it is exact, with no error;
    where it is computed, even as a single copy, it is as wrong as any other input.
    """
    size = float(states[0].target[:-1].magnitude.max())
    wrong, bounds = 0.0, []
    for layer, effective, state in zip(target.layers, layers, states[:-1], strict=True):
        own = _row_norms(weight_errors(layer, effective, state).magnitude, size)
        either = state.target.hull(state.ticket) if effective.one_to_one else state.ticket
        gain = slopes(effective.positive, effective.negative, either).magnitude
        if state.exact_constant:
            gain = gain[:, :-1]
        wrong = float(np.max(up(own + upper_product(upper_total(gain), np.asarray(wrong)))))
        wrong = math.inf if math.isnan(wrong) else wrong
        size = float(_row_norms(np.abs(augmented(layer)[:-1]), size).max())
        bounds.append(wrong)
    return bounds


def _row_norms(magnitude: Array, size: float) -> Array:
    weighted = np.concatenate([upper_product(magnitude[:, :-1], np.asarray(size)), magnitude[:, -1:]], axis=1)
    return upper_total(weighted)
