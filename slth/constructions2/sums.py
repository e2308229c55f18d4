"""What the methods that search a subset sum for every weight have in common: their sizes, gains and checks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from slth.arrays import as_double, positive_number, whole
from slth.constructions2.gains import checked_gain, gain_of
from slth.constructions2.layout import Work
from slth.constructions2.method import Method
from slth.constructions2.setting import Setting
from slth.errors import ArgumentError
from slth.subset_sum import Solver
from slth.subset_sum.prediction import SMALLEST_FAILURE
from slth.tickets2.pair import Pair

_MOST_CANDIDATES = 10_000


@dataclass(frozen=True)
class BySums(Method):
    """The fields of :class:`PerWeight` and :class:`Shallow`."""

    candidates: int | None = None
    eps: float | None = None
    delta: float | None = None
    gain: Literal["auto", "unit"] | float = "auto"
    solver: Solver | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        if (self.candidates is None) == (self.eps is None):
            rule = "must be given, or eps, and not both"
            raise ArgumentError("candidates", self.candidates, rule, "pass candidates=20")
        if self.candidates is not None:
            remedy = "20 gives weight errors near 1e-6"
            candidates = whole(self.candidates, "candidates", 1, _MOST_CANDIDATES, remedy=remedy)
            object.__setattr__(self, "candidates", candidates)
            if self.delta is not None:
                raise ArgumentError("delta", self.delta, "belongs to eps", "leave it out, or pass eps too")
        else:
            object.__setattr__(
                self, "eps", positive_number(self.eps, "eps", remedy="pass the largest error to certify")
            )
            if not SMALLEST_FAILURE <= as_double(self.delta) < 1.0:
                rule = f"must be at least {SMALLEST_FAILURE} and below 1"
                raise ArgumentError("delta", self.delta, rule, "pass delta=0.01 beside eps")
            object.__setattr__(self, "delta", as_double(self.delta))
        object.__setattr__(self, "gain", checked_gain(self.gain, ("auto", "unit")))
        if self.solver is not None and not isinstance(self.solver, Solver):
            raise ArgumentError("solver", self.solver, "is not a solver", "pass TwoList(), FourList(), ... or None")

    def gain_of(self, work: Work, setting: Setting) -> float:
        """Return the gain of a layer: products of a law's weights cover its square, plain weights the law itself."""
        square = 3.0 * setting.law.second_moment
        scale = square if isinstance(work.layer, Pair) else math.sqrt(square)
        return gain_of(work.slices, self.gain, scale, work.node)
