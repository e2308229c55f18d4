"""Grids, integers within a tolerance, frozen and shared sources: limits, counting and enumeration."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.theory import bounds, discrete, memory


@pytest.mark.parametrize(("dimension", "bits"), [(1, 1), (2, 3), (3, 8)])
@pytest.mark.parametrize("probability", [1.0, 0.5, 0.01])
def test_parameters_are_as_few_as_counting_allows(dimension, bits, probability):
    """2^alpha subnetworks and p (2/delta + 1)^(d^2) matrices, in whole numbers."""
    alpha = int(bounds["kumar2025.parameters"](dimension=dimension, bits=bits, probability=probability))
    matrices = (2 ** (bits + 1) + 1) ** (dimension**2)
    assert 2**alpha >= probability * matrices
    assert alpha == 0 or 2 ** (alpha - 1) < probability * matrices


@pytest.mark.parametrize("dimension", [1, 10, 100])
@pytest.mark.parametrize("bits", [2, 8, 32])
def test_sufficient_is_above_necessary(dimension, bits):
    width = bounds["kumar2025.width"](d_in=dimension, bits=bits, constant=1.0)
    assert 2 * dimension * width >= bounds["kumar2025.parameters"](dimension=dimension, bits=bits)
    assert width == bounds["kumar2025.lower"](dimension=dimension, bits=bits, constant=1.0)  # tight up to constants
    assert bounds["kumar2025.shallow_width"](d_in=dimension, bits=bits, constant=1.0) == bits * width
    assert bounds["kumar2025.candidates"](bits=bits, constant=1.0) * dimension == width


def test_failure_of_grids_needs_astronomic_sizes():
    """The union bound over 10^6 weights says nothing before n = 10^42."""
    failure = bounds["kumar2025.failure"]
    assert failure(n=10**29, weights=10**6, constant=1.0) == 1.0
    assert failure(n=10**28, weights=100, constant=1.0) == pytest.approx(0.01)


def test_integers_join_exact_and_continuous():
    """Exact for no tolerance; log(1/eps) for a step that vanishes at a fixed error eps."""
    assert discrete.unified_candidates.formula(step=0.25, tolerance=0.0, constant=1.0) == pytest.approx(math.log(5.0))
    fine = discrete.unified_candidates.formula(step=1e-15, tolerance=0.01 / 1e-15, constant=1.0)
    assert fine == pytest.approx(-math.log(0.01), abs=1e-9)
    assert discrete.unified_candidates.formula(step=0.25, tolerance=4.0, constant=1.0) == 0.0


def test_success_of_integers():
    success = bounds["kumar2026.success"]
    arguments = {"largest": 1000, "kappa": 2.0, "constant": 1.0}
    assert success(n=6, tolerance=0.0, **arguments) == 0.0  # log(1001) = 6.9
    assert success(n=10**4, tolerance=0.0, **arguments) == pytest.approx(1.0)
    margin = 30 - math.log(1001 / 11)
    assert success(n=30, tolerance=10.0, **arguments) == pytest.approx(1 - 2 * math.exp(-(margin**2) / 60))
    margin = 5 - math.log(4.0 / 1.5)
    assert success(n=5, largest=3, tolerance=0.5, kappa=1.0, constant=1.0) == pytest.approx(
        1 - 2 * math.exp(-(margin**2) / 5)
    )
    with pytest.raises(ArgumentError, match="at most M"):
        success(n=30, tolerance=2000.0, **arguments)


def test_single_values_by_enumeration():
    """All 5^4 samples of 4 values from {-2..2}: one of them is 1; and subsets of them do better."""
    samples = list(product(range(-2, 3), repeat=4))
    naive = bounds["kumar2026.naive"](n=4, largest=2)
    assert naive == pytest.approx(np.mean([1 in sample for sample in samples]))
    masks = np.array(list(product((0, 1), repeat=4)))
    assert naive < np.mean([1 in masks @ np.array(sample) for sample in samples])


def test_frozen_sources_keep_enough_on_average():
    """10,000 masks: the mean of the free candidates is off by 0.15 with probability below 1e-4."""
    frozen = bounds["otsuka2024.candidates"]
    assert frozen(candidates=21, frozen=0.0) == 21
    n = int(frozen(candidates=21, frozen=0.7))
    free = np.random.default_rng(3).binomial(n, 0.3, 10_000)
    assert n == 70
    assert abs(free.mean() - 21) < 0.15


def test_one_target_shares_with_nobody():
    for delta in (0.5, 1e-9):
        shared = memory.shared_width.formula(width=7, delta=delta, constant=1.5)
        assert memory.separate_width.formula(width=7, targets=1, delta=delta, constant=1.5) == pytest.approx(shared)
        four = memory.separate_width.formula(width=7, targets=4, delta=delta, constant=1.5)
        assert four - shared == pytest.approx(7 * 1.5 * math.log(4.0))
