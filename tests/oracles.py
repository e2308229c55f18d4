"""Naive answers, in exact rational arithmetic and without any code of the package. Slow on purpose."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction


def best_subset(values: Sequence[float], target: float, size: int | None = None) -> tuple[Fraction, tuple[int, ...]]:
    """The smallest |sum - target| over all subsets (of the given size), and the first subset that attains it."""
    numbers = [Fraction(v) for v in values]
    goal = Fraction(target)
    sizes = range(len(numbers) + 1) if size is None else [size]
    candidates = (
        (abs(sum((numbers[i] for i in chosen), Fraction(0)) - goal), chosen)
        for k in sizes
        for chosen in itertools.combinations(range(len(numbers)), k)
    )
    return min(candidates, key=lambda pair: pair[0])


def error_of(values: Sequence[float], subset: Sequence[bool], target: float) -> Fraction:
    """|sum of the chosen values - target|, exactly."""
    return abs(
        sum((Fraction(v) for v, chosen in zip(values, subset, strict=True) if chosen), Fraction(0)) - Fraction(target)
    )


def vector_distance(
    values: Sequence[Sequence[float]], chosen: Sequence[int], target: Sequence[float], norm: str
) -> Fraction:
    """The distance of the chosen vectors' sum from the target: its square for the norm l2."""
    gaps = [abs(sum((Fraction(values[i][c]) for i in chosen), Fraction(0)) - Fraction(t)) for c, t in enumerate(target)]
    return max(gaps) if norm == "max" else sum((gap * gap for gap in gaps), Fraction(0))


def best_vector_distance(
    values: Sequence[Sequence[float]], target: Sequence[float], norm: str, size: int | None = None
) -> Fraction:
    """The smallest such distance over all subsets (of the given size)."""
    sizes = range(len(values) + 1) if size is None else [size]
    return min(
        vector_distance(values, chosen, target, norm)
        for k in sizes
        for chosen in itertools.combinations(range(len(values)), k)
    )


def all_sums(values: Sequence[float]) -> list[Fraction]:
    """Every subset sum, sorted."""
    sums = [Fraction(0)]
    for value in values:
        sums += [s + Fraction(value) for s in sums]
    return sorted(sums)


def subsets_within(
    values: Sequence[Sequence[float]], target: Sequence[float], tolerance: Sequence[float], size: int | None = None
) -> list[tuple[Fraction, tuple[bool, ...]]]:
    """Every subset (of the given size) whose sum is off by at most the tolerance in each coordinate.

    With its largest difference of a coordinate; the nearest first, ties in the order of itertools.product.
    """
    found = []
    for chosen in itertools.product((False, True), repeat=len(values)):
        if size is None or sum(chosen) == size:
            gaps = [
                abs(
                    sum((Fraction(row[c]) for row, taken in zip(values, chosen, strict=True) if taken), Fraction(0)) - t
                )
                for c, t in enumerate(map(Fraction, target))
            ]
            if all(gap <= Fraction(allowed) for gap, allowed in zip(gaps, tolerance, strict=True)):
                found.append((max(gaps), chosen))
    return sorted(found)
