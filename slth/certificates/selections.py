r"""Bounds of the outputs' differences by what all neurons in front of them share.

Behind a ReLU the difference lies between 0 and the difference e in front of it, and behind a maximum over a window it
lies between two of the differences in front. So a sum of such differences chooses among the e:

.. math:: \sum_j c_j d_j = \sum_j c_j \sum_i s_{ji} e_i,\qquad s_{ji} \ge 0,\quad \sum_i s_{ji} \le 1,

and :math:`e = E h + A r + \beta` is an affine function of the values h and differences r one layer before. Ranges
maximise each e on its own, as if each neuron had an input to itself; :mod:`slth.certificates.spectral` bounds the sum
over all of them at once.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from slth.arrays import Indices
from slth.certificates.backward import Passes
from slth.certificates.interval import UNIT_ROUNDOFF, Array, Interval, middle_and_radius, up
from slth.certificates.layout import Matrix, input_entries
from slth.certificates.problem import Problem
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Rows, dense, nothing, reach, reach_of
from slth.certificates.rule import Rule
from slth.certificates.rules.affine import AffineRule
from slth.certificates.rules.attend import AttendRule
from slth.certificates.rules.gather import GatherRule
from slth.certificates.rules.largest import LargestRule
from slth.certificates.rules.relu import ReluRule
from slth.certificates.spectral import Scales, scaled, selection_bound

_LARGEST_ORDER = 4096  # of the matrix whose norm is proved: seconds, and 128 MiB
_MOST_OUTPUTS = 64
_DECISIVE = 4  # outputs for which scales are made: those that decide the certificate
_ROUNDS = 8  # of improvement of each


def sharpened(passes: Passes) -> Array:
    """Return bounds of |difference| of each output: by its range, and by linear and bilinear bounds if it is small."""
    problem, last = passes.problem, passes.problem.output
    bounds = passes.ranges[last].difference.magnitude
    while last and isinstance(problem.rule(last), ReluRule):
        (last,) = problem.places[last - 1].sources  # a ReLU's difference is at most the one in front of it
    if not last or len(bounds) > _MOST_OUTPUTS or isinstance(problem.rule(last), AttendRule | LargestRule):
        return bounds
    for method in (by_lines, by_selections):
        # fmin: where a bound left the doubles (NaN) the other one stands
        bounds = np.fmin(bounds, method(passes, last, bounds))
    return bounds


def _both_signs(size: int) -> Rows:
    signs = sp.vstack([sp.eye_array(size), -sp.eye_array(size)], format="csr")
    return Rows(nothing(*signs.shape), sp.csr_array(signs))


def by_lines(passes: Passes, last: int, bounds: Array) -> Array:
    """Return the outputs' linear bounds at a node that is linear; ``bounds`` tell how many outputs."""
    reached = passes.carrier(last, _both_signs(len(bounds))).upper_bounds()
    return np.maximum(*np.split(reached, 2))


def by_selections(passes: Passes, last: int, bounds: Array) -> Array:
    """Return the outputs' bilinear bounds, or ``bounds`` where no node in front makes a choice that is small enough."""
    carrier = passes.carrier(last, _both_signs(len(bounds)))
    carrier.linear()
    choices = {number: _Choice.of(passes, number) for number in carrier.pending if number}
    if not any(choices.values()):
        return bounds
    total, differences = carrier.account.constant, {}
    for number, rows in carrier.pending.items():  # with what their coefficients cost
        known = passes.ranges[number]
        total = up(total + reach_of(rows, known.target))
        differences[number] = reach(rows.on_differences, known.difference)
    for number, choice in choices.items():
        if choice is not None:
            rest = total + sum(differences.values()) - differences[number]  # decides where to work harder, no more
            rows = carrier.pending[number].on_differences
            differences[number] = choice.improved(rows, differences[number], rest)
    for each in differences.values():
        total = up(total + each)
    return np.maximum(*np.split(total, 2))


def _chosen(problem: Problem, number: int) -> tuple[int, Indices | None]:
    """Return the node in front of ReLUs, rearrangements and at most one maximum, and which values each window sees.

    Windows are None where that is no choice, and empty where each sees its own value.
    """
    passed: list[Rule] = []
    while number and isinstance(rule := problem.rule(number), ReluRule | LargestRule | GatherRule):
        passed.append(rule)
        (number,) = problem.places[number - 1].sources
    if sum(isinstance(rule, LargestRule) for rule in passed) > 1:
        return number, None
    windows: Indices | None = None
    for rule in reversed(passed):
        if isinstance(rule, ReluRule):
            continue
        if isinstance(rule, GatherRule):
            if (rule.indices < 0).any():
                return number, None
            own = rule.indices[:, None] if windows is None else windows[rule.indices]
        elif isinstance(rule, LargestRule):
            own = rule.windows if windows is None else windows[rule.windows][..., 0]
        windows = own
    return number, windows if windows is not None else np.empty((0, 0), np.int64)


class _Choice:
    """The differences of one node as choices among affine functions of the values and differences a layer before."""

    def __init__(self, node: AffineRule, windows: Indices, before: Ranges) -> None:
        layout = node.layout
        target, moved = input_entries(layout, before.target), input_entries(layout, before.difference)
        errors, gains = node.choices(before)
        fixed, unsure, data = [], [], []
        for numbers, inputs in ((errors, target), (gains, moved)):
            number, around = middle_and_radius(numbers)
            centre, spread = middle_and_radius(inputs)
            product = number * spread
            fixed.append(layout.total(Interval.point(number) * Interval.point(centre)))
            lost = up(up(around * inputs.magnitude) + up(2.0 * UNIT_ROUNDOFF * np.abs(product) + 2.0**-1000))
            unsure.append(layout.total(Interval.symmetric(lost)))
            data.append(sp.csr_array(layout.matrix(product)))
        base = fixed[0] + fixed[1] + node.bias_error + unsure[0] + unsure[1]
        order = windows.ravel()
        self.windows = windows.shape[1]
        self.base = Interval(base.lower[order], base.upper[order])
        matrix = sp.csc_array(sp.hstack(data, format="csr")[order])
        matrix.eliminate_zeros()
        self.matrix = sp.csr_array(matrix[:, np.flatnonzero(np.diff(matrix.indptr))])

    @staticmethod
    def of(passes: Passes, number: int) -> _Choice | None:
        """Return the choice that a node makes among an affine map's outputs, or None where it makes another one."""
        number, windows = _chosen(passes.problem, number)
        node = passes.problem.rule(number) if number else None
        if windows is None or not isinstance(node, AffineRule):
            return None
        if not windows.size:
            windows = np.arange(node.layout.rows)[:, None]
        if min(windows.size, 2 * node.layout.columns) > _LARGEST_ORDER:
            return None
        choice = _Choice(node, windows, passes.ranges[passes.problem.places[number - 1].sources[0]])
        return choice if min(choice.matrix.shape) else None

    def improved(self, rows: Matrix, known: Array, others: Array) -> Array:
        """Return bounds of rows of coefficients on the differences, ``known`` by ranges; ``others`` add to them."""
        coefficients = np.repeat(dense(rows), self.windows, axis=1)
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
