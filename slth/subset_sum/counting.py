"""How many subsets have a sum near a target: exact numbers of any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt

from slth.errors import ResourceError
from slth.kernels.long_sums import DIGIT, count_between, merge_shifted
from slth.resources import SHARE, available_memory
from slth.subset_sum.encoded_sums import EncodedSums
from slth.subset_sum.instance import SubsetSumInstance, as_size
from slth.subset_sum.ranking import Keys
from slth.subset_sum.sum_box import Exact, SumBox, Trees, in_box, memory_of_trees, sum_of, trees_take
from slth.subset_sum.vector_keys import Row

ArrayLike = npt.ArrayLike

MOST_BYTES = 1 << 34  # of any route, whatever the machine has: beyond, it is a matter of many minutes
ON_THE_EDGE = 1 << 20  # subsets within rounding of the tolerance that are looked at one by one
MOST_LOOKS = 1 << 20  # stretches of the polynomial's coefficients
MOST_OF_TREES = 1 << 32  # bytes: of larger ones, some values are taken apart
LONGEST_OF_LISTS = 1e11  # steps: minutes
LONGEST = 1e12  # steps of which the polynomial's products may take: minutes


def count_solutions(
    values: ArrayLike, target: float | ArrayLike, *, tolerance: float | ArrayLike = 0.0, size: int | None = None
) -> int:
    """Count the subsets whose sum is within a tolerance of the target, exactly.

    #{S : abs(sum_{i in S} values[i] - target) <= tolerance in every coordinate, and abs(S) = size, if given}. Sums and
    comparisons are those of the rational numbers that the doubles are: a sum that reaches the tolerance counts, one
    that is beyond it by less than a rounding does not. Equal values at different places make different subsets.

    Numbers are counted from two sorted lists of sums, n up to about 50 (E. Horowitz and S. Sahni, 1974, unverified);
    multiples of a step by the coefficients of prod_i (1 + x**values[i]), any n. Vectors in both ways too, as one long
    number each, where few sums on their grid lie within the tolerance (any d); else by two trees of sums, n <= 50 and
    d <= 16, whose time grows with the number of sums near the tolerance. What trees would take more than 4 GiB for, or
    more than there is, is cut: they are searched once for each subset of some values. On one core of a busy machine,
    for d = 2, 8, 16 and few sums within the tolerance: n = 44 in 5, 23, 34 s and 0.5, 1.3, 2.3 GB, n = 48 in 22, 40,
    46 s and n = 50 in 26, 170, 290 s and 1.5, 2.4, 2.3 GB; 50 integers up to 10 and d = 8 as numbers in 7 s.

    Parameters
    ----------
    values : array_like, float64[n] or float64[n, d]
        Candidates, numbers or vectors: finite, n >= 1.
    target : float, or array_like, float64[d]
        What sums are compared to.
    tolerance : float, or array_like, float64[d], default 0.0
        By how much a sum may miss the target, of vectors in each coordinate; 0.0 counts those that meet it.
    size : int or None
        Count subsets of exactly so many values.

    Returns
    -------
    int
        The number of subsets, of Python's unbounded kind.

    Raises
    ------
    ArgumentError
        For input that breaks a rule; ResourceError where neither way fits into memory.

    Examples
    --------
    >>> slth.count_solutions([1.0, 2.0, 3.0, 4.0], 5.0)
    2
    >>> slth.count_solutions([1.0] * 100, 50.0)
    100891344545564193334812497256
    """
    box, n = _question(values, target, tolerance)
    size = as_size(size, n)
    if size is not None and 2 * size > n:
        return sum(_counts(box.left_out(), [n - size]))
    return sum(_counts(box, None if size is None else [size]))


def counts_by_size(
    values: ArrayLike, target: float | ArrayLike, *, tolerance: float | ArrayLike = 0.0
) -> tuple[int, ...]:
    """Count the subsets of each size whose sum is within a tolerance of the target, exactly.

    Entry k is ``count_solutions(..., size=k)``, for k = 0, ..., n; all of them add up to ``count_solutions(...)``.

    Parameters
    ----------
    values, target, tolerance
        As in :func:`count_solutions`.

    Returns
    -------
    tuple of int, n + 1 of them
        The numbers of subsets.

    Raises
    ------
    ArgumentError
        For input that breaks a rule; ResourceError where no way fits into memory.

    Examples
    --------
    >>> slth.counts_by_size([1.0, 2.0, 3.0, 4.0, 5.0, 10.0], 10.0)
    (0, 1, 0, 2, 1, 0, 0)
    """
    box, n = _question(values, target, tolerance)
    return tuple(_counts(box, range(n + 1)))


def _question(values: ArrayLike, target: float | ArrayLike, tolerance: float | ArrayLike) -> tuple[SumBox, int]:
    """The box of sums that are near enough."""
    instance = SubsetSumInstance(values, target, tolerance)  # type: ignore[arg-type]
    return Exact.of(instance).box(), instance.n


Sizes = Sequence[int] | None


@dataclass(frozen=True)
class _Way:
    """One way to count, with what it would take; numbers as large as they come."""

    steps: int
    bytes: int
    count: Callable[[SumBox, Sizes], list[int]]


def _counts(box: SumBox, sizes: Sizes) -> list[int]:
    """How many subsets of each of the sizes, or of any (one number), have a sum in the box."""
    box = box.smallest()
    if box.empty:
        return [0] * (1 if sizes is None else len(sizes))
    free = min(MOST_BYTES, int(SHARE * available_memory()))
    ways = [_polynomial_way(box, sizes), _lists_way(box, sizes), _trees_way(box, sizes, min(free, MOST_OF_TREES))]
    fitting = [way for way in ways if way.bytes <= free and way.steps <= LONGEST]
    if not fitting:
        least = min(way.bytes for way in ways)
        rule = f"needs 2**{least.bit_length()} bytes, or more steps than minutes hold, to count"
        raise ResourceError("n", box.n, rule, "pass fewer values, or integers (multiples of a step) of a smaller range")
    best = min(fitting, key=lambda way: way.steps)
    return best.count(box, sizes)


class _Polynomial:
    """prod (1 + x**shift), its coefficients side by side in one integer."""

    def __init__(self, box: SumBox, sizes: Sizes) -> None:
        self.sums = EncodedSums(box, sizes)
        self.shifts = sorted(abs(e) for e in self.sums.exponents)
        lowest, highest = self.sums.ends()
        # The product reads the same from both ends.
        self.reflected = highest > sum(self.shifts) - lowest
        self.limit = sum(self.shifts) - lowest if self.reflected else highest
        chosen = box.n // 2 if sizes is None else min(max(sizes), box.n - min(sizes), box.n // 2)
        self.width = (1 << box.n if sizes is None else math.comb(box.n, chosen)).bit_length()

    @property
    def bytes(self) -> int:
        return max(0, self.limit + 1) * self.width // 8 + 1

    def counts(self) -> list[int]:
        """How many subsets (of each size) have a sum in the box."""
        sizes = [None] if self.sums.sizes is None else self.sums.sizes
        coefficients = 1
        for shift in self.shifts:
            if shift <= self.limit:  # what lies beyond is not asked for
                coefficients += _lowest(coefficients, (self.limit + 1 - shift) * self.width) << shift * self.width
        return [sum(self._of(coefficients, run) for run in self.sums.runs(size)) for size in sizes]

    def _of(self, coefficients: int, run: range) -> int:
        """The sum of the coefficients of one stretch."""
        begin, end = run.start, run.stop
        if self.reflected:
            begin, end = sum(self.shifts) - end + 1, sum(self.shifts) - begin + 1
        begin, end = max(begin, 0), max(end, 0)
        part = _lowest(coefficients >> begin * self.width, (end - begin) * self.width)
        return _digit_sum(part, end - begin, self.width)


def _lowest(number: int, bits: int) -> int:
    """So many bits of a number."""
    return number & (1 << bits) - 1 if number.bit_length() > bits else number


def _digit_sum(number: int, digits: int, width: int) -> int:
    """The sum of the digits of so many bits each, by halving; no sum of them needs more bits than a digit has."""
    while digits > 1:
        half = (digits + 1) // 2
        number = (number >> half * width) + _lowest(number, half * width)
        digits = half
    return number


def _polynomial_way(box: SumBox, sizes: Sizes) -> _Way:
    polynomial = _Polynomial(box, sizes)
    looks = polynomial.sums.stretches * (1 if sizes is None else len(sizes))
    needed = 5 * polynomial.bytes if looks <= MOST_LOOKS else MOST_BYTES << 10
    return _Way((box.n + looks) * (polynomial.bytes // 4 + 100), needed, lambda *_: polynomial.counts())


def _lists_way(box: SumBox, sizes: Sizes) -> _Way:
    sums, entries = _in_one_number(box), _entries(box.n, sizes)
    lookups = sums.stretches * (1 if sizes is None else len(sizes))
    digits = _digits(sums)
    steps = entries * digits * (4 + lookups)
    needed = 3 * 8 * digits * entries if steps <= LONGEST_OF_LISTS else MOST_BYTES << 10
    return _Way(steps, needed, _by_lists)


def _in_one_number(box: SumBox) -> EncodedSums:
    """The sums as numbers; the widest coordinate last, so that the box is of the fewest stretches of numbers."""
    order = sorted(range(box.d), key=lambda c: box.low[c] - box.high[c])
    rows = [[row[c] for c in order] for row in box.rows]
    return EncodedSums(SumBox(rows, [box.low[c] for c in order], [box.high[c] for c in order]), None)


def _digits(sums: EncodedSums) -> int:
    """To the base 2**62, of the largest number met."""
    return (4 * sum(map(abs, sums.exponents))).bit_length() // DIGIT + 1


def _entries(n: int, sizes: Sizes) -> int:
    """Sums of both halves."""
    halves = n // 2, n - n // 2
    if sizes is None:
        return sum(1 << half for half in halves)
    return sum(math.comb(half, k) for half in halves for k in range(min(max(sizes), half) + 1))


def _by_lists(box: SumBox, sizes: Sizes) -> list[int]:
    """Two sorted lists of sums (for each size), and for each sum of the one how many of the other complete it."""
    sums, split, most = _in_one_number(box), box.n // 2, None if sizes is None else max(sizes)
    digits, numbers = _digits(sums), sums.exponents
    lows = _sums([-x for x in numbers[:split]], digits, most)
    highs = _sums(numbers[split:], digits, most)
    stretches = [
        (_in_digits(run.start + sums.start, digits), _in_digits(run.stop - run.start - 1, digits))
        for run in sums.runs(None)
    ]
    pairs = [[(lows[k], highs[size - k]) for k in lows if size - k in highs] for size in sizes or [0]]
    return [
        sum(int(count_between(*each, start, width)) for each in some for start, width in stretches) for some in pairs
    ]


def _sums(numbers: Row, digits: int, most: int | None) -> dict[int, Keys]:
    """Sorted sums of subsets of the numbers, by the size of the subset up to a largest; by 0 without one."""
    lists = {0: np.zeros((1, digits), np.int64)}
    for number in numbers:
        shift = _in_digits(number, digits)
        grown = lists if most is None else {k + 1: sums for k, sums in lists.items() if k < most}
        nothing = np.empty((0, digits), np.int64)
        lists = {k: _merged(lists.get(k, nothing), grown.get(k, nothing), shift) for k in sorted({*lists, *grown})}
    return lists


def _merged(first: Keys, second: Keys, shift: Keys) -> Keys:
    if not len(second):
        return first
    out = np.empty((len(first) + len(second), first.shape[1]), np.int64)
    merge_shifted(first, second, shift, out)
    return out


def _in_digits(number: int, digits: int) -> Keys:
    """The digits of a number to the base 2**62, the highest first and with the sign."""
    lower = [number >> DIGIT * c & (1 << DIGIT) - 1 for c in reversed(range(digits - 1))]
    return np.array([number >> DIGIT * (digits - 1), *lower], np.int64)


def _trees_way(box: SumBox, sizes: Sizes, free: int) -> _Way:
    if not trees_take(box.n, box.d):
        return _Way(0, MOST_BYTES << 10, _by_trees)
    sized = sizes is not None
    apart = next(k for k in range(box.n) if k == box.n - 1 or memory_of_trees(box.n - k, box.d, sized=sized) <= free)
    sums = 1 << apart + -(-(box.n - apart) // 2)
    # How many pairs of stretches the edge of the box cuts is seen only when it is tried: a guess.
    steps = 100 * sums * (1 if sizes is None else len(sizes))
    return _Way(steps, memory_of_trees(box.n - apart, box.d, sized=sized), partial(_by_trees, apart=apart))


def _by_trees(box: SumBox, sizes: Sizes, apart: int = 0) -> list[int]:
    """Pairs of stretches of the two halves' sums that lie wholly in the box, and single pairs at its edge.

    So many values are apart from those, the largest ones: the others' sums are looked at for each subset of them.
    """
    given, rest = _parted(box.rows, apart)
    trees, wanted = Trees(rest, sized=sizes is not None), [None] if sizes is None else list(sizes)
    counts, seen = [0] * len(wanted), [0] * len(wanted)
    for chosen in range(1 << apart):
        moved, taken = sum_of(given, chosen) if given else [0] * box.d, chosen.bit_count()
        own = SumBox(rest, *([x - s for x, s in zip(end, moved, strict=True)] for end in (box.low, box.high)))
        for place, size in enumerate(wanted):
            left = None if size is None else size - taken
            if left is None or 0 <= left <= len(rest):
                count, edge, complete = trees.look(own, own, left, ON_THE_EDGE)
                seen[place] += len(edge)
                if not complete or seen[place] > ON_THE_EDGE:
                    rule = f"has more than {ON_THE_EDGE} subsets within rounding of the tolerance's edge"
                    raise ResourceError("n", box.n, rule, "pass fewer values, or values of fewer binary digits")
                counts[place] += count + sum(in_box(own, bits) for bits in edge)
    return counts


def _parted(rows: list[Row], apart: int) -> tuple[list[Row], list[Row]]:
    """So many rows that are large for a coordinate, with which most sums leave the box at once, and the others."""
    totals = [sum(abs(row[c]) for row in rows) or 1 for c in range(len(rows[0]))]
    order = sorted(rows, key=lambda row: -max(Fraction(abs(x), total) for x, total in zip(row, totals, strict=True)))
    return order[:apart], order[apart:]
