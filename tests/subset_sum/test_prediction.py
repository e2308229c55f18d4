"""The error prediction against the project's table, quadrature, and instances solved naively."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from slth.errors import ArgumentError, ConstructionError
from slth.rng import Stream
from slth.subset_sum.laws import ProductUniform, Uniform
from slth.subset_sum.prediction import (
    candidates_for_error,
    error_quantile,
    failure_probability,
    predict_error,
    predict_errors,
)

# Model column of the project's table: values uniform on (-1, 1), target 0.2. It was drawn from 200,000 samples, so its
# last digits are random: 1 % at the median, 2 % at 90 %, 4 % at 99 % (two standard errors there).
TABLE = [
    (8, 0.00426, 0.0195, 0.144),
    (12, 3.24e-4, 1.47e-3, 1.0e-2),
    (16, 2.34e-5, 1.05e-4, 6.9e-4),
    (20, 1.63e-6, 7.3e-6, 4.9e-5),
    (24, 1.10e-7, 5.0e-7, 3.3e-6),
]

moments = st.floats(1e-3, 1e3)
dyadic = st.integers(-(2**20), 2**20).map(lambda k: k / 2**20)  # no value that a change of scale rounds to zero


def best_errors(values, targets):
    """Smallest |subset sum - target| of each row by two sorted halves in plain numpy; near enough at these n."""
    half = values.shape[1] // 2
    errors = []
    for row, target in zip(values, targets, strict=True):
        left, right = np.zeros(1), np.zeros(1)
        for value in row[:half]:
            left = np.concatenate([left, left + value])
        for value in row[half:]:
            right = np.concatenate([right, right + value])
        right.sort()
        place = np.searchsorted(right, target - left)
        below = np.abs(left + right[np.maximum(place - 1, 0)] - target)
        above = np.abs(left + right[np.minimum(place, right.size - 1)] - target)
        errors.append(min(below.min(), above.min()))
    return np.array(errors)


@pytest.mark.parametrize(("count", "median", "ninety", "ninety_nine"), TABLE)
def test_table_of_the_model(count, median, ninety, ninety_nine):
    assert error_quantile(1 / 3, count, 0.2, 0.5) == pytest.approx(median, rel=0.011)
    assert error_quantile(1 / 3, count, 0.2, 0.9) == pytest.approx(ninety, rel=0.02)
    assert error_quantile(1 / 3, count, 0.2, 0.99) == pytest.approx(ninety_nine, rel=0.04)


@pytest.mark.parametrize("law", [Uniform(-1.0, 1.0), ProductUniform()], ids=lambda law: law.name)
def test_instances_have_exponential_errors_at_the_predicted_rate(law):
    # 1 - exp(-rate error) is uniform on (0, 1); Kolmogorov-Smirnov at level 1e-4 on a fixed seed. The products are
    # peaked at zero and leave the normal shape of the sums only slowly, so they get more values.
    count = 18 if law.name == "uniform" else 22
    values = law.sample(Stream(seed=7, path="prediction"), 400 * count).reshape(400, count)
    targets = np.full(400, 0.2)
    prediction = predict_errors(values, targets)
    assert stats.kstest(-np.expm1(-prediction.rate * best_errors(values, targets)), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("target", [0.2, 1.0])
def test_saddlepoint_rates_hold_far_out_in_the_distribution(target):
    # Products of uniforms reach 1.0 with 17 values only just. As above, at level 1e-4.
    values = ProductUniform().sample(Stream(seed=7, path="saddlepoint"), 1000 * 17).reshape(1000, 17)
    targets = np.full(1000, target)
    errors = best_errors(values, targets)
    prediction = predict_errors(values, targets, density="saddlepoint")
    reached = np.isfinite(prediction.log_rate)
    assert stats.kstest(-np.expm1(-(prediction.rate * errors)[reached]), "uniform").pvalue > 1e-4
    if target == 1.0:
        # How many miss by 0.01, at five standard deviations: the normal density, far out, is nowhere near.
        missed = np.mean(errors > 0.01)
        allowed = 5 * math.sqrt(missed / 1000)
        assert abs(np.mean(np.exp(-0.01 * prediction.rate)) - missed) < allowed
        assert missed - np.mean(np.exp(-0.01 * predict_errors(values, targets).rate)) > allowed


def test_saddlepoint_counts_the_sums_of_a_window():
    # One list of 20 values, a million sums, counted in windows from the middle to the last thousandth. The count is
    # not random, but scatters as a Poisson number around a smooth density: five of its standard deviations, and 2 %.
    values = Uniform().sample(Stream(seed=3, path="window"), 20)
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    for level in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999):
        low, high = np.quantile(sums, level) - 0.05, np.quantile(sums, level) + 0.05
        points = np.linspace(low, high, 21)
        density = predict_errors(values, points, density="saddlepoint").rate / 2
        expected = np.trapezoid(density, points)
        assert abs(np.sum((sums >= low) & (sums < high)) - expected) <= 5 * math.sqrt(expected) + 0.02 * expected


def test_saddlepoint_knows_what_is_out_of_reach():
    values = [0.5, 0.25, -0.125, 0.0]
    for target, reachable in ((0.76, False), (0.75, False), (0.7, True), (-0.12, True), (-0.125, False), (-0.2, False)):
        assert math.isfinite(predict_error(values, target, density="saddlepoint").log_rate) == reachable
    assert predict_error(values, 1.0, density="saddlepoint").median == 1.0


def test_drawn_instances_exceed_the_quantile_as_often_as_stated():
    # 2,000 instances of 14 values: five standard deviations of the binomial, error probability below 6e-7 each, plus
    # what the model itself is wrong by at this n, one part in ten.
    values = Uniform(-1.0, 1.0).sample(Stream(seed=8, path="quantile"), 2000 * 14).reshape(2000, 14)
    errors = best_errors(values, np.full(2000, 0.2))
    for failure in (0.5, 0.1, 0.02):
        above = np.mean(errors > error_quantile(1 / 3, 14, 0.2, 1.0 - failure))
        assert abs(above - failure) < 5 * math.sqrt(failure * (1 - failure) / 2000) + 0.1 * failure


@given(
    second_moment=moments,
    relative_mean=st.floats(-0.9, 0.9),
    count=st.integers(1, 40),
    target=st.floats(-3.0, 3.0),
    log_error=st.floats(-20.0, 0.0),
)
def test_failure_probability_is_the_integral(second_moment, relative_mean, count, target, log_error):
    mean, error = relative_mean * math.sqrt(second_moment), math.exp(log_error)
    variance = count * second_moment / 4

    def integrand(t):
        m = count * mean / 2 + t * math.sqrt(count * (second_moment - mean**2)) / 2
        rho = 2.0**count * math.exp(-((target - m) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return math.exp(-2 * error * rho - t * t / 2) / math.sqrt(2 * math.pi)

    expected = 0.0 if error >= abs(target) else quad(integrand, -12, 12, limit=400, epsabs=1e-11, epsrel=1e-9)[0]
    assert failure_probability(second_moment, count, target, error, mean=mean) == pytest.approx(
        expected, rel=1e-6, abs=1e-9
    )


@given(count=st.integers(0, 12), usable=st.floats(0.05, 1.0), error=st.floats(1e-6, 0.5))
def test_usable_values_are_binomial(count, usable, error):
    expected = sum(
        math.comb(count, k) * usable**k * (1 - usable) ** (count - k) * failure_probability(0.2, k, 0.4, error)
        for k in range(count + 1)
    )
    assert failure_probability(0.2, count, 0.4, error, usable=usable) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@given(st.integers(1, 40), st.floats(0.01, 2.0), st.floats(0.001, 0.999), st.sampled_from([1.0, 0.5]))
def test_quantile_inverts_failure_probability(count, target, level, usable):
    error = error_quantile(0.3, count, target, level, usable=usable)
    assert 0.0 < error <= target
    if error < target:
        assert failure_probability(0.3, count, target, error, usable=usable) == pytest.approx(1 - level, rel=1e-5)


@given(
    st.floats(0.05, 2.0),
    st.floats(1e-6, 1e-1),
    st.sampled_from([0.5, 1e-2, 1e-6, 1e-12]),
    st.sampled_from([1.0, 0.5, 0.3]),
    st.sampled_from([0.0, 0.2]),
)
def test_candidates_are_enough_and_one_less_is_not(target, error, failure, usable, mean):
    count = candidates_for_error(0.2, target, error, failure, usable=usable, mean=mean)
    assert failure_probability(0.2, count, target, error, usable=usable, mean=mean) <= failure
    if count > 0:
        assert failure_probability(0.2, count - 1, target, error, usable=usable, mean=mean) > failure


def test_no_candidates_are_needed_where_the_empty_subset_is_near_enough():
    assert candidates_for_error(0.2, 0.1, 0.1, 1e-6) == 0
    assert error_quantile(0.2, 10, 0.0, 0.9) == 0.0
    assert error_quantile(0.2, 0, -0.3, 0.9) == 0.3


@pytest.mark.parametrize("density", ["normal", "saddlepoint"])
@given(st.lists(dyadic, min_size=1, max_size=30), st.floats(-2.0, 2.0), st.integers(-300, 300), st.randoms())
def test_prediction_scales_and_ignores_order_and_zeros(density, values, target, exponent, random):
    scaled = predict_error([math.ldexp(v, exponent) for v in values], math.ldexp(target, exponent), density=density)
    shuffled = [*values, 0.0, 0.0]
    random.shuffle(shuffled)
    plain = predict_error(values, target, density=density)
    for other, factor in ((scaled, 2.0**exponent), (predict_error(shuffled, target, density=density), 1.0)):
        assert other.median == pytest.approx(plain.median * factor, rel=1e-6, abs=1e-320)
        assert other.mean == pytest.approx(plain.mean * factor, rel=1e-6, abs=1e-320)


@given(st.lists(st.floats(0.1, 1.0), min_size=1, max_size=25), st.floats(-2.0, 2.0))
def test_rate_median_and_mean_follow_their_formulas(values, target):
    prediction = predict_error(values, target)
    assume(prediction.rate > 1e-200)  # where the density underflows, test_extremes has its say
    spread = stats.norm(sum(values) / 2, math.sqrt(sum(v * v for v in values)) / 2)
    assert prediction.rate == pytest.approx(2.0 ** (len(values) + 1) * spread.pdf(target), rel=1e-9)
    assert prediction.median == pytest.approx(min(math.log(2) / prediction.rate, abs(target)), rel=1e-9)
    expected, _ = quad(lambda e: math.exp(-prediction.rate * e), 0.0, min(abs(target), 60 / prediction.rate))
    assert prediction.mean == pytest.approx(expected, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("density", ["normal", "saddlepoint"])
def test_batches_agree_with_single_instances(density):
    values = Uniform().sample(Stream(seed=1, path="batch"), 60).reshape(5, 12)
    values[3] = 0.0
    targets = np.linspace(-1.0, 1.0, 5)
    for given_values in (values, values[0]):
        batch = predict_errors(given_values, targets)
        singles = [
            predict_error(row, z) for row, z in zip(np.broadcast_to(given_values, (5, 12)), targets, strict=True)
        ]
        for name in ("log_rate", "rate", "median", "mean", "ceiling"):
            np.testing.assert_allclose(getattr(batch, name), [getattr(single, name) for single in singles], rtol=1e-9)


def test_extremes():
    nothing = predict_error([0.0, 0.0], 0.7)
    assert (nothing.rate, nothing.median, nothing.mean) == (0.0, 0.7, 0.7)
    huge = predict_error(np.linspace(-1.0, 1.0, 5000), 0.5)
    assert math.isinf(huge.rate)
    assert huge.median == huge.mean == 0.0
    assert math.isfinite(huge.log_rate)
    assert predict_error([1e300, -1e300], 1e308).median == 1e308
    assert predict_error([1e-300, -1e-300], 1.0).mean == 1.0


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf], [[1.0]], ["a"], 1.0, [1.0, None]])
def test_refused_values(values):
    with pytest.raises(ArgumentError, match="values"):
        predict_error(values, 0.1)


def test_refused_density():
    with pytest.raises(ArgumentError, match="density='gaussian'"):
        predict_error([1.0], 0.5, density="gaussian")


@pytest.mark.parametrize("targets", [[0.1], [0.1, 0.2, 0.3], [[0.1, 0.2]], [0.1, math.nan], 0.1])
def test_refused_targets(targets):
    with pytest.raises(ArgumentError, match="targets"):
        predict_errors([[1.0], [2.0]], targets)


@pytest.mark.parametrize(
    ("named", "arguments"),
    [
        ("second_moment", {"second_moment": 0.0}),
        ("mean", {"mean": 2.0}),
        ("usable", {"usable": 0.0}),
        ("usable", {"usable": 1.1}),
        ("target", {"target": math.nan}),
        ("error", {"error": -0.1}),
    ],
)
def test_refused_moments(named, arguments):
    complete = {"second_moment": 1.0, "target": 0.5, "error": 0.01} | arguments
    with pytest.raises(ArgumentError, match=f"{named}="):
        failure_probability(count=3, **complete)
    with pytest.raises(ArgumentError, match=f"{named}="):
        candidates_for_error(failure=0.1, **complete)


@pytest.mark.parametrize("count", [-1, 4097, 2.0, True])
def test_refused_counts(count):
    with pytest.raises(ArgumentError, match="count="):
        error_quantile(1.0, count, 0.5, 0.5)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan, -1.0])
def test_refused_levels(level):
    with pytest.raises(ArgumentError, match="level="):
        error_quantile(1.0, 5, 0.5, level)
    with pytest.raises(ArgumentError, match="level="):
        predict_error([1.0], 0.5).quantile(level)


@pytest.mark.parametrize("failure", [0.0, 1.0, 1e-21])
def test_refused_failures(failure):
    with pytest.raises(ArgumentError, match="failure="):
        candidates_for_error(1.0, 0.5, 0.01, failure)


def test_out_of_reach():
    with pytest.raises(ConstructionError, match="4096 values"):
        candidates_for_error(1e-12, 1.0, 0.01, 0.01)
