"""Lueker's theorem with its constants: each step of the proof on a grid, the numbers, and the recurrence simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slth.theory import bounds


def psi(p):
    return np.log2(p) - np.log1p(-p) + p / 2


def test_the_potential_rises_by_at_least_the_growth():
    """psi(q) - psi(p) >= (q - p) / (p (1 - p)) for all p < q <= min(2 p, 1), on a grid that is finer at both ends."""
    ends = np.geomspace(1e-6, 0.5, 700)
    for p in np.concatenate([ends, 1.0 - ends[:-1]]):
        q = p + (min(2.0 * p, 1.0) - p) * np.geomspace(1e-4, 1.0 - 1e-9, 300)
        assert (psi(q) - psi(p) >= (q - p) / (p * (1.0 - p)) * (1.0 - 1e-7)).all()


@pytest.mark.parametrize("eps", [0.5, 0.01, 1e-9])
def test_the_rise_to_full_coverage_is_below_what_is_reckoned_with(eps):
    rise = psi(1.0 - eps / 2.0) - psi(eps)
    assert rise < math.log2(1.0 / eps) + math.log(2.0 / eps) + 1.0


@pytest.mark.parametrize(("eps", "delta"), [(0.01, 0.01), (0.3, 0.5), (1e-9, 1e-6)])
def test_candidates_are_the_least_for_their_failure(eps, delta):
    n = bounds["derived.uniform.candidates"](eps=eps, delta=delta)
    failure = bounds["derived.uniform.failure"]
    assert failure(n=n, eps=eps) <= delta < failure(n=n - 1, eps=eps)


def test_the_recurrence_fails_less_often_than_promised():
    """200 samples at eps = 0.02 on a grid of 4,000 places: at n = 60 more than 25 have probability below 1e-4."""
    rng, cells, eps = np.random.default_rng(0), 4000, 0.02
    places = (np.arange(cells) + 0.5) / cells - 0.5
    failures = {40: 0, 60: 0, 80: 0}
    for _ in range(200):
        covered = np.abs(places) <= eps / 2.0
        for n, x in enumerate(rng.uniform(-1.0, 1.0, 80), start=1):
            shift = round(x * cells)
            moved = np.zeros(cells, bool)
            if abs(shift) < cells:
                moved[max(shift, 0) : cells + min(shift, 0)] = covered[max(-shift, 0) : cells - max(shift, 0)]
            covered = covered | moved
            if n in failures:
                failures[n] += covered.mean() < 1.0 - eps / 2.0
    for n, count in failures.items():
        promised = bounds["derived.uniform.failure"](n=n, eps=eps)
        assert count <= 200 * promised + 4.0 * math.sqrt(200 * promised) + 1
    assert bounds["derived.uniform.failure"](n=60, eps=eps) < 0.06
