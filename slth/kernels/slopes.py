"""Gradient steps on the slopes of linear bounds: what each unit does to rows of coefficients, there and back again.

A unit takes z within [low, high] in a target and z + e, e within [below, above], in a ticket, and gives h = max(z, 0)
and r = max(z + e, 0) - h. One pass of registers an entry takes the place of some eighty passes over arrays. All numbers
are float32: nothing of this counts, what it leads to is evaluated again (:mod:`slth.certificates.carried`).
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

ONE, ZERO = np.float32(1.0), np.float32(0.0)


@inline_kernel
def within(value, low, high):
    """Return the nearest number of [low, high]."""
    return min(max(value, low), high)


@inline_kernel
def better(p, a, beta, sigma, z, e, best, best_z, best_e):
    """Return the larger of ``best`` and p h + a r - beta z - sigma e, and where that is."""
    h = max(z, ZERO)
    value = p * h - beta * z + a * (max(z + e, ZERO) - h) - sigma * e
    return (value, z, e) if value > best else (best, best_z, best_e)


@kernel
def through(rows, first, moved, ranges, chord, slopes, out):
    """Carry rows through units: the first symbol's column and whether there are coefficients on differences are given.

    Arrays, all float32: rows [rows, symbols]; ranges [4, 1 or rows, n], low, high, below, above; chord [1 or rows, n];
    slopes [3, rows, n]; out [5, rows, n], slope, beta, sigma and the z and e where the maximum is attained.
    """
    count = chord.shape[1]
    for i in range(rows.shape[0]):
        own = min(i, chord.shape[0] - 1)
        on_values, on_differences = rows[i, first : first + count], rows[i, first + count : first + 2 * count]
        lows, highs, belows, aboves = ranges[0, own], ranges[1, own], ranges[2, own], ranges[3, own]
        rises, lower, in_moves, shift = chord[own], slopes[0, i], slopes[1, i], slopes[2, i]
        slope_out, beta_out, sigma_out, z_out, e_out = out[0, i], out[1, i], out[2, i], out[3, i], out[4, i]
        for j in range(count):
            p, low, high = on_values[j], lows[j], highs[j]
            slope = rises[j] if p > ZERO else lower[j]
            beta = p * slope + shift[j]
            slope_out[j], beta_out[j] = slope, beta
            nearest = within(ZERO, low, high)
            best, best_z, best_e = p * max(low, ZERO) - beta * low, low, ZERO
            best, best_z, best_e = better(p, ZERO, beta, ZERO, nearest, ZERO, best, best_z, best_e)
            best, best_z, best_e = better(p, ZERO, beta, ZERO, high, ZERO, best, best_z, best_e)
            z_out[j], e_out[j] = best_z, best_e
        if not moved:
            continue
        for j in range(count):
            p, a, beta, low, high, below, above = (
                on_values[j], on_differences[j], beta_out[j], lows[j], highs[j], belows[j], aboves[j],
            )  # fmt: skip
            sigma = a * in_moves[j]
            sigma_out[j] = sigma
            nearest = within(ZERO, low, high)
            h = max(low, ZERO)
            best = p * h - beta * low + a * (max(low + below, ZERO) - h) - sigma * below
            z, e = low, below
            best, z, e = better(p, a, beta, sigma, nearest, below, best, z, e)
            best, z, e = better(p, a, beta, sigma, high, below, best, z, e)
            best, z, e = better(p, a, beta, sigma, low, above, best, z, e)
            best, z, e = better(p, a, beta, sigma, high, above, best, z, e)
            best, z, e = better(p, a, beta, sigma, nearest, above, best, z, e)
            best, z, e = better(p, a, beta, sigma, nearest, within(ZERO, below, above), best, z, e)
            best, z, e = better(p, a, beta, sigma, within(-below, low, high), below, best, z, e)
            best, z, e = better(p, a, beta, sigma, within(-above, low, high), above, best, z, e)
            best, z, e = better(p, a, beta, sigma, low, within(-low, below, above), best, z, e)
            best, z, e = better(p, a, beta, sigma, high, within(-high, below, above), best, z, e)
            z_out[j], e_out[j] = z, e


@kernel
def attained(rows, lower, upper, at):
    """Fill in the values of all symbols where the ranges' ends are attained: rows, at [rows, n]; lower, upper [n]."""
    for i in range(rows.shape[0]):
        row, out = rows[i], at[i]
        for j in range(row.size):
            out[j] = upper[j] if row[j] > ZERO else lower[j]


@kernel
def step(rows, first, moved, values, moves, at, slopes, out, lost, moments, strides, gaps, numbers):
    """Take one step (Adam) down the gradients by the slopes, and fill in the values of the units' symbols.

    Arrays beside those of :func:`through`: values, moves [rows, n], what the units take; at [rows, symbols]; lost
    [2, 1 or rows, n], the most that values and differences lose; moments [2, 3, rows, n]; strides [3, rows, n]; gaps
    [rows, n], what each unit adds by being relaxed; numbers [4], the rate, both memories, and the share of ``lost``.
    """
    count = strides.shape[2]
    rate, memory, long_memory, share = numbers[0], numbers[1], numbers[2], numbers[3]
    for i in range(rows.shape[0]):
        own = min(i, lost.shape[1] - 1)
        on_values, on_differences = rows[i, first : first + count], rows[i, first + count : first + 2 * count]
        at_values, at_differences = at[i, first : first + count], at[i, first + count : first + 2 * count]
        seen, seen_moves, loss, loss_moves, gap = values[i], moves[i], lost[0, own], lost[1, own], gaps[i]
        slope_out, z_out, e_out = out[0, i], out[3, i], out[4, i]
        for j in range(count):
            p, value, h = on_values[j], seen[j], max(z_out[j], ZERO)
            here = value - z_out[j]
            behind = slope_out[j] * here + h
            at_values[j] = behind
            gap[j] = abs(p) * (abs(behind - max(value, ZERO)) + share * loss[j])
            gradient = min(p, ZERO) * here
            moments[0, 0, i, j] += (ONE - memory) * (gradient - moments[0, 0, i, j])
            moments[1, 0, i, j] += (ONE - long_memory) * (gradient * gradient - moments[1, 0, i, j])
            moments[0, 2, i, j] += (ONE - memory) * (here - moments[0, 2, i, j])
            moments[1, 2, i, j] += (ONE - long_memory) * (here * here - moments[1, 2, i, j])
        if moved:
            in_moves, first_moment, second_moment = slopes[1, i], moments[0, 1, i], moments[1, 1, i]
            for j in range(count):
                a, z, e, value = on_differences[j], z_out[j], e_out[j], seen[j]
                here = seen_moves[j] - e
                h = max(z, ZERO)
                behind = in_moves[j] * here + max(z + e, ZERO) - h
                at_differences[j] = behind
                true = max(value + seen_moves[j], ZERO) - max(value, ZERO)
                gap[j] += abs(a) * (abs(behind - true) + share * loss_moves[j])
                gradient = a * here
                first_moment[j] += (ONE - memory) * (gradient - first_moment[j])
                second_moment[j] += (ONE - long_memory) * (gradient * gradient - second_moment[j])
        for k in range(3):
            own_slopes, mean, square, stride = slopes[k, i], moments[0, k, i], moments[1, k, i], strides[k, i]
            for j in range(count):
                new = own_slopes[j] - rate * stride[j] * mean[j] / (np.sqrt(square[j]) + np.float32(1e-18))
                own_slopes[j] = within(new, ZERO, ONE) if k < 2 else new
