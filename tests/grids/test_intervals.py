import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest, spearmanr, t

from slth.errors import ArgumentError
from slth.grids.intervals import Interval, clopper_pearson, rank_correlation, spearman, student


@pytest.mark.parametrize("trials", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_ends_are_what_they_are_defined_to_be(trials, confidence):
    tail = (1.0 - confidence) / 2.0
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        interval = clopper_pearson(successes, trials, confidence=confidence)
        if successes > 0:
            assert math.isclose(binom.sf(successes - 1, trials, interval.low), tail, rel_tol=1e-9)
        if successes < trials:
            assert math.isclose(binom.cdf(successes, trials, interval.high), tail, rel_tol=1e-9)
        theirs = binomtest(successes, trials).proportion_ci(confidence, "exact")
        assert np.allclose((interval.low, interval.high), theirs, rtol=1e-9, atol=1e-12)


def test_coverage_is_never_below_the_confidence():
    """By summing the binomial distribution: no sampling."""
    trials = 30
    intervals = [clopper_pearson(successes, trials) for successes in range(trials + 1)]
    for probability in np.linspace(0.0, 1.0, 201):
        inside = [interval.low <= probability <= interval.high for interval in intervals]
        assert binom.pmf(np.arange(trials + 1), trials, probability)[inside].sum() >= 0.95 - 1e-12


def test_ends_of_the_range():
    assert clopper_pearson(0, 0) == Interval(0.0, 1.0)
    assert clopper_pearson(0, 5).low == 0.0
    assert clopper_pearson(5, 5).high == 1.0


@pytest.mark.parametrize(
    ("successes", "trials", "confidence"), [(2, 1, 0.9), (-1, 1, 0.9), (1, -1, 0.9), (0.5, 1, 0.9), (1, 2, 1.0)]
)
def test_impossible_counts(successes, trials, confidence):
    with pytest.raises(ArgumentError):
        clopper_pearson(successes, trials, confidence=confidence)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_intervals_of_means_are_those_of_scipy(confidence):
    values = np.array([0.3, 0.9, 0.4, 0.55])
    theirs = t.interval(confidence, 3, loc=values.mean(), scale=values.std(ddof=1) / 2.0)
    assert np.allclose(student(values, confidence=confidence), theirs, rtol=1e-12, atol=0)


def test_intervals_of_means_at_the_ends():
    assert student([0.5]) == Interval(-math.inf, math.inf)
    assert student([0.5, 0.5, 0.5]) == Interval(0.5, 0.5)
    for values in ([], [[0.5]], [0.5, math.nan]):
        with pytest.raises(ArgumentError, match="values="):
            student(values)


@pytest.mark.parametrize("seed", range(3))
def test_rank_correlations_are_those_of_scipy_with_ties(seed):
    one, other = np.random.default_rng(seed).integers(0, 6, (2, 20))
    assert rank_correlation(one, other + one) == pytest.approx(spearmanr(one, other + one).statistic, abs=1e-12)
    assert rank_correlation(one, -(one**3)) == pytest.approx(-1.0)
    assert rank_correlation(one, np.ones(20)) is None
    with pytest.raises(ArgumentError, match="values="):
        rank_correlation(one, other[1:])


def test_intervals_of_rank_correlations_hold_the_true_one_as_often_as_they_say():
    """1,000 samples of 30 normal pairs: 95 % within 0.02, three deviations."""
    generator, covariance = np.random.default_rng(0), [[1.0, 0.7], [0.7, 1.0]]
    true = 6.0 / np.pi * np.arcsin(0.7 / 2.0)  # of normal pairs
    found = [
        spearman(rank_correlation(*generator.multivariate_normal([0, 0], covariance, 30).T), 30) for _ in range(1000)
    ]
    assert np.mean([one.low <= true <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)
    assert spearman(0.5, 3) == spearman(1.0, 9) == Interval(-1.0, 1.0)
