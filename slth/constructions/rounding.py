r"""How much floating-point evaluation of target and ticket can add to their difference.

A result that goes through k roundings of relative size u is the true one times a factor within
:math:`1 \pm \gamma_k`, :math:`\gamma_k = k u / (1 - k u)` (Higham, "Accuracy and Stability of Numerical Algorithms",
lemma 3.1; unverified), and in a sum each term goes through at most (number of nonzero terms - 1) additions whatever the
order: adding the exact zero of a removed connection changes nothing. So with :math:`\delta` the error of a layer's
inputs, :math:`|x|` their size, :math:`A` the effective weights and :math:`M` the sums of absolute products behind them,

.. math:: \delta_{out} \le |A| \delta + \gamma_k\, M (|x| + \delta) + underflow,

because an input's error is common to all products that it enters, and ReLU passes an error on unchanged. Roundings
counted for a term of the target: storing the weight, one product, the additions. For a term of the ticket: storing u
and v, the products u x and v (u x), the additions, storing the gain and multiplying by it. Every operation may lose the
format's smallest normal number besides (flush to zero). Formats are IEEE binary64 and binary32 with rounding to
nearest; arithmetic of fewer digits (TF32, bfloat16) is not covered. The input is a vector that the format holds
exactly, the same for both networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slth.constructions.effective import EffectiveLayer
from slth.constructions.interval import Array, up, upper_product, upper_total
from slth.constructions.propagation import State, augmented
from slth.tickets import DenseNetwork


def evaluation_allowance(
    target: DenseNetwork, layers: Sequence[EffectiveLayer], states: Sequence[State], error: Array, *, digits: int
) -> float:
    """Return a bound on what rounding adds to the observed difference of the outputs, whatever the order of sums.

    Parameters
    ----------
    target : DenseNetwork
        The target, evaluated in the same format.
    layers : sequence of EffectiveLayer
        The ticket's layers.
    states : sequence of State
        Ranges in front of the first layer and behind each layer.
    error : float64[outputs]
        Bound on the difference in real arithmetic: its own subtraction is rounded too.
    digits : int
        Binary digits of the format: 53 (binary64) or 24 (binary32).

    Returns
    -------
    float
        The allowance, the largest over the outputs; infinite where a value may overflow the format.
    """
    unit = 2.0**-digits
    longest = max(augmented(layer).shape[1] for layer in target.layers)
    if (max(longest, *(effective.terms for effective in layers)) + 6) * unit > 0.25:
        return math.inf
    smallest, largest = (2.0**-1022, 2.0**1022) if digits == 53 else (2.0**-126, 2.0**126)
    wrong_target: Array = np.zeros(states[0].target.shape)
    wrong_ticket: Array = np.zeros(states[0].ticket.shape)
    peak = 1.0
    for layer, effective, state, behind in zip(target.layers, layers, states[:-1], states[1:], strict=True):
        weights = np.abs(augmented(layer))
        size = up(state.target.magnitude + wrong_target)
        lost = 4.0 * weights.shape[1] * smallest * (1.0 + size.max()) * (1.0 + weights.max())
        gamma = _gamma(weights.shape[1] + 2, unit)
        wrong_target, reach = _through(weights, weights, wrong_target, size, gamma, lost)
        wrong_target[-1] = 0.0  # nothing is computed for the constant
        peak = _largest(peak, reach, float(size.max()))

        size = up(state.ticket.magnitude + wrong_ticket)
        largest_random = 1.0 + effective.factor
        product = largest_random * largest_random * largest_random  # a power would raise where it overflows
        lost = 8.0 * (effective.terms + 1) * smallest * (1.0 + size.max()) * product
        gamma = _gamma(effective.terms + 6, unit)
        wrong_ticket, reach = _through(effective.largest, effective.magnitude, wrong_ticket, size, gamma, lost)
        peak = _largest(peak, reach, float(size.max()) * product)
        if wrong_ticket.shape < behind.ticket.shape:
            wrong_ticket = np.append(wrong_ticket, 0.0)  # nothing is computed for the constant
    if not peak < largest / 4.0:
        return math.inf
    total = up(wrong_target[:-1] + wrong_ticket[:-1])
    allowance = float(np.max(up(total + up(2.0 * unit * up(error + total)))))
    return math.inf if math.isnan(allowance) else allowance


def _through(
    weights: Array, magnitude: Array, wrong: Array, size: Array, gamma: float, lost: float
) -> tuple[Array, float]:
    """Return the error behind a layer and the largest sum of absolute terms in it."""
    carried = upper_total(upper_product(weights, wrong))
    sums = upper_total(upper_product(magnitude, size))
    behind = up(up(carried + upper_product(np.asarray(gamma), sums)) + lost)
    return behind, float(sums.max())


def _largest(*sizes: float) -> float:
    """Return the largest size, NaN if one is: Python's max would pass over it."""
    return float(np.max(sizes))


def _gamma(roundings: int, unit: float) -> float:
    product = roundings * unit
    return product / (1.0 - product) * (1.0 + 2.0**-50)
