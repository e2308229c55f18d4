r"""Affine maps: convolutions, linear layers and means.

Write :math:`h` for an input in the target, :math:`h' = h + e` for what the ticket has in its place, W for the target's
weights and A for the ticket's. The difference of the two outputs has two exact forms,

.. math:: z' - z = (A - W)\,h' + W\,e = (A - W)\,h + A\,e,

and each term of the sum lies in the intersection of its two ranges. Where :math:`e = 0` and each term depends on one
coordinate of the box, the sum of ranges is the range of the sum: nothing is lost. The second form carries functions
:math:`a \cdot (z' - z) + b \cdot z` back to h and e.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar

import numpy as np

from slth.arrays import Bools
from slth.certificates.interval import Array, Interval, Slopes, middle_and_radius, up, upper_product
from slth.certificates.layout import Layout, Matrix, input_entries, kernel_entries
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Apart, Factor, Rows, is_nothing, nothing, reach
from slth.certificates.rule import BINARY64, Around, Back, Evaluation, Format, Norms, Rounding, Rule
from slth.certificates.symbols import slack

_MOST_KEPT = 2**22  # entries of matrices that are kept for the next rows: some hundred MiB
_MOST_HELD = 2**20  # of one that is kept for the next input


@dataclass(frozen=True, eq=False)
class Constants:
    """Which inputs and outputs of an affine map are 1 in the target, whatever its input.

    Shapes: inputs bool[columns]; outputs bool[rows].
    """

    inputs: Bools
    outputs: Bools


@dataclass(frozen=True, eq=False)
class AffineRule(Rule):
    """An affine map, the target's and the ticket's.

    Shapes: weights Interval float64[kernel]; ticket, errors Slopes float64[kernel], the second the ticket's less the
    target's; bias, bias_error Interval float64[rows]; magnitude, bias_magnitude float64[kernel], float64[rows].
    """

    linear: ClassVar[bool] = True

    layout: Layout
    weights: Interval
    ticket: Slopes
    errors: Slopes
    bias: Interval
    bias_error: Interval
    magnitude: Array
    bias_magnitude: Array
    target_terms: int = 1
    terms: int = 1
    multiplied_terms: int = 1
    factor: float = 1.0
    narrowed: bool = True
    gathered: bool = False
    constants: Constants | None = None

    @staticmethod
    def shared(layout: Layout, weights: Interval, bias: Interval, terms: int) -> AffineRule:
        """Return the rule of numbers that both networks have: those of a mean, of a fixed scale."""
        nothing, none = (Interval.point(np.zeros(each.shape)) for each in (weights, bias))
        return AffineRule(
            layout, weights, Slopes(weights), Slopes(nothing), bias, none, weights.magnitude, bias.magnitude,
            terms, terms, terms, max(1.0, float(weights.magnitude.max())), narrowed=False,
        )  # fmt: skip

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        (seen,) = before
        found = Ranges.joined([self._rows(rows, layout, seen) for rows, layout in self.layout.pieces()]).reconciled()
        if self._same and not seen.difference.magnitude.any():
            return Ranges.shared(found.target.meet(found.ticket))
        return found

    @cached_property
    def _same(self) -> bool:
        """Whether both networks have the same numbers."""
        return not (self.errors.magnitude.any() or self.bias_error.magnitude.any())

    def _rows(self, rows: slice, layout: Layout, before: Ranges) -> Ranges:
        weights = kernel_entries(layout, self.weights)
        numbers, errors = (each.map(partial(kernel_entries, layout)) for each in (self.ticket, self.errors))
        target, ticket = input_entries(layout, before.target), input_entries(layout, before.ticket)
        moved = errors.times(target)
        if before.difference.magnitude.any():
            difference = input_entries(layout, before.difference)
            moved = moved + numbers.between(target.hull(ticket)) * difference
            if not self.gathered:
                moved = moved.meet(errors.times(ticket) + weights * difference)
        bias, wrong = self.bias[rows], self.bias_error[rows]
        return Ranges(
            layout.total(weights * target) + bias,
            layout.total(numbers.times(ticket)) + (bias + wrong),
            layout.total(moved) + wrong,
        )

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        (before,) = around.before
        account, largest = around.account, before.target.magnitude
        small = self.layout.entries <= _MOST_KEPT
        found = around.cached("factors", lambda: self._factors(before)) if small else self._factors(before)
        weights, errors, sides, moves = found
        by_values = account.product(rows.on_values, weights, largest)

        def of_values(factor: Factor) -> tuple[Matrix, Array]:
            own = account.aside()
            return own.sum(own.product(rows.on_differences, factor, largest), by_values, largest), own.constant

        (on_values, cost), apart = of_values(errors), None
        if sides is not None and not is_nothing(rows.on_differences):
            (above, first), (below, second) = of_values(sides[0]), of_values(sides[1])
            apart = Apart(above, below, up(first + second))  # some values are nonnegative while others are negative
        account.add(reach(rows.on_values, self.bias))
        account.add(reach(rows.on_differences, self.bias_error))
        on_differences = nothing(*on_values.shape)
        if moves is not None:
            on_differences = account.product(rows.on_differences, moves, before.difference.magnitude)
        return (Rows(on_values, on_differences, cost, apart),)

    def _factors(self, before: Ranges) -> tuple[Factor, Factor, tuple[Factor, Factor] | None, Factor | None]:
        """Return weights, errors, those of either sign of values that may have both, and what differences meet."""
        largest, layout = before.target.magnitude, self.layout
        weights = Factor.of(layout, kernel_entries(layout, self.weights), largest)
        errors = Factor.of(layout, self._between(self.errors, before.target), largest)
        sides, moves = None, None
        if self.errors.below is not None and bool((before.target.lower < 0.0).any()):
            below, above = before.target.negative().magnitude, before.target.relu().magnitude
            sides = (
                Factor.of(layout, kernel_entries(layout, self.errors.above), above),
                Factor.of(layout, kernel_entries(layout, self.errors.below), below),
            )
        if before.difference.magnitude.any():
            moves = Factor.of(layout, self._between(self.ticket, before.either), before.difference.magnitude)
        return weights, errors, sides, moves

    def _between(self, numbers: Slopes, inputs: Interval) -> Interval:
        """Return for each entry the slopes between any two of its inputs."""
        layout = self.layout
        return numbers.map(partial(kernel_entries, layout)).between(input_entries(layout, inputs))

    def choices(self, before: Ranges) -> tuple[Interval, Interval]:
        """Return for each entry what the target's values and the differences before the node are multiplied by."""
        return self._between(self.errors, before.target), self._between(self.ticket, before.either)

    def rounding(self, at: Evaluation) -> Rounding:
        (wrong,), sizes = at.wrong, up(at.values[0].magnitude + at.wrong[0])
        if at.of_ticket:
            weights = self.ticket.magnitude
            magnitude, constants, terms = self.magnitude, self.bias_magnitude, self.terms + 6
            random = 1.0 + self.factor
            product = random * random * random  # a power would raise where it overflows
        else:
            weights = magnitude = self.weights.magnitude
            constants, terms = self.bias.magnitude, self.target_terms + 3
            product = 1.0 + float(weights.max())
        lost = 8.0 * terms * at.form.smallest * (1.0 + float(sizes.max())) * product
        carried = self._upper_sums(weights, wrong)
        sums = up(self._upper_sums(magnitude, sizes) + constants)
        if at.of_ticket:
            folded = up(self._upper_sums(weights, sizes) + constants)
            rounded = np.maximum(self._summed_wide(at.form, folded, sums), self._multiplied_out(at.form, folded))
        else:
            rounded = upper_product(np.asarray(at.form.gamma(terms)), sums)
        own, peak = up(rounded + lost), np.max([sums.max() * terms, sizes.max() * product * terms, product * terms])
        if self.constants is not None and not at.of_ticket:
            # Nothing is computed for the constant 1.
            carried[self.constants.outputs] = own[self.constants.outputs] = 0.0
        return Rounding(carried, own, float(peak))

    def back(self, at: Evaluation, carried: Array) -> Back:
        (values,), (wrong,), layout = at.values, at.wrong, self.layout
        numbers = self.ticket if at.of_ticket else Slopes(self.weights)
        either = values + Interval.symmetric(wrong)
        if numbers.below is None or bool((either.lower >= 0.0).all()):
            held = layout.entries <= _MOST_HELD
            middles, share = self._middles[at.of_ticket] if held else self._middle(numbers.above)
            radii = upper_product(np.asarray(share), carried)
        else:
            between = numbers.map(partial(kernel_entries, layout)).between(input_entries(layout, either))
            factor = Factor.of(layout, between, wrong)
            middles, radii = factor.middle, factor.radii * (1.0 + slack(layout.longest))
        lost = up(radii + slack(layout.rows) * carried)
        return Back(lambda rows: (np.asarray(rows @ middles),), lost, layout.entries * layout.cost)

    @cached_property
    def _middles(self) -> tuple[tuple[Matrix, float], tuple[Matrix, float]]:
        """Matrices of the target and of the ticket on nonnegative inputs."""
        return self._middle(self.weights), self._middle(self.ticket.above)

    def _middle(self, numbers: Interval) -> tuple[Matrix, float]:
        """Return the matrix of the middles, and the largest share of a number that its radius is."""
        middle, radius = middle_and_radius(numbers)
        share = np.divide(radius, numbers.magnitude, out=np.zeros(radius.shape), where=radius > 0.0)
        return self.layout.matrix(self.layout.of_kernel(middle)), float(up(share).max())

    def _summed_wide(self, form: Format, folded: Array, sums: Array) -> Array:
        """Return what the ticket's evaluation adds where products of stored numbers are summed in binary64."""
        wide = np.asarray(BINARY64.gamma(self.terms + 6))
        if form == BINARY64:
            return upper_product(wide, sums)
        gamma = form.gamma
        stored = upper_product(np.asarray(gamma(2) + wide) * (1.0 + 2.0**-19), sums)  # and the second order of it
        once = upper_product(np.asarray(gamma(3)), folded)
        return up(stored + once)

    def _multiplied_out(self, form: Format, folded: Array) -> Array:
        """Return what it adds where each layer is one convolution; with real numbers it is within the certificate."""
        return upper_product(np.asarray(form.gamma(self.multiplied_terms + 3)), folded)

    def _upper_sums(self, kernel: Array, values: Array) -> Array:
        """Return upper bounds of a nonnegative matrix times nonnegative values."""
        if not values.any():
            return np.zeros(self.layout.rows)
        parts = []
        for _, layout in self.layout.pieces():
            terms = upper_product(layout.of_kernel(kernel), layout.of_inputs(values))
            parts.append(layout.total(Interval.point(terms)).upper)
        return np.concatenate(parts)

    def _sloped_sums(self, numbers: Slopes, before: Ranges, values: Array) -> Array:
        """Return upper bounds of the largest slopes times nonnegative values, row by row."""
        if numbers.below is None or bool((before.either.lower >= 0.0).all()):
            return self._upper_sums(numbers.above.magnitude, values)
        parts = []
        for _, layout in self.layout.pieces():
            gain = numbers.map(partial(kernel_entries, layout)).between(input_entries(layout, before.either)).magnitude
            parts.append(layout.total(Interval.point(upper_product(gain, layout.of_inputs(values)))).upper)
        return np.concatenate(parts)

    def weight_errors(self, before: Ranges) -> tuple[Array, Array]:
        """Return bounds of |ticket's weight - target's weight|, and of the constants' errors at each output."""
        errors, either = self.errors, before.either
        if errors.below is not None and not (either.lower >= 0.0).all():
            return errors.between(self.layout.met(either, errors.above.shape[0])).magnitude, self.bias_error.magnitude
        return errors.above.magnitude, self.bias_error.magnitude

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        r"""Return :math:`\|A - W\| X + \|A\| E` by largest row sums, X bounding the target and E the difference before.

        A constant input is 1 whatever X is.
        """
        (seen,), (known,) = before, norms
        inputs, kept = np.full(self.layout.columns, known.size), np.ones(self.layout.rows, np.bool_)
        if self.constants is not None:
            inputs[self.constants.inputs] = 1.0
            kept = ~self.constants.outputs
        own = up(self._sloped_sums(self.errors, seen, inputs) + self.bias_error.magnitude)
        wrongs = np.full(self.layout.columns, known.wrong)
        wrong = up(own + self._sloped_sums(self.ticket, seen, wrongs))
        sizes = up(self._upper_sums(self.weights.magnitude, inputs) + self.bias.magnitude)
        return Norms(float(sizes[kept].max(initial=0.0)), float(wrong.max()))
