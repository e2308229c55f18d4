"""The solvers beyond two lists, as values: four lists, the bitset, differencing, greedy with swaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slth.arrays import EXACT_INTEGERS, Bools, Floats, whole
from slth.resources import Progress, granted, thread_count
from slth.subset_sum.differencing import largest_differencing
from slth.subset_sum.dyadic import Outcome, integer_form
from slth.subset_sum.four_list import MOST_VALUES, four_lists
from slth.subset_sum.greedy import greedy_swaps
from slth.subset_sum.large_two_list import solve_large
from slth.subset_sum.lattice import lattice
from slth.subset_sum.ranking import bits_to_bools
from slth.subset_sum.solver import Rows, Task, Traits, fill_rows

FOUR_LIST_MOST = MOST_VALUES
MOST_DIGITS = 6  # after the decimal point, of values that are taken for multiples of a decimal step
WORDS_IN_REACH = 2**34  # 64-bit words a bitset may shift in all when nobody asked for it: some seconds


def row_by_row(task: Task, solve_one: Callable[[Floats, float, Progress | None], Outcome]) -> Rows:
    """Solve each row on its own."""
    inner = task.progress if len(task.targets) == 1 else None
    return fill_rows(task, lambda k: solve_one(task.row(k), float(task.targets[k]), inner), label="subset sums")


@dataclass(frozen=True)
class FourList:
    """Exact with 2**(n/4) memory: the sums of both halves are walked in slices of their value range, n <= 64.

    Parameters
    ----------
    slice_size : int, default 131072
        Sums of each half held at a time and thread, 8 bytes each; best when they fit the second-level cache.

    Examples
    --------
    >>> slth.solve([3.0, 5.0, 7.0], 9.0, solver=slth.FourList()).error
    1.0
    """

    traits: ClassVar[Traits] = Traits.EXACT | Traits.FIXED_SIZE | Traits.EARLY_STOP
    slice_size: int = 1 << 17

    def __post_init__(self) -> None:
        whole(self.slice_size, "slice_size", 2, 1 << 30, remedy="leave it at its default")

    def decline(self, n: int, size: int | None) -> str | None:
        """Up to 64 values."""
        del size
        rule = f"is more than the {FOUR_LIST_MOST} values that FourList takes"
        return f"{rule}: use Greedy(), Differencing(), or Lattice() for integers" if n > FOUR_LIST_MOST else None

    def memory(self, n: int, size: int | None, count: int, threads: int) -> int:
        """Sums and subsets of four quarters, and the slices of each thread."""
        del size
        return 256 * 4 * (1 << -(-n // 4)) + threads * self.slice_size * 8 * 6 + count * (n + 17) + (8 << 20)

    def run(self, task: Task) -> Rows:
        """Solve one row after the other, each on all threads."""
        return row_by_row(
            task,
            lambda values, target, progress: four_lists(
                values,
                target,
                size=task.size,
                tolerance=task.tolerance,
                threads=task.threads,
                slice_size=self.slice_size,
                progress=progress,
            ),
        )


@dataclass(frozen=True)
class Lattice:
    """Exact for integers and multiples of a step, by a bitset of all reachable sums: n to 10,000 and beyond.

    Parameters
    ----------
    grid : float, str or None
        A decimal step such as 0.1 that the values are multiples of; None for the largest that divides them exactly.

    Examples
    --------
    >>> slth.solve([30.0, 50.0, 70.0], 90.0, solver=slth.Lattice()).error
    10.0
    """

    traits: ClassVar[Traits] = Traits.EXACT | Traits.FIXED_SIZE
    grid: float | str | None = None

    def decline(self, n: int, size: int | None) -> str | None:
        """Depends on the range of the sums, not on n: refused later, before memory is taken."""
        del n, size
        return None

    def memory(self, n: int, size: int | None, count: int, threads: int) -> int:
        """Of the answers alone: the bitset checks its own memory when it knows the range of the sums."""
        del size, threads
        return count * (n + 17)

    def run(self, task: Task) -> Rows:
        """Solve one row after the other."""
        return row_by_row(
            task,
            lambda values, target, progress: lattice(values, target, size=task.size, grid=self.grid, progress=progress),
        )


@dataclass(frozen=True)
class Differencing:
    """Karmarkar-Karp: the two largest numbers are set against each other until one is left, about n**(-0.72 ln n).

    Examples
    --------
    >>> slth.solve([8.0, 7.0, 6.0, 5.0, 4.0], 15.0, solver=slth.Differencing()).status.label
    'heuristic'
    """

    traits: ClassVar[Traits] = Traits.NONE

    def decline(self, n: int, size: int | None) -> str | None:
        """Not with a fixed size."""
        del n
        return None if size is None else "is not something that Differencing() can keep to: use Greedy()"

    def memory(self, n: int, size: int | None, count: int, threads: int) -> int:
        """A heap and a tree of n nodes."""
        del size, threads
        return 96 * n + count * (n + 17)

    def run(self, task: Task) -> Rows:
        """Solve one row after the other."""
        return row_by_row(task, lambda values, target, _: largest_differencing(values, target))


@dataclass(frozen=True)
class Greedy:
    """Greedy, then flips of one or two values while they help, then an exact choice among a few flips.

    Parameters
    ----------
    passes : int, default 100
        Most flips made one after the other; each costs n steps.
    polish : int, default 32
        Flips among which the last step chooses exactly; 0 for none, at most 44.

    Examples
    --------
    >>> slth.solve([5.0, 4.0, 3.0], 7.0, solver=slth.Greedy(polish=0)).error
    0.0
    """

    traits: ClassVar[Traits] = Traits.FIXED_SIZE
    passes: int = 100
    polish: int = 32

    def __post_init__(self) -> None:
        whole(self.passes, "passes", 0, 1 << 30, remedy="leave it at its default")
        whole(self.polish, "polish", 0, 44, remedy="leave it at its default")

    def decline(self, n: int, size: int | None) -> str | None:
        """Takes everything."""
        del n, size
        return None

    def memory(self, n: int, size: int | None, count: int, threads: int) -> int:
        """Sorted copies of the values and the polish's two lists."""
        del size, threads
        return 128 * n + 32 * (1 << -(-self.polish // 2)) + count * (n + 17)

    def run(self, task: Task) -> Rows:
        """Solve one row after the other."""

        def exactly(effects: Floats, residual: float) -> Bools:
            ranking = solve_large(effects, residual, threads=thread_count(task.threads))
            return bits_to_bools(ranking.identity, len(effects))

        return row_by_row(
            task,
            lambda values, target, _: greedy_swaps(
                values, target, size=task.size, passes=self.passes, polish=self.polish, exact_solve=exactly
            ),
        )


def lattice_fits(task: Task) -> bool:
    """Whether the first row's sums span few enough steps for the bitset to be the obvious choice."""
    return _span_fits(task, sum(map(abs, integer_form(task.row(0))[0])))


def decimal_grid(task: Task) -> str | None:
    """The step, as "0.01", where all values are the doubles of few decimal digits, and their bitset fits."""
    for digits in range(1, MOST_DIGITS + 1):
        with np.errstate(over="ignore"):
            multiples = np.rint(task.values * 10.0**digits)
        if np.array_equal(multiples / 10.0**digits, task.values):
            span = float(np.abs(multiples).sum(axis=1).max())
            return f"{10.0**-digits:.{digits}f}" if span < EXACT_INTEGERS and _span_fits(task, int(span)) else None
    return None


def _span_fits(task: Task, span: int) -> bool:
    sets = 1 if task.size is None else min(task.size, task.n - task.size) + 1
    words = task.n * (span // 64 + 1) * sets
    recovery = 4 * span * sets
    return words <= WORDS_IN_REACH and granted(span // 8 * sets + recovery)
