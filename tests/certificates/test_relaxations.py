"""Linear relaxations hold in rational arithmetic: for ReLUs, for products of matrices, and for what they replace."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from slth.certificates.interval import Interval
from slth.certificates.layout import Full, Places
from slth.certificates.ranges import Ranges
from slth.certificates.rows import Account, Apart, Factor, LinearForm, Rows, reach, reach_of
from slth.certificates.rules.largest import LargestRule
from slth.certificates.rules.relu import difference_form, relu_difference, value_form

number = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([0.0, 1e-300, -1e-300, 1.0, 2.0**-53]))
seeds = st.integers(0, 2**32 - 1)


def ordered(one, two):
    return Interval(np.array([min(one, two)]), np.array([max(one, two)]))


def members(interval):
    low, high = Fraction(interval.lower[0]), Fraction(interval.upper[0])
    inside = [low, high, (low + high) / 2, (low + 2 * high) / 3]
    return inside + ([Fraction(0)] if low <= 0 <= high else [])


def line(form, x):
    slope, constant = form
    return Fraction(slope[0]) * x + Fraction(constant[0])


@given(number, number)
def test_lines_enclose_the_value_behind_a_relu(one, two):
    values = ordered(one, two)
    form = value_form(values)
    for z in members(values):
        assert line(form.lower, z) <= max(z, Fraction(0)) <= line(form.upper, z)
        assert abs(z) <= Fraction(form.largest[0])


@given(number, number, number, number)
def test_lines_enclose_the_difference_behind_a_relu(one, two, three, four):
    values, before = ordered(one, two), ordered(three, four)
    form = difference_form(values, before, relu_difference(values, before))
    for z in members(values):
        for e in members(before):
            r = max(z + e, Fraction(0)) - max(z, Fraction(0))
            assert line(form.lower, e) <= r <= line(form.upper, e)


def test_stable_neurons_are_passed_on_exactly():
    values = Interval(np.array([1.0]), np.array([2.0]))
    before = Interval(np.array([-0.5]), np.array([0.25]))
    form = difference_form(values, before, relu_difference(values, before))
    assert form.upper == form.lower == (1.0, 0.0)


def test_a_maximum_that_one_entry_leads_is_that_entry():
    """Differences of entries that can never be the largest do not count."""
    value = Interval(np.array([2.0, 0.0, 0.0]), np.array([3.0, 1.0, 1.5]))
    difference = Interval(np.array([-0.1, -0.5, -0.4]), np.array([0.2, 0.5, 0.3]))
    behind = LargestRule(np.array([[0, 1, 2]])).ranges((Ranges(value, value + difference, difference),))
    assert behind.difference.lower == pytest.approx([-0.1], abs=1e-12)
    assert behind.difference.upper == pytest.approx([0.2], abs=1e-12)


def exact_sum(row, column):
    return sum((Fraction(a) * Fraction(b) for a, b in zip(row, column, strict=True)), Fraction(0))


@pytest.mark.parametrize("sparse", [False, True])
@given(seeds)
def test_a_product_pays_for_its_rounding(sparse, seed):
    """For any matrix within the intervals and any variable within its largest values."""
    rng = np.random.default_rng(seed)
    rows, inner, columns = rng.integers(1, 4, 3)
    middle = rng.normal(size=(inner, columns)) * 10.0 ** rng.integers(-3, 3, (inner, columns))
    radius = rng.random((inner, columns)) * 10.0 ** rng.integers(-12, 0)
    coefficients, largest = rng.normal(size=(rows, inner)), rng.random(columns) * 3.0
    layout = Full(0, int(inner), int(columns))
    if sparse:
        every = np.arange(inner * columns)
        first = np.arange(0, inner * columns + 1, columns)
        layout = Places(first, every % columns, every, int(columns))
    matrix = Interval(middle - radius, middle + radius)
    flat = matrix.reshape(-1) if sparse else matrix
    account = Account(int(rows))
    given_rows = sp.csr_array(coefficients) if sparse else coefficients
    found = account.product(given_rows, Factor.of(layout, flat, largest), largest)
    found = found.toarray() if sparse else found
    assert account.work > 0.0
    for row, result, paid in zip(coefficients, found, account.constant, strict=True):
        needed = Fraction(0)
        for j, most in enumerate(largest.tolist()):
            ends = [[Fraction(c) * Fraction(end) for end in (matrix.lower[i, j], matrix.upper[i, j])]
                    for i, c in enumerate(row.tolist())]  # fmt: skip
            low, high = sum(map(min, ends), Fraction(0)), sum(map(max, ends), Fraction(0))
            needed += max(abs(low - Fraction(result[j])), abs(high - Fraction(result[j]))) * Fraction(most)
        size = (np.abs(row) @ np.abs(matrix.magnitude) @ largest).max()
        assert needed <= Fraction(paid) <= needed * Fraction(101, 100) + Fraction(1e-12 * size + 1e-250)


@pytest.mark.parametrize("sparse", [False, True])
@given(seeds)
def test_replaced_coefficients_bound_what_they_replace(sparse, seed):
    """Old coefficients times the line on their side, against new coefficients times x plus what was added."""
    rng = np.random.default_rng(seed)
    slopes, constants = rng.random((2, 3)), rng.random((2, 3))
    form = LinearForm((slopes[0], constants[0]), (slopes[1], -constants[1]), rng.random(3))
    coefficients = rng.normal(size=(1, 3)) * (rng.random((1, 3)) < 0.8)
    account = Account(1)
    found = account.replaced(sp.csr_array(coefficients) if sparse else coefficients, form)
    found = found.toarray() if sparse else found
    x = rng.uniform(-1.0, 1.0, 3) * form.largest
    needed = Fraction(0)
    for j, c in enumerate(coefficients[0].tolist()):
        slope, constant = (part[j] for part in (form.upper if c > 0.0 else form.lower))
        needed += Fraction(c) * (Fraction(slope) * Fraction(x[j]) + Fraction(constant))
    assert needed <= exact_sum(found[0].tolist(), x.tolist()) + Fraction(account.constant[0])


@given(seeds)
def test_coefficients_told_apart_by_sign_reach_their_largest_value(seed):
    rng = np.random.default_rng(seed)
    above, below = rng.normal(size=(2, 1, 3))
    low = rng.uniform(-1.0, 1.0, 3)
    values = Interval(low, low + rng.random(3))
    rows = Rows(above, np.zeros((1, 3)), None, Apart(above, below, np.zeros(1)))
    ends = np.stack([values.lower, values.upper, np.clip(0.0, values.lower, values.upper)])
    largest = np.where(ends >= 0.0, above * ends, below * ends).max(axis=0).sum()
    assert largest <= reach_of(rows, values)[0] <= largest + 1e-12
    plain = np.maximum(above[0] * values.lower, above[0] * values.upper).sum()
    assert plain <= reach(above, values)[0] <= plain + 1e-12


@given(seeds)
def test_sums_of_functions_of_one_node_are_sums(seed):
    """Whether signs are told apart in one, both or neither."""
    rng = np.random.default_rng(seed)
    values = Interval(-rng.random(3), rng.random(3))
    account, rows = Account(1), []
    for _ in range(2):
        one, two = rng.normal(size=(2, 1, 3))
        apart = Apart(one, two, rng.random(1)) if rng.random() < 0.5 else None
        rows.append(Rows(one, np.zeros((1, 3)), rng.random(1) if rng.random() < 0.5 else None, apart))
    total = account.merged(rows[0], rows[1], values.magnitude, np.zeros(3))
    x = np.where(rng.random(3) < 0.5, values.lower, values.upper)
    least = sum(_at(each, x) for each in rows)
    assert least <= reach_of(total, values)[0] + account.constant[0] + 1e-12


def _at(rows, x):
    if rows.apart is None:
        return float((rows.on_values * x).sum() + (0.0 if rows.cost is None else rows.cost[0]))
    return float(np.where(x >= 0.0, rows.apart.above * x, rows.apart.below * x).sum() + rows.apart.cost[0])
