"""Fixed-size tickets of a layer: the construction is that of the theorem, and every smallest n is minimal."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.studies.density import _listed, _solved, candidates, density

CELL = {"eps": 0.3, "size": 3, "width": 2, "most": 25}


def naive_n(cell, usable, seed):
    """The smallest n by trying every subset of each prefix of every list."""
    offered, share = candidates(cell["width"], usable, seed=seed), cell["eps"] / (2 * cell["width"] ** 2)
    needed = []
    for values, places, target in zip(offered.products, offered.places, offered.targets, strict=True):
        needed.append(
            next(
                places[count - 1]
                for count in range(cell["size"], usable + 1)
                for chosen in combinations(values[:count], cell["size"])
                if abs(sum(chosen) - target) <= share
            )
        )
    return max(needed)


@pytest.mark.parametrize(("size", "usable"), [(1, 400), (2, 60), (3, 20), (4, 12)])
def test_smallest_n_is_minimal(size, usable):
    cell = {"eps": 2.0, "size": size, "width": 2, "most": 12}  # an eps so large that so few usable ones are enough
    (row,) = density(cell, seed=3, context=Context())
    assert row["n"] == naive_n(cell, usable, 3)
    assert row["overparameterisation"] == 4 * row["n"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_listing_agrees_with_the_exact_solver(size):
    offered = candidates(2, 20, seed=8)
    counts, _ = _solved(offered, size, 0.05, 1)
    found = [_listed(row, goal, size, 0.05) for row, goal in zip(offered.products, offered.targets, strict=True)]
    assert [count for count, _ in found] == counts.tolist()
    assert counts.any()
    for (count, subset), row, goal in zip(found, offered.products, offered.targets, strict=True):
        assert subset.sum() == (size if count else 0)
        assert not count or abs(row[subset].sum() - goal) <= 0.05 + 1e-15


def test_units_are_shared_between_outputs_and_split_by_sign():
    offered = candidates(3, 15, seed=2)
    assert np.array_equal(offered.places[0], offered.places[2])
    assert not np.array_equal(offered.places[0], offered.places[3])
    assert not np.array_equal(offered.products[0], offered.products[1])
    weights = offered.targets.reshape(3, 2, 3)
    assert np.array_equal(weights[:, 0], -weights[:, 1])
    assert np.linalg.norm(weights[:, 0], 2) == pytest.approx(1.0)


def test_about_half_of_the_units_are_usable():
    places = candidates(4, 400, seed=0).places[::4, -1]  # where the 400th usable one stands, in 8 blocks
    # The mean of 8 negative binomials of mean 800 and deviation 28: 5 deviations of the mean are 50 (p < 1e-6).
    assert abs(places.mean() - 800) < 50


def test_density_counts_what_is_kept():
    (row,) = density(CELL, seed=5, context=Context())
    # k v for each of the 2 d^2 sums, and at least k u in each of the 2 d blocks, at most k for each sum
    kept = row["density"] * 4 * CELL["width"] ** 2 * row["n"]
    assert 3 * (8 + 4) - 1e-9 <= kept <= 3 * (8 + 8) + 1e-9
    assert row["nominal_density"] == pytest.approx(3 / row["n"])
    assert row["norm_error"] <= row["weight_error"] * CELL["width"]


def test_too_few_candidates_are_said():
    (row,) = density({**CELL, "eps": 1e-6, "size": 4, "most": 6}, seed=0, context=Context())
    assert row["n"] is None
    assert row["density"] is None
    assert row["weight_error"] == pytest.approx(1e-6 / 8)


@pytest.mark.parametrize("change", [{"eps": 0.0}, {"width": 0}, {"most": 41}, {"most": 0}, {"size": -1}, {"size": 26}])
def test_bad_cells_are_refused(change):
    (name,) = change
    with pytest.raises(ArgumentError, match=f"^{name}="):
        density({**CELL, **change}, seed=0, context=Context())
