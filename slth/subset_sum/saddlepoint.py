"""Density of the subset sums at a target by the saddlepoint approximation: good in the tails, where a normal is not.

With ``K(t) = sum(log(1 + exp(t x)))``, the sums tilted by ``exp(t s)`` have mean ``K'(t)`` and variance ``K''(t)``. The
tilt ``t`` that brings the mean to the target z gives ``rho(z) = exp(K(t) - t z) / sqrt(2 pi K''(t))`` sums per unit
length (Daniels, "Saddlepoint approximations in statistics", Annals of Mathematical Statistics 25, 1954; unverified).
At ``t = 0`` it is the normal density. Beyond the sums of all negative and of all positive values it is 0.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from slth.arrays import Floats

LARGEST_TILT = 1e6  # in units of the inverse of the largest value
STEPS = 100  # enough for bisection alone; the Newton steps inside the bracket need about ten


def log_density(values: Floats, targets: Floats) -> Floats:
    """Natural logarithm of the density of subset sums at each target, -inf out of reach.

    Shapes: values float64[B, n]; targets float64[B].
    """
    reach_low, reach_high = np.minimum(values, 0.0).sum(axis=1), np.maximum(values, 0.0).sum(axis=1)
    inside = (reach_low < targets) & (targets < reach_high)
    rows, goals = values[inside], targets[inside]
    tilt = _tilt(rows, goals)
    shares = expit(tilt[:, None] * rows)
    variance = (rows * rows * shares * (1.0 - shares)).sum(axis=1)
    cumulant = np.logaddexp(0.0, tilt[:, None] * rows).sum(axis=1) - math.log(2.0) * (rows == 0.0).sum(axis=1)
    result = np.full(len(targets), -np.inf)
    result[inside] = cumulant - tilt * goals - 0.5 * np.log(2.0 * math.pi * np.maximum(variance, 1e-300))
    return result


def _tilt(rows: Floats, goals: Floats) -> Floats:
    """Root of the increasing function K'(t) - goal, by Newton steps kept inside a shrinking bracket."""
    low, high = np.full(len(goals), -LARGEST_TILT), np.full(len(goals), LARGEST_TILT)
    tilt = np.zeros(len(goals))
    for _ in range(STEPS):
        shares = expit(tilt[:, None] * rows)
        excess = (rows * shares).sum(axis=1) - goals
        slope = (rows * rows * shares * (1.0 - shares)).sum(axis=1)
        low, high = np.where(excess < 0.0, tilt, low), np.where(excess < 0.0, high, tilt)
        step = tilt - excess / np.maximum(slope, 1e-300)
        following = np.where((low < step) & (step < high), step, (low + high) / 2.0)
        settled = np.abs(following - tilt) <= 1e-12 * (1.0 + np.abs(tilt))
        tilt = following
        if settled.all():
            break
    return tilt
