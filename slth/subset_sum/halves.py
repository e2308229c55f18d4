"""A subset that meets the target, where there are many or one is planted: of halves from two halves of the values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from slth.arrays import EXACT_INTEGERS, Bools, Floats, Indices, whole
from slth.kernels.halves import complete, settle, tabulate
from slth.rng import Stream
from slth.subset_sum.dyadic import Outcome, integer_form
from slth.subset_sum.ranking import Keys
from slth.subset_sum.solver import Rows, Solver, Task, Traits, as_vectors, fill_rows
from slth.subset_sum.solvers import Greedy
from slth.subset_sum.status import Status
from slth.subset_sum.vector_pursuit import Pursuit

SUMS = 1 << 22  # looked at before it is given up: about a second
FIRST = 1 << 10  # of either half, before there are twice as many
SPLITS = 32  # of all that halves offer, one at least holds a given subset, but for a chance of 1 in 10,000
CHOSEN = 12  # values that are chosen freely; of a larger size the others are settled first
LONGEST = 1 << 60  # sums of magnitudes stay below
MOST_VALUES = 1 << 13  # beyond, what is asked of the values in advance takes longer than what is looked for
FEW = 256  # doubles whose common step is asked for

LABEL = "halves"

Ends = tuple[Keys, Keys]


@dataclass(frozen=True)
class Aim:
    """Integer vectors, the box for sums of so many of them, and how likely a subset of chance is to be there."""

    rows: Keys  # [n, d]
    box: Ends  # [d], lowest and highest
    size: int
    expected: float  # log2 of the number of subsets in the box, by the normal law
    spread: float  # log2 of the number of subsets for one in the box

    def is_promising(self, sums: int, least: float) -> bool:
        """Whether at least 2**least subsets are expected, and so many sums of halves are enough to meet one.

        They are if one pair of halves in as many is in the box, or if they make up all subsets, several times over.
        """
        n, size = len(self.rows), min(self.size, len(self.rows) - self.size)
        free = min(size, CHOSEN)
        offered = 2.0 * math.log2(math.comb((n - size + free) // 2, free // 2))  # by one split
        splits = math.log2(sums) - 1.0 - 0.5 * offered
        pairs = offered + min(splits, math.log2(SPLITS)) if splits > 0.0 else 2.0 * math.log2(sums) - 2.0
        return self.expected >= least and (self.spread <= pairs or (free == size and splits > 0.0))


def aim_at(values: Floats, target: Floats, *, tolerance: float | Floats, size: int | None, norm: str) -> Aim | None:
    """The box in which a sum proves itself (with a tolerance: is near enough), or None where keys cannot hold it.

    No sum is nearer than the multiple, nearest to the target, of what divides all values of a coordinate. Of several
    tolerances one that is 0 asks for the target itself.

    Shapes: values float64[n, d]; target float64[d]; tolerance float or float64[d].
    """
    n, d = values.shape
    if not 4 <= n <= MOST_VALUES:
        return None
    each = np.broadcast_to(tolerance / (math.sqrt(d) * (1.0 + 1e-12)) if norm == "l2" else tolerance, d).tolist()
    columns, low, high = [], [], []
    for c, allowed in enumerate(each):
        keys = _keys(values[:, c], allowed)
        if keys is None:
            return None
        integers, step, slip = keys
        goal = Fraction(float(target[c])) / step
        near = Fraction(allowed) / step - slip if any(each) else min(goal - math.floor(goal), math.ceil(goal) - goal)
        columns.append(integers)
        low.append(math.ceil(goal - near))
        high.append(math.floor(goal + near))
    if max(map(abs, low + high)) >= LONGEST or any(a > b for a, b in zip(low, high, strict=True)):
        return None
    rows = np.stack(columns, axis=1)
    ends = np.array(low, np.int64), np.array(high, np.int64)
    sizes = np.arange(1, n) if size is None else np.array([size])
    expected, spread = _chances(rows, ends, sizes)
    best = int(expected.argmax())  # of any size that which most subsets in the box have
    return Aim(rows, ends, int(sizes[best]), float(expected[best]), float(spread[best]))


def _keys(column: Floats, allowed: float) -> tuple[Keys, Fraction, Fraction] | None:
    """Integers and a step of which the numbers are multiples, or nearly; how many steps that may cost a sum.

    Only a tolerance lets the numbers be rounded, to a thousandth of what it leaves each of them.
    """
    n, largest = len(column), float(np.abs(column).max())
    if largest < EXACT_INTEGERS and bool((column == np.rint(column)).all()):
        integers = column.astype(np.int64)
        divisor = int(np.gcd.reduce(integers)) or 1
        return integers // divisor, Fraction(divisor), Fraction(0)
    if allowed > 0.0:
        exponent = math.frexp(allowed)[1] - 11 - n.bit_length()
        with np.errstate(over="ignore"):
            scaled = np.rint(np.ldexp(column, -exponent))
            if not float(np.abs(scaled).sum()) < LONGEST / 2:
                return None
        return scaled.astype(np.int64), Fraction(2) ** exponent, Fraction(n, 2)
    if n > FEW:
        return None
    numbers, step = integer_form(column)
    return (np.array(numbers, np.int64), step, Fraction(0)) if sum(map(abs, numbers)) < LONGEST else None


def _scale(rows: Keys) -> Floats:
    """The deviation of each coordinate, or 1 where all are equal."""
    deviation: Floats = rows.std(axis=0)
    deviation[deviation == 0.0] = 1.0
    return deviation


def _chances(rows: Keys, box: Ends, sizes: Keys) -> tuple[Floats, Floats]:
    """log2 of the number of subsets of some sizes in the box, and of that number for one of them, by the normal law.

    Shapes: sizes int64[k]; results float64[k].
    """
    n, wide = len(rows), (box[1] - box[0] + 1).astype(np.float64)
    share = np.sqrt(sizes * (n - sizes) / (n - 1))[:, None]
    deviation = rows.std(axis=0) * share + 1e-9
    away = (0.5 * (box[0] + box[1]) - sizes[:, None] * rows.mean(axis=0)) / deviation
    spread: Floats = np.log2(np.maximum(1.0, math.sqrt(2.0 * math.pi) * deviation / wide)).sum(axis=1)
    chosen = np.arange(1, n + 1)
    subsets = np.concatenate([[0.0], np.cumsum(np.log2((n + 1 - chosen) / chosen))])[sizes]
    return subsets - spread - (away * away).sum(axis=1) / math.log(4.0), spread


def meet(aim: Aim, sums: int) -> tuple[Bools | None, int]:
    """A subset of the size in the box, or None, and how many sums of halves were looked at."""
    n, size, box = len(aim.rows), aim.size, aim.box
    out = 2 * size > n  # as well those that are left out
    if out:
        total = aim.rows.sum(axis=0)
        size, box = n - size, (total - box[1], total - box[0])
    fixed = np.zeros(n, np.bool_)
    if size > CHOSEN:
        scale = _scale(aim.rows)
        settle(aim.rows / scale, 0.5 * (box[0] + box[1]) / scale, np.array([size - CHOSEN, size]), fixed)
        settled = aim.rows[fixed].sum(axis=0)
        size, box = CHOSEN, (box[0] - settled, box[1] - settled)
    rest = np.flatnonzero(~fixed)
    found, looked = _meet(aim.rows[rest], size, box, sums)
    if found is None:
        return None, looked
    fixed[rest[found]] = True
    return fixed ^ out, looked


def _meet(rows: Keys, size: int, box: Ends, sums: int) -> tuple[Indices | None, int]:
    """Positions of so many vectors whose sum is in the box."""
    scale = _scale(rows)
    # Subsets of values near the average of those that are looked for have sums near the box.
    away = np.abs(rows - 0.5 * (box[0] + box[1]) / max(size, 1)) / scale
    order = np.argsort(away.max(axis=1), kind="stable")
    most, looked, split = FIRST, 0, 0
    while looked < sums and split < SPLITS:
        first, second = order[::2], order[1::2]
        own = size // 2
        offered = max(math.comb(len(first), own), math.comb(len(second), size - own))
        places, seen = _join(rows[first], own, rows[second], size - own, box, min(most, offered))
        looked += seen
        if places is not None:
            chosen = [
                *(first[i] for i in _subset(places[0], own)),
                *(second[i] for i in _subset(places[1], size - own)),
            ]
            return np.array(chosen, np.int64), looked
        if offered > most:
            most *= 2
        else:
            split += 1
            order = np.argsort(Stream(split, "halves").uniform(0, len(rows)), kind="stable")
    return None, looked


def _join(first: Keys, own: int, second: Keys, other: int, box: Ends, most: int) -> tuple[tuple[int, int] | None, int]:
    """The places of two subsets that add up to a sum in the box."""
    totals = np.empty((most, first.shape[1]), np.int64)
    heads, following = np.empty(2 << (most - 1).bit_length(), np.int32), np.empty(most, np.int32)
    kept = tabulate(first, own, box[1] - box[0] + 1, totals, heads, following)
    place, seen = complete(second, other, *box, most, totals, heads, following)
    return None if place < 0 else (int(place), int(seen)), int(kept) + int(seen)


def _subset(place: int, size: int) -> list[int]:
    """The subset at a place of the colexicographic order."""
    members = []
    for left in range(size, 0, -1):
        member = left - 1
        while math.comb(member + 1, left) <= place:
            member += 1
        members.append(member)
        place -= math.comb(member, left)
    return members


@dataclass(frozen=True)
class RandomHalves:
    """Early exit: halves of a subset from two random halves of the values, joined by a table, until a sum is near.

    For integers (multiples of a step) and a tolerance, of numbers and vectors of any d, where many subsets are near
    enough, or one of few values is planted. What is found without a tolerance is optimal: no sum can be nearer. Where
    nothing is found it proves nothing, and answers with the better known heuristics of the package.

    Parameters
    ----------
    sums : int, default 4194304
        Sums of halves that are looked at before it is given up.

    Examples
    --------
    >>> rows = [[3.0, 1.0], [5.0, 0.0], [7.0, 2.0], [8.0, 8.0], [2.0, 9.0]]
    >>> slth.solve(rows, [10.0, 3.0], size=2, solver=slth.RandomHalves()).status.label
    'optimal'
    """

    traits: ClassVar[Traits] = Traits.VECTOR | Traits.FIXED_SIZE | Traits.EARLY_STOP
    sums: int = SUMS

    def __post_init__(self) -> None:
        whole(self.sums, "sums", 1, 1 << 30, remedy="leave it at its default")

    def decline(self, n: int, size: int | None, d: int = 1) -> str | None:
        """Takes everything."""
        del n, size, d
        return None

    def memory(self, n: int, size: int | None, count: int, threads: int, d: int = 1) -> int:
        """The table of sums, and what the heuristics take."""
        table = (8 * d + 12) * min(self.sums, 1 << 22)
        return table + Pursuit().memory(n, size, count, threads, d) + 256 * n * d

    def run(self, task: Task) -> Rows:
        """Solve one row after the other."""
        heuristic: Solver = Pursuit() if task.d > 1 else Greedy()
        return fill_rows(
            task,
            lambda k: hit(task, _aim(task, k), self.sums) or _only(heuristic.run(rows_of(task, np.array([k])))),
            label=LABEL,
        )


def rows_of(task: Task, indices: Indices) -> Task:
    """The task of some of the rows."""
    values = task.values if len(task.values) == 1 else task.values[indices]
    return replace(task, values=values, targets=task.targets[indices], progress=None)


def _only(rows: Rows) -> Outcome:
    """The answer of one row."""
    return Outcome(rows.subsets[0], float(rows.lower_bounds[0]), Status(int(rows.status[0])), rows.work)


def hit(task: Task, aim: Aim | None, sums: int) -> Outcome | None:
    """An answer to a row that is near enough to end the search, or None."""
    subset, looked = meet(aim, sums) if aim is not None else (None, 0)
    if subset is None:
        return None
    status = Status.WITHIN_TOLERANCE if task.tolerance > 0.0 else Status.OPTIMAL
    return Outcome(subset, 0.0, status, {"sums": looked})


def _aim(task: Task, k: int) -> Aim | None:
    values, targets = as_vectors(task)
    row = values[min(k, len(values) - 1)]
    return aim_at(row, targets[k], tolerance=task.tolerance, size=task.size, norm=task.norm)


def promised(aim: Aim | None, efforts: Mapping[float, int]) -> int:
    """How many sums of halves are worth a look, the first of the efforts that promises a subset; 0 for none."""
    return next((most for least, most in efforts.items() if aim is not None and aim.is_promising(most, least)), 0)


def hits(task: Task, efforts: Mapping[float, int]) -> Rows | None:
    """Answers that end the search, in the other rows nothing that is claimed; None if the first row promises none.

    The efforts are sums to look at, by log2 of the least number of subsets expected, the greatest first.
    """
    aim = _aim(task, 0)
    sums = promised(aim, efforts)
    if not sums:
        return None
    nothing = Outcome(np.zeros(task.n, np.bool_), 0.0, Status.HEURISTIC, {})
    return fill_rows(task, lambda k: hit(task, _aim(task, k) if k else aim, sums) or nothing, label=LABEL)
