"""What is left to try when two lists of rounded keys leave too many subsets to rank."""

from __future__ import annotations

import numpy as np

from slth.arrays import Floats
from slth.subset_sum.dyadic import Outcome
from slth.subset_sum.four_list import four_lists
from slth.subset_sum.greedy import greedy_swaps
from slth.subset_sum.ranking import Ranking, bits_to_bools, exact_integers
from slth.subset_sum.status import Status


def decide_otherwise(values: Floats, target: float, ranking: Ranking, *, size: int | None, threads: int) -> Ranking:
    """The best of what two lists, four lists and greedy found, optimal if four lists prove it.

    Shapes: values, target float64[n], float.
    """
    four = four_lists(values, target, size=size, threads=threads)
    if four.status == Status.OPTIMAL:
        return Ranking(_identity(four), four.lower_bound, Status.OPTIMAL)
    integers, goal, _ = exact_integers(values, target)

    def distance(identity: int) -> int:
        return abs(sum(v for i, v in enumerate(integers) if identity >> i & 1) - goal)

    greedy = greedy_swaps(values, target, size=size, start=bits_to_bools(ranking.identity, len(values)))
    plain = greedy_swaps(values, target, size=size)
    best = min((ranking.identity, _identity(four), _identity(greedy), _identity(plain)), key=distance)
    return Ranking(best, max(ranking.lower_bound, four.lower_bound), Status.WITHIN_ROUNDING)


def _identity(outcome: Outcome) -> int:
    return sum(1 << int(i) for i in np.flatnonzero(outcome.subset))
