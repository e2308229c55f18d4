"""Positions: constants that both networks have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.certificates.interval import Array, Interval
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Rows, reach
from slth.certificates.rule import Around, Evaluation, Norms, Rule


@dataclass(frozen=True, eq=False)
class ConstantRule(Rule):
    """The same values whatever the input.

    Shapes: values float64[n].
    """

    values: Array

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        """Return the values."""
        return Ranges.shared(Interval.point(self.values))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Nothing is left to be carried."""
        around.account.add(reach(rows.on_values, Interval.point(self.values)))
        return ()

    def rounding(self, at: Evaluation) -> tuple[Array, float]:
        """Nothing is computed."""
        return np.zeros(len(self.values)), 0.0

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Return the largest value."""
        return Norms(float(np.abs(self.values).max()), 0.0)
