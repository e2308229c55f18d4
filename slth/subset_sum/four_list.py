"""Four lists: the exact optimum with the memory of 2^(n/4) sums, for n beyond what two lists can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product

import numpy as np

from slth.arrays import Bools, Floats
from slth.errors import ResourceError
from slth.kernels.four_list import pairs_with_sum
from slth.resources import Progress, thread_count
from slth.subset_sum.dyadic import Outcome, beyond_reach, distance, float_below, integer_form
from slth.subset_sum.greedy import greedy_swaps
from slth.subset_sum.ranking import Keys
from slth.subset_sum.slices import Found, Side, Walk, walk_slices
from slth.subset_sum.status import Status

MOST_VALUES = 64
KEY_BITS = 61  # of the sum of all |keys| and of the target's; differences of two sums then stay within int64
MOST_CANDIDATES = 1 << 16
UNPROVED = 1 << 10  # pairs ranked when there are too many for a proof


@dataclass(frozen=True)
class _Problem:
    """The instance in exact integers, and rounded to keys.

    For every subset, |true distance in key units - gap of its keys| <= half_window.
    """

    integers: list[int]
    goal: Fraction
    step: Fraction
    keys: list[int]
    goal_key: int
    key_unit: int  # in integers; 1 if the keys are exact
    half_window: Fraction

    @property
    def exact(self) -> bool:
        return self.key_unit == 1


@dataclass(frozen=True)
class _Quarter:
    """All sums of a quarter of the values: distinct keys, and the distinct exact sums behind each key."""

    items: list[int]
    keys: Keys
    starts: Keys  # sums[starts[k]:starts[k + 1]] have keys[k]
    sums: Sequence[int]
    subsets: Keys  # one for each sum: bits over `items`


def four_lists(
    values: Floats,
    target: float,
    *,
    size: int | None = None,
    tolerance: float = 0.0,
    threads: int | None = None,
    slice_size: int = 1 << 17,
    progress: Progress | None = None,
) -> Outcome:
    """The subset whose sum is nearest to the target, exactly, with memory for 2^(n/4) sums and a few slices.

    The sums of each half of the values are produced in increasing order, slice after slice, from two sorted lists of
    2^(n/4) sums; a pair of half sums that differ by the target is a subset. About 2^(n/2 + 1) sums are made.

    Notes
    -----
    The lists are those of R. Schroeppel and A. Shamir, "A T = O(2^(n/2)), S = O(2^(n/4)) algorithm for certain
    NP-complete problems", SIAM J. Comput. 10, 1981 (unverified); slices of the value range replace their queues.

    Shapes: values float64[n].
    """
    if len(values) > MOST_VALUES:
        raise ResourceError(
            "values", f"array of length {len(values)}", f"is too long for four lists (n <= {MOST_VALUES})",
            "use Differencing() or Greedy(), or Lattice() where the values are integers or multiples of a step",
        )  # fmt: skip
    integers, step = integer_form(values)
    goal = Fraction(target) / step
    extreme = beyond_reach(integers, goal, size)
    if extreme is not None:
        bound = float_below(distance(integers, extreme, goal) * step)
        return Outcome(extreme, bound, Status.OPTIMAL, {"sums": 0, "reason": "the target is beyond every sum"})
    if tolerance > 0.0:
        # What is left to search for is then nearer than any subset of another size, however large the tolerance.
        quick = greedy_swaps(values, target, size=size).subset
        if distance(integers, quick, goal) * step <= Fraction(tolerance):
            return Outcome(quick, 0.0, Status.WITHIN_TOLERANCE, {"sums": 0, "reason": "greedy reached the tolerance"})
    problem = _rounded(integers, goal, step, size)
    quarters = _quarters(problem)
    stop = (Fraction(tolerance) / step / problem.key_unit - problem.half_window).__floor__() if tolerance > 0 else -1
    least = 0 if problem.exact else -1  # an exact gap of 0 is the nearest integer to the goal: optimal
    walk = Walk(
        sides=_sides(quarters, problem.goal_key),
        window=(2 * problem.half_window).__floor__(),
        distinct=problem.exact,
        stop=max(least, min(stop, 1 << KEY_BITS)),
        slice_size=slice_size,
        room=16 if problem.exact else MOST_CANDIDATES,
    )
    found = walk_slices(walk, threads=thread_count(threads), progress=progress)
    if found.interrupted:
        quick = greedy_swaps(values, target, size=size).subset
        return _interrupted(problem, quarters, walk, found, quick)
    return _outcome(problem, quarters, walk, found)


def _rounded(integers: list[int], goal: Fraction, step: Fraction, size: int | None) -> _Problem:
    """Exact integers and their keys: the same if they have at most 61 digits in sum, else rounded to that many."""
    if size is not None:
        # A constant added to every value keeps subsets of one size in order, and puts those of another size further
        # away than any of this size can be from the goal.
        positive, negative = sum(i for i in integers if i > 0), sum(i for i in integers if i < 0)
        apart = 2 * (max(positive, goal.__ceil__()) - min(negative, goal.__floor__())) + 1
        integers, goal = [i + apart for i in integers], goal + size * apart
    digits = (sum(abs(i) for i in integers) + abs(goal).__ceil__()).bit_length()
    unit = 1 << max(0, digits - KEY_BITS)
    keys = [round(Fraction(i, unit)) for i in integers]
    lost = [Fraction(i, unit) - k for i, k in zip(integers, keys, strict=True)]
    above, below = sum((x for x in lost if x > 0), Fraction(0)), sum((x for x in lost if x < 0), Fraction(0))
    centre = goal / unit - (above + below) / 2
    goal_key = round(centre)
    return _Problem(integers, goal, step, keys, goal_key, unit, (above - below) / 2 + abs(goal_key - centre))


def _quarters(problem: _Problem) -> list[_Quarter]:
    """Deal the values out by magnitude, forwards and backwards, so that all quarters have like ranges and sums."""
    by_magnitude = sorted(range(len(problem.keys)), key=lambda i: -abs(problem.keys[i]))
    hands: list[list[int]] = [[], [], [], []]
    for position, item in enumerate(by_magnitude):
        lap, seat = divmod(position, 4)
        hands[seat if lap % 2 == 0 else 3 - seat].append(item)
    return [_quarter(problem, items) for items in hands]


def _quarter(problem: _Problem, items: list[int]) -> _Quarter:
    keys, exact = np.zeros(1, np.int64), [0]
    for i in items:
        keys = np.concatenate([keys, keys + problem.keys[i]])
        exact += [s + problem.integers[i] for s in exact]
    # One subset for each exact sum: equal sums are equally good.
    first = {total: bits for bits, total in reversed(list(enumerate(exact)))}
    subsets: Keys = np.array(sorted(first.values()), np.int64)
    subsets = subsets[np.argsort(keys[subsets], kind="stable")]
    distinct, starts = np.unique(keys[subsets], return_index=True)
    ends = np.append(starts, len(subsets)).astype(np.int64)
    return _Quarter(items, distinct, ends, [exact[bits] for bits in subsets.tolist()], subsets)


def _sides(quarters: Sequence[_Quarter], goal_key: int) -> tuple[Side, Side]:
    """Sums of the first two quarters, and goal - sums of the last two: a pair of equal keys hits the goal."""
    one, two, three, four = (quarter.keys for quarter in quarters)
    return Side(one, two), Side(np.ascontiguousarray(goal_key - three[::-1]), np.ascontiguousarray(-four[::-1]))


def _interrupted(problem: _Problem, quarters: list[_Quarter], walk: Walk, found: Found, quick: Bools) -> Outcome:
    """The best pair so far, or a quick heuristic's subset, whichever is nearer."""
    ranked, _ = _best_subset(problem, quarters, walk, found.pairs[:UNPROVED])
    known = [quick] if ranked is None else [quick, ranked]
    # A pair of another size than was asked for is further away than any of that size, so it is not chosen here.
    best = min(known, key=lambda subset: distance(problem.integers, subset, problem.goal))
    return Outcome(best, 0.0, Status.INTERRUPTED, _work(found))


def _work(found: Found) -> dict[str, int]:
    return {"sums": found.sums, "slices": found.slices, "pairs": len(found.pairs)}


def _outcome(problem: _Problem, quarters: list[_Quarter], walk: Walk, found: Found) -> Outcome:
    """Rank the pairs exactly and say what is proved."""
    work = _work(found)
    listed = found.dropped > found.best + walk.window
    # Where the proof is out of reach anyway, the nearest pairs of keys are as good as all.
    ranked, complete = _best_subset(problem, quarters, walk, found.pairs if listed else found.pairs[:UNPROVED])
    complete &= listed
    if ranked is None:
        raise AssertionError("a finished walk always ends with a pair")
    error = distance(problem.integers, ranked, problem.goal) * problem.step
    if problem.exact and (found.best == 0 or not found.stopped):
        return Outcome(ranked, float_below(error), Status.OPTIMAL, work)
    if found.stopped:
        return Outcome(ranked, 0.0, Status.WITHIN_TOLERANCE, work)
    if complete:
        return Outcome(ranked, float_below(error), Status.OPTIMAL, work)
    least = max(Fraction(0), found.best - problem.half_window) * problem.key_unit * problem.step
    return Outcome(ranked, float_below(least), Status.WITHIN_ROUNDING, work)


def _best_subset(
    problem: _Problem, quarters: list[_Quarter], walk: Walk, pairs: Sequence[tuple[int, int]]
) -> tuple[Bools | None, bool]:
    """The exactly best subset behind the pairs of key sums, and whether all of them were ranked."""
    places = np.empty((2, 1 if problem.exact else MOST_CANDIDATES), np.int64)
    listed: list[dict[int, tuple[dict[int, tuple[int, int]], bool]]] = [{}, {}]
    best: tuple[Fraction, tuple[int, ...]] | None = None
    ranked, complete = 0, True
    for pair in pairs:
        for k, (side, total) in enumerate(zip(walk.sides, pair, strict=True)):
            if total not in listed[k]:
                listed[k][total] = _behind(side, quarters[2 * k : 2 * k + 2], total, places, flipped=k == 1)
        (lows, all_lows), (highs, all_highs) = listed[0][pair[0]], listed[1][pair[1]]
        complete &= all_lows and all_highs
        for low, high in islice(product(lows, highs), MOST_CANDIDATES - ranked):
            error = abs(low + high - problem.goal)
            if best is None or error < best[0]:
                best = error, lows[low] + highs[high]
        ranked += len(lows) * len(highs)
        if ranked > MOST_CANDIDATES:
            complete = False
            break
    if best is None:
        return None, complete
    subset = np.zeros(len(problem.keys), dtype=np.bool_)
    for quarter, bits in zip(quarters, best[1], strict=True):
        subset[quarter.items] = [bits >> b & 1 for b in range(len(quarter.items))]
    return subset, complete


def _behind(
    side: Side, quarters: Sequence[_Quarter], total: int, places: Keys, *, flipped: bool
) -> tuple[dict[int, tuple[int, int]], bool]:
    """Exact sums with a key sum, one pair of quarter subsets for each, and whether these are all."""
    i, j = places
    room = len(i)
    count = int(pairs_with_sum(*side, total, i, j))
    found: dict[int, tuple[int, int]] = {}
    met = 0
    for pair in zip(i[:count].tolist(), j[:count].tolist(), strict=True):
        groups = []
        for quarter, position in zip(quarters, pair, strict=True):
            k = len(quarter.keys) - 1 - position if flipped else position  # the second side's lists run backwards
            groups.append(range(quarter.starts[k], quarter.starts[k + 1]))
        for a, b in islice(product(*groups), room - met):
            subsets = int(quarters[0].subsets[a]), int(quarters[1].subsets[b])
            found.setdefault(quarters[0].sums[a] + quarters[1].sums[b], subsets)
        met += len(groups[0]) * len(groups[1])
        if met > room:
            return found, False
    return found, count <= room
