"""Moments of the number of subsets against simulation, identities and the exact first moments of the catalogue."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.special import ndtr

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.studies import STUDIES
from slth.studies.solution_counts import lueker_proof, moments, second_moment_proof, solution_counts
from slth.studies.vector_success import expected_subsets
from slth.theory import bounds

CELL = {"law": "gaussian", "subsets": "all", "dimension": 1, "n": 8, "eps": 0.2, "instances": 20}


def simulated(n, dimension, eps, size, instances=40_000):
    """Counts of normal vectors, from one table of all sums."""
    rng = np.random.default_rng(n)
    chosen = np.array([mask for mask in itertools.product((0, 1), repeat=n) if size is None or sum(mask) == size])
    values = rng.normal(size=(instances, n, dimension))
    near = np.abs(np.einsum("sn,ind->isd", chosen, values) - 0.5).max(axis=2) <= eps
    return near.sum(axis=1).astype(float)


@pytest.mark.parametrize(("n", "dimension", "size"), [(5, 1, None), (6, 1, 3), (4, 2, None), (5, 2, 4)])
def test_moments_are_those_of_normal_values(n, dimension, size):
    counts = simulated(n, dimension, 0.3, size)
    for power, expected in enumerate(moments(1.0, n, dimension, 0.3, size=size), start=1):
        found = counts**power
        assert abs(found.mean() - expected) < 5.0 * found.std() / math.sqrt(len(found))  # fails once in 10^6


def test_one_subset_has_its_mean_for_mean_square_and_first_moments_are_the_catalogue_s():
    first, second = moments(1.0, 6, 2, 0.1, size=6)
    near = ndtr(0.6 / math.sqrt(6.0)) - ndtr(0.4 / math.sqrt(6.0))
    assert first == pytest.approx(near**2, rel=1e-12)
    assert second == pytest.approx(first, rel=1e-6)
    bits = bounds["derived.first_moment.fixed_size.subsets"](n=9, size=4, dimension=3, eps=0.1, largest=0.5)
    assert moments(1.0, 9, 3, 0.1, size=4)[0] == pytest.approx(2.0**bits, rel=1e-9)
    assert moments(1.0, 9, 1, 0.1)[0] > 0.0 < expected_subsets("gaussian", 9, 1, 0.1)
    with pytest.raises(ArgumentError, match=r"eps=0\.5"):
        moments(1.0, 6, 1, 0.5)


@pytest.mark.parametrize("law", ["uniform", "product", "gaussian"])
def test_a_row_has_the_counts_of_its_instances(law):
    row = solution_counts({**CELL, "law": law}, seed=3, context=Context())[0]
    assert row["mean_square"] >= row["mean_count"] ** 2
    assert row["trials"] == 20 >= row["successes"] > 0
    assert 0.2 < row["mean_count"] / row["expected"] < 3.0
    assert (row["lueker_proves"] is None) == (law != "uniform")
    again = solution_counts({**CELL, "law": law}, seed=3, context=Context())[0]
    assert {**row, "seconds": 0} == {**again, "seconds": 0}
    sized = solution_counts({**CELL, "law": law, "subsets": "fixed", "density": 0.5}, seed=3, context=Context())[0]
    assert sized["size"] == 4
    assert sized["expected"] < row["expected"]
    assert "solution-counts" in STUDIES


def test_what_is_proved_grows_to_its_limit():
    proved = [lueker_proof(n, 0.01) for n in range(20, 400)]
    assert proved[0] == 0.0
    assert proved == sorted(proved)
    assert proved[-1] > 0.999
    # n = 81 for eps = delta = 0.01 is what the theorem's derivation states
    assert next(n for n in range(1, 400) if lueker_proof(n, 0.01) >= 0.99) == 81
    assert 0.19 < second_moment_proof(24, 0.01) < second_moment_proof(48, 0.01) < 0.217
