r"""Backward (CROWN) bounds of values and differences, carried back through a graph to its input.

A bound on :math:`a \cdot e + b \cdot z` at one node, e the differences and z the target's values, is carried back
through affine maps (:math:`e_{out} = E z + A e` with :math:`E = A - W`), sums, ReLUs and maxima, each of the last two
replaced by linear functions that bound it on the ranges known so far. What is left is a function of the input that is
linear in each coordinate on each side of 0, whose maximum over the box is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from slth.certificates.interval import Array, Interval, up
from slth.certificates.problem import Problem
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Account, Rows, TooMuchWorkError, nothing, reach, reach_of
from slth.certificates.rule import Around

_ROWS = 512  # rows of one kind carried back at a time


class Passes:
    """The ranges of a problem's nodes as far as they are known, and what backward passes keep of each."""

    def __init__(self, problem: Problem, ranges: list[Ranges]) -> None:
        self.problem, self.ranges = problem, ranges
        self._caches: dict[int, dict[str, Any]] = {}

    def carrier(self, number: int, rows: Rows, *, most_work: float = np.inf) -> Carrier:
        """Return what carries rows back from a node."""
        return Carrier(self, number, rows, most_work=most_work)

    def around(self, number: int, account: Account) -> Around:
        """Return what a rule sees while rows are carried back through its node."""
        place = self.problem.places[number - 1]
        before = tuple(self.ranges[source] for source in place.sources)
        # The node whose ranges are being narrowed has none yet, and is linear.
        behind = self.ranges[number] if number < len(self.ranges) else before[0]
        return Around(before, behind, account, self._caches.setdefault(number, {}))


class Carrier:
    """Carries rows back through a graph; ``account`` collects what they cost."""

    def __init__(self, passes: Passes, number: int, rows: Rows, *, most_work: float = np.inf) -> None:
        self.passes = passes
        self.pending = {number: rows}
        self.account = Account(rows.on_values.shape[0], most_work)

    def upper_bounds(self) -> Array:
        """Carry everything back to the input, and return upper bounds of the functions over the box.

        They may be closed by ranges at any step of the way, and are lowest at one or another: all are looked at.
        """
        best = np.full(len(self.account.constant), np.inf)
        while numbers := self._open():
            self.step(max(numbers))
            best = np.fmin(best, self.closed())
        return best

    def _open(self) -> list[int]:
        """Return the nodes whose rows may be carried on: not where the signs of inputs are told apart."""
        places = self.passes.problem.places
        return [n for n, rows in self.pending.items() if n and not (places[n - 1].known and rows.apart is not None)]

    def closed(self) -> Array:
        """Return upper bounds of the functions by the ranges of all nodes that they depend on."""
        total = self.account.constant
        for number, rows in self.pending.items():
            known = self.passes.ranges[number]
            total = up(total + reach_of(rows, known.target))
            if number:  # the inputs are the same for both networks: no differences
                total = up(total + reach(rows.on_differences, known.difference))
        return total

    def step(self, number: int) -> None:
        """Carry the rows of a node to those that it takes."""
        place, taken = self.passes.problem.places[number - 1], self.pending.pop(number)
        if taken.cost is not None:
            self.account.add(taken.cost)
        around = self.passes.around(number, self.account)
        behind = place.rule.backward(Rows(taken.on_values, taken.on_differences), around)
        for source, rows in zip(place.sources, behind, strict=False):  # an opaque node hands nothing on
            self._add(source, rows)

    def linear(self) -> None:
        """Carry all rows back as far as no node has to be bounded by lines."""
        problem = self.passes.problem
        while numbers := [number for number in self._open() if problem.rule(number).linear]:
            self.step(max(numbers))

    def _add(self, number: int, rows: Rows) -> None:
        if number not in self.pending:
            self.pending[number] = rows
            return
        known = self.passes.ranges[number]
        self.pending[number] = self.account.merged(
            rows, self.pending[number], known.target.magnitude, known.difference.magnitude
        )


def narrowed(passes: Passes, number: int, own: Ranges, *, most_work: float) -> tuple[Ranges, float]:
    """Intersect the ranges of a node with linear bounds, and return the multiplications that took.

    Where they would be more than ``most_work``, as the first rows foretell, the ranges are returned as they are.
    """
    size, work = len(own.target.lower), 0.0
    ends: list[Sequence[Array]] = []
    for first in range(0, size, _ROWS):
        chosen = sp.eye_array(min(_ROWS, size - first), size, k=first, format="csr")
        signs, none = sp.vstack([chosen, -chosen], format="csr"), nothing(2 * chosen.shape[0], size)
        share = most_work * chosen.shape[0] / size
        limit = work + max(share, most_work - work if first else 0.0)
        found: list[Array] = []
        for rows in (Rows(none, signs), Rows(signs, none)):
            carrier = passes.carrier(number, rows, most_work=limit - work)
            try:
                found += np.split(carrier.upper_bounds(), 2)
            except TooMuchWorkError:
                return own, work + carrier.account.work
            work += carrier.account.work
        ends.append(found)
    rise, fall, high, low = np.concatenate(ends, axis=1)
    target = Interval(np.fmax(own.target.lower, -low), np.fmin(own.target.upper, high))
    difference = Interval(np.fmax(own.difference.lower, -fall), np.fmin(own.difference.upper, rise))
    return Ranges(target, own.ticket, difference).reconciled(), work
