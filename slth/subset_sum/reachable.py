"""Which sums of nonnegative weights can be reached, and by which of them: bitsets and ways back from a sum."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.errors import ResourceError
from slth.kernels.lattice import absorb, is_reached, nearest_above, nearest_below, split_sum
from slth.resources import SHARE, Progress, available_memory

Bits = npt.NDArray[np.uint64]
Records = npt.NDArray[Any]  # int16, or int32 beyond 32767 weights

REPORT_EVERY = 64  # weights


@dataclass(frozen=True)
class Plan:
    """What will be held in memory, decided before any of it is taken."""

    limit: int  # the largest sum that is represented
    size: int | None  # how many weights to take
    records: bool  # the item that first reached each sum is kept; if not, the way back is found by halving
    bytes: int  # the largest amount held at a time
    budget: int  # bytes that may be held

    @property
    def recovery(self) -> str:
        return "records" if self.records else "halving"

    @classmethod
    def within(cls, memory: int | None, weights: list[int], goal: Fraction, size: int | None, *, n: int) -> Plan:
        """The fastest plan that fits, or a ResourceError."""
        budget = int(SHARE * available_memory()) if memory is None else memory
        most = sum(weights) if size is None else sum(sorted(weights)[len(weights) - size :])
        # Going from the least to the greatest sum by one weight (one exchange) at a time steps over the goal, so no
        # nearest sum lies beyond goal + largest weight.
        limit = min(most, goal.__floor__() + max(weights))
        rows = 1 if size is None else size + 1
        sets = rows * _bytes_of_set(limit)
        recorded = sets + rows * _bytes_of_records(limit, len(weights))
        if recorded <= budget:
            return cls(limit, size, records=True, bytes=recorded, budget=budget)
        if size is None and 2 * sets <= budget:
            return cls(limit, size, records=False, bytes=2 * sets, budget=budget)
        least = recorded if size is not None else 2 * sets
        fitting = (
            "TwoList() would fit (n <= 50)" if n <= 50
            else "FourList() would fit (n <= 64)" if n <= 64
            else "Differencing() or Greedy() would fit, without proof"
        )  # fmt: skip
        raise ResourceError(
            "values", f"range of 2**{limit.bit_length()} sums" + (f" x {rows} sizes" if size is not None else ""),
            f"needs {_gibibytes(least)} for its bitsets and {_gibibytes(budget)} may be taken",
            f"{fitting}; or pass grid= if the values are multiples of a decimal step",
        )  # fmt: skip


def best_choice(
    weights: list[int], goal: Fraction, plan: Plan, *, progress: Progress | None = None
) -> tuple[list[int], bool]:
    """Positions of weights whose sum is nearest to the goal among all subsets (of the plan's size).

    Also says whether the search was finished; if not (KeyboardInterrupt), the positions are the best by then.
    """
    # Large weights first: half of the total is then reached by fewer of them, and the search often ends there.
    items = sorted(range(len(weights)), key=lambda i: -weights[i])
    if plan.size is None:
        items = [i for i in items if weights[i] > 0]
    ordered = [weights[i] for i in items]
    table = _Table(ordered, plan)
    try:
        done = table.fill(round(goal), progress=progress)
    except KeyboardInterrupt:
        return [items[k] for k in table.best_so_far(goal)], False
    total = table.nearest(goal)
    if plan.records:
        return [items[k] for k in table.way_back(total)], True
    del table
    return [items[k] for k in _halved(ordered, list(range(done)), total, plan.budget)], True


class _Table:
    """Reachable sums up to a limit, one bitset for each number of weights if a size is asked for."""

    def __init__(self, weights: list[int], plan: Plan) -> None:
        self.weights, self.limit, self.size = weights, plan.limit, plan.size
        rows = 1 if plan.size is None else plan.size + 1
        words = plan.limit // 64 + 1
        # The ways back may be left uninitialised: they are read at reached sums alone.
        dtype = np.int16 if len(weights) <= np.iinfo(np.int16).max else np.int32
        self.reach: npt.NDArray[np.uint64] = np.zeros((rows, words + 1), np.uint64)
        self.first: Records = np.empty((rows, 64 * words if plan.records else 0), dtype)
        self.reach[0, 1] = 1

    def fill(self, wanted: int, *, progress: Progress | None = None) -> int:
        """Take in the weights one by one until `wanted` is reached; returns how many were taken in."""
        prefix = np.concatenate([np.zeros(1, object), np.cumsum(np.array(self.weights, object))]).tolist()
        last = self.reach[-1]
        for item, weight in enumerate(self.weights):
            if self.size is None:
                absorb(last, last, weight, min(self.limit, prefix[item + 1]), item, self.first[0])
            else:
                # Downwards, so that no row has taken in this weight before the row above reads it.
                for row in range(min(self.size, item + 1), 0, -1):
                    top = min(self.limit, prefix[row])
                    absorb(self.reach[row - 1], self.reach[row], weight, top, item, self.first[row])
            if progress and item % REPORT_EVERY == 0:
                progress("lattice", item, len(self.weights))
            if wanted <= self.limit and is_reached(last, wanted):
                return item + 1
        return len(self.weights)

    def nearest(self, goal: Fraction) -> int:
        """The reachable sum nearest to the goal; of two equally near ones the smaller."""
        floor, ceiling = goal.__floor__(), goal.__ceil__()
        below = int(nearest_below(self.reach[-1], min(max(floor, 0), self.limit)))
        above = int(nearest_above(self.reach[-1], max(ceiling, 0))) if ceiling <= self.limit else -1
        return min((s for s in (below, above) if s >= 0), key=lambda s: (abs(s - goal), s))

    def way_back(self, total: int) -> list[int]:
        """Positions of the weights behind a reached sum.

        The item that first reached a sum reached it from a sum that was there before, hence made of earlier items
        alone: positions strictly decrease along the way, so that none is taken twice.
        """
        taken: list[int] = []
        row = len(self.reach) - 1
        while (total > 0) if self.size is None else (row > 0):
            item = int(self.first[row, total])
            taken.append(item)
            total -= self.weights[item]
            row -= self.size is not None
        return taken

    def best_so_far(self, goal: Fraction) -> list[int]:
        """The best choice among the weights taken in, or the first ones if there is none or no way back."""
        if self.first.size and self.reach[-1].any():
            return self.way_back(self.nearest(goal))
        return list(range(self.size or 0))


def _halved(weights: list[int], items: list[int], total: int, budget: int) -> list[int]:
    """The way back without records, for a sum that is known to be reachable.

    Two bitsets, one for each half of the items, show how the sum can be split between the halves; each half then has
    its own, smaller, sum. The ranges add up to the total on every level and the items halve, so all levels together
    cost about twice the first.
    """
    if total == 0:
        return []
    if len(items) == 1:
        return items
    subset = [weights[i] for i in items]
    if _bytes_of_set(total) + _bytes_of_records(total, len(items)) <= budget:
        table = _Table(subset, Plan(total, None, records=True, bytes=0, budget=budget))
        table.fill(total)
        return [items[k] for k in table.way_back(total)]
    halves = items[::2], items[1::2]
    low, high = (_reached([weights[i] for i in half], total) for half in halves)
    part = int(split_sum(low, high, total))
    del low, high
    return _halved(weights, halves[0], part, budget) + _halved(weights, halves[1], total - part, budget)


def _reached(weights: list[int], limit: int) -> Bits:
    table = _Table(weights, Plan(limit, None, records=False, bytes=0, budget=0))
    table.fill(limit + 1)
    reach: Bits = table.reach[0]
    return reach


def _gibibytes(count: int) -> str:
    """A number of bytes of any length, which a float could not always hold."""
    return f"{count / 2**30:.3g} GiB" if count < 2**80 else f"2**{count.bit_length() - 30} GiB"


def _bytes_of_set(limit: int) -> int:
    return 8 * (limit // 64 + 2)


def _bytes_of_records(limit: int, weights: int) -> int:
    return 64 * (limit // 64 + 1) * (2 if weights <= np.iinfo(np.int16).max else 4)
