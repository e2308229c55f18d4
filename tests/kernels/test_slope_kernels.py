"""Passes of gradient steps, entry by entry beside the same in float64."""

from __future__ import annotations

import numpy as np
import pytest

from slth.certificates.carried import _through
from slth.certificates.interval import Interval
from slth.certificates.symbols import Forms, Units
from slth.kernels.slopes import attained, step, through


def sample(seed, limited):
    rng = np.random.default_rng(seed)
    rows, count, first = 7, 40, 5
    none = Forms(np.zeros((count, 1)), np.zeros(count))
    ends = np.sort(rng.normal(size=(2, rows, count) if limited else (2, count)), axis=0)
    moves = np.sort(0.5 * rng.normal(size=(2, count)), axis=0)
    units = Units(first, none, none, Interval(*ends), Interval(*moves))
    coefficients = rng.normal(size=(rows, first + 2 * count)).astype(np.float32)
    slopes = rng.random((3, rows, count)).astype(np.float32)
    return rng, units, coefficients, slopes


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_point_found_attains_the_maximum(seed, moved, limited):
    _, units, rows, slopes = sample(seed, limited)
    middle = units.first + units.count
    on_values, on_differences = rows[:, units.first : middle], rows[:, middle:]
    out, own = np.zeros((5, *on_values.shape), np.float32), units.singles
    through(rows, units.first, moved, own.ranges, own.chord, slopes, out)
    wanted = _through(on_values, on_differences if moved else None, slopes, units.points, units.chord)
    slope, beta, sigma, z, e = out
    assert slope == pytest.approx(wanted.slope, rel=1e-5, abs=1e-6)
    assert beta == pytest.approx(wanted.beta, rel=1e-5, abs=1e-6)
    h = np.maximum(z, 0.0)
    found = on_values * h - beta * z
    if moved:
        assert sigma == pytest.approx(wanted.sigma, rel=1e-5, abs=1e-6)
        found += on_differences * (np.maximum(z + e, 0.0) - h) - sigma * e
    assert found == pytest.approx(wanted.sums.max(axis=0), abs=1e-5)
    assert (z >= own.ranges[0]).all()
    assert (z <= own.ranges[1]).all()


def test_ends_of_ranges_follow_the_signs():
    rows = np.array([[1.0, -2.0, 0.0]], np.float32)
    at = np.zeros_like(rows)
    attained(rows, np.array([-1.0, -2.0, -3.0], np.float32), np.array([1.0, 2.0, 3.0], np.float32), at)
    assert at.tolist() == [[1.0, -2.0, -3.0]]


@pytest.mark.parametrize("moved", [False, True])
def test_a_step_goes_down_the_gradients_and_stays_admissible(moved):
    rng, units, rows, slopes = sample(0, False)
    shape, own = slopes.shape[1:], units.singles
    out = np.zeros((5, *shape), np.float32)
    through(rows, units.first, moved, own.ranges, own.chord, slopes, out)
    values, moves = rng.normal(size=(2, *shape)).astype(np.float32)
    at, gaps = np.zeros_like(rows), np.zeros(shape, np.float32)
    moments, strides, before = np.zeros((2, *slopes.shape), np.float32), np.ones_like(slopes), slopes.copy()
    numbers = np.array([0.1, 0.8, 0.95, 0.1], np.float32)
    step(rows, units.first, moved, values, moves, at, slopes, out, own.lost, moments, strides, gaps, numbers)
    middle = units.first + units.count
    p, a, here, here_moves = rows[:, units.first : middle], rows[:, middle:], values - out[3], moves - out[4]
    gradients = np.stack([np.minimum(p, 0.0) * here, a * here_moves if moved else 0.0 * a, here])
    assert moments[0] == pytest.approx(0.2 * gradients, rel=1e-4, abs=1e-7)
    assert moments[1] == pytest.approx(0.05 * gradients**2, rel=1e-4, abs=1e-7)
    wanted = before - 0.1 * moments[0] / (np.sqrt(moments[1]) + 1e-18)
    wanted[:2] = np.clip(wanted[:2], 0.0, 1.0)
    assert slopes == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    h = np.maximum(out[3], 0.0)
    assert at[:, units.first : middle] == pytest.approx(out[0] * here + h, rel=1e-4, abs=1e-6)
    assert (gaps >= 0.0).all()
    assert (at[:, middle:] != 0.0).any() == moved
