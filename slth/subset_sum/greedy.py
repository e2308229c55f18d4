"""Greedy descent with exchanges: any n, any start, with or without a fixed size."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.kernels.greedy import NO_ITEM, descend, flip_pairs, swap_pairs
from slth.subset_sum.differencing import largest_differencing
from slth.subset_sum.dyadic import Outcome
from slth.subset_sum.status import Status

ExactSolve = Callable[[Floats, float], Bools]

KEY_BITS = 60  # the sum of two effects and a residual stays within int64


def greedy_swaps(
    values: Floats,
    target: float,
    *,
    size: int | None = None,
    start: Bools | None = None,
    passes: int = 100,
    polish: int = 32,
    exact_solve: ExactSolve | None = None,
) -> Outcome:
    """A subset whose sum is near the target and that no flip of one or two values improves.

    Largest values first, each is taken if that brings the sum nearer; then the best of all flips of one or two values
    is made again and again (n steps each, by two pointers); then `polish` further flips are chosen exactly so as to
    close what is left. With a size, the start is one value out of each of `size` pairs of neighbours in sorted order,
    chosen by differencing, or a run of neighbours; and a flip is an exchange of one inside for one outside.

    Shapes: values float64[n]; start bool[n].
    """
    values = np.array(values)  # the kernels then meet one kind of array, writable, and are compiled once
    order = np.argsort(-np.abs(values), kind="stable")
    if start is not None:
        subset = np.array(start, dtype=np.bool_)
    elif size is not None:
        subset = _better(values, target, _run_of(values, target, size), _one_of_each_pair(values, target, size))
    else:
        subset = np.zeros(len(values), dtype=np.bool_)
    if size is None:
        candidate = subset.copy()
        descend(values, order, candidate, _residual(values, target, subset))
        subset = _better(values, target, subset, candidate)
    improve = _flipped if size is None else _swapped
    subset, used = improve(values, target, subset, passes)
    work = {"flips": used, "polished": 0}
    if polish > 0 and exact_solve is not None and _residual(values, target, subset) != 0.0:
        polished = _polished(values, target, subset, polish, exact_solve, fixed=size is not None)
        if polished is not subset:
            subset, again = improve(values, target, polished, passes)
            work = {"flips": used + again, "polished": polish}
            used = again
    return Outcome(subset, 0.0, Status.HEURISTIC, {**work, "local_optimum": used < passes})


def _residual(values: Floats, target: float, subset: Bools) -> float:
    """Target - sum of the chosen values, correctly rounded."""
    return _residual_of(values[subset], target)


def _residual_of(chosen: Floats, target: float) -> float:
    return math.fsum([target, *(-chosen).tolist()])


def _better(values: Floats, target: float, subset: Bools, candidate: Bools) -> Bools:
    """The candidate if it is strictly nearer to the target."""
    nearer = abs(_residual(values, target, candidate)) < abs(_residual(values, target, subset))
    return candidate if nearer else subset


def _run_of(values: Floats, target: float, size: int) -> Bools:
    """The `size` neighbours in sorted order whose sum is nearest to the target: such sums grow along the order."""
    order = np.argsort(values, kind="stable")
    sums = np.concatenate([np.zeros(1), np.cumsum(values[order])])
    at = int(np.argmin(np.abs(sums[size:] - sums[: len(sums) - size] - target)))
    subset = np.zeros(len(values), dtype=np.bool_)
    subset[order[at : at + size]] = True
    return subset


def _one_of_each_pair(values: Floats, target: float, size: int) -> Bools:
    """One out of each of `size` pairs of neighbours: a choice between small differences."""
    n = len(values)
    if 2 * size > n:
        return ~_one_of_each_pair(values, math.fsum([*values.tolist(), -target]), n - size)
    subset = np.zeros(n, dtype=np.bool_)
    if size == 0:
        return subset
    order = np.argsort(values, kind="stable")
    sums = np.concatenate([np.zeros(1), np.cumsum(values[order])])
    at = int(np.argmin(np.abs((sums[2 * size :] - sums[: n + 1 - 2 * size]) / 2.0 - target)))
    low, high = order[at : at + 2 * size : 2], order[at + 1 : at + 2 * size : 2]
    takes_high = largest_differencing(values[high] - values[low], _residual_of(values[low], target)).subset
    subset[np.where(takes_high, high, low)] = True
    return subset


def _to_keys(numbers: Floats, residual: float) -> tuple[Indices, int]:
    """Numbers and residual on a common scale, as integers below 2**60."""
    largest = max(abs(residual), float(np.max(np.abs(numbers), initial=0.0)))
    scale = KEY_BITS - math.frexp(largest)[1]
    half = scale // 2
    keys = np.rint(numbers * math.ldexp(1.0, half) * math.ldexp(1.0, scale - half)).astype(np.int64)
    return keys, round(math.ldexp(residual, scale))


def _flipped(values: Floats, target: float, subset: Bools, passes: int) -> tuple[Bools, int]:
    residual = _residual(values, target, subset)
    effects, rest = _to_keys(np.append(np.where(subset, -values, values), 0.0), residual)
    order = np.argsort(effects, kind="stable")
    items = np.where(order == len(values), NO_ITEM, order)
    candidate = subset.copy()
    _, used = flip_pairs(effects[order], items, rest, passes, candidate)
    return _better(values, target, subset, candidate), int(used)


def _swapped(values: Floats, target: float, subset: Bools, passes: int) -> tuple[Bools, int]:
    keys, rest = _to_keys(values, _residual(values, target, subset))
    order = np.argsort(keys, kind="stable")
    inside, outside = order[subset[order]], order[~subset[order]]
    candidate = subset.copy()
    _, used = swap_pairs(keys[inside], inside, keys[outside], outside, rest, passes, candidate)
    return _better(values, target, subset, candidate), int(used)


def _polished(
    values: Floats, target: float, subset: Bools, count: int, exact_solve: ExactSolve, *, fixed: bool
) -> Bools:
    """Choose among a few moves exactly; a move flips one value or, with a fixed size, exchanges two neighbours."""
    first, second, effects = _exchanges(values, subset) if fixed else _flips(values, subset)
    residual = _residual(values, target, subset)
    moves = _selected(effects, residual, count)
    if len(moves) == 0:
        return subset
    made = moves[exact_solve(np.ascontiguousarray(effects[moves]), residual)]
    candidate = subset.copy()
    candidate[first[made]] = ~candidate[first[made]]
    if fixed:
        candidate[second[made]] = ~candidate[second[made]]
    return _better(values, target, subset, candidate)


def _flips(values: Floats, subset: Bools) -> tuple[Indices, Indices, Floats]:
    items = np.flatnonzero(values)
    return items, items, np.where(subset, -values, values)[items]


def _exchanges(values: Floats, subset: Bools) -> tuple[Indices, Indices, Floats]:
    """Disjoint pairs of neighbours in sorted order of which one is inside: their exchange changes the sum little."""
    order = np.argsort(values, kind="stable")
    differs = np.flatnonzero(subset[order][1:] != subset[order][:-1])
    # Of consecutive overlapping pairs every other one: the parity of the place within the stretch decides.
    stretch = np.cumsum(np.diff(differs, prepend=-2) > 1)
    start = np.searchsorted(stretch, stretch)
    differs = differs[(np.arange(len(differs)) - start) % 2 == 0]
    low, high = order[differs], order[differs + 1]
    effects = np.where(subset[low], 1.0, -1.0) * (values[high] - values[low])
    moving = effects != 0.0
    return low[moving], high[moving], effects[moving]


def _selected(effects: Floats, residual: float, count: int) -> Indices:
    """The moves whose subset sums should come nearest to the residual.

    The sums of m effects are spread like a normal law with mean sum / 2 and variance (sum of squares) / 4, 2^m of them:
    the error to be expected is smallest where sd * exp(z^2 / 2) is, z being the residual in that law. So small effects
    are wanted, of both signs in balance: two runs, one among the sorted positive and one among the negative effects.
    """
    order = np.argsort(np.abs(effects), kind="stable")
    if len(order) <= count:
        return order
    rising, falling = order[effects[order] > 0.0], order[effects[order] < 0.0]
    unit = float(np.abs(effects[order[-1]]))
    effects, residual = effects / unit, residual / unit  # so that no square overflows
    risers = min(len(rising), max(count // 2, count - len(falling)))
    fallers = count - risers
    up, up_squares = _run_sums(effects[rising], risers)
    down, down_squares = _run_sums(effects[falling], fallers)
    partner = np.clip(np.searchsorted(-down, up - 2.0 * residual), 0, len(down) - 1)
    variance = np.maximum((up_squares + down_squares[partner]) / 4.0, np.finfo(np.float64).tiny)
    mean = (up + down[partner]) / 2.0
    with np.errstate(over="ignore"):
        at = int(np.argmin(np.log(variance) + (residual - mean) ** 2 / variance))
    after = int(partner[at])
    return np.concatenate([rising[at : at + risers], falling[after : after + fallers]])


def _run_sums(effects: Floats, length: int) -> tuple[Floats, Floats]:
    """Sums and sums of squares of every `length` neighbours."""
    sums, squares = (np.concatenate([np.zeros(1), np.cumsum(x)]) for x in (effects, effects**2))
    return sums[length:] - sums[: len(sums) - length], squares[length:] - squares[: len(squares) - length]
