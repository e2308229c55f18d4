"""Lower bounds by exact counts and volumes: against enumeration, and never weaker than the published ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from slth.theory import bounds


def value(key, **given):
    return bounds[key].formula(**given)


@pytest.mark.parametrize("weights", [1, 4, 9])
def test_one_dimension_is_exact(weights):
    """2^m numbers that lie 2 eps apart serve a part 2^m eps of [-1, 1]: one half where m is what is asked for."""
    eps = 2.0 ** -(weights + 1)
    assert value("derived.volume.parameters", d=1, eps=eps) == weights
    assert 2**weights * 2.0 * eps == 0.5 * 2.0


def test_sets_of_small_diameter_are_not_larger_than_balls():
    """Hulls of 2 x 2 matrices of a diameter of 2 in the operator norm; the ball by 400,000 points, to 1 %."""
    rng = np.random.default_rng(0)
    ball = 16.0 * (np.linalg.norm(rng.uniform(-1.0, 1.0, (400_000, 2, 2)), ord=2, axis=(1, 2)) <= 1.0).mean()
    largest = 0.0
    for count in (6, 20, 150):
        for both in (False, True):
            corners = rng.normal(size=(count, 2, 2))
            corners /= np.linalg.norm(corners, ord=2, axis=(1, 2), keepdims=True)
            corners = np.concatenate([corners, -corners]) if both else corners
            apart = np.linalg.norm(corners[:, None] - corners, ord=2, axis=(2, 3)).max()
            largest = max(largest, ConvexHull((2.0 / apart * corners).reshape(-1, 4)).volume)
    assert 0.6 * ball < largest <= 1.01 * ball


@pytest.mark.parametrize(
    ("d", "eps", "published", "volume"), [(10, 0.1, 232, 332), (10, 0.01, 564, 664), (100, 1e-3, 89_657, 99_657)]
)
def test_weights_that_are_needed(d, eps, published, volume):
    assert bounds["pensia2020.lower.parameters"](d=d, eps=eps) == published
    assert bounds["derived.volume.parameters"](d=d, eps=eps) == volume


@pytest.mark.parametrize(("dimension", "eps"), [(1, 0.05), (2, 0.05), (3, 1e-3)])
@pytest.mark.parametrize(("kept", "total"), [(1, 2), (1, 3), (1, 10), (4, 5)])
def test_sparse_sources_are_counted_exactly(dimension, eps, kept, total):
    """The smallest whole n by scanning integers and comparing exact binomials, or the least n of all."""
    found = value("derived.volume.sparse", dimension=dimension, density=kept / total, eps=eps, norm=0.0)
    scanned = next(
        m * total for m in range(1, 400)
        if 2 * math.comb(m * total, m * kept) >= (math.sqrt(m * kept) / eps) ** dimension**2 * (1 - 1e-12)
    )  # fmt: skip
    assert scanned - total < found <= scanned or found == total / kept
    published = value("natale2024.lower", dimension=dimension, density=kept / total, eps=eps)
    assert found >= published or found == total / kept


def test_sparse_sources_of_norm_one_need_fewer():
    given = {"dimension": 4, "density": 0.1, "eps": 0.03}
    assert value("derived.volume.sparse", **given, norm=1.0) < value("derived.volume.sparse", **given, norm=0.0)


@pytest.mark.parametrize("m", [700, 1000, 10_000])
def test_densities_are_counted_exactly(m):
    """With fewer weights kept than the density asks for, all subnetworks together serve less than one half."""
    density = bounds["derived.volume.density"](d=10, m=m, eps=0.01)
    assert density >= bounds["pensia2020.lower.density"](d=10, m=m, eps=0.01)
    few = math.ceil(density * m) - 1
    assert 2 * sum(math.comb(m, k) for k in range(few + 1)) * 100**10 < 10 ** (2 * (100 + 10))
