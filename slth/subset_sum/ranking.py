"""Deciding, in exact integers, between subsets that rounded keys cannot tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.kernels.wide_list import subsets_with_sum
from slth.subset_sum.dyadic import exact_integers
from slth.subset_sum.status import Status

Keys = Indices  # rounded values, and where there is room their subsets in the low bits
Sums = list[tuple[int, int]]
MOST_CANDIDATES = 1 << 16
MOST_STEPS = 1 << 20  # of walks in Python integers: about a second
INTEGERS_UP_TO = 40  # values for which two lists of Python integers are still a matter of seconds


@dataclass(frozen=True)
class Ranking:
    """The best of the candidates, and what may have been missed."""

    identity: int
    lower_bound: float
    status: Status


def rank(
    values: Floats,
    target: float,
    keys: Keys,
    pairs: list[tuple[int, int]],
    *,
    complete: bool,
    floor_units: float,
    shift: int,
    size: int | None = None,
) -> Ranking:
    """The exactly best subset whose half sums are among `pairs`.

    Shapes: values, target float64[n], float; keys int64[n].
    """
    split = len(keys) // 2
    *integers, goal = exact_integers([*values.tolist(), target])[0]
    low = _half_sums(keys[:split], integers[:split], {a for a, _ in pairs})
    high = _half_sums(keys[split:], integers[split:], {b for _, b in pairs})
    nearest, steps = [], 0
    for a, b in pairs:
        (first, all_first), (second, all_second) = low[a], high[b]
        complete &= all_first and all_second and steps < MOST_STEPS
        if steps < MOST_STEPS:
            nearest.append(_nearest(first, second, goal, split))
            steps += len(first) + len(second)
    best = min(nearest)
    if not complete and len(values) <= INTEGERS_UP_TO:
        return Ranking(walk_in_integers(values, target, size), 0.0, Status.OPTIMAL)
    floor = 0.0 if complete else math.nextafter(math.ldexp(max(floor_units, 0.0), -shift), 0.0)
    return Ranking(best[1], floor, Status.OPTIMAL if complete else Status.WITHIN_ROUNDING)


def _nearest(low: Sums, high: Sums, goal: int, split: int) -> tuple[int, int]:
    """The smallest distance of x + y from the goal, and the bits of such a pair; both lists are sorted."""
    i, j = 0, len(high) - 1
    best = (abs(low[0][0] + high[j][0] - goal), low[0][1] | high[j][1] << split)
    while i < len(low) and j >= 0:
        d = low[i][0] + high[j][0] - goal
        if abs(d) < best[0]:
            best = (abs(d), low[i][1] | high[j][1] << split)
        if d < 0:
            i += 1
        else:
            j -= 1
    return best


def walk_in_integers(values: Floats, target: float, size: int | None) -> int:
    """The bits of the best subset, by two lists of unbounded integers: for scales that no fixed-point key spans.

    Each entry is sum * 2**n + bits, so that one addition makes both, as in the packed keys of the kernels.
    """
    n, split = len(values), len(values) // 2
    *integers, goal = exact_integers([*values.tolist(), target])[0]
    entries = [(v << n) | (1 << i) for i, v in enumerate(integers)]
    low, high = _by_size(entries[:split], size), _by_size(entries[split:], size)
    best: tuple[int, int] | None = None
    for count, first in low.items():
        second = high.get(0 if size is None else size - count, [])
        i, j = 0, len(second) - 1
        while i < len(first) and j >= 0:
            d = first[i] + second[j] - (goal << n)
            distance = abs(d >> n)
            if best is None or distance < best[0]:
                best = (distance, d & ((1 << n) - 1))
            if d < 0:
                i += 1
            else:
                j -= 1
    if best is None:
        raise AssertionError("0 <= size <= n leaves at least one subset")
    return best[1]


def _by_size(entries: list[int], size: int | None) -> dict[int, list[int]]:
    """Sorted sums of the entries, apart for each number of entries in them; all under 0 where no size is asked for."""
    sums = [0]
    for entry in entries:
        sums = sorted(sums + [s + entry for s in sums])  # two sorted runs: the sort is one merge
    if size is None:
        return {0: sums}
    mask = sum(entry & -entry for entry in entries)
    groups: dict[int, list[int]] = {}
    for s in sums:
        groups.setdefault((s & mask).bit_count(), []).append(s)
    return groups


def _half_sums(keys: Keys, integers: list[int], sums: set[int]) -> dict[int, tuple[Sums, bool]]:
    """For each key sum, the exact sums and bits of the subsets behind it, and whether these are all of them."""
    found: dict[int, tuple[Sums, bool]] = {}
    out = np.empty(MOST_CANDIDATES if len(sums) < 64 else 1024, np.int64)
    for value in sums:
        count = subsets_with_sum(np.ascontiguousarray(keys), value, out)
        held = [int(bits) for bits in out[: min(count, len(out))]]
        exact = [(sum(v for i, v in enumerate(integers) if bits >> i & 1), bits) for bits in held]
        found[value] = (_without_ties(exact), count <= len(out))
    return found


def _without_ties(sums: Sums) -> Sums:
    """One subset for each exact sum, sorted: equal sums are equally good."""
    return sorted({total: (total, bits) for total, bits in reversed(sums)}.values())


def chunk_bounds(count: int, size: int) -> list[int]:
    """0, size, 2 size, ..., count."""
    return [*range(0, count, max(1, size)), count] if count else [0, 0]


def bits_to_bools(identity: int, n: int) -> Bools:
    """The n lowest bits, as booleans."""
    return np.array([identity >> i & 1 for i in range(n)], dtype=np.bool_)
