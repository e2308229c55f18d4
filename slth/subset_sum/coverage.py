"""How well the subset sums of a list cover a whole interval: its worst target, and the share within a tolerance.

All ``2**n`` sums are sorted as int64 fixed-point keys. If the keys hold the values exactly, gaps are exact. If the
values' binary digits span too much for that, every gap that rounding could make the widest is located in the keys and
then measured in rational numbers, by meeting in the middle over integers of any length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, Indices, finite_array, finite_number
from slth.errors import ArgumentError, ResourceError
from slth.kernels.fixed_point import key_shift, to_keys
from slth.kernels.gaps import gaps_of_width, total_of_wide_gaps, widest_gap
from slth.kernels.sums import sort_subset_sums
from slth.resources import require_memory
from slth.subset_sum.dyadic import exact_integers
from slth.subset_sum.instance import check_sum_is_finite

LARGEST_N = 26  # 512 MiB of keys
LISTED_N = 12  # up to here values of mixed scales are listed as integers of any length, which is exact at every scale
KEY_BITS = 61  # differences of keys then fit int64
MEASURED_GAPS = 64

Gap = tuple[Fraction | None, Fraction | None]  # neighbouring sums; None beyond the smallest and the largest


@dataclass(frozen=True)
class Coverage:
    """The worst case of an interval of targets.

    Attributes
    ----------
    interval : tuple[float, float]
        Both ends belong to it.
    worst_error : float
        Largest distance of a point of the interval to its nearest subset sum (that of the empty subset, 0, included):
        a rational number, rounded once, to the nearest float64.
    worst_target : float
        The smallest point where it is attained, rounded to the nearest float64.
    allowance : float
        How much worse than ``worst_error`` a point may be that rounding has hidden. It is 0.0 except for more than 12
        values whose binary digits span more than 61 bits and whose widest gap is near that resolution.
    tolerance : float or None
        As it was given.
    covered_fraction : float or None
        Share of the interval's length whose error is at most ``tolerance``; None without one. Exact up to its rounding
        for up to 12 values, and for values that are multiples of one power of two ``q`` with sum of magnitudes below
        ``2**60 q``; otherwise wrong by at most ``2**-29 sum(abs(values)) / (high - low)``.
    """

    interval: tuple[float, float]
    worst_error: float
    worst_target: float
    allowance: float
    tolerance: float | None
    covered_fraction: float | None


def coverage(values: ArrayLike, interval: tuple[float, float], *, tolerance: float | None = None) -> Coverage:
    """Find the worst target of an interval: ``max over z in [low, high] of min over S of |sum of S - z|``.

    Parameters
    ----------
    values : float64[n]
        ``1 <= n <= 26``; time and memory grow as ``2**n``, to 0.5 GiB.
    interval : tuple of two floats
        ``(low, high)`` with ``low < high``, in the unit of the values.
    tolerance : float, optional
        Also report the share of the interval within this distance of a subset sum.

    Returns
    -------
    Coverage
        The worst target and its error, what rounding may add to it, and the share that is covered.

    Raises
    ------
    ArgumentError
        If the values are not 1 to 26 finite numbers, the interval is empty, or the tolerance is negative.
    ResourceError
        If there are more than 26 values, or less memory than they need.

    Examples
    --------
    The sums are 0, 0.25, 1 and 1.25; the widest gap lies between 0.25 and 1.

    >>> result = slth.coverage([0.25, 1.0], (0.0, 1.0), tolerance=0.125)
    >>> result.worst_error, result.worst_target, result.covered_fraction
    (0.375, 0.625, 0.5)
    """
    floats, low, high, eps = _checked(values, interval, tolerance)
    gaps = _measure(floats, low, high, eps)
    # Without a gap the ends are sums and nothing lies between them: the error is 0.
    error, minus_target = max([(Fraction(0), -low), *(_worst(gap, low, high) for gap in gaps.candidates)])
    return Coverage(
        interval=(float(low), float(high)),
        worst_error=float(error),
        worst_target=float(-minus_target),
        allowance=float(max(gaps.bound - error, Fraction(0))),
        tolerance=tolerance if tolerance is None else float(tolerance),
        covered_fraction=None if eps is None else gaps.covered,
    )


def coverage_growth(values: ArrayLike, interval: tuple[float, float], *, tolerance: float) -> Floats:
    """Share of an interval within ``tolerance`` of a subset sum of the first 0, 1, ..., n values: float64[n + 1].

    The quantity whose growth Lueker's proof follows (Random Structures and Algorithms 12, 1998; unverified). Arguments
    and errors as :func:`coverage`.
    """
    floats, low, high, eps = _checked(values, interval, tolerance)
    if eps is None:
        raise ArgumentError("tolerance", tolerance, "must be a number", "pass the distance that counts as covered")
    return np.array([_measure(floats[:count], low, high, eps).covered for count in range(len(floats) + 1)])


@dataclass(frozen=True)
class _Gaps:
    candidates: list[Gap]  # the gap that holds the worst target is among them, or its error is below the bound
    bound: Fraction
    covered: float


def _checked(
    values: ArrayLike, interval: tuple[float, float], tolerance: float | None
) -> tuple[Floats, Fraction, Fraction, Fraction | None]:
    floats = finite_array(values, "values", axes=(1,))
    if len(floats) == 0:
        raise ArgumentError("values", "[]", "must hold at least one value", "pass n >= 1 candidates")
    if len(floats) > LARGEST_N:
        rule = f"exceeds the {LARGEST_N} values whose 2**n sums coverage can hold"
        raise ResourceError("n", len(floats), rule, "take fewer values, or solve for single targets with slth.solve")
    require_memory(8 << len(floats), "n", "take fewer values", value=len(floats))
    try:
        low, high = interval if isinstance(interval, tuple | list | np.ndarray) else (None,)
    except ValueError:
        raise ArgumentError("interval", interval, "must be two numbers", "pass (low, high)") from None
    low, high = finite_number(low, "interval[0]"), finite_number(high, "interval[1]")
    if not low < high:
        raise ArgumentError("interval", interval, "must have low < high", "solve for a single target with slth.solve")
    check_sum_is_finite(floats, np.array([low, high]))
    if tolerance is not None and finite_number(tolerance, "tolerance") < 0.0:
        raise ArgumentError("tolerance", tolerance, "must not be negative", "pass 0.0 or more, or None")
    return floats, Fraction(low), Fraction(high), None if tolerance is None else Fraction(tolerance)


def _worst(gap: Gap, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """The largest error within one gap and, negated so that max() prefers the smallest, where it is attained."""
    below, above = gap
    if below is None:
        assert above is not None
        return above - low, -low
    if above is None:
        return high - below, -high
    target = min(max((below + above) / 2, low), high)
    return min(target - below, above - target), -target


def _uncovered(gap: Gap, low: Fraction, high: Fraction, eps: Fraction) -> Fraction:
    below, above = gap
    start = low if below is None else max(below + eps, low)
    stop = high if above is None else min(above - eps, high)
    return max(stop - start, Fraction(0))


def _measure(values: Floats, low: Fraction, high: Fraction, eps: Fraction | None) -> _Gaps:
    halves = _Halves(values)
    around_low, around_high = halves.around(low), halves.around(high)
    straddling = list(dict.fromkeys(gap for gap in (around_low, around_high) if gap[0] != gap[1]))
    missing = sum((_uncovered(gap, low, high, eps or Fraction(0)) for gap in straddling), Fraction(0))
    first, last = around_low[1], around_high[0]  # the outermost sums of the interval
    if first is None or last is None or first >= last:
        inside = _Inside([], Fraction(0), Fraction(0))
    else:
        shift = int(key_shift(values, 0.0, KEY_BITS))
        keys = np.empty(len(values), np.int64)
        exact = bool(to_keys(values, shift, keys))
        if exact or len(values) > LISTED_N:
            inside = _by_keys(keys, Fraction(2) ** -shift, halves, first, last, eps, exact=exact)
        else:
            inside = _by_listing(halves, first, last, eps)
    covered = 1 - (missing + inside.missing) / (high - low)
    # Cut to [0, 1] as a fraction: next to a minute interval, rounded keys may be off by more than a float can hold.
    return _Gaps(straddling + inside.widest, inside.bound, float(min(max(covered, Fraction(0)), Fraction(1))))


@dataclass(frozen=True)
class _Inside:
    """What lies between the outermost sums of the interval."""

    widest: list[Gap]
    bound: Fraction  # no error exceeds that of the widest gaps and this
    missing: Fraction  # length that is not within the tolerance of a sum


def _by_listing(halves: _Halves, first: Fraction, last: Fraction, eps: Fraction | None) -> _Inside:
    sums = [total for total in halves.sums() if first <= total <= last]
    widths = [above - below for below, above in pairwise(sums)]
    place = widths.index(max(widths))
    missing = sum((width - 2 * eps for width in widths if width > 2 * eps), Fraction(0)) if eps is not None else None
    return _Inside([(sums[place], sums[place + 1])], Fraction(0), missing or Fraction(0))


def _by_keys(
    keys: Indices,
    unit: Fraction,
    halves: _Halves,
    first: Fraction,
    last: Fraction,
    eps: Fraction | None,
    *,
    exact: bool,
) -> _Inside:
    sums = np.empty(1 << len(keys), np.int64)
    sort_subset_sums(keys, np.int64(0), sums)
    # Rounding moves a sum by at most half a unit for each of its values, hence a width by at most `slack`.
    slack = 0 if exact else len(keys)
    start = int(np.searchsorted(sums, np.int64(math.floor(first / unit) - slack), "left"))
    stop = int(np.searchsorted(sums, np.int64(math.ceil(last / unit) + slack), "right")) - 1
    widest = int(widest_gap(sums, start, stop))
    places = np.empty(1 if exact else MEASURED_GAPS, np.int64)
    count = int(gaps_of_width(sums, start, stop, widest - 4 * slack, places))
    found = [(int(sums[i]), int(sums[i + 1])) for i in places[:count].tolist()]
    if exact:
        gaps: list[Gap] = [(below * unit, above * unit) for below, above in found]
    else:
        gaps = [halves.around((below + above) * unit / 2) for below, above in found]
    # A gap wider than the rounding has its middle in the true gap, which is at least as wide but for the slack: if all
    # that could be the widest were measured, the widest is known.
    resolved = exact or (widest > 6 * slack and count <= len(places))
    missing = Fraction(0)
    if eps is not None:
        total, wide = total_of_wide_gaps(sums, start, stop, min(math.floor(2 * eps / unit), 2**62))
        missing = int(total) * unit - 2 * eps * int(wide)
    return _Inside(gaps, Fraction(0) if resolved else (widest + slack) * unit / 2, missing)


class _Halves:
    """The subset sums of either half of the values as integers over one power of two: exact at every scale."""

    def __init__(self, values: Floats) -> None:
        integers, exponent = exact_integers(values.tolist())
        self._denominator = 1 << -exponent
        middle = len(integers) // 2
        self._left, self._right = _all_sums(integers[:middle]), _all_sums(integers[middle:])

    def around(self, point: Fraction) -> Gap:
        """The largest sum <= point and the smallest sum >= point."""
        # Sums are integers over the denominator: compare with the point's floor, and note whether it is the point.
        scaled = point * self._denominator
        goal, whole = math.floor(scaled), scaled.denominator == 1
        left, right = self._left, self._right
        below: Any = None
        above: Any = None
        i, j = 0, len(right) - 1
        while i < len(left) and j >= 0:
            total = left[i] + right[j]
            if total <= goal:
                below = total if below is None else max(below, total)
                i += 1
            else:
                above = total if above is None else min(above, total)
                j -= 1
        if whole and below == goal:
            above = below
        return self._fraction(below), self._fraction(above)

    def sums(self) -> Sequence[Fraction]:
        """All distinct sums in increasing order."""
        return [Fraction(n, self._denominator) for n in sorted({a + b for a in self._left for b in self._right})]

    def _fraction(self, numerator: int | None) -> Fraction | None:
        return None if numerator is None else Fraction(numerator, self._denominator)


def _all_sums(integers: Iterable[int]) -> list[int]:
    sums = {0}
    for integer in integers:
        sums |= {total + integer for total in sums}
    return sorted(sums)
