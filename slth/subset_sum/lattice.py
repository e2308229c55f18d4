"""Integers and multiples of a step: a bitset of all reachable sums, optimal with proof at any n that memory allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from slth.arrays import Bools, Floats
from slth.errors import ArgumentError
from slth.resources import Progress
from slth.subset_sum.dyadic import Outcome, beyond_reach, distance, float_below, integer_form
from slth.subset_sum.reachable import Plan, best_choice
from slth.subset_sum.status import Status


def lattice(
    values: Floats,
    target: float,
    *,
    size: int | None = None,
    grid: float | str | Fraction | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """The subset whose sum is nearest to the target, when the values are integers times a common step.

    Every double is an integer times a power of two, so this takes any values; it is meant for those whose sum is at
    most about 2^33 steps. A bitset of the reachable sums is shifted and or-ed once for each value: n R / 64 steps for a
    range of R sums. The search ends early if a sum as near as a multiple of the step can be is reached.

    Shapes: values float64[n].
    """
    if grid is None:
        integers, step = integer_form(values)
        slack = Fraction(0)
    else:
        step = _step(grid)
        integers, slack = _on_grid(values, step)
    goal = Fraction(target) / step
    work: dict[str, object] = {"step": float(step), "steps in sum": sum(abs(i) for i in integers)}
    subset = beyond_reach(integers, goal, size)
    status = Status.OPTIMAL if slack == 0 else Status.WITHIN_ROUNDING
    if subset is None:
        problem = _weights(integers, goal) if size is None else _weights_of_size(integers, goal, size)
        plan = Plan.within(memory, problem.weights, problem.goal, problem.size, n=len(values))
        taken, finished = best_choice(problem.weights, problem.goal, plan, progress=progress)
        status = status if finished else Status.INTERRUPTED
        subset = problem.subset(taken)
        work |= {"sums": plan.limit + 1, "bytes": plan.bytes, "recovery": plan.recovery}
    if status == Status.INTERRUPTED:
        return Outcome(subset, 0.0, status, work)
    least = max(Fraction(0), distance(integers, subset, goal) * step - slack)
    return Outcome(subset, float_below(least), status, work)


@dataclass(frozen=True)
class _Weights:
    """Nonnegative weights with the same question: which of them add up to the goal?"""

    weights: list[int]
    goal: Fraction
    size: int | None
    flipped: Bools  # values that are chosen when their weight is not

    def subset(self, taken: list[int]) -> Bools:
        chosen = np.zeros(len(self.weights), dtype=np.bool_)
        chosen[taken] = True
        return chosen ^ self.flipped


def _weights(integers: list[int], goal: Fraction) -> _Weights:
    """Magnitudes: leaving out a negative value adds its magnitude to the sum of all negative ones.

    Of the taken and the left out weights those with the smaller goal are looked for: the bitset need not reach beyond.
    """
    weights = [abs(i) for i in integers]
    goal -= sum(i for i in integers if i < 0)
    flipped = np.array([i < 0 for i in integers])
    if 2 * goal > sum(weights):
        goal = sum(weights) - goal
        flipped = np.array([i > 0 for i in integers])
    return _Weights(weights, goal, None, flipped)


def _weights_of_size(integers: list[int], goal: Fraction, size: int) -> _Weights:
    """With a fixed size every value may be lowered by the least one, and the common divisor may have grown."""
    n, least = len(integers), min(integers)
    weights = [i - least for i in integers]
    divisor = math.gcd(*weights) or 1
    weights = [w // divisor for w in weights]
    goal = (goal - size * least) / divisor
    few = 2 * size <= n
    if not few:
        goal = sum(weights) - goal
    return _Weights(weights, goal, size if few else n - size, np.full(n, not few))


def _step(grid: float | str | Fraction) -> Fraction:
    try:
        step = Fraction(repr(grid) if isinstance(grid, float) else grid)
        float(step)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ArgumentError("grid", grid, "must be a number", "pass a decimal step such as 0.1 or '1/3'") from None
    if step <= 0:
        raise ArgumentError("grid", grid, "must be positive", "pass a decimal step such as 0.1 or '1/3'")
    return step


def _on_grid(values: Floats, step: Fraction) -> tuple[list[int], Fraction]:
    """The nearest multiples, and the most that the roundings of any subset can add up to."""
    integers, above, below = [], Fraction(0), Fraction(0)
    for position, value in enumerate(values.tolist()):
        multiple = round(Fraction(value) / step)
        lost = Fraction(value) - multiple * step
        if abs(lost) > min(max(step / 10**6, 4 * Fraction(math.ulp(value))), step / 4):
            raise ArgumentError(
                f"values[{position}]", value, f"is not a multiple of grid={float(step)}", "pass a finer grid, or none"
            )
        integers.append(multiple)
        above, below = above + max(lost, Fraction(0)), below - min(lost, Fraction(0))
    return integers, max(above, below)
