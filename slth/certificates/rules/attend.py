r"""Softmax attention: one joint rule for the products of values with values.

Dashes mark what the ticket has. With the queries :math:`u_t`, keys :math:`k_s` and values :math:`z_s` of one head,
:math:`\Delta` a difference, the error of a score has the exact forms

.. math:: s'_{ts} - s_{ts} = \Delta u_t \cdot k'_s + u_t \cdot \Delta k_s = \Delta u_t \cdot k_s + u'_t \cdot \Delta k_s

and, where the queries are an affine map of something, :math:`u_t = A x_t + b`, with :math:`d_t = \Delta x_t`,
:math:`w_s = A^T k_s` and :math:`c_s = b \cdot k_s`,

.. math:: s'_{ts} - s_{ts} = d_t \cdot w'_s + x_t \cdot \Delta w_s + \Delta c_s,

in which constants may be subtracted from what depends on s: the same number for all s is nothing to softmax. With
:math:`\tau_t` the bound on the total variation of row t (:mod:`slth.certificates.softmax`),

.. math:: \sum_s p'_{ts} z'_s - p_{ts} z_s = \sum_s p'_{ts} \Delta z_s + \sum_s (p'_{ts} - p_{ts}) z_s

lies in the hull of all :math:`\Delta z_s` plus :math:`\pm \tau_t (\max z - \min z)`; so it does with the dashes of p
and z exchanged. No exponential is evaluated. To functions that are carried back the node is opaque: its ranges close
them.

**Rounding.** An exponential is taken to be within 4 units in the last place of the true one (the libraries that numpy
and torch call state 1 to 4 and round none correctly; unverified for any one of them), and exp(0) to be 1; so a row's
computed shares are off by at most the bound for the errors of the scores plus :math:`T + 16` roundings, together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slth.certificates.interval import Array, Interval, concatenate, up, upper_product
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Rows, reach
from slth.certificates.rule import Around, Evaluation, Norms, Rounding, Rule
from slth.certificates.softmax import hull_of_tokens, lemma_share, spreads, total_variation

_EXP_ROUNDINGS = 8  # 4 units in the last place


@dataclass(frozen=True)
class AttendRule(Rule):
    """The sum of the heads' attention, of queries, keys, values and, with ``mirrored``, w with c, and x."""

    linear: ClassVar[bool] = False

    heads: int
    queries: int
    keys: int
    shared: bool
    mirrored: bool
    by_lemma: bool = False

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        values = before[2].reshape(self.heads, -1, self.keys)
        moved = np.zeros((len(values.target.lower[0]), self.queries))
        parts: list[Interval] = []
        for head in range(self.heads):
            own = values[head]
            moved = up(moved + self._moved(head, before, own))
            hulls = [hull_of_tokens(each) for each in (own.target, own.ticket, own.difference)]
            parts = hulls if head == 0 else [one + two for one, two in zip(parts, hulls, strict=True)]
        every = (slice(None), None)
        target, ticket, difference = (part[every].map(lambda end: end.repeat(self.queries, axis=1)) for part in parts)
        return Ranges(target, ticket, difference + Interval.symmetric(moved)).reshape(-1).reconciled()

    def scores(self, before: tuple[Ranges, ...]) -> tuple[float, float, float]:
        """Return the scores' largest error and spread, and what changed shares add to any output."""
        values, total = before[2].reshape(self.heads, -1, self.keys), np.zeros(1)
        errors, apart = [], []
        for head in range(self.heads):
            total = up(total + self._moved(head, before, values[head]))
            errors.append(self._errors(head, before).magnitude.max())
            apart.append(self._spreads(head, before).max())
        return float(np.max(errors)), float(np.max(apart)), float(total.max())

    def _moved(self, head: int, before: tuple[Ranges, ...], values: Ranges) -> Array:
        """Return bounds float64[outputs, queries] on what changed shares of one head contribute."""
        if self.by_lemma:
            largest = np.minimum(values.target.magnitude.max(axis=1), values.ticket.magnitude.max(axis=1))
            share = np.full(self.queries, lemma_share(float(self._errors(head, before).magnitude.max())))
            return upper_product(largest[:, None], share)
        share = total_variation(self._spreads(head, before))
        widths = np.minimum(*(up(each.upper.max(axis=1) - each.lower.min(axis=1))
                              for each in (values.target, values.ticket)))  # fmt: skip
        return upper_product(widths[:, None], share)

    def _forms(self, head: int, before: tuple[Ranges, ...]) -> list[tuple[Ranges, Ranges, Interval | None]]:
        """Return for each form what stands left and right [size, tokens], and what depends on s alone [keys]."""
        queries = before[0].reshape(self.heads, -1, self.queries)[head]
        keys = before[1].reshape(1 if self.shared else self.heads, -1, self.keys)[0 if self.shared else head]
        if not self.mirrored:
            return [(queries, keys, None)]
        mirror = before[3].reshape(self.heads, -1, self.keys)[head]
        return [(queries, keys, None), (before[4].reshape(-1, self.queries), mirror[:-1], mirror.difference[-1])]

    def _errors(self, head: int, before: tuple[Ranges, ...]) -> Interval:
        """Return ranges float64[queries, keys] of the scores' errors."""
        forms = [_errors(left, right, alone) for left, right, alone in self._forms(head, before)]
        return forms[0] if len(forms) == 1 else forms[0].meet(forms[1])

    def _spreads(self, head: int, before: tuple[Ranges, ...]) -> Array:
        """Return bounds float64[queries] of how far the errors of one row's scores are apart."""
        forms = [spreads(_errors(left, _centred(right), alone)) for left, right, alone in self._forms(head, before)]
        return np.asarray(np.minimum.reduce(forms))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        around.account.add(reach(rows.on_values, around.behind.target))
        around.account.add(reach(rows.on_differences, around.behind.difference))
        return ()

    def rounding(self, at: Evaluation) -> Rounding:
        """Carry errors through scores, shares and their sums."""
        # Sizes and errors [heads, size, tokens]; all the keys' tokens of one coordinate together.
        queries, keys, values = (
            (each.magnitude.reshape(heads, -1, tokens), wrong.reshape(heads, -1, tokens))
            for each, wrong, heads, tokens in zip(
                at.values[:3], at.wrong[:3], (self.heads, 1 if self.shared else self.heads, self.heads),
                (self.queries, self.keys, self.keys), strict=True,
            )
        )  # fmt: skip
        gamma, tiny = at.form.gamma, at.form.smallest
        width = queries[0].shape[1]
        q, k, v = (up(size + wrong) for size, wrong in (queries, keys, values))
        peak = float(np.max([1.0, *(float(each.max()) for each in (q, k, v))]))
        lost = 16.0 * (width + self.keys + self.heads + 16) * tiny * (1.0 + peak) * (1.0 + peak)
        sums = np.matmul(q.swapaxes(1, 2), k).max(axis=2)  # [heads, queries]
        carried = np.matmul(queries[1].swapaxes(1, 2), k) + np.matmul(queries[0].swapaxes(1, 2), keys[1])
        # Errors in a row differ by twice that; half of their difference bounds the sum of all |p' - p|.
        scores = carried.max(axis=2) + gamma(width + 8) * sums + lost
        shares = np.minimum(scores, 2.0) + gamma(self.keys + _EXP_ROUNDINGS + 8) + self.keys * lost
        largest, wrong = v.max(axis=2), values[1].max(axis=2)  # [heads, outputs]
        rounded = gamma(self.keys + self.heads + 8)
        total = (
            largest[:, :, None] * (shares + rounded * (1.0 + shares))[:, None, :]
            + wrong[:, :, None] * (1.0 + shares)[:, None, :]
        ).sum(axis=0) + lost
        # All of it is rounded a few times for each of the sums' terms.
        slack = 1.0 + 2.0**-52 * 8.0 * (width + self.heads + 32)
        reached = float(np.max([4.0 * float(sums.max()), peak * (self.keys + self.heads)]))
        carried = up(up(total * slack) + lost).reshape(-1)  # with what it adds itself
        return Rounding(carried, np.zeros(carried.shape), reached)

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Return the lemma's bound, with the scores' errors as ranges have them."""
        values = norms[2]
        error = float(np.max([self._errors(head, before).magnitude.max() for head in range(self.heads)]))
        each = values.wrong + lemma_share(error) * values.size
        slack = 1.0 + 2.0**-50
        return Norms(self.heads * values.size * slack, self.heads * each * slack)


def _errors(left: Ranges, right: Ranges, alone: Interval | None) -> Interval:
    """Return ranges float64[t, s] of left'_t . right'_s - left_t . right_s, plus what depends on s alone."""
    rows = []
    for token in range(left.target.lower.shape[1]):
        column = left[:, token : token + 1]
        one = column.difference * right.ticket + column.target * right.difference
        two = column.difference * right.target + column.ticket * right.difference
        total = one.meet(two).map(np.transpose).total()
        rows.append((total if alone is None else total + alone).reshape(1, -1))
    return concatenate(rows)


def _centred(values: Ranges) -> Ranges:
    """Return ranges less numbers that are the same for all tokens, about as wide to either side of 0."""

    def middle(part: Interval) -> Interval:
        hull = hull_of_tokens(part)
        return Interval.point((0.5 * hull.lower + 0.5 * hull.upper)[:, None])

    of_target, of_difference = middle(values.target), middle(values.difference)
    # The ticket's number is the exact sum of the two others, so that both exact forms lose the same.
    of_ticket = of_target + of_difference
    return Ranges(values.target - of_target, values.ticket - of_ticket, values.difference - of_difference)
