"""Vector subset sums by flips: descent over a band of candidates, annealing over a window of small ones.

A *flip* takes a candidate x in or out of the subset. With the residual r = target - sum and sign = +1 outside, -1
inside, it changes |r|^2 by |x|^2 - 2 sign x.r. Vectors are stored twice, as rows (candidate by candidate) and as
columns (coordinate by coordinate): every loop below then runs along consecutive numbers without adding them up, so
that it becomes vector instructions although the order of each sum is fixed, and results are the same everywhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from slth.kernels._jit import inline_kernel, kernel
from slth.kernels.normal import natural_logarithm

EXPONENTIALS = 4096  # a power of two: positions in the table wrap around by a mask
TILE = 64  # columns of the Gram matrix computed side by side: their sums stay in the first-level cache
MULTIPLIER = np.uint64(6364136223846793005)  # Knuth's linear congruential generator, modulus 2**64
INCREMENT = np.uint64(1442695040888963407)
TOP_12_BITS = np.uint64(52)
MIDDLE_12_BITS = np.uint64(20)
TWELVE_ONES = np.uint64(0xFFF)


@kernel
def exponentials(table):
    """Fill float32[EXPONENTIALS] with -log((j + 1/2) / EXPONENTIALS) in a shuffled order, always the same."""
    for j in range(EXPONENTIALS):
        table[j] = -natural_logarithm((j + 0.5) / EXPONENTIALS)
    state = np.uint64(1)
    for j in range(EXPONENTIALS - 1, 0, -1):
        state = state * MULTIPLIER + INCREMENT
        other = np.int64(state >> np.uint64(33)) % (j + 1)
        table[j], table[other] = table[other], table[j]


@kernel
def products(columns, vector, out):
    """out[i] = x_i . vector, from columns float64[D, N]."""
    out[:] = 0.0
    for k in range(columns.shape[0]):
        factor = vector[k]
        column = columns[k]
        for i in range(out.size):
            out[i] += factor * column[i]


@kernel
def descend(rows, columns, squares, chosen, residual, count, least, most, steps):
    """Make the best flip while it brings |residual| down, at most `steps` of them; returns (flips, count).

    The number of chosen candidates, `count` at the start, is kept within least .. most (it may start outside).
    """
    n = squares.size
    inner = np.empty(n)
    for step in range(steps):
        products(columns, residual, inner)
        best = 0.0
        best_i = -1
        for i in range(n):
            if chosen[i]:
                change = squares[i] + 2.0 * inner[i]
                allowed = count > least
            else:
                change = squares[i] - 2.0 * inner[i]
                allowed = count < most
            if change < best and allowed:
                best = change
                best_i = i
        # A gain within the rounding of the inner products could be made and unmade for ever.
        if best_i < 0 or -best <= 1e-13 * squares[best_i]:
            return step, count
        sign = -1.0 if chosen[best_i] else 1.0
        for k in range(residual.size):
            residual[k] -= sign * rows[best_i, k]
        chosen[best_i] = not chosen[best_i]
        count += 1 if sign > 0.0 else -1
    return steps, count


@kernel
def gram(columns, products_of_pairs):
    """products_of_pairs[i, j] = x_i . x_j as float32[N, N], from columns float32[D, N]."""
    dimension, n = columns.shape
    sums = np.empty((4, TILE), np.float32)
    for top in range(0, n, 4):
        height = min(4, n - top)
        for left in range(top - top % TILE, n, TILE):
            width = min(TILE, n - left)
            sums[:] = np.float32(0.0)
            for k in range(dimension):
                x = columns[k, left : left + width]
                a = columns[k, top]
                b = columns[k, min(top + 1, n - 1)]
                c = columns[k, min(top + 2, n - 1)]
                d = columns[k, min(top + 3, n - 1)]
                for j in range(width):
                    sums[0, j] += a * x[j]
                    sums[1, j] += b * x[j]
                    sums[2, j] += c * x[j]
                    sums[3, j] += d * x[j]
            for i in range(height):
                for j in range(width):
                    products_of_pairs[top + i, left + j] = sums[i, j]
    for i in range(n):
        for j in range(i - i % TILE):
            products_of_pairs[i, j] = products_of_pairs[j, i]


@inline_kernel
def _restart(rows, columns, sign, low, high, base, residual, inner):
    """Residual and inner products of the present subset in double precision, so that no rounding piles up."""
    residual[:] = base
    for i in range(sign.size):
        if sign[i] < 0.0:
            row = rows[i]
            for k in range(residual.size):
                residual[k] -= row[k]
    exact = np.zeros(high - low)
    for k in range(residual.size):
        factor = residual[k]
        column = columns[k, low:high]
        for i in range(exact.size):
            exact[i] += factor * column[i]
    energy = 0.0
    for k in range(residual.size):
        energy += residual[k] * residual[k]
    for i in range(low, high):
        inner[i] = exact[i - low]
    return energy


class Candidates(NamedTuple):
    """What may be flipped, sorted by increasing squares, and what their sum should be.

    ``rows`` float64[N, D], ``columns`` float64[D, N], ``pairs`` the Gram matrix float32[N, N], ``squares`` its diagonal
    float32[N], ``base`` float64[D] the target when none is chosen.
    """

    rows: Any
    columns: Any
    pairs: Any
    squares: Any
    base: Any


class Schedule(NamedTuple):
    """How walks cool down.

    ``temperatures`` float64[L] fall; at each the candidates tried are swept ``sweeps`` times. At temperature T only
    those with coldest T <= |x|^2 <= hottest T are tried: shorter ones change nothing yet, longer ones are frozen; nor
    are the longest of them whose flip would cost more than ``reach`` T. With a ``price`` > 0 the number chosen at the
    start is to be kept: being e away from it costs e^2 price T, and only subsets of this number are remembered.
    """

    temperatures: Any
    sweeps: int
    hottest: float
    reach: float
    coldest: float
    price: float


@inline_kernel
def _sweep(window, pairs, low, table, draw, temperature, price, walked, sign, chosen):
    """Try each candidate from `low` on once; `walked` = (flips, energy, best, missing), returned as they are after."""
    lengths, tried, signs = window
    at, stride = draw
    flips, energy, best, missing = walked
    unit = np.float32(price * temperature)
    for i in range(tried.size):
        s = signs[i]
        change = lengths[i] - np.float32(2.0) * s * tried[i]
        toll = unit * (np.float32(1.0) - np.float32(2.0) * s * missing)
        if change + toll < temperature * table[at]:
            flips += 1
            energy += change
            row = pairs[low + i, low : low + tried.size]
            for j in range(tried.size):
                tried[j] -= s * row[j]
            signs[i] = -s
            missing -= s
            if energy < best and (price == 0.0 or missing == 0.0):
                best = energy
                for j in range(chosen.size):
                    chosen[j] = sign[j] < 0.0
        at = (at + stride) & (EXPONENTIALS - 1)
    return flips, energy, best, missing


@kernel
def anneal(candidates, schedule, state, table, chosen):
    """Flip at falling temperatures, accepting a change d of |r|^2 if d < T e with e exponentially distributed.

    `state` (uint64) selects the walk. Writes the best subset met into `chosen` and returns the number of flips.
    """
    rows, columns, pairs, squares, base = candidates
    n = squares.size
    residual = np.empty_like(base)
    inner = np.zeros(n, np.float32)
    sign = np.empty(n, np.float32)
    for i in range(n):
        sign[i] = -1.0 if chosen[i] else 1.0
    best = _restart(rows, columns, sign, 0, 0, base, residual, inner)
    flips = 0
    missing = np.float32(0.0)  # how many fewer are chosen than at the start
    for level in range(schedule.temperatures.size):
        temperature = np.float32(schedule.temperatures[level])
        exact = np.float64(temperature)  # products below are those of doubles, compiled or not
        cost = schedule.reach * exact
        low = np.searchsorted(squares, schedule.coldest * exact)
        high = np.searchsorted(squares, schedule.hottest * exact)
        if high <= low:
            continue
        energy = _restart(rows, columns, sign, low, high, base, residual, inner)
        while high > low and squares[high - 1] - np.float32(2.0) * sign[high - 1] * inner[high - 1] > cost:
            high -= 1
        before = flips
        walked = flips, energy, best, missing
        # Slices from 0: loops over their whole length need no test for negative positions and become vector code.
        window = squares[low:high], inner[low:high], sign[low:high]
        for _ in range(schedule.sweeps):
            state = state * MULTIPLIER + INCREMENT
            draw = np.int64(state >> TOP_12_BITS), np.int64((state >> MIDDLE_12_BITS) & TWELVE_ONES) | 1
            walked = _sweep(window, pairs, low, table, draw, temperature, schedule.price, walked, sign, chosen)
        flips, energy, best, missing = walked
        if flips == before and low == 0:
            break
    return flips
