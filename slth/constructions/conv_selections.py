r"""Bounds of the outputs' differences by what all neurons in front of them share.

Behind a ReLU the difference lies between 0 and the difference e in front of it, and behind a maximum over a window it
lies between two of the differences in front. So a sum of such differences chooses among the e:

.. math:: \sum_j c_j d_j = \sum_j c_j \sum_i s_{ji} e_i,\qquad s_{ji} \ge 0,\quad \sum_i s_{ji} \le 1,

and :math:`e = E h + A r + \beta` is an affine function of the values h and differences r one layer before. Ranges
maximise each e on its own, as if each neuron had an input to itself; :mod:`slth.constructions.conv_spectral` bounds
the sum over all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from slth.constructions.conv_graph import Affine, Graph, Indices, Largest, Relu, Sum
from slth.constructions.conv_linear import Carrier, Rows, placed_slopes, reach
from slth.constructions.conv_ranges import Ranges, row_sums, spread
from slth.constructions.conv_spectral import Scales, scaled, selection_bound
from slth.constructions.interval import UNIT_ROUNDOFF, Array, Interval, up

_LARGEST_ORDER = 4096  # of the matrix whose norm is proved: seconds, and 128 MiB
_MOST_OUTPUTS = 64
_DECISIVE = 4  # outputs for which scales are made: those that decide the certificate
_ROUNDS = 8  # of improvement of each


def sharpened(graph: Graph, ranges: Sequence[Ranges]) -> Array:
    """Return bounds of |difference| of each output: by its range, and by linear and bilinear bounds if it is small."""
    last = graph.output
    bounds = ranges[last].difference.magnitude
    while last and isinstance(graph.nodes[last - 1], Relu):
        last = graph.nodes[last - 1].source  # a ReLU's difference is at most the one in front of it
    if not last or not isinstance(graph.nodes[last - 1], Affine | Sum) or len(bounds) > _MOST_OUTPUTS:
        return bounds
    for method in (by_lines, by_selections):
        # fmin: where a bound left the doubles (NaN) the other one stands
        bounds = np.fmin(bounds, method(graph, ranges, last, bounds))
    return bounds


def _both_signs(size: int) -> Rows:
    signs = sp.vstack([sp.eye_array(size), -sp.eye_array(size)], format="csr")
    return Rows(sp.csr_array(signs.shape), sp.csr_array(signs))


def by_lines(graph: Graph, ranges: Sequence[Ranges], last: int, bounds: Array) -> Array:
    """Return the outputs' linear bounds at a node that is affine or a sum; ``bounds`` tell how many outputs."""
    reached = Carrier(graph, ranges, last, _both_signs(len(bounds))).upper_bounds()
    return np.maximum(*np.split(reached, 2))


def by_selections(graph: Graph, ranges: Sequence[Ranges], last: int, bounds: Array) -> Array:
    """Return the outputs' bilinear bounds, or ``bounds`` where no node in front makes a choice that is small enough."""
    carrier = Carrier(graph, ranges, last, _both_signs(len(bounds)))
    while linear := [n for n in carrier.pending if n and isinstance(graph.nodes[n - 1], Affine | Sum)]:
        carrier.linear(max(linear))
    choices = {number: _Choice.of(graph, ranges, number) for number in carrier.pending if number}
    if not any(choices.values()):
        return bounds
    total, differences = carrier.constant, {}
    for number, rows in carrier.pending.items():
        total = up(total + reach(rows.on_values, ranges[number].target))
        differences[number] = reach(rows.on_differences, ranges[number].difference)
    for number, choice in choices.items():
        if choice is not None:
            rest = total + sum(differences.values()) - differences[number]  # decides where to work harder, no more
            rows = carrier.pending[number].on_differences
            differences[number] = choice.improved(rows, differences[number], rest)
    for each in differences.values():
        total = up(total + each)
    return np.maximum(*np.split(total, 2))


class _Choice:
    """The differences of one node as choices among affine functions of the values and differences a layer before."""

    def __init__(self, node: Affine, windows: Indices, before: Ranges) -> None:
        places, at = node.places, node.places.inputs
        target, moved = spread(before.target, at), spread(before.difference, at)
        errors = placed_slopes(node.errors, node.negative_errors, before.target, places)
        gains = placed_slopes(node.positive, node.negative, before.target.hull(before.ticket), places)
        fixed, unsure, data = [], [], []
        for numbers, inputs in ((errors, target), (gains, moved)):
            number, centre = _middle(numbers), _middle(inputs)
            around, spreads = _radius(numbers, number), _radius(inputs, centre)
            product = number * spreads
            fixed.append(row_sums(places, Interval.point(number) * Interval.point(centre)))
            lost = up(up(around * inputs.magnitude) + up(2.0 * UNIT_ROUNDOFF * np.abs(product) + 2.0**-1000))
            unsure.append(row_sums(places, Interval.symmetric(lost)))
            data.append(sp.csr_array((product, at, places.first), shape=(places.rows, places.columns)))
        base = fixed[0] + fixed[1] + node.bias_error + unsure[0] + unsure[1]
        order = windows.ravel()
        self.windows = windows.shape[1]
        self.base = Interval(base.lower[order], base.upper[order])
        matrix = sp.csc_array(sp.hstack(data, format="csr")[order])
        matrix.eliminate_zeros()
        self.matrix = sp.csr_array(matrix[:, np.flatnonzero(np.diff(matrix.indptr))])

    @staticmethod
    def of(graph: Graph, ranges: Sequence[Ranges], number: int) -> _Choice | None:
        """Return the choice that a node makes among an affine map's outputs, or None where it makes another one."""
        windows: Indices | None = None
        while number and isinstance(node := graph.nodes[number - 1], Relu | Largest):
            if isinstance(node, Largest):
                if windows is not None:
                    return None
                windows = node.windows
            number = node.source
        if not number or not isinstance(node, Affine):
            return None
        if windows is None:
            windows = np.arange(node.places.rows)[:, None]
        if min(windows.size, 2 * node.places.columns) > _LARGEST_ORDER:
            return None
        choice = _Choice(node, windows, ranges[node.source])
        return choice if min(choice.matrix.shape) else None

    def improved(self, rows: sp.csr_array, known: Array, others: Array) -> Array:
        """Return bounds of rows of coefficients on the differences, ``known`` by ranges; ``others`` add to them."""
        coefficients = np.repeat(rows.toarray(), self.windows, axis=1)
        every = scaled(self.matrix, np.ones(coefficients.shape[1]), rounds=0)
        best = known if every is None else self._bounded(coefficients, known, every)
        done: set[int] = set()
        while len(done) < 2 * _DECISIVE and (worst := int(np.argmax(others + best))) not in done:
            one = np.abs(coefficients[worst])
            scales = scaled(self.matrix, np.maximum(one / max(one.max(), 1e-300), 1e-3), rounds=_ROUNDS)
            same = [row for row in range(len(best)) if np.array_equal(np.abs(coefficients[row]), one)]
            done.update(same)
            if scales is not None:
                best[same] = self._bounded(coefficients[same], best[same], scales)
        return best

    def _bounded(self, coefficients: Array, known: Array, scales: Scales) -> Array:
        found = [selection_bound(row, self.base, scales, self.windows) for row in coefficients]
        return np.asarray(np.fmin(known, np.array(found)))


def _middle(numbers: Interval) -> Array:
    """Return a double in the middle of each interval, and of a point that point itself."""
    middle = 0.5 * numbers.lower + 0.5 * numbers.upper
    return np.where(numbers.lower == numbers.upper, numbers.lower, middle)


def _radius(numbers: Interval, middle: Array) -> Array:
    """Return upper bounds of the distances to a point within each interval."""
    radius = up(np.maximum(numbers.upper - middle, middle - numbers.lower))
    return np.where(numbers.lower == numbers.upper, 0.0, radius)
