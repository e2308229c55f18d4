r"""Arithmetic of linear functions that are carried back through a graph, and the account of what rounding costs them.

**Outward rounding.** Any slopes are admissible. Wherever a coefficient is rounded, or stands for an interval, its
distance to the true one times the largest absolute value of its variable is added to the constant, rounded upwards: for
a product of matrices that is :math:`|X| (R + n u |Y|)\, m` with R the radii of Y and m those largest values.

Coefficients are a sparse matrix while each function depends on few values, and a dense one behind a linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from slth.certificates.interval import UNIT_ROUNDOFF, Array, Interval, middle_and_radius, up
from slth.certificates.layout import Layout, Matrix

TINY = 2.0**-1000
"""More than all underflows of a product of matrices can lose, for each value of the variable."""


class TooMuchWorkError(Exception):
    """The rows became so dense that carrying them further would take too long."""


@dataclass(frozen=True, eq=False)
class Apart:
    """Coefficients of values where they are nonnegative and where they are negative, and what they cost.

    Shapes: above, below sparse or dense float64[rows, n]; cost float64[rows].
    """

    above: Matrix
    below: Matrix
    cost: Array


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of linear functions of one node's values and differences.

    Shapes: on_values, on_differences sparse or dense float64[rows, n]; cost float64[rows] or None.
    """

    on_values: Matrix
    on_differences: Matrix
    cost: Array | None = None
    apart: Apart | None = None


@dataclass(frozen=True, eq=False)
class Factor:
    """A matrix of intervals, ready to be multiplied from the left.

    Shapes: middle sparse or dense float64[n, m]; radii, sizes float64[n].
    """

    middle: Matrix
    radii: Array
    sizes: Array
    longest: int
    cost: float

    @staticmethod
    def of(layout: Layout, numbers: Interval, largest: Array) -> Factor:
        """Return the factor whose entries are intervals, for a variable of given largest values."""
        middle, radius = middle_and_radius(numbers)
        radii = layout.matrix(radius) @ largest if radius.any() else np.zeros(layout.rows)
        sizes = layout.matrix(np.abs(middle)) @ largest
        return Factor(layout.matrix(middle), radii, sizes, layout.longest, layout.cost)


@dataclass(frozen=True, eq=False)
class LinearForm:
    """Linear bounds of what a node does to each of its values.

    Shapes: upper, lower tuple of two float64[n]; largest float64[n].
    """

    upper: tuple[Array, Array]
    lower: tuple[Array, Array]
    largest: Array


class Account:
    """What the functions cost besides what is left of them: constants float64[rows], and the work done."""

    def __init__(self, rows: int, most_work: float = np.inf) -> None:
        self.constant: Array = np.zeros(rows)
        self._work, self._most_work = [0.0], most_work

    @property
    def work(self) -> float:
        """Multiplications done."""
        return self._work[0]

    def aside(self) -> Account:
        """Return an account of constants that are none of this one's; the work is counted together."""
        other = Account(len(self.constant), self._most_work)
        other._work = self._work
        return other

    def add(self, more: Array) -> None:
        """Add constants, rounded up."""
        self.constant = up(self.constant + up(more))

    def lose(self, rows: Matrix, each: Array, largest: Array) -> None:
        """Add |rows| times nonnegative numbers, rounded up."""
        lost = like(rows, np.abs(entries(rows))) @ each * (1.0 + 2.0 * slack(rows))
        self.add(lost + TINY * (1.0 + largest.sum()))

    def product(self, rows: Matrix, factor: Factor, largest: Array) -> Matrix:
        """Return rows times the middles of a factor, and add what the distance to any true product can cost."""
        if is_nothing(rows):
            return nothing(rows.shape[0], factor.middle.shape[1])
        self._work[0] += count(rows) * factor.longest * factor.cost
        if self.work > self._most_work:
            raise TooMuchWorkError
        wide = slack(rows) + 8.0 * factor.longest * UNIT_ROUNDOFF
        self.lose(rows, (factor.radii + wide * factor.sizes) * (1.0 + wide), largest)
        result = rows @ factor.middle
        return sp.csr_array(result) if sp.issparse(result) else np.asarray(result)

    def sum(self, one: Matrix, two: Matrix, largest: Array) -> Matrix:
        """Return the sum of two matrices of coefficients."""
        if is_nothing(one) or is_nothing(two):
            return two if is_nothing(one) else one
        if sp.issparse(one) and sp.issparse(two):
            total: Matrix = sp.csr_array(one + two)
        else:
            total = dense(one) + dense(two)
        self.lose(total, 2.0 * UNIT_ROUNDOFF * largest, largest)
        return total

    def merged(self, one: Rows, two: Rows, values: Array, differences: Array) -> Rows:
        """Return the sum of two rows of functions of one node, given its largest values and differences."""
        on_values = self.sum(one.on_values, two.on_values, values)
        on_differences = self.sum(one.on_differences, two.on_differences, differences)
        cost = _added(one.cost, two.cost)
        if one.apart is None and two.apart is None:
            return Rows(on_values, on_differences, cost)
        first, second = (_sides(each) for each in (one, two))
        above, below = self.sum(first.above, second.above, values), self.sum(first.below, second.below, values)
        return Rows(on_values, on_differences, cost, Apart(above, below, up(first.cost + second.cost)))

    def replaced(self, rows: Matrix, form: LinearForm) -> Matrix:
        """Return coefficients in front of a node that is bounded by lines, and add what constants and rounding cost."""
        if is_nothing(rows):
            return rows
        plus, minus = np.maximum(entries(rows), 0.0), np.minimum(entries(rows), 0.0)
        (rise, high), (fall, low) = ((at(rows, slope), at(rows, shift)) for slope, shift in (form.upper, form.lower))
        before = like(rows, plus * rise + minus * fall)  # one of the two is 0: one rounding
        terms = plus * high + minus * low
        ones = np.ones(rows.shape[1])
        self.add(like(rows, terms) @ ones)
        self.lose(like(rows, np.abs(terms)), slack(rows) * ones, ones)
        self.lose(before, 2.0 * UNIT_ROUNDOFF * form.largest, form.largest)
        if sp.issparse(before):
            before.eliminate_zeros()
        return before

    def picked(self, rows: Matrix, pick: Matrix, largest: Array) -> Matrix:
        """Return rows times a matrix of zeros and ones, whose columns may hold several."""
        if is_nothing(rows):
            return nothing(rows.shape[0], pick.shape[1])
        self.lose(rows, slack(rows) * (pick @ largest), largest)
        result = rows @ pick
        return sp.csr_array(result) if sp.issparse(result) else np.asarray(result)


def reach(rows: Matrix, values: Interval) -> Array:
    """Return upper bounds of rows times any numbers within the intervals."""
    if is_nothing(rows):
        return np.full(rows.shape[0], TINY)
    lower, upper = at(rows, values.lower), at(rows, values.upper)
    return _total(rows, np.maximum(entries(rows) * lower, entries(rows) * upper))


def reach_of(rows: Rows, values: Interval) -> Array:
    """Return upper bounds of the part of rows that depends on values within the intervals, with what it costs."""
    if rows.apart is None:
        return up(reach(rows.on_values, values) + (0.0 if rows.cost is None else rows.cost))
    above, under = dense(rows.apart.above), dense(rows.apart.below)
    high = np.maximum(above * np.maximum(values.lower, 0.0), above * np.maximum(values.upper, 0.0))
    low = np.maximum(under * np.minimum(values.lower, 0.0), under * np.minimum(values.upper, 0.0))
    terms = np.where(values.lower >= 0.0, high, np.where(values.upper <= 0.0, low, np.maximum(high, low)))
    return up(_total(above, terms) + rows.apart.cost)


def _sides(rows: Rows) -> Apart:
    if rows.apart is not None:
        return rows.apart
    return Apart(rows.on_values, rows.on_values, np.zeros(rows.on_values.shape[0]) if rows.cost is None else rows.cost)


def _added(one: Array | None, two: Array | None) -> Array | None:
    if one is None or two is None:
        return two if one is None else one
    return up(one + two)


def _total(rows: Matrix, terms: Array) -> Array:
    ones = np.ones(rows.shape[1])
    total: Array = like(rows, terms) @ ones + 4.0 * slack(rows) * (like(rows, np.abs(terms)) @ ones)
    return up(total + TINY)


def nothing(rows: int, columns: int) -> Matrix:
    """Return coefficients that are all 0."""
    return sp.csr_array((rows, columns))


def is_nothing(rows: Matrix) -> bool:
    """Whether all coefficients are known to be 0."""
    return bool(sp.issparse(rows) and not rows.nnz)


def entries(rows: Matrix) -> Array:
    """Return the numbers of a matrix: the stored ones of a sparse one."""
    return np.asarray(rows.data if sp.issparse(rows) else rows)


def at(rows: Matrix, numbers: Array) -> Array:
    """Return a number for each entry, that of its column."""
    return np.asarray(numbers[rows.indices] if sp.issparse(rows) else numbers)


def like(rows: Matrix, data: Array) -> Matrix:
    """Return a matrix of the same pattern; copied, because some methods of sparse matrices sort their own in place."""
    if not sp.issparse(rows):
        return data
    return sp.csr_array((data, rows.indices.copy(), rows.indptr.copy()), shape=rows.shape)


def dense(rows: Matrix) -> Array:
    """Return a matrix with all its zeros."""
    return np.asarray(rows.toarray() if sp.issparse(rows) else rows)


def count(rows: Matrix) -> int:
    """Return the number of entries."""
    return int(rows.nnz if sp.issparse(rows) else rows.size)


def slack(rows: Matrix) -> float:
    """Return a bound of the relative rounding error of a product with a vector, some times over."""
    longest = int(np.diff(rows.indptr).max(initial=0)) if sp.issparse(rows) else rows.shape[1]
    return 8.0 * (longest + 8) * UNIT_ROUNDOFF
