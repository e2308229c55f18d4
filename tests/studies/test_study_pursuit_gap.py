"""First moments of subsets of random channels against sums over all subsets, counts, and what the pursuit finds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import ncx2, norm

from slth import count_solutions
from slth.grids.context import Context
from slth.grids.work import Item, work
from slth.studies import STUDIES
from slth.studies.expected_subsets import Expected, largest_entry_bits, log_number_in_box, typical_bits
from slth.studies.pursuit_gap import enough

SCALES = np.abs(np.random.default_rng(0).normal(size=14))
EVERY = np.array(list(itertools.product((0.0, 1.0), repeat=14)))[1:] @ SCALES**2


@pytest.mark.parametrize(
    ("dimension", "length", "error"), [(1, 0.7, 0.01), (2, 2.0, 0.3), (3, 6.0, 2.0), (8, 3.0, 1.5)]
)
def test_expected_numbers_are_sums_over_all_subsets(dimension, length, error):
    counted = Expected.of(SCALES**2, length, dimension)
    exact = ncx2.cdf(error**2 / EVERY, dimension, length**2 / EVERY).sum()
    assert counted.log_number(error) == pytest.approx(math.log(exact), abs=0.12)  # a saddlepoint of 14 numbers
    goal = np.full(dimension, length / math.sqrt(dimension))
    roots = np.sqrt(EVERY)
    box = (norm.cdf((goal[0] + error) / roots) - norm.cdf((goal[0] - error) / roots)) ** dimension
    assert log_number_in_box(counted, goal, error) == pytest.approx(math.log(box.sum()), abs=0.12)


@pytest.mark.parametrize("dimension", [1, 3, 6])
def test_thresholds_are_where_one_subset_is_expected(dimension):
    counted = Expected.of(SCALES**2, 2.0, dimension)
    error = 2.0 * 2.0 ** -counted.threshold_bits()
    assert abs(counted.log_number(error)) < 0.02
    goal = np.full(dimension, 0.5)
    assert abs(log_number_in_box(counted, goal, 0.5 * 2.0 ** -largest_entry_bits(counted, goal))) < 0.02
    few = enough(SCALES**2, 2.0, dimension, 1.5)
    assert Expected.of(SCALES[:few] ** 2, 2.0, dimension).log_number(1.5) >= 0.0 or few == 14


def test_the_empty_subset_is_always_there():
    counted, goal = Expected.of(SCALES**2, 1.0, 400), np.full(400, 0.05)
    assert counted.threshold_bits() == largest_entry_bits(counted, goal) == 0.0


def test_densities_far_below_the_target_fall_as_volumes():
    counted = Expected.of(np.tile(SCALES**2, 10), 3.0, 2)
    assert counted.threshold_bits() > 60.0
    assert counted.log_number(1e-5) - counted.log_number(1e-6) == pytest.approx(2.0 * math.log(10.0))


@pytest.mark.parametrize(("dimension", "error"), [(1, 0.01), (2, 0.1), (3, 0.3)])
def test_expected_numbers_are_means_of_counts_over_directions(dimension, error):
    rng, goal = np.random.default_rng(dimension), np.full(dimension, 0.4)
    drawn = [SCALES[:, None] * rng.normal(size=(14, dimension)) for _ in range(60)]
    counts = np.array([count_solutions(values, goal, tolerance=error) for values in drawn])
    counted = Expected.of(SCALES**2, float(np.linalg.norm(goal)), dimension)
    expected = math.exp(log_number_in_box(counted, goal, error))
    assert counts.mean() > 5.0
    assert abs(counts.mean() - expected) < 4.0 * counts.std() / math.sqrt(60) + 0.1 * expected  # fails once in 10^4


@pytest.mark.parametrize(("dimension", "tolerance"), [(1, 1e-2), (2, 0.1), (3, 0.3)])
def test_thresholds_of_given_vectors_are_those_of_counts(dimension, tolerance):
    rng, bits = np.random.default_rng(dimension), []
    ball = math.pi ** (dimension / 2) / math.gamma(dimension / 2 + 1)
    for _ in range(7):
        values = np.abs(rng.normal(size=18))[:, None] * rng.normal(size=(18, dimension))
        goal = 0.5 * rng.normal(size=dimension)
        if (told := typical_bits(values, goal)) is not None:
            error = math.sqrt(goal @ goal) * 2.0**-told
            expected = (2.0 * tolerance) ** dimension / (ball * error**dimension)
            bits.append(math.log2(count_solutions(values, goal, tolerance=tolerance) / expected) / dimension)
    assert len(bits) >= 4
    assert -0.45 < np.median(bits) < 0.1  # a coordinate: of 18 vectors the saddlepoint tells some more than there are


def test_no_typical_threshold_is_told_where_the_target_is_barely_reached():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(40, 4))
    assert typical_bits(values, values.sum(axis=0) / 2.0) is not None
    assert typical_bits(values, np.maximum(values, 0.0).sum(axis=0)) is None
    assert typical_bits(values[:7], np.ones(4)) is None


def test_a_row_says_what_the_construction_errs_by():
    cell = {"dimension": 6, "n": 100, "gain": "unit", "instances": 2}
    rows = [work(Item("", STUDIES["pursuit-gap"].target, cell, 0, 4, Context())).rows for _ in range(2)]
    first, again = ([{**row, "seconds": 0} for row in found] for found in rows)
    assert first == again
    for row in first:
        assert 0.0 < row["relative_error"] < 0.5
        assert row["relative_error"] > 2.0 ** -row["first_moment_bits"]
        assert row["gap_bits"] == pytest.approx(math.log2(row["relative_error"]) + row["first_moment_bits"])
        assert row["largest_gap_bits"] > 0.0
        assert row["kept"] < row["usable"]
        assert 6 < row["enough"] < row["usable"]
