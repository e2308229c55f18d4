"""Coverage of an interval against rational arithmetic over all subsets, and the project's table."""

from __future__ import annotations

import math
from bisect import bisect
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slth import resources
from slth.errors import ArgumentError, ResourceError
from slth.rng import Stream
from slth.subset_sum import coverage as coverage_module
from slth.subset_sum.coverage import coverage, coverage_growth
from slth.subset_sum.laws import Normal, Uniform
from tests.oracles import all_sums
from tests.strategies import ordinary, value_lists


def distance(sums, point):
    place = bisect(sums, point)
    return min(abs(total - point) for total in sums[max(place - 1, 0) : place + 1])


def naive_worst(sums, low, high):
    """The largest distance is at an end or half-way between neighbours; the smallest such point wins a tie."""
    middles = [(a + b) / 2 for a, b in pairwise(sums)]
    points = [low, high, *(point for point in middles if low <= point <= high)]
    return max((distance(sums, point), -point) for point in points)


def naive_covered(sums, low, high, eps):
    """Length of a union of intervals, by sweeping over them in order."""
    length, reached = Fraction(0), low
    for total in sums:
        start, stop = max(total - eps, reached), min(total + eps, high)
        if stop > start:
            length += stop - start
            reached = stop
    return length / (high - low)


@st.composite
def intervals(draw, values):
    """Anywhere, between two sums, or beyond all of them."""
    sums = [float(total) for total in all_sums(values)]
    ends = st.one_of(st.floats(-3.0, 3.0), st.sampled_from(sums), st.sampled_from([min(sums) - 1.0, max(sums) + 1.0]))
    low, high = draw(ends), draw(ends)
    if low == high:
        high = low + 1.0 if low + 1.0 > low else float(np.nextafter(low, np.inf))
    return min(low, high), max(low, high)


@given(st.data(), st.floats(0.0, 1.0))
def test_agrees_with_the_oracle(data, tolerance):
    values = data.draw(value_lists(max_n=8))
    low, high = data.draw(intervals(values))
    sums = all_sums(values)
    error, minus_target = naive_worst(sums, Fraction(low), Fraction(high))
    result = coverage(values, (low, high), tolerance=tolerance)
    assert result.worst_error == float(error)
    assert result.worst_target == float(-minus_target)
    assert result.allowance == 0.0
    assert result.interval == (low, high)
    covered = naive_covered(sums, Fraction(low), Fraction(high), Fraction(tolerance))
    assert result.covered_fraction == pytest.approx(float(covered), rel=1e-15, abs=1e-15)


@given(st.lists(ordinary, min_size=9, max_size=10), st.floats(1e-4, 0.1))
@example([2.0**-k for k in range(10)], 0.1)
def test_agrees_with_the_oracle_for_ten_values(values, tolerance):
    sums = all_sums(values)
    result = coverage(values, (-0.5, 0.5), tolerance=tolerance)
    error, minus_target = naive_worst(sums, Fraction(-1, 2), Fraction(1, 2))
    assert (result.worst_error, result.worst_target) == (float(error), float(-minus_target))
    covered = naive_covered(sums, Fraction(-1, 2), Fraction(1, 2), Fraction(tolerance))
    assert result.covered_fraction == pytest.approx(float(covered), rel=1e-15, abs=1e-15)


@given(st.data(), st.floats(0.0, 1.0))
@example(([0.1, 1e-17, 0.3, -0.7], (-0.5, 0.5)), 0.25)
@example(([4.149515568880993e180], (0.0, 1.1954457755362523e-175)), 0.0)
@example(([4.149515568880993e180, -3.1e180, 1e-200], (-1e-175, 1.1954457755362523e-175)), 0.0)
def test_rounded_keys_are_measured_exactly_or_say_by_how_much_not(data, tolerance):
    if isinstance(data, tuple):
        values, (low, high) = data
    else:
        values = data.draw(value_lists(max_n=8))
        low, high = data.draw(intervals(values))
    sums = all_sums(values)
    error, minus_target = naive_worst(sums, Fraction(low), Fraction(high))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage_module, "LISTED_N", 0)  # as if there were too many values to list
        result = coverage(values, (low, high), tolerance=tolerance)
    if result.allowance == 0.0:
        assert (result.worst_error, result.worst_target) == (float(error), float(-minus_target))
    assert result.worst_error <= float(error) <= (result.worst_error + result.allowance) * (1 + 2**-50)
    assert result.allowance <= 2.0**-50 * sum(abs(value) for value in values)
    covered = naive_covered(sums, Fraction(low), Fraction(high), Fraction(tolerance))
    allowed = sum(abs(Fraction(value)) for value in values) / (Fraction(high) - Fraction(low)) / 2**29
    assert abs(Fraction(result.covered_fraction) - covered) <= allowed + Fraction(2) ** -52
    assert 0.0 <= result.covered_fraction <= 1.0


@given(st.lists(st.integers(-16, 16), min_size=4, max_size=4))
@example([2, 5, 11, -16])
def test_a_widest_gap_that_rounding_makes_second_is_found(eighths):
    # Next to 1024 the unit of the keys is 2**-50. Gaps near 1/16 differ by eighths of it.
    values = [1024.0, *(2.0 ** (k - 4) + eighth * 2.0**-53 for k, eighth in enumerate(eighths))]
    error, minus_target = naive_worst(all_sums(values), Fraction(0), Fraction(15, 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage_module, "LISTED_N", 0)
        result = coverage(values, (0.0, 0.9375))
    assert (result.worst_error, result.worst_target, result.allowance) == (float(error), float(-minus_target), 0.0)


@pytest.mark.parametrize("law", [Uniform(), Normal()], ids=["exact keys", "rounded keys"])
def test_twenty_values(law):
    # All sums once more in numpy: float64 sums are good to 1e-15, far below these errors.
    values = law.sample(Stream(seed=4, path="coverage"), 20)
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    sums.sort()
    inside = sums[(sums >= -0.5) & (sums <= 0.5)]
    place = int(np.argmax(np.diff(inside)))
    result = coverage(values, (-0.5, 0.5), tolerance=1e-6)
    assert result.allowance == 0.0
    assert result.worst_error == pytest.approx((inside[place + 1] - inside[place]) / 2, rel=1e-9)
    assert result.worst_target == pytest.approx((inside[place + 1] + inside[place]) / 2, rel=1e-9)
    assert np.abs(sums - result.worst_target).min() == pytest.approx(result.worst_error, rel=1e-9)
    uncovered = np.maximum(np.diff(inside) - 2e-6, 0.0).sum()
    assert result.covered_fraction == pytest.approx(1.0 - uncovered, abs=1e-4)


@pytest.mark.parametrize(("n", "median"), [(10, 0.0102), (12, 0.0034), (14, 0.00105)])
def test_median_worst_error_of_the_project_table(n, median):
    # The table's three digits and its own sampling are granted 5 %. Beyond that the sign test of a median on 400 fixed
    # instances, at five standard deviations: error probability below 6e-7 for each n.
    values = Uniform(-1.0, 1.0).sample(Stream(seed=6, path=f"median.{n}"), 400 * n).reshape(400, n)
    errors = np.array([coverage(row, (-0.5, 0.5)).worst_error for row in values])
    allowed = 5 * math.sqrt(400 / 4)
    assert np.sum(errors <= 1.05 * median) >= 200 - allowed
    assert np.sum(errors >= 0.95 * median) >= 200 - allowed


def test_growth_is_the_covered_fraction_of_each_prefix_and_never_falls():
    values = Uniform(-1.0, 1.0).sample(Stream(seed=9, path="growth"), 16)
    growth = coverage_growth(values, (-0.5, 0.5), tolerance=0.01)
    assert growth.shape == (17,)
    assert growth[0] == pytest.approx(0.02)
    for count in range(1, 17):
        assert growth[count] == coverage(values[:count], (-0.5, 0.5), tolerance=0.01).covered_fraction
    assert np.all(np.diff(growth) >= 0.0)
    assert growth[-1] > 0.99


@given(st.lists(ordinary, min_size=1, max_size=9), st.integers(-40, 40), st.randoms())
def test_scales_and_ignores_the_order_of_values(values, exponent, random):
    result = coverage(values, (-0.5, 0.5), tolerance=0.125)
    moved = [math.ldexp(value, exponent) for value in values]
    random.shuffle(moved)
    scaled = coverage(
        moved, (math.ldexp(-0.5, exponent), math.ldexp(0.5, exponent)), tolerance=math.ldexp(0.125, exponent)
    )
    assert scaled.worst_error == math.ldexp(result.worst_error, exponent)
    assert scaled.worst_target == math.ldexp(result.worst_target, exponent)
    assert scaled.covered_fraction == result.covered_fraction


def test_without_a_tolerance_there_is_no_covered_fraction():
    result = coverage([0.5], (0.0, 1.0))
    assert result.tolerance is None
    assert result.covered_fraction is None


def test_a_lattice_reports_the_first_of_equal_gaps():
    result = coverage([1.0, 2.0, 4.0, 8.0], (0.0, 15.0), tolerance=0.25)
    assert (result.worst_error, result.worst_target, result.covered_fraction) == (0.5, 0.5, 0.5)


def test_rounded_keys_that_cannot_tell_gaps_apart_admit_it():
    # Gaps of about 2**-70 in a list that spans 64: beyond the keys, whose unit is 2**-55 here.
    values = [32.0, -32.0, *(2.0**-70 + k * 2.0**-80 for k in range(12))]
    result = coverage(values, (2.0**-71, 2.0**-67))
    assert result.allowance > 0.0
    error, _ = naive_worst(all_sums(values), Fraction(2) ** -71, Fraction(2) ** -67)
    assert Fraction(result.worst_error) <= error <= Fraction(result.worst_error) + Fraction(result.allowance)


@pytest.mark.slow
def test_twenty_six_values():
    values = Uniform(-1.0, 1.0).sample(Stream(seed=4, path="coverage"), 26)
    smaller, larger = (coverage(values[:n], (-0.5, 0.5)).worst_error for n in (25, 26))
    assert 1e-8 < larger <= smaller < 1e-5


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, 1.0], [[1.0]], ["a"], [None], [1e308, 1e308]])
def test_refused_values(values):
    with pytest.raises(ArgumentError, match="values"):
        coverage(values, (0.0, 1.0))


def test_too_many_values():
    with pytest.raises(ResourceError, match="n=27 exceeds the 26"):
        coverage(np.ones(27), (0.0, 1.0))


def test_too_little_memory(monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 1000)
    with pytest.raises(ResourceError, match="GiB"):
        coverage(np.ones(26), (0.0, 1.0))


@pytest.mark.parametrize(
    "interval",
    [(1.0, 0.0), (0.0, 0.0), (0.0, math.nan), (-math.inf, 0.0), (0.0,), (0.0, 1.0, 2.0), 1.0, None, ("a", 1.0)],
)
def test_refused_intervals(interval):
    with pytest.raises(ArgumentError, match="interval"):
        coverage([1.0], interval)


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf, "a"])
def test_refused_tolerances(tolerance):
    with pytest.raises(ArgumentError, match="tolerance"):
        coverage([1.0], (0.0, 1.0), tolerance=tolerance)
    with pytest.raises(ArgumentError, match="tolerance"):
        coverage_growth([1.0], (0.0, 1.0), tolerance=tolerance)
