r"""ReLU: the exact range of a difference, and linear bounds of value and difference.

Through a ReLU the range of :math:`\max(z + e, 0) - \max(z, 0)` over the rectangle of all (z, e) is exact: the function
grows with e; in z it grows where e > 0 and falls where e < 0. Lines: :math:`h \le \lambda z + c` and
:math:`h \ge \alpha z`, :math:`r \le \lambda e + c` and :math:`r \ge \mu e - c`, which hold because r lies between 0 and
e (for one network H. Zhang et al., "Efficient Neural Network Robustness Certification with General Activation
Functions", 2018, CROWN; for differences B. Paulsen et al., "NeuroDiff", 2020; unverified).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slth.arrays import Bools
from slth.certificates.interval import Array, Interval, down, up
from slth.certificates.ranges import Ranges
from slth.certificates.rows import LinearForm, Rows
from slth.certificates.rule import Around, Back, Evaluation, Passing


@dataclass(frozen=True)
class ReluRule(Passing):
    """Maximum of each number and 0."""

    linear: ClassVar[bool] = False

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        (seen,) = before
        difference = relu_difference(seen.target, seen.difference)
        return Ranges(seen.target.relu(), seen.ticket.relu(), difference).reconciled()

    def passed(self, wrong: Array, at: Evaluation) -> Array:
        """Pass errors on as far as what is negative can become positive by them."""
        return np.fmin(wrong, np.maximum(up(at.values[0].upper + wrong), 0.0))

    def unclear(self, values: Interval, wrong: Array) -> Bools:
        """Return which values may have either sign, in spite of errors."""
        result: Bools = ~((down(values.lower - wrong) >= 0.0) | (up(values.upper + wrong) <= 0.0))
        return result

    def back(self, at: Evaluation, carried: Array) -> Back:
        """Half of an error passes where the sign is open, give or take a half of its bound."""
        (values,), (wrong,) = at.values, at.wrong
        may_change = self.unclear(values, wrong)
        half = may_change & (0.5 * wrong <= carried)
        slopes = np.where(may_change, np.where(half, 0.5, 0.0), values.lower >= 0.0)
        lost = np.where(may_change, np.where(half, 0.5 * wrong, carried), 0.0)
        return Back(lambda rows: (rows * slopes,), up(lost))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Replace the node by lines."""
        (before,) = around.before
        of_values = around.cached("values", lambda: value_form(before.target))
        of_differences = around.cached(
            "differences", lambda: difference_form(before.target, before.difference, around.behind.difference)
        )
        on_values = around.account.replaced(rows.on_values, of_values)
        return (Rows(on_values, around.account.replaced(rows.on_differences, of_differences)),)


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


def value_form(values: Interval) -> LinearForm:
    """Return linear bounds of the target's values behind a ReLU by those in front of it."""
    zero = np.zeros(values.shape)
    low, high = np.minimum(values.lower, 0.0), np.maximum(values.upper, 0.0)
    slope = np.where(values.lower >= 0.0, 1.0, _share(high, high - low))
    lower = np.where((values.lower >= 0.0) | (high > -low), 1.0, 0.0)
    return LinearForm((slope, _above_rise(slope, low, high)), (lower, zero), values.magnitude)


def difference_form(values: Interval, before: Interval, behind: Interval) -> LinearForm:
    """Return linear bounds of differences behind a ReLU by those in front of it.

    ``values`` are the target's in front, ``before`` and ``behind`` the ranges of the difference. A range is taken
    instead of a line where it is the better one on average.
    """
    active = (values.lower >= 0.0) & (values.lower + before.lower >= 0.0)  # a rounded sum has the sign of the true one
    low, high = np.minimum(before.lower, 0.0), np.maximum(before.upper, 0.0)
    rise = np.where(active | (before.lower >= 0.0), 1.0, _share(high, high - low))
    fall = np.where(active | (before.upper <= 0.0), 1.0, _share(-low, high - low))
    upper = np.where(active, 0.0, _above_rise(rise, low, high))
    lower = np.where(active, 0.0, -_above_rise(fall, -high, -low))
    middle = 0.5 * (before.lower + before.upper)
    flat_upper = ~active & (behind.upper < rise * middle + upper)
    flat_lower = ~active & (behind.lower > fall * middle + lower)
    return LinearForm(
        (np.where(flat_upper, 0.0, rise), np.where(flat_upper, behind.upper, upper)),
        (np.where(flat_lower, 0.0, fall), np.where(flat_lower, behind.lower, lower)),
        before.magnitude,
    )


def _above_rise(slope: Array, low: Array, high: Array) -> Array:
    """Return c with max(x, 0) <= slope x + c for x between low <= 0 and high >= 0, for any slope in [0, 1].

    The function is convex, so both ends decide. It serves min(x, 0) by reflection.
    """
    at_low, at_high = up(-slope * low), up(up(1.0 - slope) * high)
    return np.where((slope == 1.0) & (low == 0.0), 0.0, np.maximum(np.maximum(at_low, at_high), 0.0))


def _share(part: Array, whole: Array) -> Array:
    return np.clip(part / np.where(whole > 0.0, whole, 1.0), 0.0, 1.0)
