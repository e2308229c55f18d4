"""Doubles as the integers that they are: every finite double is an integer times a power of two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from slth.arrays import EXACT_INTEGERS, Bools, Floats
from slth.subset_sum.status import Status


class Outcome(NamedTuple):
    """What a solver found: a subset, a proved lower bound on every error, the claim, and what it took."""

    subset: Bools
    lower_bound: float
    status: Status
    work: Mapping[str, Any]


def exact_integers(numbers: Iterable[float]) -> tuple[list[int], int]:
    """Integers and an exponent e <= 0 such that number = integer * 2**e, exactly."""
    ratios = [number.as_integer_ratio() for number in numbers]
    denominator = max((q for _, q in ratios), default=1)
    return [p * (denominator // q) for p, q in ratios], 1 - denominator.bit_length()


def integer_form(values: Floats) -> tuple[list[int], Fraction]:
    """Integers and the largest step such that value = integer * step, exactly.

    Shapes: values float64[n].
    """
    if float(np.abs(values).max(initial=0.0)) < EXACT_INTEGERS and bool((values == np.rint(values)).all()):
        whole = values.astype(np.int64)  # the usual case, without a ratio for each
        step = int(np.gcd.reduce(whole, initial=0)) or 1
        return (whole // step).tolist(), Fraction(step)
    integers, exponent = exact_integers(values.tolist())
    divisor = math.gcd(*integers) or 1 << -exponent
    return [i // divisor for i in integers], Fraction(divisor, 1 << -exponent)


def float_below(number: Fraction) -> float:
    """The largest double that is not above a number: how a proved lower bound is written."""
    nearest = float(number)
    return nearest if Fraction(nearest) <= number else math.nextafter(nearest, -math.inf)


def distance(integers: Sequence[int], subset: Bools, goal: Fraction) -> Fraction:
    """|sum of the chosen integers - goal|, exactly."""
    return abs(sum(integers[i] for i in np.flatnonzero(subset).tolist()) - goal)


def beyond_reach(integers: Sequence[int], goal: Fraction, size: int | None) -> Bools | None:
    """The subset with the largest (smallest) sum, if the goal lies at or above (below) it; None in between.

    Outside the range of the sums that subset is the optimum, and the solvers need not meet a target of any magnitude.
    """
    order = np.array(sorted(range(len(integers)), key=integers.__getitem__), dtype=np.int64)
    below = above = size
    if size is None:
        below, above = sum(i < 0 for i in integers), sum(i > 0 for i in integers)
    for chosen, sign in ((order[:below], -1), (order[len(order) - (above or 0) :], 1)):
        subset = np.zeros(len(integers), dtype=np.bool_)
        subset[chosen] = True
        if sign * (goal - sum(integers[i] for i in chosen.tolist())) >= 0:
            return subset
    return None
