"""Vectors as the exact integers that they are, and as the fixed-point keys that kernels compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from slth.arrays import Floats
from slth.subset_sum.dyadic import exact_integers
from slth.subset_sum.ranking import Keys

KEY_BITS = 62  # of the sum of all |keys| and of the target's: differences of two sums then stay within int64
SPREAD = 400  # binary digits between the units of two coordinates: squares of distances then stay normal doubles
FLOAT_BITS = 52  # of whole numbers that float64 tells from the next; with one to spare for a sum of squares
SLACK = 2.0**-44  # far more than the rounding of a distance computed from keys

FEW_SUMS = 1 << 12  # of one coordinate, up to which they are listed

Row = list[int]


@dataclass(frozen=True)
class ExactVectors:
    """Values and targets as integers times 2**exponent, exactly."""

    values: list[Row]  # [n][d]
    goals: list[Row]  # [targets][d]
    exponent: int


@dataclass(frozen=True)
class Grid:
    """The values rounded to keys, with a unit for each coordinate."""

    keys: Keys  # [n, d]: value is near key * 2**shift, in integers
    shifts: tuple[int, ...]  # by coordinate; negative where keys are finer than the integers need
    weights: Floats  # units of the coordinates relative to the largest, 2**top
    top: int
    centres: list[Fraction]  # every subset's sum lies within `half` of its keys' sum plus `centre`, in integers
    halves: list[Fraction]


@dataclass(frozen=True)
class Goal:
    """A target on a grid."""

    keys: Keys  # half sums of the first and of the second list are to add up to these
    slips: list[Fraction]  # by how much a distance by keys may be wrong, in the largest unit; 0 where exact
    steps: list[Fraction]  # every distance by keys is a multiple of this, in the largest unit


def exact_vectors(values: Floats, targets: Floats) -> ExactVectors:
    """Integers with values = integers * 2**exponent, and the same for the targets."""
    n, d = values.shape
    integers, exponent = exact_integers(np.concatenate([values, targets]).ravel().tolist())
    rows = [integers[k : k + d] for k in range(0, len(integers), d)]
    return ExactVectors(rows[:n], rows[n:], exponent)


def shifts_for(values: list[Row], goal: Row) -> tuple[int, ...]:
    """The finest unit of each coordinate for which all sums fit the keys; the same for all targets among the sums."""
    reaches = [2 * sum(abs(row[c]) for row in values) for c in range(len(goal))]
    largest = [max(reach, reach // 2 + abs(g)) for reach, g in zip(reaches, goal, strict=True)]
    top = max(x.bit_length() for x in largest)
    # A coordinate that is zero throughout, or far below the others, is content with a coarser unit.
    return tuple(max(x.bit_length(), top - SPREAD) - KEY_BITS for x in largest)


def make_grid(values: list[Row], shifts: tuple[int, ...]) -> Grid:
    """Round the values to the units, and remember by how much sums may be off."""
    d = len(shifts)
    keys = [[_rounded(row[c], shifts[c]) for c in range(d)] for row in values]
    lost = [
        [Fraction(row[c]) - Fraction(key[c]) * _power(shifts[c]) for c in range(d)]
        if any(s > 0 for s in shifts)
        else [Fraction(0)] * d
        for row, key in zip(values, keys, strict=True)
    ]
    above = [sum((row[c] for row in lost if row[c] > 0), Fraction(0)) for c in range(d)]
    below = [sum((row[c] for row in lost if row[c] < 0), Fraction(0)) for c in range(d)]
    top = max(shifts)
    return Grid(
        keys=np.array(keys, np.int64).reshape(len(values), d),
        shifts=shifts,
        weights=np.array([math.ldexp(1.0, s - top) for s in shifts]),
        top=top,
        centres=[(a + b) / 2 for a, b in zip(above, below, strict=True)],
        halves=[(a - b) / 2 for a, b in zip(above, below, strict=True)],
    )


def place(grid: Grid, goal: Row) -> Goal:
    """The target's keys on the grid."""
    keys, slips, steps = [], [], []
    for c, shift in enumerate(grid.shifts):
        centre = Fraction(goal[c]) - grid.centres[c]
        unit = _power(shift)
        keys.append(round(centre / unit))
        slips.append((grid.halves[c] + abs(keys[c] * unit - centre)) / _power(grid.top))
        zeros = (int(np.bitwise_or.reduce(np.abs(grid.keys[:, c]), initial=0)) | abs(keys[c])) or 1
        steps.append((zeros & -zeros) * unit / _power(grid.top))
    return Goal(np.array(keys, np.int64), slips, steps)


def is_exact(goal: Goal, distance: float, *, squared: bool) -> bool:
    """Whether distances up to this one (squares, where they are) were computed from keys without any rounding."""
    if any(goal.slips):
        return False
    found = Fraction(distance)
    step = min(goal.steps)
    return bool(found <= (step * step * 2 ** (FLOAT_BITS - 1) if squared else step * 2**FLOAT_BITS))


def window(goal: Goal, distance: float, *, squared: bool) -> float:
    """No subset whose distance by keys is above this comes closer than that of the least distance by keys.

    The true distance of a subset differs from that by keys by at most the norm of the slips, and what is computed
    from the latter by less than SLACK; the two subsets that are compared, twice as much.
    """
    slip = 2.0 * slip_of(goal, squared=squared)
    plain = math.sqrt(distance) if squared else distance
    limit = (plain * (1.0 + SLACK) + slip) * (1.0 + SLACK)
    return limit * limit * (1.0 + SLACK) if squared else limit


def least_error(goal: Goal, distance: float, *, squared: bool) -> Fraction:
    """A proved lower bound on every error, in units of the largest weight, from the least distance by keys."""
    plain = math.sqrt(distance) if squared else distance
    return max(Fraction(0), Fraction(plain * (1.0 - SLACK)) - Fraction(slip_of(goal, squared=squared)))


def limit_for(goal: Goal, error: Fraction, *, squared: bool) -> float:
    """Subsets whose distance by keys is at most this have an error of at most `error`; negative if none is known to."""
    left = error - Fraction(slip_of(goal, squared=squared))
    if left <= 0:
        return 0.0 if left == 0 else -1.0
    plain = float(min(left, Fraction(2) ** 70)) * (1.0 - SLACK)
    return plain * plain * (1.0 - SLACK) if squared else plain


def slip_of(goal: Goal, *, squared: bool) -> float:
    """A double not below the norm of the slips: their largest, or their sum, which is not below the root of squares."""
    slip = sum(goal.slips, Fraction(0)) if squared else max(goal.slips)
    return math.nextafter(float(slip), math.inf) if slip else 0.0


def distance(exact: Sequence[int], goal: Row, *, squared: bool) -> int:
    """How far an exact sum is from the goal: the largest difference of a coordinate, or the sum of their squares."""
    gaps = [abs(x - g) for x, g in zip(exact, goal, strict=True)]
    return sum(x * x for x in gaps) if squared else max(gaps)


def extremes(values: list[Row], goal: Row, size: int | None) -> list[tuple[int, int]]:
    """For each coordinate the subset, as bits, whose sum goes furthest towards the goal; paired with the empty one."""
    subsets = []
    for c, g in enumerate(goal):
        towards = [row[c] if g > 0 else -row[c] for row in values]
        order = sorted(range(len(values)), key=lambda i: -towards[i])
        count = sum(x > 0 for x in towards) if size is None else size
        subsets.append((sum(1 << i for i in order[:count]), 0))
    return subsets


def floor_of(values: list[Row], goal: Row, size: int | None, *, squared: bool) -> int:
    """A distance that no subset undercuts, from what each coordinate can do on its own.

    It decides where a coordinate is the same in all values, or its target beyond every sum.
    """
    gaps = [_least_gap([row[c] for row in values], g, size) for c, g in enumerate(goal)]
    return sum(gap * gap for gap in gaps) if squared else max(gaps)


def _least_gap(integers: Row, goal: int, size: int | None) -> int:
    """The least |sum - goal| if the sums are few; a lower bound on it from their range if not."""
    increasing = sorted(integers)
    least = sum(i for i in integers if i < 0) if size is None else sum(increasing[:size])
    greatest = sum(i for i in integers if i > 0) if size is None else sum(increasing[len(integers) - size :])
    if not least < goal < greatest:
        return max(least - goal, goal - greatest)
    sums = {(0, 0)}  # of so many values; the number is left at 0 where it does not matter
    for i in integers:
        sums |= {(total + i, count + (size is not None)) for total, count in sums}
        if len(sums) > FEW_SUMS:
            return 0
    return min(abs(total - goal) for total, count in sums if size is None or count == size)


def _power(shift: int) -> Fraction:
    return Fraction(1 << shift) if shift >= 0 else Fraction(1, 1 << -shift)


def _rounded(integer: int, shift: int) -> int:
    return integer << -shift if shift <= 0 else (integer + (1 << shift - 1)) >> shift
