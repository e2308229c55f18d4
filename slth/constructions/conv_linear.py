r"""Linear bounds of values and differences, carried back through a graph to its input.

As :mod:`slth.constructions.linear` for dense layers, with sparse coefficients: a bound on
:math:`a \cdot e + b \cdot z` at one node, e the differences and z the target's values, is carried back through affine
maps (:math:`e_{out} = E z + A e` with :math:`E = A - W`), sums, ReLUs and maxima, each of the last two replaced by
linear functions that bound it on the ranges known so far. A maximum is at least any one of its entries and at most its
largest upper end; where one entry leads over the whole box it is that entry.

**Outward rounding.** Any slopes are admissible. Wherever a coefficient is rounded, or stands for an interval, its
distance to the true one times the largest absolute value of its variable is added to the constant, rounded upwards: for
a product of matrices that is :math:`|X| (R + n u |Y|)\, m` with R the radii of Y and m those largest values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from slth.constructions.conv_graph import Affine, Graph, Indices, Largest, Places, Relu, Sum
from slth.constructions.conv_ranges import Ranges, spread
from slth.constructions.effective import slopes
from slth.constructions.interval import UNIT_ROUNDOFF, Array, Interval, up
from slth.constructions.linear import ActivationForm, difference_form, value_form

_ROWS = 512  # rows of one kind carried back at a time
_TINY = 2.0**-1000  # more than all underflows of a product of matrices can lose, for each value of the variable


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of linear functions of one node's values and differences.

    Parameters
    ----------
    on_values, on_differences : sparse float64[rows, n]
    """

    on_values: sp.csr_array
    on_differences: sp.csr_array


class TooMuchWorkError(Exception):
    """The rows became so dense that carrying them further would take too long."""


class Carrier:
    """Carries rows back through a graph; ``constant`` collects what they cost.

    Parameters
    ----------
    graph : Graph
    ranges : sequence of Ranges
        Of all nodes in front of the one at which the rows start.
    number, rows
        That node, and functions of its values and differences.
    most_work : float
        Multiplications at which to give up.
    """

    def __init__(
        self, graph: Graph, ranges: Sequence[Ranges], number: int, rows: Rows, *, most_work: float = np.inf
    ) -> None:
        self.graph, self.ranges = graph, ranges
        self.pending = {number: rows}
        self.constant: Array = np.zeros(rows.on_values.shape[0])
        self.work, self.most_work = 0.0, most_work

    def upper_bounds(self) -> Array:
        """Carry everything back to the input, and return upper bounds of the functions over the box."""
        while max(self.pending) > 0:
            number = max(self.pending)
            if isinstance(self.graph.nodes[number - 1], Affine | Sum):
                self.linear(number)
            else:
                self._relaxed(number)
        rows, box = self.pending[0], self.ranges[0]
        # The inputs are the same for both networks: no differences.
        return up(self.constant + reach(rows.on_values, box.target))

    def linear(self, number: int) -> None:
        """Carry the rows of an affine map or a sum to the nodes that it takes."""
        rows, node = self.pending.pop(number), self.graph.nodes[number - 1]
        if isinstance(node, Sum):
            self._add(node.source, rows)
            self._add(node.other, rows)
            return
        assert isinstance(node, Affine), "only affine maps and sums are linear"
        before = self.ranges[node.source]
        either = before.target.hull(before.ticket)
        errors = placed_slopes(node.errors, node.negative_errors, before.target, node.places)
        moves = placed_slopes(node.positive, node.negative, either, node.places)
        weights = spread(node.weights, node.places.entry)
        by_errors = self._product(rows.on_differences, errors, node, before.target.magnitude)
        by_values = self._product(rows.on_values, weights, node, before.target.magnitude)
        on_values = self._sum(by_errors, by_values, before.target.magnitude)
        on_differences = self._product(rows.on_differences, moves, node, before.difference.magnitude)
        self._constants(reach(rows.on_values, node.bias))
        self._constants(reach(rows.on_differences, node.bias_error))
        self._add(node.source, Rows(on_values, on_differences))

    def _relaxed(self, number: int) -> None:
        """Replace the rows of a ReLU or a maximum by linear functions in front of it that bound them from above."""
        rows, node, behind = self.pending.pop(number), self.graph.nodes[number - 1], self.ranges[number]
        before = self.ranges[node.source]
        if isinstance(node, Largest):
            self._add(node.source, self._picked(rows, node, behind))
            return
        assert isinstance(node, Relu), "every other node is linear"
        of_differences = difference_form(before.target, before.difference, behind.difference, "relu")
        on_values = self._replaced(rows.on_values, value_form(before.target, "relu"))
        self._add(node.source, Rows(on_values, self._replaced(rows.on_differences, of_differences)))

    def _picked(self, rows: Rows, node: Largest, behind: Ranges) -> Rows:
        before = self.ranges[node.source]
        windows = node.windows
        low, high = before.target.lower[windows], before.target.upper[windows]
        best = np.argmax(low + high, axis=1)[:, None]
        picked = np.take_along_axis(windows, best, axis=1)
        others = windows != picked
        leads = _leads(before.target, windows, picked, others)
        both = leads & _leads(before.ticket, windows, picked, others)
        one, nothing = np.ones(len(windows)), np.zeros(len(windows))
        value = ActivationForm(
            (np.where(leads, 1.0, 0.0), np.where(leads, 0.0, behind.target.upper)), (one, nothing),
            before.target.magnitude[picked[:, 0]],
        )  # fmt: skip
        flat = behind.difference
        difference = ActivationForm(
            (np.where(both, 1.0, 0.0), np.where(both, 0.0, flat.upper)),
            (np.where(both, 1.0, 0.0), np.where(both, 0.0, flat.lower)),
            before.difference.magnitude[picked[:, 0]],
        )
        pick = sp.csr_array(
            (one, (np.arange(len(windows)), picked[:, 0])), shape=(len(windows), len(before.target.lower))
        )
        parts = []
        for matrix, form, known in (
            (rows.on_values, value, before.target),
            (rows.on_differences, difference, before.difference),
        ):
            replaced = self._replaced(matrix, form)
            self._lose(replaced, _slack(matrix) * (pick @ known.magnitude), known.magnitude)
            parts.append(sp.csr_array(replaced @ pick))
        return Rows(parts[0], parts[1])

    def _product(self, rows: sp.csr_array, numbers: Interval, node: Affine, largest: Array) -> sp.csr_array:
        """Return rows times the middles of a sparse matrix, and add what the distance to any true product can cost."""
        places = node.places
        self.work += rows.nnz * places.longest
        if self.work > self.most_work:
            raise TooMuchWorkError
        middle = 0.5 * numbers.lower + 0.5 * numbers.upper
        radius = up(np.maximum(numbers.upper - middle, middle - numbers.lower))
        slack = _slack(rows) + 8.0 * places.longest * UNIT_ROUNDOFF
        shape = (places.rows, places.columns)
        distance = sp.csr_array((radius + slack * np.abs(middle), places.inputs, places.first), shape=shape)
        self._lose(rows, distance @ largest * (1.0 + slack), largest)
        return sp.csr_array(rows @ sp.csr_array((middle, places.inputs, places.first), shape=shape))

    def _sum(self, one: sp.csr_array, two: sp.csr_array, largest: Array) -> sp.csr_array:
        if not one.nnz or not two.nnz:
            return one if one.nnz else two
        total = sp.csr_array(one + two)
        self._lose(total, 2.0 * UNIT_ROUNDOFF * largest, largest)
        return total

    def _add(self, number: int, rows: Rows) -> None:
        if number not in self.pending:
            self.pending[number] = rows
            return
        known, other = self.ranges[number], self.pending[number]
        self.pending[number] = Rows(
            self._sum(rows.on_values, other.on_values, known.target.magnitude),
            self._sum(rows.on_differences, other.on_differences, known.difference.magnitude),
        )

    def _replaced(self, rows: sp.csr_array, form: ActivationForm) -> sp.csr_array:
        """Return coefficients in front of an activation, and add what constants and rounding cost."""
        plus, minus = np.maximum(rows.data, 0.0), np.minimum(rows.data, 0.0)
        at = rows.indices
        before = _like(rows, plus * form.upper[0][at] + minus * form.lower[0][at])  # one of the two is 0: one rounding
        terms = plus * form.upper[1][at] + minus * form.lower[1][at]
        ones = np.ones(rows.shape[1])
        self._constants(_like(rows, terms) @ ones)
        self._lose(_like(rows, np.abs(terms)), _slack(rows) * ones, ones)
        self._lose(before, 2.0 * UNIT_ROUNDOFF * form.largest, form.largest)
        before.eliminate_zeros()
        return before

    def _lose(self, rows: sp.csr_array, each: Array, largest: Array) -> None:
        """Add |rows| times nonnegative numbers, rounded up."""
        lost = _like(rows, np.abs(rows.data)) @ each * (1.0 + 2.0 * _slack(rows))
        self._constants(lost + _TINY * (1.0 + largest.sum()))

    def _constants(self, more: Array) -> None:
        self.constant = up(self.constant + up(more))


def narrowed(
    graph: Graph, ranges: Sequence[Ranges], number: int, own: Ranges, *, most_work: float
) -> tuple[Ranges, float]:
    """Intersect the ranges of a node with linear bounds, and return the multiplications that took.

    Where they would be more than ``most_work``, as the first rows foretell, the ranges are returned as they are.
    """
    size, work = len(own.target.lower), 0.0
    ends = []
    for first in range(0, size, _ROWS):
        chosen = sp.eye_array(min(_ROWS, size - first), size, k=first, format="csr")
        nothing = sp.csr_array(chosen.shape)
        rows = Rows(
            sp.vstack([chosen, -chosen, nothing, nothing], format="csr"),
            sp.vstack([nothing, nothing, chosen, -chosen], format="csr"),
        )
        share = most_work * chosen.shape[0] / size
        carrier = Carrier(graph, ranges, number, rows, most_work=max(share, most_work - work if first else 0.0))
        try:
            ends.append(carrier.upper_bounds().reshape(4, -1))
        except TooMuchWorkError:
            return own, work + carrier.work
        work += carrier.work
    high, low, rise, fall = np.concatenate(ends, axis=1)
    target = Interval(np.fmax(own.target.lower, -low), np.fmin(own.target.upper, high))
    difference = Interval(np.fmax(own.difference.lower, -fall), np.fmin(own.difference.upper, rise))
    return Ranges(target, own.ticket, difference).reconciled(), work


def _leads(values: Interval, windows: Indices, picked: Indices, others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether one entry of each window is at least all others over the whole box."""
    rivals = np.where(others, values.upper[windows], -np.inf).max(axis=1)
    leads: NDArray[np.bool_] = values.lower[picked[:, 0]] >= rivals
    return leads


def placed_slopes(positive: Interval, negative: Interval | None, inputs: Interval, places: Places) -> Interval:
    """Return enclosures of the slopes between any two inputs, for each entry of a sparse matrix."""
    spread_out = spread(positive, places.entry)
    if negative is None:
        return spread_out
    return slopes(spread_out, spread(negative, places.entry), spread(inputs, places.inputs))


def reach(rows: sp.csr_array, values: Interval) -> Array:
    """Return upper bounds of rows times any numbers within the intervals."""
    terms = np.maximum(rows.data * values.lower[rows.indices], rows.data * values.upper[rows.indices])
    ones = np.ones(rows.shape[1])
    slack = 4.0 * _slack(rows)
    total: Array = _like(rows, terms) @ ones + slack * (_like(rows, np.abs(terms)) @ ones)
    return up(total + _TINY)


def _like(rows: sp.csr_array, data: Array) -> sp.csr_array:
    """Return a matrix of the same pattern; copied, because some methods of sparse matrices sort their own in place."""
    return sp.csr_array((data, rows.indices.copy(), rows.indptr.copy()), shape=rows.shape)


def _slack(rows: sp.csr_array) -> float:
    longest = int(np.diff(rows.indptr).max(initial=0))
    return 8.0 * (longest + 8) * UNIT_ROUNDOFF
