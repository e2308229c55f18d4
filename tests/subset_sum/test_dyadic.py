"""Doubles as exact integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.subset_sum.dyadic import beyond_reach, float_below, integer_form
from tests.strategies import value_lists


@given(value_lists())
def test_integers_times_the_step_are_the_values_and_the_step_is_the_largest(values):
    integers, step = integer_form(np.array(values))
    assert [i * step for i in integers] == [Fraction(v) for v in values]
    assert math.gcd(*integers) == (1 if any(values) else 0)


@given(st.fractions())
def test_float_below_is_the_largest_double_that_is_not_above(number):
    below = float_below(number)
    assert Fraction(below) <= number < Fraction(math.nextafter(below, math.inf))


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6), st.data())
def test_beyond_the_largest_sums_the_extreme_subset_is_returned(integers, data):
    goal = data.draw(st.one_of(st.fractions(-60, 60, max_denominator=3), st.integers(-9, 9).map(Fraction)))
    size = data.draw(st.one_of(st.none(), st.integers(0, len(integers))))
    ordered = sorted(integers)
    sizes = range(len(integers) + 1) if size is None else [size]
    least = min(sum(ordered[:k]) for k in sizes)
    greatest = max(sum(ordered[len(ordered) - k :]) for k in sizes)
    goal = data.draw(st.sampled_from([goal, Fraction(least), Fraction(greatest)]))
    subset = beyond_reach(integers, goal, size)
    if least < goal < greatest:
        assert subset is None
    else:
        assert subset is not None
        assert size is None or subset.sum() == size
        total = sum(i for i, chosen in zip(integers, subset, strict=True) if chosen)
        assert total == (least if goal <= least else greatest)
