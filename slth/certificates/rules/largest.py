r"""Maximum over a window.

With :math:`i` where the target's values :math:`h` are largest and :math:`i'` where the ticket's :math:`h + r` are,

.. math:: r_i \le \max(h + r) - \max(h) \le r_{i'},

because :math:`h + r` at :math:`i` is at most its maximum, and h at :math:`i'` at most its own. So the difference lies
between the smallest lower end of those that can be the target's largest and the largest upper end of those that can be
the ticket's; one that is below another's whole range cannot. Linear bounds: a maximum is at least any one of its
entries and at most its largest upper end; where one entry leads over the whole box it is that entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from slth.arrays import Bools, Indices
from slth.certificates.interval import Array, Interval, down, up
from slth.certificates.layout import Matrix
from slth.certificates.ranges import Ranges
from slth.certificates.rows import LinearForm, Rows
from slth.certificates.rule import Around, Back, Evaluation, Passing
from slth.certificates.symbols import slack


@dataclass(frozen=True, eq=False)
class LargestRule(Passing):
    """Maximum over windows.

    Shapes: windows int64[outputs, size].
    """

    linear: ClassVar[bool] = False

    windows: Indices

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        seen = before[0][self.windows]
        target, ticket, difference = seen.target, seen.ticket, seen.difference
        # Not "may lead where above": a range that left the doubles (NaN) must count.
        may_lead = ~(target.upper < target.lower.max(axis=1, keepdims=True))
        may_lead_ticket = ~(ticket.upper < ticket.lower.max(axis=1, keepdims=True))
        return Ranges(
            Interval(target.lower.max(axis=1), target.upper.max(axis=1)),
            Interval(ticket.lower.max(axis=1), ticket.upper.max(axis=1)),
            Interval(
                np.where(may_lead, difference.lower, np.inf).min(axis=1),
                np.where(may_lead_ticket, difference.upper, -np.inf).max(axis=1),
            ),
        ).reconciled()

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Replace the node by one of each window's entries, or by a range."""
        (before,) = around.before
        pick, value, difference = around.cached("forms", lambda: self._forms(before, around.behind))
        parts = []
        for matrix, form, known in (
            (rows.on_values, value, before.target),
            (rows.on_differences, difference, before.difference),
        ):
            replaced = around.account.replaced(matrix, form)
            parts.append(around.account.picked(replaced, pick, known.magnitude))
        return (Rows(*parts),)

    def _forms(self, before: Ranges, behind: Ranges) -> tuple[Matrix, LinearForm, LinearForm]:
        windows, count = self.windows, len(self.windows)
        low, high = before.target.lower[windows], before.target.upper[windows]
        best = np.argmax(low + high, axis=1)[:, None]
        picked = np.take_along_axis(windows, best, axis=1)
        others = windows != picked
        leads = _leads(before.target, windows, picked, others)
        both = leads & _leads(before.ticket, windows, picked, others)
        one, flat = np.ones(count), behind.difference
        value = LinearForm(
            (np.where(leads, 1.0, 0.0), np.where(leads, 0.0, behind.target.upper)), (one, np.zeros(count)),
            before.target.magnitude[picked[:, 0]],
        )  # fmt: skip
        difference = LinearForm(
            (np.where(both, 1.0, 0.0), np.where(both, 0.0, flat.upper)),
            (np.where(both, 1.0, 0.0), np.where(both, 0.0, flat.lower)),
            before.difference.magnitude[picked[:, 0]],
        )
        shape = (count, len(before.target.lower))
        return sp.csr_array((one, (np.arange(count), picked[:, 0])), shape=shape), value, difference

    def passed(self, wrong: Array, at: Evaluation) -> Array:
        """Pass the largest error on of those in a window that may be its maximum."""
        return np.asarray(np.where(self._rivals(at.values[0], wrong), wrong[self.windows], 0.0).max(axis=1))

    def back(self, at: Evaluation, carried: Array) -> Back:
        """The error passes of what is the maximum in spite of errors."""
        (values,), (wrong,) = at.values, at.wrong
        rivals = self._rivals(values, wrong)
        led = np.flatnonzero(rivals.sum(axis=1) == 1)
        chosen = self.windows[led, rivals[led].argmax(axis=1)]
        pick = sp.csr_array((np.ones(len(led)), (led, chosen)), shape=(len(self.windows), len(wrong)))
        lost = carried.copy()
        lost[led] *= slack(len(lost))
        return Back(lambda rows: (np.asarray(rows @ pick),), up(lost))

    def unclear(self, values: Interval, wrong: Array) -> Bools:
        """Return which values may be the maximum of a window that others may be the maximum of."""
        rivals, result = self._rivals(values, wrong), np.zeros(values.shape, np.bool_)
        result[self.windows[rivals & (rivals.sum(axis=1, keepdims=True) > 1)]] = True
        return result

    def _rivals(self, values: Interval, wrong: Array) -> Bools:
        """Return which of each window's values may be its maximum, in spite of errors."""
        off, seen = wrong[self.windows], values[self.windows]
        least = down(seen.lower - off).max(axis=1, keepdims=True)
        rivals: Bools = ~(up(seen.upper + off) < least)
        return rivals


def _leads(values: Interval, windows: Indices, picked: Indices, others: Bools) -> Bools:
    """Return whether one entry of each window is at least all others over the whole box."""
    rivals = np.where(others, values.upper[windows], -np.inf).max(axis=1)
    leads: Bools = values.lower[picked[:, 0]] >= rivals
    return leads
