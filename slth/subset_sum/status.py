"""What an answer claims about itself."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """The claim that a solution makes; see :attr:`label` for the word and :attr:`advice` for what to do about it.

    Examples
    --------
    >>> slth.Status.OPTIMAL.label
    'optimal'
    """

    OPTIMAL = 0
    WITHIN_TOLERANCE = 1
    WITHIN_ROUNDING = 2
    HEURISTIC = 3
    INTERRUPTED = 4

    @property
    def label(self) -> str:
        """The word used in print and JSON, such as ``within-tolerance``."""
        return self.name.lower().replace("_", "-")

    @property
    def advice(self) -> str:
        """What the status means and how to get more."""
        return _ADVICE[self]


_ADVICE = {
    Status.OPTIMAL: "no subset comes closer: proved in exact arithmetic",
    Status.WITHIN_TOLERANCE: "the search stopped at the tolerance; pass tolerance=0.0 for the optimum",
    Status.WITHIN_ROUNDING: "too many subsets lie within the rounding of the keys to rank them all; lower_bound says "
    "how much may be missing. The values span too many binary digits: split off the smallest, or use fewer of them",
    Status.HEURISTIC: "no proof of optimality; an exact solver takes n up to 50 (TwoList) or 64 (FourList), "
    "vectors up to 44 (VectorTwoList), and 2**24 subsets of a fixed size at any n (Enumeration)",
    Status.INTERRUPTED: "the best subset seen before the interruption",
}
