"""All subsets whose sums are near a target, the nearest first, one at a time."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, count, groupby, islice, product

import numpy.typing as npt

from slth.arrays import whole
from slth.errors import ResourceError
from slth.resources import require_memory
from slth.subset_sum.encoded_sums import EncodedSums
from slth.subset_sum.instance import SubsetSumInstance
from slth.subset_sum.ranking import bits_to_bools
from slth.subset_sum.solution import SubsetSumSolution
from slth.subset_sum.status import Status
from slth.subset_sum.sum_box import Exact, Trees, memory_of_trees, sum_of, trees_take

ArrayLike = npt.ArrayLike

ROOM, MOST_ROOM = 1 << 8, 1 << 16  # subsets that are put in order at a time, at first and at most
SHORT = 1 << 22  # bytes of positions that are walked in a moment, whatever trees would do
POSITIONS = 1 << 20  # sums near the target, of which a walk holds the distances

Found = tuple[int, int]  # distance and bits, the first value's the lowest


def solutions(
    values: ArrayLike,
    target: float | ArrayLike,
    *,
    tolerance: float | ArrayLike = 0.0,
    limit: int | None = None,
    size: int | None = None,
) -> Iterator[SubsetSumSolution]:
    """List the subsets whose sum is within a tolerance of the target, the nearest first, each once and only when asked.

    {S : abs(sum_{i in S} values[i] - target) <= tolerance in every coordinate, and abs(S) = size, if given}, in the
    order of the largest difference of a coordinate. Of equally near subsets that one is first which leaves out the
    first value in which they differ. Order and comparisons are those of the rational numbers that the doubles are.

    The sums of two halves, in trees, are searched in ever larger boxes around the target, n <= 50 and d <= 16 as far as
    these fit into memory; multiples of a step by the sums that can be reached from each value on, at any n for which
    those do.

    Parameters
    ----------
    values : array_like, float64[n] or float64[n, d]
        Candidates, numbers or vectors: finite, n >= 1. Equal values at different places make different subsets.
    target : float, or array_like, float64[d]
        What sums are compared to.
    tolerance : float, or array_like, float64[d], default 0.0
        By how much a sum may miss the target, of vectors in each coordinate.
    limit : int or None
        Stop after so many; None goes on to the last.
    size : int or None
        Subsets of exactly so many values.

    Returns
    -------
    iterator of SubsetSumSolution
        The first, and those as near as it, are ``optimal``, the others ``within-tolerance``.

    Raises
    ------
    ArgumentError
        For input that breaks a rule, before the first subset is asked for; ResourceError for more than can be searched.

    Examples
    --------
    >>> found = slth.solutions([1.0, 2.0, 3.0, 4.0], 5.0, tolerance=1.0)
    >>> [(s.subset.nonzero()[0].tolist(), s.error) for s in found]
    [([1, 2], 0.0), ([0, 3], 0.0), ([3], 1.0), ([1, 3], 1.0), ([0, 2], 1.0), ([0, 1, 2], 1.0)]
    """
    instance = SubsetSumInstance(values, target, tolerance, size)  # type: ignore[arg-type]
    most = None if limit is None else whole(limit, "limit", 1, sys.maxsize, remedy="leave it out for all of them")
    return islice(nearest_first(instance), most)


def nearest_first(instance: SubsetSumInstance) -> Iterator[SubsetSumSolution]:
    """The subsets within the instance's tolerances, as :func:`solutions`; refused before the first is asked for."""
    n, d, size = instance.n, instance.d, instance.size
    exact = Exact.of(instance)
    walk = _Walk(exact, size)
    if walk.is_short or not trees_take(n, d):
        walk.check()
        return _solutions(instance, walk.found(), "the sums that can be reached")
    require_memory(memory_of_trees(n, d, sized=size is not None), "n", "pass fewer values", value=n)
    return _solutions(instance, _by_trees(exact, size, -1, max(exact.reach)), "trees of sums")


def _solutions(instance: SubsetSumInstance, found: Iterator[Found], who: str) -> Iterator[SubsetSumSolution]:
    """Each with its claim: the first is nearest."""
    nearest, bound = None, 0.0
    for apart, bits in found:
        nearest = apart if nearest is None else nearest
        status = Status.OPTIMAL if apart == nearest else Status.WITHIN_TOLERANCE
        solution = SubsetSumSolution(instance, bits_to_bools(bits, instance.n), bound, status, who)
        bound = solution.error if status == Status.OPTIMAL else bound
        yield solution


def _by_trees(exact: Exact, size: int | None, inner: int, outer: int) -> Iterator[Found]:
    """Subsets further than `inner` and not further than `outer`."""
    n, room = len(exact.rows), ROOM
    if size is not None and not 0 <= size <= n:
        return
    trees = Trees(exact.rows, sized=size is not None)
    while inner < outer:
        radius, nothing, found = _next_stretch(exact, trees, size, inner, outer, room)
        if found is None:
            yield from _divided(exact, size, nothing, radius, by_order=trees.is_exact)
        else:
            yield from sorted(found, key=lambda one: (one[0], _in_order(one[1], n)))
        inner, room = radius, min(4 * room, MOST_ROOM)


def _next_stretch(
    exact: Exact, trees: Trees, size: int | None, inner: int, outer: int, room: int
) -> tuple[int, int, list[Found] | None]:
    """A radius, one up to which there is nothing, and the subsets up to the former, as many as there is room for.

    None for those of a single distance, or within a rounding of each other, of which there are more.
    """
    nothing, radius, high = inner, outer, outer
    seen = list[int]()
    for step in count():
        found, complete = _between(exact, trees, size, inner, radius, room)
        if complete and (found or radius == outer):
            return radius, nothing, found
        if complete:
            nothing = radius
        elif 2 * len(found) < room:  # most of what is near by keys is not
            return high, nothing, None
        else:
            high, seen = radius, sorted(apart for apart, _ in found)
        if high - nothing == 1:
            return high, nothing, None
        # Distances that were met make steps of any length; halves end what they would not.
        radius = (nothing + high) // 2 if step % 2 else seen[len(seen) // 4]
        radius = min(max(radius, nothing + 1), high - 1)
    raise AssertionError("the radius is cut until what is left has room")


def _between(
    exact: Exact, trees: Trees, size: int | None, inner: int, outer: int, room: int
) -> tuple[list[Found], bool]:
    """Subsets further than `inner` and not further than `outer`, in any order, and whether these are all."""
    before = None if inner < 0 else exact.box(inner)
    _, listed, complete = trees.look(before, exact.box(outer), size, room)
    found = []
    for bits in listed:
        total = sum_of(exact.rows, bits)
        gaps = [abs(x - g) for x, g in zip(total, exact.goal, strict=True)]
        if inner < max(gaps) <= outer and all(gap <= r for gap, r in zip(gaps, exact.reach, strict=True)):
            found.append((max(gaps), bits))
    return found, complete


def _divided(exact: Exact, size: int | None, inner: int, outer: int, *, by_order: bool) -> Iterator[Found]:
    """Subsets without a value, and those with it: of a single distance by the first value, one part behind the other.

    Else by the largest value, without which keys are finer, and both in step.
    """
    at = 0 if by_order else max(range(len(exact.rows)), key=lambda i: max(map(abs, exact.rows[i])))
    parts = [_part(exact, size, inner, outer, at, chosen) for chosen in (0, 1)]
    if by_order:
        return chain(*parts)
    return heapq.merge(*parts, key=lambda one: (one[0], _in_order(one[1], len(exact.rows))))


def _part(exact: Exact, size: int | None, inner: int, outer: int, at: int, chosen: int) -> Iterator[Found]:
    """The part of the subsets that has a value, or has it not."""
    goal = [g - chosen * x for g, x in zip(exact.goal, exact.rows[at], strict=True)]
    rest = replace(exact, rows=[*exact.rows[:at], *exact.rows[at + 1 :]], goal=goal)
    for apart, bits in _by_trees(rest, None if size is None else size - chosen, inner, outer):
        yield apart, bits >> at << at + 1 | chosen << at | bits & (1 << at) - 1


def _in_order(bits: int, n: int) -> int:
    """The bits with the first value's as the highest."""
    return int(f"{bits:0{n}b}"[::-1], 2)


class _Walk:
    """The ways back from sums near the target, through the sums that the later values can reach."""

    def __init__(self, exact: Exact, size: int | None) -> None:
        self.exact, self.size = exact, size
        self.divided, self.divisors = exact.box().smallest(), exact.box().divisors
        self.sums = EncodedSums(self.divided, None if size is None else [size])
        self.limit = self.sums.ends()[1]
        self.bytes = len(exact.rows) * (max(0, self.limit) // 8 + 1)
        spread = max(0, self.sums.highest[0] - self.sums.lowest[0] + 1)
        self.near = self.sums.stretches * spread
        self.is_short = self.bytes <= SHORT and self.near <= ROOM

    def check(self) -> None:
        """Refuse before anything is taken."""
        remedy = "pass up to 50 vectors of up to 16 coordinates, or integers (multiples of a step) of a smaller range"
        require_memory(self.bytes, "n", remedy, value=self.divided.n)
        if self.near > POSITIONS:
            many = self.near if self.near < 1 << 64 else "very many"
            rule = f"leaves {many} sums near the target, more than the {POSITIONS} that can be put in order"
            raise ResourceError("tolerance", self.exact.reach, rule, "lower it")

    def found(self) -> Iterator[Found]:
        """All of them, in order."""
        if self.limit < 0:
            return
        reached = self._reached()
        ranges = [range(a, b + 1) for a, b in zip(self.sums.lowest, self.sums.highest, strict=True)]
        near = []
        for total in product(*ranges):
            position = self.sums.position(total, self.size)
            if 0 <= position <= self.limit and _holds(reached[0], position):
                near.append((self._apart(total), position))
        for apart, group in groupby(sorted(near), key=lambda one: one[0]):
            ways = [self._ways(reached, position) for _, position in group]
            for bits in heapq.merge(*ways, key=lambda bits: _in_order(bits, self.divided.n)):
                yield apart, bits

    def _apart(self, total: Sequence[int]) -> int:
        sums = (x * divisor for x, divisor in zip(total, self.divisors, strict=True))
        return max(abs(x - g) for x, g in zip(sums, self.exact.goal, strict=True))

    def _reached(self) -> list[bytes]:
        """For each value the positions that it and the later ones can make up, as bits; behind the last: 0 alone."""
        size, positions = self.limit // 8 + 1, 1
        sets = [positions.to_bytes(size, "little")]
        for exponent in reversed(self.sums.exponents):
            if abs(exponent) <= self.limit:
                positions |= positions << abs(exponent) & (1 << self.limit + 1) - 1
            sets.append(positions.to_bytes(size, "little"))
        return sets[::-1]

    def _ways(self, reached: list[bytes], position: int) -> Iterator[int]:
        """The subsets with a position, as bits: without a value first, then with it."""
        waiting = [(0, position, 0)]
        while waiting:
            at, left, bits = waiting.pop()
            if at == self.divided.n:
                yield bits
                continue
            exponent = self.sums.exponents[at]
            for chosen in (1, 0):
                rest = left - abs(exponent) if bool(chosen) != (exponent < 0) else left
                if rest >= 0 and _holds(reached[at + 1], rest):
                    waiting.append((at + 1, rest, bits | chosen << at))


def _holds(bits: bytes, position: int) -> bool:
    return bool(bits[position >> 3] >> (position & 7) & 1)
