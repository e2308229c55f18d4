"""Nodes whose outputs are inputs: Rearrange, and concatenations of several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from slth.arrays import Indices
from slth.certificates.interval import Array, Interval
from slth.certificates.layout import Matrix
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Rows, is_nothing
from slth.certificates.rule import Around, Evaluation, Norms


@dataclass(frozen=True, eq=False)
class GatherRule:
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

    def _of(self, values: Interval) -> Interval:
        return Interval(self._picked(values.lower), self._picked(values.upper))

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        """Return the ranges behind the node."""
        (seen,) = before
        return Ranges(self._of(seen.target), self._of(seen.ticket), self._of(seen.difference))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Each input has the coefficients of all outputs that it is."""
        (before,) = around.before
        values, differences = before.target.magnitude, before.difference.magnitude
        pick, account = self._pick, around.account
        return (
            Rows(
                account.picked(rows.on_values, pick, values),
                account.picked(rows.on_differences, pick, differences),
            ),
        )

    def rounding(self, at: Evaluation) -> tuple[Array, float]:
        """Pass errors on."""
        return self._picked(at.wrong[0]), 0.0

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """Pass norms on."""
        return norms[0]


@dataclass(frozen=True)
class ConcatRule:
    """Several values, one behind the other."""

    linear: ClassVar[bool] = True

    def ranges(self, before: tuple[Ranges, ...]) -> Ranges:
        """Return the ranges behind the node."""
        return Ranges.joined(list(before))

    def backward(self, rows: Rows, around: Around) -> tuple[Rows, ...]:
        """Each part has its own coefficients."""
        ends = [0, *accumulate(len(part.target.lower) for part in around.before)]
        parts = [slice(*pair) for pair in pairwise(ends)]
        return tuple(
            Rows(
                _columns(rows.on_values, part),
                _columns(rows.on_differences, part),
            )
            for part in parts
        )

    def rounding(self, at: Evaluation) -> tuple[Array, float]:
        """Pass errors on."""
        return np.concatenate(at.wrong), 0.0

    def norms(self, norms: tuple[Norms, ...], before: tuple[Ranges, ...]) -> Norms:
        """The largest counts."""
        return Norms(float(np.max([one.size for one in norms])), float(np.max([one.wrong for one in norms])))


def _columns(rows: Matrix, part: slice) -> Matrix:
    if is_nothing(rows):
        return sp.csr_array((rows.shape[0], part.stop - part.start))
    found = rows[:, part]
    return sp.csr_array(found) if sp.issparse(found) else np.ascontiguousarray(found)
