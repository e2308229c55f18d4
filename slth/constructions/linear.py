r"""Linear bounds of values and differences, carried back to the input together: sharper ranges behind deep layers.

Ranges alone forget that neurons share their inputs. Here a bound on :math:`a \cdot e + b \cdot z`, with z the target's
values in front of a layer's activation and e the ticket's differences there, is carried back layer by layer:

.. math:: z = W h,\qquad e = (A - W)\,h + A\,r,

with h and r the values and differences behind the activation of the layer before, and those are replaced by linear
functions of its z and e that bound them on the ranges known so far: for a ReLU :math:`h \le \lambda z + c` and
:math:`h \ge \alpha z`, :math:`r \le \lambda e + c` and :math:`r \ge \mu e - c`, which hold because r lies between
0 and e (for one network H. Zhang et al., "Efficient Neural Network Robustness Certification with General Activation
Functions", 2018; for differences B. Paulsen et al., "NeuroDiff", 2020; unverified). What is left is a function of the
input that is linear in each coordinate on each side of 0, whose maximum over the box is known.

**Outward rounding.** Any slopes are admissible, so coefficients are doubles and need not be the ones meant: wherever a
coefficient is rounded, or stands for an interval, the distance to the true one times the largest value of its variable
is added to the constant, rounded upwards. Matrix products in any order obey
:math:`|fl(XY) - XY| \le n u |X||Y|`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slth.constructions.effective import apply, slopes
from slth.constructions.interval import UNIT_ROUNDOFF, Array, Interval, up, upper_product, upper_total

_TINY = 2.0**-1060  # more than all underflows of a product of matrices can lose, for each value of the variable


@dataclass(frozen=True)
class AffineForm:
    """The affine part of one layer, for both networks at once.

    Parameters
    ----------
    weights : float64[d' + 1, d + 1]
        The target's weights: z = weights h.
    positive, negative : Interval float64[p', d + 1], the second or None
        Enclosures of A - W on nonnegative and on negative inputs h, copies of one input together; None where both are
        the same.
    moves : Interval float64[p', p]
        Enclosures of A, on the differences r of the ticket's inputs.
    inputs : Interval float64[d + 1]
        Ranges of h.
    differences : Interval float64[p]
        Ranges of r.
    """

    weights: Array
    positive: Interval
    negative: Interval | None
    moves: Interval
    inputs: Interval
    differences: Interval


@dataclass(frozen=True)
class ActivationForm:
    """Linear bounds of what an activation does, for each neuron.

    Parameters
    ----------
    upper, lower : tuple of two float64[neurons]
        Slope and constant.
    largest : float64[neurons]
        Largest absolute value of the variable in front of the activation.
    """

    upper: tuple[Array, Array]
    lower: tuple[Array, Array]
    largest: Array


def value_form(values: Interval, activation: str) -> ActivationForm:
    """Return linear bounds of the target's values behind an activation by those in front of it."""
    one, zero = np.ones(values.shape), np.zeros(values.shape)
    if activation == "identity":
        return ActivationForm((one, zero), (one, zero), values.magnitude)
    low, high = np.minimum(values.lower, 0.0), np.maximum(values.upper, 0.0)
    slope = np.where(values.lower >= 0.0, 1.0, _share(high, high - low))
    lower = np.where((values.lower >= 0.0) | (high > -low), 1.0, 0.0)
    return ActivationForm((slope, _above_rise(slope, low, high)), (lower, zero), values.magnitude)


def difference_form(values: Interval, before: Interval, behind: Interval, activation: str) -> ActivationForm:
    """Return linear bounds of differences behind an activation by those in front of it.

    ``values`` are the target's in front, ``before`` and ``behind`` the ranges of the difference. A range is taken
    instead of a line where it is the better one on average.
    """
    one, zero = np.ones(before.shape), np.zeros(before.shape)
    if activation == "identity":
        return ActivationForm((one, zero), (one, zero), before.magnitude)
    active = (values.lower >= 0.0) & (values.lower + before.lower >= 0.0)  # a rounded sum has the sign of the true one
    low, high = np.minimum(before.lower, 0.0), np.maximum(before.upper, 0.0)
    rise = np.where(active | (before.lower >= 0.0), 1.0, _share(high, high - low))
    fall = np.where(active | (before.upper <= 0.0), 1.0, _share(-low, high - low))
    upper = np.where(active, 0.0, _above_rise(rise, low, high))
    lower = np.where(active, 0.0, -_above_rise(fall, -high, -low))
    middle = 0.5 * (before.lower + before.upper)
    flat_upper = ~active & (behind.upper < rise * middle + upper)
    flat_lower = ~active & (behind.lower > fall * middle + lower)
    return ActivationForm(
        (np.where(flat_upper, 0.0, rise), np.where(flat_upper, behind.upper, upper)),
        (np.where(flat_lower, 0.0, fall), np.where(flat_lower, behind.lower, lower)),
        before.magnitude,
    )


def upper_bounds(
    on_differences: Array,
    on_values: Array,
    affine: Sequence[AffineForm],
    activations: Sequence[tuple[ActivationForm, ActivationForm]],
) -> Array:
    """Return upper bounds of ``on_differences e + on_values z`` in front of the last of the layers' activations.

    Parameters
    ----------
    on_differences : float64[rows, p]
        Coefficients of the differences e.
    on_values : float64[rows, d + 1]
        Coefficients of the target's values z.
    affine : sequence of AffineForm
        The layers from the first on.
    activations : sequence of (value form, difference form)
        Of the activations between them, one fewer.

    Returns
    -------
    float64[rows]
        The bounds.
    """
    constant: Array = np.zeros(len(on_differences))
    for form, (of_values, of_differences) in zip(affine[:0:-1], activations[::-1], strict=True):
        errors = slopes(form.positive, form.negative, form.inputs)
        on_h, lost = _composed(on_differences, on_values, errors, form.weights, form.inputs.magnitude)
        constant = up(constant + lost)
        on_r, lost = _product(on_differences, form.moves, form.differences.magnitude)
        constant = up(constant + lost)
        # The constant input of the ticket, where it has one, is last and never differs.
        on_differences, lost = _replaced(on_r[:, : len(of_differences.largest)], of_differences)
        constant = up(constant + lost)
        on_values, lost = _replaced(on_h, of_values)
        constant = up(constant + lost)
    first, box = affine[0], affine[0].inputs
    positive, above = _composed(on_differences, on_values, first.positive, first.weights, box.magnitude)
    constant = up(constant + above)
    if first.differences.magnitude.any():  # the two networks may start from different inputs
        on_r, lost = _product(on_differences, first.moves, first.differences.magnitude)
        constant = up(up(constant + lost) + (Interval.point(on_r) * first.differences).total().upper)
    if first.negative is None:
        return up(constant + (Interval.point(positive) * box).total().upper)
    negative, below = _composed(on_differences, on_values, first.negative, first.weights, box.magnitude)
    reached = apply(Interval.point(positive), Interval.point(negative), box).total().upper
    return up(up(constant + below) + reached)


def _composed(
    on_differences: Array, on_values: Array, errors: Interval, weights: Array, largest: Array
) -> tuple[Array, Array]:
    """Return coefficients of the inputs, and what their rounding can add to the bound."""
    one, lost = _product(on_differences, errors, largest)
    two, also = _product(on_values, Interval.point(weights), largest)
    total = one + two
    rounding = upper_total(upper_product(np.abs(total), 2.0 * UNIT_ROUNDOFF * largest))
    return total, up(up(lost + also) + rounding)


def _product(coefficients: Array, matrix: Interval, largest: Array) -> tuple[Array, Array]:
    """Return coefficients times the middle of a matrix, and what the distance to any true product can add."""
    middle = 0.5 * matrix.lower + 0.5 * matrix.upper
    radius = up(np.maximum(matrix.upper - middle, middle - matrix.lower))
    slack = 4.0 * (coefficients.shape[1] + 4) * UNIT_ROUNDOFF
    distance = np.abs(coefficients) @ (radius + slack * np.abs(middle))
    lost = upper_total(upper_product(distance, largest * (1.0 + slack) + _TINY)) + _TINY * (1.0 + largest.sum())
    return coefficients @ middle, up(lost * (1.0 + slack))


def _replaced(coefficients: Array, form: ActivationForm) -> tuple[Array, Array]:
    """Return coefficients in front of an activation, and what constants and rounding add."""
    plus, minus = np.maximum(coefficients, 0.0), np.minimum(coefficients, 0.0)
    before = plus * form.upper[0] + minus * form.lower[0]  # one of the two is 0: one rounding
    terms = up(np.concatenate([plus * form.upper[1], minus * form.lower[1]], axis=1))
    rounding = upper_product(np.abs(before), 2.0 * UNIT_ROUNDOFF * form.largest + _TINY)
    return before, up(up(upper_total(terms) + upper_total(rounding)) + _TINY * (1.0 + form.largest.sum()))


def _above_rise(slope: Array, low: Array, high: Array) -> Array:
    """Return c with max(x, 0) <= slope x + c for x between low <= 0 and high >= 0, for any slope in [0, 1].

    The function is convex, so both ends decide. It serves min(x, 0) by reflection.
    """
    at_low, at_high = up(-slope * low), up(up(1.0 - slope) * high)
    return np.where((slope == 1.0) & (low == 0.0), 0.0, np.maximum(np.maximum(at_low, at_high), 0.0))


def _share(part: Array, whole: Array) -> Array:
    return np.clip(part / np.where(whole > 0.0, whole, 1.0), 0.0, 1.0)
