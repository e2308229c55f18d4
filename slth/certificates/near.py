"""Both networks near one input, node after node: linear where they are linear on the ball, units elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from slth.arrays import Bools, Indices
from slth.certificates.balls import Ball
from slth.certificates.carried import upper_bounds
from slth.certificates.interval import Array, Interval, middle_and_radius
from slth.certificates.layout import Layout, Matrix, kernel_entries
from slth.certificates.problem import Place, Problem
from slth.certificates.ranges import Ranges
from slth.certificates.rows import TooMuchWorkError
from slth.certificates.rules.add import AddRule
from slth.certificates.rules.affine import AffineRule
from slth.certificates.rules.gather import ConcatRule, ConstantRule, GatherRule
from slth.certificates.rules.largest import LargestRule
from slth.certificates.rules.relu import ReluRule
from slth.certificates.slopes import Improve, improve
from slth.certificates.symbols import TINY, Forms, Symbols, negative, slack, stacked

_MOST_ENTRIES = 2**24  # of a node's matrix: 128 MiB
_MOST_HELD = 2**26  # of all nodes'
MOST_BYTES = 8 * _MOST_HELD
"""That the forms of one walk take: 512 MiB."""
_FEW = 0.2  # share of numbers that are not 0, up to which sparse products are quicker
_ALIKE = 2.0**-40  # numbers below this are as good as 0, and no unit of their own


@dataclass(frozen=True, eq=False)
class Both:
    """One node as forms: the target's values, and the differences."""

    target: Forms
    difference: Forms

    def __getitem__(self, index: Any) -> Both:
        """Return some of its numbers."""
        return Both(self.target[index], self.difference[index])


@dataclass(frozen=True, eq=False)
class Product:
    """A matrix of intervals; ``radius`` is None where all are points.

    Shapes: middle, radius sparse or dense float64[n, m].
    """

    middle: Matrix
    radius: Matrix | None
    longest: int

    @staticmethod
    def of(layout: Layout, numbers: Interval) -> Product:
        """Return the matrix of a flattened kernel."""
        middle, radius = middle_and_radius(kernel_entries(layout, numbers))
        wide = layout.matrix(radius) if radius.any() else None
        return Product(layout.matrix(middle), wide, layout.longest)

    @cached_property
    def nothing(self) -> bool:
        """Whether all entries are 0."""
        return self.radius is None and not abs(self.middle).max()

    def times(self, matrix: Array) -> Array:
        """Return the middles times a matrix, most of whose numbers may be 0."""
        if sp.issparse(self.middle) and np.count_nonzero(matrix) < _FEW * matrix.size:
            return np.asarray((self.middle @ sp.csr_array(matrix)).toarray())
        return np.asarray(self.middle @ matrix)

    @cached_property
    def size(self) -> Matrix:
        """Absolute values of the middles."""
        return abs(self.middle)


class Nearby:
    """The rules of a problem, with the matrices that all inputs share."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._products: dict[int, tuple[Product, ...]] = {}
        takers: dict[int, list[int]] = {}
        for number, place in enumerate(problem.places, start=1):
            for source in place.sources:
                takers.setdefault(source, []).append(number)
        self.late = {
            number
            for number, taken in takers.items()
            if number not in (0, problem.output) and len(taken) == 1 and isinstance(problem.rule(number), ReluRule)
            and isinstance(problem.rule(taken[0]), LargestRule)
        }  # fmt: skip
        """ReLUs in front of maxima, which are taken behind them: the same, of fewer numbers."""

    def products(self, number: int) -> tuple[Product, ...]:
        """Return the matrices of an affine map: target, ticket, errors, and the last two for negative inputs."""
        if number not in self._products:
            rule = self.problem.rule(number)
            assert isinstance(rule, AffineRule)
            numbers = [rule.weights, rule.ticket.above, rule.errors.above]
            if rule.ticket.below is not None and rule.errors.below is not None:
                numbers += [rule.ticket.below, rule.errors.below]
            self._products[number] = tuple(Product.of(rule.layout, each) for each in numbers)
        return self._products[number]


class Walk:
    """Forms and ranges of all nodes over one ball, the input first; ``improver`` takes the steps on slopes."""

    def __init__(self, nearby: Nearby, box: Ball, steps: int = 0, improver: Improve = improve) -> None:
        self.nearby, self.box, self.steps = nearby, box, steps
        low, high = (end.ravel() for end in box)
        lower, upper = (np.concatenate([[1.0], end]) for end in (low, high))
        self.symbols = Symbols(lower, upper, improver=improver)
        if len(low) * (len(low) + 1) > _MOST_ENTRIES:
            raise TooMuchWorkError
        inputs = np.eye(len(low), len(low) + 1, k=1)
        self.forms = [Both(_exact(inputs), _exact(np.zeros((len(low), 1))))]
        self.ranges, held = [Ranges.shared(Interval(low, high))], 0
        for number, place in enumerate(nearby.problem.places, start=1):
            self.forms.append(FORMS.get(type(place.rule), Walk.opaque)(self, number, place))
            held += self.forms[-1].target.matrix.size + self.forms[-1].difference.matrix.size
            if held > _MOST_HELD:
                raise TooMuchWorkError
            if len(self.ranges) == number:
                self.ranges.append(self._ranges(number, place))

    @property
    def output(self) -> Both:
        """What both networks give."""
        return self.forms[self.nearby.problem.output]

    def upper_bounds(self, parts: list[Forms]) -> Array:
        """Return upper bounds of several forms, one behind the other."""
        return upper_bounds(self.symbols, stacked(parts), steps=self.steps)

    def _ranges(self, number: int, place: Place) -> Ranges:
        """Return the ranges of a node: by those before it, and by its forms."""
        own = place.rule.ranges(tuple(self.ranges[source] for source in place.sources))
        if number in self.nearby.late:
            return own
        found = self._met(self.forms[number], own)
        if place.nonnegative:  # as real numbers; outward rounding may have gone below
            return Ranges(found.target.relu(), found.ticket.relu(), found.difference)
        return found

    def taken(self, place: Place) -> list[Both]:
        """Return the forms that a place takes."""
        return [self.forms[source] for source in place.sources]

    def opaque(self, number: int, place: Place) -> Both:
        """Return symbols of which ranges are all that is known."""
        own = place.rule.ranges(tuple(self.ranges[source] for source in place.sources))
        self.ranges.append(own)
        first, every = self.symbols.more(own.target, own.difference), np.arange(len(own.target.lower))
        none = np.zeros(len(every))
        return _joined_with([], _Opened(every, first, (none, none)))

    def affine(self, number: int, place: Place) -> Both:
        """Return W h + b, and E h + A e + the constants' errors."""
        (seen,), rule = self.taken(place), place.rule
        assert isinstance(rule, AffineRule)
        weights, ticket, errors, *below = self.nearby.products(number)
        constants = (rule.bias, rule.bias_error)
        before = self.ranges[place.sources[0]].either
        if below and not bool((before.lower >= 0.0).all()):
            above = self.relu(seen, self.ranges[place.sources[0]])
            under = self.less(seen, above)
            ticket_below, errors_below = below
            parts = [
                (errors, above.target),
                (errors_below, under.target),
                (ticket, above.difference),
                (ticket_below, under.difference),
            ]
        else:
            parts = [(errors, seen.target), (ticket, seen.difference)]
        return Both(self.total([(weights, seen.target)], constants[0]), self.total(parts, constants[1]))

    def total(self, parts: list[tuple[Product, Forms]], constants: Interval) -> Forms:
        """Return the sum of matrices times forms, and of constants."""
        middle, radius = middle_and_radius(constants)
        width = max(forms.matrix.shape[1] for _, forms in parts)
        if len(middle) * width > _MOST_ENTRIES:
            raise TooMuchWorkError
        total, wrong, sizes = np.zeros((len(middle), width)), radius, np.abs(middle)
        for product, forms in parts:
            if product.nothing or not (forms.matrix.any() or forms.wrong.any()):
                continue
            size = self.symbols.sizes(forms)
            wrong = wrong + product.size @ (forms.wrong + slack(product.longest) * size)
            if product.radius is not None:
                wrong = wrong + product.radius @ (size + forms.wrong)
            sizes = sizes + product.size @ size
            total[:, : forms.matrix.shape[1]] += product.times(forms.matrix)
        total[:, 0] += middle
        return Forms(total, wrong * (1.0 + 2.0**-20) + slack(4 * len(parts)) * sizes + TINY)

    def sum(self, one: Forms, two: Forms, sign: float = 1.0) -> Forms:
        """Return the sum, or the difference, of forms."""
        width = max(one.matrix.shape[1], two.matrix.shape[1])
        total = np.zeros((len(one.wrong), width))
        total[:, : one.matrix.shape[1]] = one.matrix
        total[:, : two.matrix.shape[1]] += sign * two.matrix
        result = Forms(total, one.wrong)
        rounded = slack(4) * self.symbols.sizes(result)
        return Forms(total, (one.wrong + two.wrong + rounded) * (1.0 + 2.0**-20))

    def less(self, one: Both, two: Both) -> Both:
        """Return what one node is more than another."""
        return Both(self.sum(one.target, two.target, -1.0), self.sum(one.difference, two.difference, -1.0))

    def add(self, number: int, place: Place) -> Both:
        """Return a sum of nodes."""
        total, *others = self.taken(place)
        for each in others:
            total = Both(self.sum(total.target, each.target), self.sum(total.difference, each.difference))
        return total

    def gather(self, number: int, place: Place) -> Both:
        (seen,), rule = self.taken(place), place.rule
        assert isinstance(rule, GatherRule)
        inside, none = rule.indices >= 0, np.zeros(len(rule.indices))
        return _joined_with([(inside, seen[rule.indices])], _Opened(np.arange(0), 0, (none, none)))

    def concat(self, number: int, place: Place) -> Both:
        return joined(self.taken(place))

    def constant(self, number: int, place: Place) -> Both:
        assert isinstance(place.rule, ConstantRule)
        return Both(_exact(place.rule.values[:, None]), _exact(np.zeros((len(place.rule.values), 1))))

    def rectified(self, number: int, place: Place) -> Both:
        (seen,) = self.taken(place)
        return seen if number in self.nearby.late else self.relu(seen, self.ranges[place.sources[0]])

    def largest(self, number: int, place: Place) -> Both:
        """Return maxima over windows, of two numbers at a time: b + max(a - b, 0)."""
        (seen,), rule = self.taken(place), place.rule
        assert isinstance(rule, LargestRule)
        (source,), late = place.sources, place.sources[0] in self.nearby.late
        many, columns = rule.windows.shape
        order = rule.windows.T.ravel()  # column after column of the windows
        before = self.nearby.problem.places[source - 1].sources[0] if late else source
        left, known = seen[order], self.ranges[before][order]
        while columns > 1:
            half = columns // 2 * many
            first, second, others = slice(half), slice(half, 2 * half), slice(2 * half, None)
            larger, ranges = self.larger((left[first], known[first]), (left[second], known[second]))
            left, known = joined([larger, left[others]]), Ranges.joined([ranges, known[others]])
            columns -= columns // 2
        return self.relu(left, self._met(left, known)) if late else left

    def _met(self, both: Both, known: Ranges) -> Ranges:
        """Return ranges by forms and by what else is known."""
        target, difference = self.symbols.closed(both.target), self.symbols.closed(both.difference)
        return Ranges(known.target.meet(target), known.ticket, known.difference.meet(difference)).reconciled()

    def larger(self, one: tuple[Both, Ranges], two: tuple[Both, Ranges]) -> tuple[Both, Ranges]:
        """Return the larger of two numbers in each network, and its ranges: its difference lies between theirs."""
        (left, known), (right, other) = one, two
        more = self.less(left, right)
        apart = Ranges(
            known.target - other.target, known.ticket - other.ticket, known.difference - other.difference
        ).reconciled()
        rises, opened = self._signs(more, self._met(more, apart))
        target, ticket = (
            Interval(np.maximum(a.lower, b.lower), np.maximum(a.upper, b.upper))
            for a, b in ((known.target, other.target), (known.ticket, other.ticket))
        )
        ranges = Ranges(target, ticket, known.difference.hull(other.difference)).reconciled()
        return _joined_with([(rises, left), (~rises, right)], opened), ranges

    def relu(self, seen: Both, known: Ranges) -> Both:
        """Return the maxima with 0."""
        rises, opened = self._signs(seen, known)
        return _joined_with([(rises, seen)], opened)

    def _signs(self, seen: Both, known: Ranges) -> tuple[Bools, _Opened]:
        """Return which numbers are nonnegative throughout, and units of those that are open."""
        ranges = _Signs(self.symbols, seen, known)
        for steps in (0, self.steps) if self.steps else (0,):
            ranges.narrow(steps)
        rest = ~(ranges.rises | ranges.falls)
        values, moves = (np.where(rest, each.magnitude, 0.0) for each in (ranges.values, ranges.moves))
        alike = values + moves <= _ALIKE * max(1.0, float(values.max(initial=0.0)))  # two that are the same, say
        unsure = np.flatnonzero(rest & ~alike)
        own, first = seen[unsure], len(self.symbols.lower)
        if len(unsure):
            self.symbols.add(own.target, own.difference, ranges.values[unsure], ranges.moves[unsure])
        return ranges.rises, _Opened(unsure, first, (np.where(alike, values, 0.0), np.where(alike, moves, 0.0)))


@dataclass(frozen=True, eq=False)
class _Opened:
    """Which of some numbers are symbols, the first of those, and what is lost where others are taken to be 0.

    Shapes: places int64[count]; lost tuple of two float64[n], of values and of differences.
    """

    places: Indices
    first: int
    lost: tuple[Array, Array]


def _joined_with(chosen: list[tuple[Bools, Both]], opened: _Opened) -> Both:
    """Return numbers of several nodes, each where it is chosen, with symbols added."""
    count = len(opened.places)
    parts = []
    for behind, lost in enumerate(opened.lost):
        known = [(which, (each.target, each.difference)[behind]) for which, each in chosen]
        width = max([opened.first + 2 * count if count else 1, *(forms.matrix.shape[1] for _, forms in known)])
        matrix, wrong = np.zeros((len(lost), width)), lost.copy()
        for which, forms in known:
            matrix[which, : forms.matrix.shape[1]] = forms.matrix[which]
            wrong[which] += forms.wrong[which]
        matrix[opened.places, opened.first + behind * count + np.arange(count)] = 1.0
        parts.append(Forms(matrix, wrong * (1.0 + 2.0**-50)))
    return Both(*parts)


class _Signs:
    """Ranges of a node's values and differences, and where both networks' values have one sign on the whole ball."""

    def __init__(self, symbols: Symbols, seen: Both, known: Ranges) -> None:
        self.symbols, self.seen, self.ticket = symbols, seen, known.ticket
        self.values, self.moves = known.target, known.difference

    @property
    def _ticket(self) -> Interval:
        return self.ticket.meet(self.values + self.moves)

    @property
    def rises(self) -> Bools:
        result: Bools = (self.values.lower >= 0.0) & (self._ticket.lower >= 0.0)
        return result

    @property
    def falls(self) -> Bools:
        result: Bools = ~self.rises & (self.values.upper <= 0.0) & (self._ticket.upper <= 0.0)
        return result

    @property
    def unsure(self) -> Bools:
        return ~(self.rises | self.falls)

    def narrow(self, steps: int) -> None:
        """Narrow the ranges of those whose sign is not known."""
        some = np.flatnonzero(self.unsure)
        if len(some) * len(self.symbols.lower) > _MOST_ENTRIES:
            raise TooMuchWorkError
        if not len(some) or not self.symbols.units:
            return
        self.values = self._narrowed(self.values, self.seen.target[some], some, steps)
        some = np.flatnonzero(self.unsure)
        self.moves = self._narrowed(self.moves, self.seen.difference[some], some, steps)

    def _narrowed(self, known: Interval, forms: Forms, some: Indices, steps: int) -> Interval:
        high, low = np.split(upper_bounds(self.symbols, stacked([forms, negative(forms)]), steps=steps), 2)
        lower, upper = known.lower.copy(), known.upper.copy()
        lower[some], upper[some] = np.fmax(lower[some], -low), np.fmin(upper[some], high)
        return Interval(lower, upper)


def _exact(matrix: Array) -> Forms:
    return Forms(matrix, np.zeros(len(matrix)))


def joined(parts: list[Both]) -> Both:
    """Return the numbers of several nodes, one behind the other."""
    return Both(stacked([each.target for each in parts]), stacked([each.difference for each in parts]))


FORMS: dict[type, Callable[[Walk, int, Place], Both]] = {
    AffineRule: Walk.affine,
    ReluRule: Walk.rectified,
    AddRule: Walk.add,
    GatherRule: Walk.gather,
    ConcatRule: Walk.concat,
    ConstantRule: Walk.constant,
    LargestRule: Walk.largest,
}
"""What makes the forms of a node, by the type of its rule."""
