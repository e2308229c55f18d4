"""Every operation encloses the exact rational result, at end points and inside."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.certificates.interval import Interval, Slopes, middle_and_radius, upper_product, upper_total
from slth.certificates.rules.relu import relu_difference

finite = st.one_of(
    st.floats(-2.0, 2.0),
    st.builds(lambda m, e: m * 2.0**e, st.floats(-1.0, 1.0), st.integers(-300, 300)),
    st.sampled_from([0.0, 5e-324, -5e-324, 1.0, 1.0 + 2.0**-52, -1.0]),
)


@st.composite
def intervals(draw, count=1):
    ends = [sorted((draw(finite), draw(finite))) for _ in range(count)]
    return Interval(np.array([low for low, _ in ends]), np.array([high for _, high in ends]))


def holds(interval, exact, place=0):
    return Fraction(interval.lower[place]) <= exact <= Fraction(interval.upper[place])


def members(interval, place=0):
    low, high = Fraction(interval.lower[place]), Fraction(interval.upper[place])
    return [low, high, (low + high) / 2, (2 * low + high) / 3]


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
@given(intervals(), intervals())
def test_arithmetic_encloses(operation, left, right):
    result = operation(left, right)
    assert all(holds(result, operation(x, y)) for x in members(left) for y in members(right))


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_points_widen_by_two_steps_at_most(operation, x, y):
    result = operation(Interval.point(np.array([x])), Interval.point(np.array([y])))
    assert result.upper[0] <= np.nextafter(np.nextafter(result.lower[0], np.inf), np.inf)


@given(st.integers(1, 40).flatmap(lambda count: intervals(count)))
def test_total_encloses(terms):
    result = terms.total()
    low = sum((Fraction(v) for v in terms.lower), Fraction(0))
    high = sum((Fraction(v) for v in terms.upper), Fraction(0))
    assert Fraction(float(result.lower)) <= low
    assert high <= Fraction(float(result.upper))


def test_total_encloses_what_cancels():
    terms = np.array([1e16, 1.0, -1e16, 2.0**-60])
    result = Interval.point(terms).total()
    assert Fraction(float(result.lower)) <= 1 + Fraction(1, 2**60) <= Fraction(float(result.upper))


def test_total_is_tight_where_nothing_cancels():
    terms = np.random.default_rng(0).random(1000)
    result = Interval.point(terms).total()
    assert result.upper - result.lower < 1e-12 * terms.sum()


@given(st.lists(st.floats(0.0, 1e200), min_size=1, max_size=30))
def test_upper_total_is_above(terms):
    assert Fraction(float(upper_total(np.array(terms)))) >= sum((Fraction(v) for v in terms), Fraction(0))


@given(st.floats(0.0, 1e150), st.floats(0.0, 1e150))
def test_upper_product_is_above(x, y):
    assert Fraction(float(upper_product(np.array([x]), np.array([y]))[0])) >= Fraction(x) * Fraction(y)


@given(intervals(), intervals(), intervals())
def test_apply_encloses_both_halves(positive, negative, inputs):
    result, slope = Slopes(positive, negative).times(inputs), Slopes(positive, negative).between(inputs)
    for a in members(positive):
        for b in members(negative):
            values = [(a if x >= 0 else b) * x for x in members(inputs)]
            assert all(holds(result, value) for value in values)
            for x, value in zip(members(inputs), values, strict=True):
                for y, other in zip(members(inputs), values, strict=True):
                    assert x == y or holds(slope, (value - other) / (x - y))


def test_apply_uses_one_half_where_the_sign_is_known():
    inputs = Interval(np.array([2.0, -3.0]), np.array([3.0, -2.0]))
    one, two = Interval.point(np.array([1.0, 1.0])), Interval.point(np.array([5.0, 5.0]))
    result = Slopes(one, two).times(inputs)
    assert result.lower == pytest.approx([2.0, -15.0], rel=1e-15)
    assert result.upper == pytest.approx([3.0, -10.0], rel=1e-15)


@given(intervals(), intervals())
def test_relu_difference_encloses(values, difference):
    result = relu_difference(values, difference)
    zero = Fraction(0)
    for z in members(values):
        for e in members(difference):
            assert holds(result, max(z + e, zero) - max(z, zero))


@given(st.floats(-1.0, 1.0), st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.floats(0.0, 1.0))
def test_relu_difference_is_the_exact_range(z, z_width, e, e_width):
    values = Interval(np.array([z]), np.array([z + z_width]))
    difference = Interval(np.array([e]), np.array([e + e_width]))
    result = relu_difference(values, difference)
    grid_z = np.linspace(z, z + z_width, 9)[:, None]  # the extremes of a monotone function are at its ends
    grid_e = np.linspace(e, e + e_width, 9)[None, :]
    attained = np.maximum(grid_z + grid_e, 0.0) - np.maximum(grid_z, 0.0)
    assert result.upper[0] == pytest.approx(attained.max(), abs=1e-15)
    assert result.lower[0] == pytest.approx(attained.min(), abs=1e-15)


@given(intervals(), intervals())
def test_hull_and_meet(left, right):
    hull = left.hull(right)
    assert all(holds(hull, x) for x in members(left) + members(right))
    common = [x for x in members(left) if holds(right, x)]
    assert all(holds(left.meet(right), x) for x in common)


@given(intervals())
def test_a_middle_lies_inside_and_its_radius_reaches_both_ends(numbers):
    middle, radius = middle_and_radius(numbers)
    low, high, centre = (Fraction(float(end[0])) for end in (numbers.lower, numbers.upper, middle))
    assert low <= centre <= high
    assert Fraction(float(radius[0])) >= max(high - centre, centre - low)
    if low == high:
        assert radius[0] == 0.0
