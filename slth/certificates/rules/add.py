"""Sums of two or more nodes: residual connections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from slth.certificates.interval import Array, up
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Rows
from slth.certificates.rule import Around, Back, Evaluation, Norms, Rounding, Rule


@dataclass(frozen=True)
class AddRule(Rule):
    """Sum of values of one shape, from left to right."""

    linear: ClassVar[bool] = True

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        return reduce(_sum, before).reconciled()

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Each of the terms has the coefficients of the sum."""
        return (rows,) * len(around.before)

    def rounding(self, at: Evaluation) -> Rounding:
        """Add errors, and round once for each addition."""
        sizes = [up(values.magnitude + wrong) for values, wrong in zip(at.values, at.wrong, strict=True)]
        largest = [at.behind.magnitude] if len(sizes) == 2 else sizes
        carried = reduce(lambda one, two: up(one + two), at.wrong)
        reached = reduce(lambda one, two: up(one + two), [*largest, carried])
        additions = len(sizes) - 1
        rounded = up(2.0 * at.form.unit * additions * reached)
        return Rounding(carried, up(rounded + additions * at.form.smallest), float(reached.max()))

    def back(self, at: Evaluation, carried: Array) -> Back:
        """Each of the terms has the coefficients of the sum."""
        return Back(lambda rows: (rows,) * len(at.wrong), np.zeros(carried.shape))

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Add norms."""
        return Norms(_total([one.size for one in norms]), _total([one.wrong for one in norms]))


def _sum(one: Ranges, two: Ranges) -> Ranges:
    return Ranges(one.target + two.target, one.ticket + two.ticket, one.difference + two.difference)


def _total(numbers: list[float]) -> float:
    return reduce(lambda one, two: float(up(np.asarray(one + two))), numbers)
