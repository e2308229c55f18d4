"""Nodes whose outputs are inputs (Rearrange, concatenations of several) or constants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from slth.arrays import Indices
from slth.certificates.interval import Array, Interval, up
from slth.certificates.layout import Matrix
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Rows, is_nothing, reach
from slth.certificates.rule import Around, Back, Evaluation, Norms, Passing, Rounding, Rule
from slth.certificates.symbols import slack


@dataclass(frozen=True, eq=False)
class GatherRule(Passing):
    """Every output is an input or 0.

    Shapes: indices int64[outputs].
    """

    linear: ClassVar[bool] = True

    indices: Indices
    columns: int

    @cached_property
    def _known(self) -> Any:
        return self.indices >= 0

    @cached_property
    def _pick(self) -> Matrix:
        outputs = np.flatnonzero(self._known)
        place = (outputs, self.indices[outputs])
        return sp.csr_array((np.ones(len(outputs)), place), shape=(len(self.indices), self.columns))

    def _picked(self, values: Array) -> Array:
        return np.where(self._known, values[self.indices], 0.0)

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        (seen,) = before
        return seen.map(lambda values: values.map(self._picked))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Each input has the coefficients of all outputs that it is."""
        (before,) = around.before
        on_values = around.account.picked(rows.on_values, self._pick, before.target.magnitude)
        on_differences = around.account.picked(rows.on_differences, self._pick, before.difference.magnitude)
        return (Rows(on_values, on_differences),)

    def passed(self, wrong: Array, at: Evaluation) -> Array:
        del at
        return self._picked(wrong)

    def back(self, at: Evaluation, carried: Array) -> Back:
        return Back(lambda rows: (np.asarray(rows @ self._pick),), up(slack(len(carried)) * carried))


@dataclass(frozen=True)
class ConcatRule(Rule):
    """Several values, one behind the other."""

    linear: ClassVar[bool] = True

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        return Ranges.joined(list(before))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Each part has its own coefficients."""
        ends = [0, *accumulate(len(part.target.lower) for part in around.before)]
        parts = [slice(*pair) for pair in pairwise(ends)]
        return tuple(Rows(_columns(rows.on_values, part), _columns(rows.on_differences, part)) for part in parts)

    def rounding(self, at: Evaluation) -> Rounding:
        carried = np.concatenate(at.wrong)
        return Rounding(carried, np.zeros(carried.shape))

    def back(self, at: Evaluation, carried: Array) -> Back:
        ends = list(accumulate(len(part) for part in at.wrong))[:-1]
        return Back(lambda rows: tuple(np.split(rows, ends, axis=1)), np.zeros(carried.shape))

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """The largest counts."""
        return Norms(float(np.max([one.size for one in norms])), float(np.max([one.wrong for one in norms])))


@dataclass(frozen=True, eq=False)
class ConstantRule(Rule):
    """The same values whatever the input.

    Shapes: values float64[n].
    """

    linear: ClassVar[bool] = True

    values: Array

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        """Return the values."""
        return Ranges.shared(Interval.point(self.values))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Nothing is left to be carried."""
        around.account.add(reach(rows.on_values, Interval.point(self.values)))
        return ()

    def rounding(self, at: Evaluation) -> Rounding:
        """Nothing is computed."""
        return Rounding(np.zeros(len(self.values)), np.zeros(len(self.values)))

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Return the largest value."""
        return Norms(float(np.abs(self.values).max()), 0.0)


def _columns(rows: Matrix, part: slice) -> Matrix:
    if is_nothing(rows):
        return sp.csr_array((rows.shape[0], part.stop - part.start))
    found = rows[:, part]
    return sp.csr_array(found) if sp.issparse(found) else np.ascontiguousarray(found)
