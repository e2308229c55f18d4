"""Linear bounds hold in rational arithmetic: for activations, for products of matrices, and carried back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.constructions.interval import Interval
from slth.constructions.linear import (
    ActivationForm,
    AffineForm,
    _composed,
    _product,
    _replaced,
    difference_form,
    upper_bounds,
    value_form,
)
from slth.constructions.propagation import relu_difference

number = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([0.0, 1e-300, -1e-300, 1.0, 2.0**-53]))


def ordered(one, two):
    return Interval(np.array([min(one, two)]), np.array([max(one, two)]))


def members(interval):
    low, high = Fraction(interval.lower[0]), Fraction(interval.upper[0])
    inside = [low, high, (low + high) / 2, (low + 2 * high) / 3]
    return inside + ([Fraction(0)] if low <= 0 <= high else [])


def line(form, x):
    slope, constant = form
    return Fraction(slope[0]) * x + Fraction(constant[0])


@pytest.mark.parametrize("activation", ["relu", "identity"])
@given(number, number)
def test_value_form(activation, one, two):
    values = ordered(one, two)
    form = value_form(values, activation)
    for z in members(values):
        h = max(z, Fraction(0)) if activation == "relu" else z
        assert line(form.lower, z) <= h <= line(form.upper, z)
        assert abs(z) <= Fraction(form.largest[0])


@pytest.mark.parametrize("activation", ["relu", "identity"])
@given(number, number, number, number)
def test_difference_form(activation, one, two, three, four):
    values, before = ordered(one, two), ordered(three, four)
    behind = relu_difference(values, before) if activation == "relu" else before
    form = difference_form(values, before, behind, activation)
    for z in members(values):
        for e in members(before):
            r = max(z + e, Fraction(0)) - max(z, Fraction(0)) if activation == "relu" else e
            assert line(form.lower, e) <= r <= line(form.upper, e)


def test_stable_neurons_are_passed_on_exactly():
    values = Interval(np.array([1.0]), np.array([2.0]))
    before = Interval(np.array([-0.5]), np.array([0.25]))
    form = difference_form(values, before, relu_difference(values, before), "relu")
    assert form.upper == form.lower == (1.0, 0.0)


@st.composite
def products(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, inner, columns = (draw(st.integers(1, 4)) for _ in range(3))
    scale = 2.0 ** rng.integers(-40, 40, (inner, columns))
    middle = rng.normal(size=(inner, columns)) * scale
    radius = np.abs(rng.normal(size=(inner, columns))) * scale * draw(st.sampled_from([0.0, 1e-16, 0.1]))
    return rng.normal(size=(rows, inner)), Interval(middle - radius, middle + radius), rng.random(columns) * 10.0


def distances(coefficients, matrix, found, largest):
    """Largest (true product - found) v over all matrices of the interval and all |v| <= largest."""
    answers = []
    for row, rounded in zip(coefficients, found, strict=True):
        total = Fraction(0)
        for j, v in enumerate(largest):
            ends = [
                [Fraction(c) * Fraction(end) for end in (matrix.lower[i, j], matrix.upper[i, j])]
                for i, c in enumerate(row)
            ]
            low, high = sum(map(min, ends), Fraction(0)), sum(map(max, ends), Fraction(0))
            total += max(abs(low - Fraction(rounded[j])), abs(high - Fraction(rounded[j]))) * Fraction(v)
        answers.append(total)
    return answers


@given(products())
def test_product_pays_for_its_rounding(case):
    coefficients, matrix, largest = case
    found, lost = _product(coefficients, matrix, largest)
    for paid, needed in zip(lost, distances(coefficients, matrix, found, largest), strict=True):
        assert Fraction(paid) >= needed
        assert (
            paid
            <= float(needed) * 1.01 + 1e-13 * (np.abs(coefficients) @ np.abs(matrix.upper) @ largest).max() + 1e-300
        )


@given(products(), st.integers(0, 2**32 - 1))
def test_composed_pays_for_both_products(case, seed):
    coefficients, matrix, largest = case
    rng = np.random.default_rng(seed)
    others, weights = rng.normal(size=(len(coefficients), 2)), rng.normal(size=(2, len(largest)))
    found, lost = _composed(coefficients, others, matrix, weights, largest)
    stacked = Interval(np.vstack([matrix.lower, weights]), np.vstack([matrix.upper, weights]))
    both = np.column_stack([coefficients, others])
    for paid, needed in zip(lost, distances(both, stacked, found, largest), strict=True):
        assert Fraction(paid) >= needed


@given(st.integers(0, 2**32 - 1))
def test_replaced_bounds_what_it_replaces(seed):
    """Old coefficients times the line on their side, against new coefficients times x plus what was added."""
    rng = np.random.default_rng(seed)
    slopes, constants = rng.random((2, 3)), rng.random((2, 3))
    form = ActivationForm((slopes[0], constants[0]), (slopes[1], -constants[1]), rng.random(3))
    coefficients = rng.normal(size=(1, 3))
    before, added = _replaced(coefficients, form)
    x = rng.uniform(-1.0, 1.0, 3) * form.largest
    needed = Fraction(0)
    for c, b, v, *lines in zip(
        coefficients[0].tolist(), before[0].tolist(), x.tolist(), *form.upper, *form.lower, strict=True
    ):
        upper, above, lower, below = map(Fraction, lines)
        value = Fraction(v)
        highest = Fraction(c) * (upper * value + above if c > 0.0 else lower * value + below)
        needed += highest - Fraction(b) * value
    assert Fraction(added[0]) >= needed


@given(st.integers(0, 2**32 - 1))
def test_bounds_carried_back_through_two_layers(seed):
    """Sampled networks within random enclosures, evaluated in plain arithmetic, never exceed the bound."""
    rng = np.random.default_rng(seed)
    inputs, hidden, outputs = (int(rng.integers(1, 5)) for _ in range(3))
    first = np.vstack([rng.normal(size=(hidden, inputs + 1)), np.eye(1, inputs + 1, inputs)])
    second = np.vstack([rng.normal(size=(outputs, hidden + 1)), np.eye(1, hidden + 1, hidden)])
    size = float(rng.choice([0.01, 0.3]))
    errors = [rng.normal(size=(hidden, inputs + 1)) * size, rng.normal(size=(outputs, hidden + 1)) * size]
    box = Interval(np.append(rng.uniform(-1.0, 0.0, inputs), 1.0), np.append(rng.uniform(0.0, 1.0, inputs), 1.0))
    z = (Interval.point(first) * box).total()
    e = (Interval.point(errors[0]) * box).total()
    r = relu_difference(z[:-1], e)
    none = Interval.point(np.zeros(inputs + 1))
    affine = [
        AffineForm(first, Interval.point(errors[0]), None, Interval.point(first[:-1]), box, none),
        AffineForm(
            second, Interval.point(errors[1]), None, Interval.point(second[:-1] + errors[1]), z.relu(),
            Interval(np.append(r.lower, 0.0), np.append(r.upper, 0.0)),
        ),
    ]  # fmt: skip
    activations = [(value_form(z, "relu"), difference_form(z[:-1], e, r, "relu"))]
    on_differences, on_values = rng.normal(size=(2, outputs)), rng.normal(size=(2, outputs + 1))
    bounds = upper_bounds(on_differences, on_values, affine, activations)
    x = np.column_stack([rng.uniform(box.lower[:-1], box.upper[:-1], (500, inputs)), np.ones(500)])
    x[:100, :-1] = np.where(rng.random((100, inputs)) < 0.5, box.lower[:-1], box.upper[:-1])
    h = np.maximum(x @ first.T, 0.0)
    moved = np.maximum(x @ (first[:-1] + errors[0]).T, 0.0)
    difference = np.column_stack([moved, np.ones(500)]) @ (second[:-1] + errors[1]).T - h @ second[:-1].T
    reached = difference @ on_differences.T + h @ second.T @ on_values.T
    assert (reached.max(axis=0) <= bounds + 1e-12).all()
