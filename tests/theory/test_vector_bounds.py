"""Bounds on vector subset sums: against simulation, identities, and the numbers computed before."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.theory import bounds, guaranteed_candidates, second_moment_guarantee, structured_error

counting_channels = bounds["derived.structured.counting"].formula
counting_error = bounds["derived.structured.counting_error"].formula
structured_channels = bounds["dacunha2023.structured.channels"].formula
SMALLEST = {1: (7, 10, 14), 3: (19, 30, 41), 9: (65, 97, 128), 18: (156, 221, 288), 27: (269, 370, 479)}


@pytest.mark.parametrize(("dimension", "n", "size"), [(1, 7, 3), (2, 13, 6), (3, 16, 7)])
def test_the_guarantee_holds_in_simulation(dimension, n, size):
    """100 samples: a success rate below the guarantee by 0.2 has probability below 1e-3 if the guarantee is true."""
    rng = np.random.default_rng(dimension)
    chosen = np.array(list(combinations(range(n), size)))
    rate = np.mean(
        [
            (np.abs(rng.normal(size=(n, dimension))[chosen].sum(axis=1) - 1.0).max(axis=1) < 0.1).any()
            for _ in range(100)
        ]
    )
    assert rate > second_moment_guarantee(n, size, dimension, 0.1) - 0.2


@pytest.mark.parametrize("dimension", SMALLEST)
def test_smallest_guaranteed_n(dimension):
    """At most the numbers of a full scan over sizes computed before, and one vector fewer is not guaranteed."""
    for eps, most in zip((0.1, 0.01, 0.001), SMALLEST[dimension], strict=True):
        n = guaranteed_candidates(dimension, eps)
        assert n <= most
        best = max(second_moment_guarantee(n - 1, size, dimension, eps) for size in range(1, n - 1))
        assert best < 1.0 / 3.0


def test_far_targets_are_not_lost_to_rounding():
    """One vector: the guarantee is p1**2 / p0, and p1 from the density where the interval is short."""
    for largest, eps in ((8.1, 0.003), (7.9, 0.001), (8.0, 0.003)):
        density = np.exp(-(largest**2) / 2.0) / np.sqrt(2.0 * np.pi)
        wanted = (2.0 * eps * density) ** 2 / (2.0 * eps / np.sqrt(2.0 * np.pi))
        assert second_moment_guarantee(1, 1, 1, eps, largest=largest) <= wanted * 1.01
    assert 0.0 < second_moment_guarantee(2, 1, 1, 1e-300) < 1e-299
    assert second_moment_guarantee(2, 1, 1, 0.1, largest=100.0) == 0.0


def test_inverses():
    for eps in (0.3, 0.01, 1e-6):
        n = counting_channels(dimension=9, eps=eps / 9**2)  # whole or not
        assert counting_error(n=n, dimension=9) == pytest.approx(eps / 9**2)
        n = structured_channels(kernel=3, outputs=8, inputs=1, eps=eps, layers=1, constant=2.0)
        assert structured_error(n, 3, 8, 1, constant=2.0) == pytest.approx(eps)
    assert structured_error(10, 3, 8, 1, constant=1.0) is None


def test_monotone():
    values = [second_moment_guarantee(n, 6, 3, 0.1) for n in (13, 16, 20, 25)]
    assert values == sorted(values)


def test_counting_is_exact_in_one_dimension():
    """n numbers have 2^n sums, whose intervals of 2 eps fill half of [-1, 1] and no more where they lie apart."""
    for n in (1, 3, 6):
        eps = counting_error(n=n, dimension=1)
        values = 2.0 / 2**n * 2.0 ** np.arange(n)
        sums = np.zeros(1)
        for value in values:
            sums = np.concatenate([sums, sums + value])
        gaps = np.diff(np.sort(sums - sums.mean()))
        assert gaps.min() >= 2.0 * eps
        assert len(sums) * 2.0 * eps == 1.0
        assert counting_channels(dimension=1, eps=eps) == pytest.approx(n)


def test_positive_and_negative_channels_serve_one_sign_of_the_input_each():
    """2n = 4 channels of one input: what is kept of u > 0 alone answers x = 1, what is kept of u < 0 alone x = -1."""
    rng = np.random.default_rng(0)
    u, v, kept = rng.normal(size=4), rng.normal(size=4), rng.random(4) < 0.5
    for x in (1.0, -1.0):
        output = (kept * v * np.maximum(u * x, 0.0)).sum()
        assert output == pytest.approx((kept * v * np.abs(u))[u * x > 0.0].sum())


@pytest.mark.parametrize(
    ("dimension", "n", "size", "low", "ratio"), [(1, 10, 4, 0.5, 1.5), (2, 13, 5, 1.0, 1.2), (3, 15, 6, 2.0, 1.0)]
)
def test_the_guarantee_for_bands_of_scales_holds_in_simulation(dimension, n, size, low, ratio):
    """200 samples at the ends of the band and 200 between: a rate lower by 0.15 has probability below 1e-4."""
    rng = np.random.default_rng(dimension)
    chosen = np.array(list(combinations(range(n), size)))
    for scales in (lambda: rng.choice([low, low * ratio], (n, 1)), lambda: rng.uniform(low, low * ratio, (n, 1))):
        hits = [
            (np.abs((scales() * rng.normal(size=(n, dimension)))[chosen].sum(axis=1) - 1.0).max(axis=1) < 0.2).any()
            for _ in range(200)
        ]
        given = {"n": n, "size": size, "dimension": dimension, "eps": 0.2, "low": low, "ratio": ratio}
        assert np.mean(hits) > bounds["derived.second_moment.scaled"](**given) - 0.15
    same = {"n": n, "size": size, "dimension": dimension, "eps": 0.2}
    assert bounds["derived.second_moment.scaled"](**same) == second_moment_guarantee(n, size, dimension, 0.2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: guaranteed_candidates(0, 0.1),
        lambda: second_moment_guarantee(3, 4, 1, 0.1),
        lambda: second_moment_guarantee(3, 2, 0, 0.1),
        lambda: second_moment_guarantee(3, 2, 1, 0.0),
        lambda: second_moment_guarantee(3, 2, 1, 0.1, largest=-1.0),
        lambda: guaranteed_candidates(1, 0.1, probability=1.0),
        lambda: structured_error(1.0, 3, 0, 1, constant=1.0),
        lambda: structured_error(1.0, 3, 8, 1, constant=0.0),
        lambda: structured_error(-1.0, 1, 2, 1, constant=1.0),
        lambda: structured_error(float("nan"), 1, 2, 1, constant=1.0),
    ],
)
def test_bad_numbers_are_refused(call):
    with pytest.raises(ArgumentError):
        call()
