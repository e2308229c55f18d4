"""A subset that meets the target, where there are many or one is planted: of halves from two halves of the values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

import numpy as np

from slth.arrays import Bools, Floats, Indices, frozen, whole
from slth.kernels.halves import join, likeliest, nearest_first, settle, whole_columns
from slth.rng import Stream
from slth.subset_sum.dyadic import Outcome, integer_form
from slth.subset_sum.ranking import Keys
from slth.subset_sum.solver import Rows, Solver, Task, Traits, as_vectors, fill_rows
from slth.subset_sum.solvers import Greedy
from slth.subset_sum.status import Status
from slth.subset_sum.vector_pursuit import Pursuit

SUMS = 1 << 22  # looked at before it is given up: about a second
FIRST = 1 << 10  # of either half, before there are twice as many
LOOKS = 32  # at coordinates of cells and of sums in them, for each sum; a wide box of many coordinates would never end
SPLITS = 32  # of all that halves offer, one at least holds a given subset, but for a chance of 1 in 10,000
CHOSEN = 12  # values that are chosen freely; of a larger size the others are settled first
LONGEST = 1 << 60  # sums of magnitudes stay below
ZERO = Fraction(0)
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
    deviation: Floats  # [d], of the rows

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
    share = tolerance / (math.sqrt(d) * (1.0 + 1e-12)) if norm == "l2" else tolerance
    each = share.tolist() if isinstance(share, np.ndarray) else [share] * d
    rows, steps, low, high = np.empty((n, d), np.int64), *np.empty((3, d), np.int64)
    whole_columns(values, rows, steps)
    for c, allowed in enumerate(each):
        step, slip = Fraction(int(steps[c])), ZERO
        if not step:
            keys = _keys(values[:, c], allowed)
            if keys is None:
                return None
            rows[:, c], step, slip = keys
        p, q = float(target[c]).as_integer_ratio()
        if any(each):
            goal, near = Fraction(p, q) / step, Fraction(allowed) / step - slip
            first, last = math.ceil(goal - near), math.floor(goal + near)
        else:
            first, last = _nearest(p * step.denominator, q * step.numerator)
        if first > last or max(abs(first), abs(last)) >= LONGEST:
            return None
        low[c], high[c] = first, last
    mean, deviation = _moments(rows)
    sizes = (1, n - 1) if size is None else (size, size)
    best, expected, spread = likeliest(mean, deviation, low, high, *_of_sizes(n), *sizes)
    return Aim(rows, (low, high), best, expected, spread, deviation)


def _nearest(p: int, q: int) -> tuple[int, int]:
    """The integer nearest to p / q, twice, or the two that are."""
    return -((q - 2 * p) // (2 * q)), (2 * p + q) // (2 * q)


def _keys(column: Floats, allowed: float) -> tuple[Keys, Fraction, Fraction] | None:
    """Integers and a step of which the numbers are multiples, or nearly; how many steps that may cost a sum.

    Only a tolerance lets the numbers be rounded, to a thousandth of what it leaves each of them.
    """
    n = len(column)
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
    return (np.array(numbers, np.int64), step, ZERO) if sum(map(abs, numbers)) < LONGEST else None


def _moments(rows: Keys) -> tuple[Floats, Floats]:
    """Mean and deviation of each coordinate: to the bit those of numpy, whose wrappers take longer than the sums."""
    mean: Floats = np.add.reduce(rows, axis=0, dtype=np.float64) / len(rows)
    apart = rows - mean
    apart *= apart
    return mean, np.sqrt(np.add.reduce(apart, axis=0) / len(rows))


@lru_cache(maxsize=16)
def _of_sizes(n: int) -> tuple[Floats, Floats]:
    """For each size from 0 to n log2 of the number of subsets, and the deviation of their sums for one of the values.

    Shapes: float64[n + 1].
    """
    sizes = np.arange(n + 1)
    chosen = sizes[1:]
    subsets = np.concatenate([[0.0], np.cumsum(np.log2((n + 1 - chosen) / chosen))])
    return frozen(subsets), frozen(np.sqrt(sizes * (n - sizes) / (n - 1)))


def meet(aim: Aim, sums: int) -> tuple[Bools | None, int]:
    """A subset of the size in the box, or None, and how many sums of halves were looked at."""
    n, size, box = len(aim.rows), aim.size, aim.box
    out = 2 * size > n  # as well those that are left out
    if out:
        total = aim.rows.sum(axis=0)
        size, box = n - size, (total - box[1], total - box[0])
    chosen, deviation = np.zeros(n, np.bool_), aim.deviation
    if size > CHOSEN:
        settled = settle(aim.rows, deviation, *box, size - CHOSEN, size, chosen)
        size, box = CHOSEN, (box[0] - settled, box[1] - settled)
        if len(deviation) > 1:  # numbers are in the same order in any unit
            deviation = _moments(aim.rows[~chosen])[1]
    # Subsets of values near the average of those that are looked for have sums near the box.
    order = nearest_first(aim.rows, deviation, *box, size, chosen)
    members, looked = _meet(aim.rows, order, size, box, sums)
    if members is None:
        return None, looked
    chosen[members] = True
    return chosen ^ out, looked


def _meet(rows: Keys, order: Indices, size: int, box: Ends, sums: int) -> tuple[Indices | None, int]:
    """So many of the rows in the order, the first of them first, whose sum is in the box."""
    n, own, other = len(order), size // 2, size - size // 2
    offered = max(math.comb(n - n // 2, own), math.comb(n // 2, other))
    members = np.empty(size, np.int64)
    most, looked, split, looks = FIRST, 0, 0, LOOKS * sums
    while looked < sums and split < SPLITS and looks > 0:
        found, seen, looks = join(rows, order, own, other, *box, min(most, offered), looks, members)
        looked += seen
        if found:
            return members, looked
        if offered > most:
            most *= 2
        else:
            split += 1
            order = np.sort(order)[np.argsort(Stream(split, "halves").uniform(0, n), kind="stable")]
    return None, looked


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
        """The table of sums, the sums that they are made of, and what the heuristics take."""
        half = -(-n // 2)
        table = (12 * d + 10) * min(self.sums, 2 * math.comb(half, min(CHOSEN, half) // 2))
        return table + Pursuit().memory(n, size, count, threads, d) + 256 * n * d

    def run(self, task: Task) -> Rows:
        """Solve one row after the other."""
        heuristic: Solver = Pursuit() if task.d > 1 else Greedy()
        return fill_rows(
            task,
            lambda k: hit(task, aim_of(task, k), self.sums) or _only(heuristic.run(rows_of(task, np.array([k])))),
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


def aim_of(task: Task, k: int) -> Aim | None:
    """The aim of one row."""
    values, targets = as_vectors(task)
    row = values[min(k, len(values) - 1)]
    return aim_at(row, targets[k], tolerance=task.tolerance, size=task.size, norm=task.norm)


def promised(aim: Aim | None, efforts: Mapping[float, int]) -> int:
    """How many sums of halves are worth a look, the first of the efforts that promises a subset; 0 for none.

    The efforts are sums to look at, by log2 of the least number of subsets expected, the greatest first.
    """
    return next((most for least, most in efforts.items() if aim is not None and aim.is_promising(most, least)), 0)


def hits(task: Task, first: Aim | None, sums: int) -> Rows:
    """Answers that end the search, after so many sums at most; in the other rows nothing that is claimed.

    The aim of the first row is known already.
    """
    nothing = Outcome(np.arange(task.n) < (task.size or 0), 0.0, Status.HEURISTIC, {})
    rows = fill_rows(task, lambda k: hit(task, aim_of(task, k) if k else first, sums) or nothing, label=LABEL)
    if rows.claim(Status.INTERRUPTED).any():  # then nobody answers the others either
        rows.status[rows.claim(Status.HEURISTIC)] = Status.INTERRUPTED
    return rows
