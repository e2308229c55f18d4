"""Pursuit of given vectors of any law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.subset_sum.pursuit import pursue
from tests.strategies import kinds


def naive_greedy(values, target):
    """The error of plain greedy: the best single flip while it helps."""
    chosen = np.zeros(len(values), bool)
    residual = target.copy()
    while True:
        signs = np.where(chosen, -1.0, 1.0)
        after = residual - signs[:, None] * values
        lengths = np.linalg.norm(after, axis=1)
        at = int(np.argmin(lengths))
        if lengths[at] >= np.linalg.norm(residual) * (1.0 - 1e-12):
            return np.linalg.norm(residual)
        chosen[at] = not chosen[at]
        residual = after[at]


def exact_error(values, target, subset, norm):
    rest = [math.fsum([t, *(-v for v in x)]) for t, x in zip(target.tolist(), values[subset].T.tolist(), strict=True)]
    return max(map(abs, rest)) if norm == "max" else math.hypot(*rest)


@st.composite
def vector_instances(draw, max_n=12):
    n, dimension = draw(st.integers(1, max_n)), draw(st.integers(1, 3))
    number = draw(kinds)
    row = st.lists(number, min_size=dimension, max_size=dimension)
    values = np.array(draw(st.lists(row, min_size=n, max_size=n)))
    target = np.array(draw(row | st.just([0.0] * dimension)))
    return values, target


@given(vector_instances(), st.sampled_from(["l2", "max"]), st.data())
def test_hostile_instances(instance, norm, data):
    values, target = instance
    assume(np.abs(values).max() < 1e300)
    size = data.draw(st.none() | st.integers(0, len(values)))
    found = pursue(values, target, size=size, norm=norm, beam=2)
    scale = float(np.abs(values).sum() + np.abs(target).max())
    assert found.error == pytest.approx(exact_error(values, target, found.subset, norm), rel=1e-9, abs=1e-13 * scale)
    if size is None:
        empty = exact_error(values, target, np.zeros(len(values), bool), norm)
        assert found.error <= empty * (1.0 + 1e-15)
    else:
        assert found.subset.sum() == size


def laws_of_wide_scales(generator, n, dimension):
    return generator.standard_normal((n, dimension)) * 2.0 ** generator.integers(-30, 30, (n, 1))


laws = st.sampled_from(
    [
        lambda g, n, d: g.uniform(-1.0, 1.0, (n, d)),
        lambda g, n, d: g.standard_normal((n, 1)) * g.standard_normal((n, d)),
        lambda g, n, d: g.integers(-2, 3, (n, d)).astype(float),
        lambda g, n, d: np.repeat(g.standard_normal((-(-n // 3), d)), 3, axis=0)[:n],
        laws_of_wide_scales,
    ]
)


@example(laws_of_wide_scales, 166, 1, 166)  # errors of 5e-11 between values of 1e6: both are rounding
@given(laws, st.integers(1, 200), st.integers(1, 8), st.integers(0, 2**32))
def test_never_worse_than_plain_greedy(law, n, dimension, seed):
    generator = np.random.default_rng(seed)
    values, target = law(generator, n, dimension), generator.standard_normal(dimension)
    found = pursue(values, target, beam=1)
    rounding = 1e-15 * float(np.abs(values).sum() + np.abs(target).max())  # of sums, in whichever order
    assert found.error <= naive_greedy(values, target) * (1.0 + 1e-9) + rounding


def test_a_single_vector():
    assert pursue(np.array([[3.0, 4.0]]), np.array([3.0, 4.0])).error == 0.0
    assert pursue(np.array([[3.0, 4.0]]), np.array([-3.0, -4.0])).subset.tolist() == [False]
    assert pursue(np.array([[3.0, 4.0]]), np.array([3.0, 4.0]), size=0).error == 5.0


def test_zeros_fill_up_a_size():
    values = np.zeros((6, 2))
    values[0] = 1.0
    found = pursue(values, np.ones(2), size=4)
    assert found.error == 0.0
    assert found.subset.sum() == 4
    assert found.subset[0]


def test_same_subset_on_any_number_of_threads():
    generator = np.random.default_rng(0)
    values = generator.standard_normal((1500, 1)) * generator.standard_normal((1500, 12))
    one, two = (pursue(values, np.ones(12), threads=threads) for threads in (1, 2))
    assert one.subset.tolist() == two.subset.tolist()


def test_progress_and_tolerance():
    generator = np.random.default_rng(0)
    values, calls = generator.standard_normal((300, 5)), []
    found = pursue(values, np.ones(5), tolerance=3.0, progress=lambda *call: calls.append(call))
    assert found.flips == 0
    assert calls[-1] == ("pursuit", len(calls), len(calls))
    assert pursue(values, np.ones(5), tolerance=0.5).error <= 0.5


def test_size_outside_its_range():
    with pytest.raises(ArgumentError, match="size"):
        pursue(np.ones((3, 2)), np.ones(2), size=4)


@pytest.mark.parametrize(("mixed", "dimension", "gain"), [(True, 36, 2.0), (False, 10, 1.15)])
def test_nearer_than_plain_greedy_at_fixed_seeds(mixed, dimension, gain):
    """Candidates of all lengths leave room for much; where all are equally long there are no small steps to make."""
    ratios = []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        values, target = generator.standard_normal((2000, dimension)), generator.standard_normal(dimension)
        if mixed:
            values *= generator.standard_normal((2000, 1))
        ratios.append(naive_greedy(values, target) / pursue(values, target).error)
    assert np.median(ratios) >= gain
