"""How many subsets of random channels come near a target, where no search goes: averaged, and for given channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, ive, log_ndtr

from slth.arrays import Floats
from slth.theory.derived.gaussian import log_sum

TILTS, RADII, DEEP = 201, 121, 6.0
"""Tilts of the scales, and errors on a grid of logarithms that reaches so far below the target's length."""
SMALL = 0.1
"""Nats a coordinate that the density may fall within the error, where the typical threshold is given."""
FREE = 2.0
"""Vectors a coordinate that the target leaves free, from which the saddlepoint counts as good."""
NARROW = 1e-9
STEPS = 60


@dataclass(frozen=True, eq=False)
class Expected:
    r"""The expected number of subsets of :math:`s_i v_i` near a target, over Gaussian v, for given scales s.

    A sum with :math:`q = \sum_S s_i^2` is :math:`N(0, q I)`: only the number of subsets with each q is approximate, by
    the saddlepoint. Shapes: spreads (q), log_numbers float64[tilts]; log_errors, log_expected float64[radii].
    """

    length: float
    dimension: int
    spreads: Floats
    log_numbers: Floats
    log_errors: Floats
    log_expected: Floats

    @classmethod
    def of(cls, squares: Floats, length: float, dimension: int) -> Expected:
        """Count by the squares of the scales, around a target of some length."""
        spreads, log_numbers = subsets_by_spread(squares)
        log_errors = math.log(length) + np.linspace(-DEEP, 0.0, RADII)
        spreads = np.maximum(spreads, NARROW * length**2)  # as good as the empty set
        shells = log_shell(np.exp(log_errors), spreads[:, None], length, dimension) + log_numbers[:, None]
        by_error = np.logaddexp.reduce(shells, axis=0) + log_errors  # a number for each unit of ln(error)
        step = log_errors[1] - log_errors[0]
        below = by_error[0] - math.log(dimension)  # as the error to the power D
        rise = np.maximum(np.abs(np.diff(by_error)), 1e-9)  # between two errors as a power of them
        pieces = np.maximum(by_error[1:], by_error[:-1]) + np.log(-np.expm1(-rise) / rise * step)
        inside = np.logaddexp.accumulate(pieces)
        log_expected = np.concatenate([[below], np.logaddexp(below, inside)])
        return cls(length, dimension, spreads, log_numbers, log_errors, log_expected)

    def log_number(self, error: float) -> float:
        """Return the logarithm of the expected number of subsets with at most an error in the l2 norm."""
        if (log_error := math.log(error)) < self.log_errors[0]:
            return float(self.log_expected[0] + self.dimension * (log_error - self.log_errors[0]))
        return float(np.interp(log_error, self.log_errors, self.log_expected))

    def threshold_bits(self) -> float:
        """Return log2(length / error) for the error at which one subset is expected; 0 where none is at all."""
        if self.log_expected[0] > 0.0:
            log_error = self.log_errors[0] - self.log_expected[0] / self.dimension
        else:
            log_error = float(np.interp(0.0, self.log_expected, self.log_errors))
        return float(math.log(self.length) - log_error) / math.log(2.0)


def subsets_by_spread(squares: Floats) -> tuple[Floats, Floats]:
    """Return sums of squares over subsets, and the logarithms of how many subsets each stands for, by tilting."""
    share = np.linspace(-0.99, 0.99, TILTS)
    tilts = share / (1.0 - np.abs(share)) / squares.mean()
    widths = 1.0 / (1.0 - np.abs(share)) ** 2 * (share[1] - share[0]) / squares.mean()
    chosen = [expit(-tilt * squares) for tilt in tilts]
    spreads = np.array([one @ squares for one in chosen])
    variances = np.array([(one * (1.0 - one)) @ squares**2 for one in chosen])
    cumulants = np.array([np.logaddexp(0.0, -tilt * squares).sum() for tilt in tilts])
    with np.errstate(divide="ignore"):
        numbers = cumulants + tilts * spreads + 0.5 * np.log(variances) + np.log(widths)
    return spreads, numbers + len(squares) * math.log(2.0) - log_sum(numbers)  # all subsets together


def log_shell(error: Floats, spread: Floats, length: float, dimension: int) -> Floats:
    """Return the logarithm of the density of |N(0, q I) - z| at an error, for a target z of some length."""
    half, x = 0.5 * dimension, error * length / spread
    bessel = ive(half - 1.0, x)
    with np.errstate(divide="ignore"):
        far = gammaln(half) + (1.0 - half) * np.log(0.5 * x) + np.log(bessel) + x
    first = 0.25 * x * x / half
    near = first - first**2 / dimension  # of large dimensions, where the function of Bessel underflows
    surface = math.log(2.0) + half * math.log(math.pi) - gammaln(half) + (dimension - 1.0) * np.log(error)
    normal = -half * np.log(2.0 * math.pi * spread) - 0.5 * (length**2 + error**2) / spread
    return np.asarray(surface + normal + np.where(bessel < 1e-280, near, far))


def log_number_in_box(counted: Expected, goal: Floats, error: float) -> float:
    """Return the logarithm of the expected number of subsets with at most an error in every entry.

    Shapes: goal float64[D].
    """
    roots, entries = np.sqrt(counted.spreads)[:, None], np.abs(goal)
    near, far = log_ndtr((error - entries) / roots), log_ndtr((-error - entries) / roots)
    inside = near + np.log(-np.expm1(np.minimum(far - near, -1e-300)))
    return log_sum(counted.log_numbers + inside.sum(axis=1))


def largest_entry_bits(counted: Expected, goal: Floats) -> float:
    """Return log2(largest entry / error) for the largest error of an entry at which one subset is expected."""
    largest = float(np.abs(goal).max())
    low, high = math.log(largest) - DEEP, math.log(largest)
    if (deep := log_number_in_box(counted, goal, math.exp(low))) > 0.0:  # as the error to the power D
        return (DEEP + deep / len(goal)) / math.log(2.0)
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        some = log_number_in_box(counted, goal, math.exp(middle)) > 0.0
        low, high = (low, middle) if some else (middle, high)
    return (math.log(largest) - high) / math.log(2.0)


def typical_bits(values: Floats, goal: Floats) -> float | None:
    """Return the same for these very vectors, by the saddlepoint of their sums; None where the error is not small.

    Shapes: values float64[n, D]; goal float64[D].
    """
    dimension, tilt = len(goal), np.zeros(len(goal))

    def cumulant(at: Floats) -> float:
        return float(np.logaddexp(0.0, values @ at).sum() - at @ goal)

    for _ in range(STEPS):
        chosen = expit(values @ tilt)
        if 4.0 * float(chosen @ (1.0 - chosen)) < FREE * dimension:
            return None  # the target is at the end of what they reach
        covariance = (values * (chosen * (1.0 - chosen))[:, None]).T @ values
        step = np.linalg.solve(covariance, goal - chosen @ values)
        size, fall = 1.0, float(step @ (goal - chosen @ values))
        if fall < 1e-9:
            break
        while cumulant(tilt + size * step) > cumulant(tilt) - 0.25 * size * fall and size > 1e-6:
            size /= 2.0
        tilt = tilt + size * step
    else:
        return None
    half = 0.5 * dimension
    log_density = cumulant(tilt) - half * math.log(2.0 * math.pi) - 0.5 * np.linalg.slogdet(covariance)[1]
    log_ball = half * math.log(math.pi) - float(gammaln(half + 1.0))
    fall = float(np.trace(np.linalg.inv(covariance))) / (2.0 * dimension + 4.0)
    log_error = -(log_density + log_ball) / dimension
    for _ in range(STEPS):  # within the error the density falls by exp(-fall error^2), as a mean
        if fall * math.exp(2.0 * log_error) > SMALL * dimension:
            return None
        log_error = (fall * math.exp(2.0 * log_error) - log_density - log_ball) / dimension
    return float(0.5 * math.log(goal @ goal) - log_error) / math.log(2.0)
