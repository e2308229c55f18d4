"""Binary sources and re-sampling: limits, relations and a simulation of the explicit lemma."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slth.theory import binary, bounds


def test_the_multi_prize_width_is_a_sum_of_two_terms():
    """The first term alone as eps goes to 0; the second is what remains."""
    wide = binary.multi_prize_width.formula(width=100, depth=3, eps=1e-12, constant=1.0)
    assert wide * 1e-12 == pytest.approx(3 * 100**1.5, rel=1e-6)
    wide = binary.multi_prize_width.formula(width=100, depth=3, eps=0.5, constant=2.0)
    assert wide / 2.0 - 3 * 1000 / 0.5 == pytest.approx(300 * math.log(600))


def test_depth_buys_width():
    """A deep binary source is narrower: polylogarithmic in 1/eps where a shallow one is polynomial."""
    for eps, ratio in ((1e-3, 1e2), (1e-6, 1e4), (1e-9, 1e7)):
        arguments = {"width": 100, "depth": 5, "eps": eps, "constant": 1.0}
        assert bounds["diffenderfer2021.width"](**arguments) > ratio * bounds["sreenivasan2022.width"](**arguments)


@pytest.mark.parametrize("eps", [0.1, 1e-6])
def test_width_and_depth_of_deep_sources_share_their_logarithm(eps):
    arguments = {"width": 30, "depth": 4, "eps": eps, "constant": 1.0}
    depth = binary.binary_depth.formula(**arguments) / 4
    assert binary.binary_width.formula(**arguments) == pytest.approx(30 * depth**2)
    assert depth == pytest.approx(math.log(120 / eps))


@pytest.mark.parametrize(("eps", "delta"), [(0.01, 0.01), (0.5, 0.2), (1e-6, 1e-3)])
def test_draws_are_exact_at_the_ends(eps, delta):
    """One number at 1: R draws all miss with probability (1 - eps/2)^R, so R is the smallest that will do."""
    draws = bounds["chijiwa2021.draws"](weights=1, eps=eps, delta=delta)
    assert (1.0 - eps / 2.0) ** draws <= delta * (1 + 1e-9)
    assert (1.0 - eps / 2.0) ** (draws - 1) > delta


def test_draws_hit_all_weights_in_simulation():
    """1,000 repetitions of 20 numbers, delta = 0.1; more than 140 failures have probability below 1e-4."""
    rng = np.random.default_rng(2)
    draws = int(bounds["chijiwa2021.draws"](weights=20, eps=0.1, delta=0.1))
    targets = rng.uniform(-1, 1, (1000, 20, 1))
    targets[:, :10] = 1.0
    missed = (np.abs(rng.uniform(-1, 1, (1000, 20, draws)) - targets) > 0.1).all(axis=2)
    failures = int(missed.any(axis=1).sum())
    assert 10 < failures <= 140
