"""Two lists against a naive oracle in rational arithmetic, and identities where the oracle cannot reach."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.subset_sum import FourList, Status, TwoList, large_two_list, ranking, solve, solve_batch
from slth.subset_sum.large_two_list import solve_large
from slth.subset_sum.ranking import bits_to_bools
from tests.oracles import all_sums, best_subset, error_of
from tests.strategies import instances, ordinary, sized_instances, value_lists

TWO = TwoList()


def nearest_double(x: Fraction) -> float:
    return float(x)  # int / int is correctly rounded


@given(instances())
def test_optimum_is_the_oracle_s(instance):
    values, target = instance
    best, _ = best_subset(values, target)
    answer = solve(values, target, solver=TWO)
    assert answer.status is Status.OPTIMAL
    assert answer.error == answer.lower_bound == nearest_double(best)
    assert error_of(values, answer.subset, target) == best


@given(sized_instances())
def test_optimum_of_fixed_size_is_the_oracle_s(instance):
    values, target, size = instance
    best, _ = best_subset(values, target, size)
    answer = solve(values, target, size=size, solver=TWO)
    assert int(answer.subset.sum()) == size
    assert answer.status is Status.OPTIMAL
    assert error_of(values, answer.subset, target) == best


@given(value_lists(max_n=9), st.lists(ordinary, min_size=1, max_size=5), st.booleans())
def test_shared_list_gives_each_target_its_optimum(values, targets, sized):
    size = len(values) // 2 if sized else None
    rows = solve_batch(values, targets, size=size, solver=TWO)
    for row, target in enumerate(targets):
        assert error_of(values, rows.subsets[row], target) == best_subset(values, target, size)[0]


@given(st.integers(1, 9), st.integers(1, 6), st.randoms(use_true_random=False), st.booleans())
def test_rows_of_a_batch_are_independent(n, count, random, sized):
    values = [
        [random.choice([random.uniform(-1, 1), random.randint(-4, 4) / 4]) for _ in range(n)] for _ in range(count)
    ]
    targets = [random.uniform(-1, 1) for _ in range(count)]
    size = n // 2 if sized else None
    rows = solve_batch(values, targets, size=size, solver=TWO, threads=2)
    for row in range(count):
        assert error_of(values[row], rows.subsets[row], targets[row]) == best_subset(values[row], targets[row], size)[0]
        assert rows.lower_bounds[row] == rows.errors[row]


@given(instances(max_n=9), st.floats(0.0, 1.0))
def test_tolerance_is_met_or_the_optimum_is_proved(instance, tolerance):
    values, target = instance
    answer = solve(values, target, tolerance=tolerance, solver=TWO)
    best, _ = best_subset(values, target)
    if answer.status is Status.WITHIN_TOLERANCE:
        assert answer.error <= tolerance
        assert answer.lower_bound == 0.0
    else:
        assert answer.status is Status.OPTIMAL
        assert error_of(values, answer.subset, target) == best
    assert answer.lower_bound <= best + Fraction(2) ** -1074 * 4 or answer.lower_bound == answer.error


@pytest.mark.parametrize("n", [17, 18, 22, 25, 27, 31, 34])
@pytest.mark.parametrize("size", [None, 7])
def test_packed_wide_and_large_agree_beyond_the_oracle(n, size):
    """Three code paths (packed keys, wide keys, one instance over threads), compared by exact rational errors."""
    rng = np.random.default_rng(n)
    values, target = rng.normal(size=n), float(rng.normal())
    batch = solve_batch(values[None, :], [target], size=size, solver=TWO)
    for threads in (1, 3):
        large = solve_large(values, target, size=size, threads=threads)
        subset = bits_to_bools(large.identity, n)
        assert error_of(values, subset, target) == error_of(values, batch.subsets[0], target)
    if n <= 22:
        permuted = rng.permutation(n)
        again = solve_batch(values[permuted][None, :], [target], size=size, solver=TWO)
        assert error_of(values[permuted], again.subsets[0], target) == error_of(values, batch.subsets[0], target)


@given(st.lists(ordinary, min_size=12, max_size=15), ordinary, st.integers(-30, 30))
def test_scaling_by_a_power_of_two_scales_the_error(values, target, exponent):
    scale = 2.0**exponent
    plain = solve(values, target, solver=TWO)
    scaled = solve([v * scale for v in values], target * scale, solver=TWO)
    if all(v == 0 or abs(v) > 1e-200 for v in [*values, target]):
        assert scaled.error == plain.error * scale


@given(st.lists(ordinary, min_size=11, max_size=15), ordinary, ordinary)
def test_another_value_never_worsens_the_optimum(values, target, extra):
    assert solve([*values, extra], target, solver=TWO).error <= solve(values, target, solver=TWO).error


def test_an_unattainable_tolerance_returns_the_optimum():
    values, target = [1.0, 2.0, 4.0], 0.5
    answer = solve(values, target, tolerance=0.25, solver=TWO)
    assert answer.status is Status.OPTIMAL
    assert answer.error == 0.5


def test_tolerance_stops_at_leading_values():
    rng = np.random.default_rng(3)
    values = rng.uniform(-1, 1, 48)
    answer = solve(values, 0.1, tolerance=1e-6, solver=TWO)
    assert answer.status is Status.WITHIN_TOLERANCE
    assert answer.error <= 1e-6
    assert not answer.subset[30:].any()


def mixed_scales(n):
    rng = np.random.default_rng(5)
    return np.concatenate([rng.uniform(-1, 1, n // 2), rng.uniform(-1, 1, n - n // 2) * 1e-40])


def test_scales_that_no_key_spans_are_solved_in_integers():
    """12 values of scale 1 and 12 of scale 1e-40, against two lists of Fractions."""
    values, target = mixed_scales(24), 0.25
    for size in (None, 11):
        answer = solve(values, target, size=size, solver=TWO)
        assert answer.status is Status.OPTIMAL
        coarse = min(best_subset(values[:12], target, k) for k in ([None] if size is None else range(12)))[0]
        fine = best_subset(values[12:], 0.0)[0] if size is None else None
        assert error_of(values, answer.subset, target) <= coarse + Fraction(12e-40)
        if fine is not None:
            chosen, _ = best_subset(values[:12], target)[1], None
            residual = Fraction(target) - sum(Fraction(values[i]) for i in chosen)
            exact = min(abs(s - residual) for s in all_sums(values[12:]))
            assert error_of(values, answer.subset, target) == exact


def test_beyond_that_the_answer_is_called_within_rounding():
    values, target = mixed_scales(44), 0.25
    answer = solve(values, target, solver=TWO)
    coarse = solve(values[:22], target, solver=TWO)
    assert answer.status is Status.WITHIN_ROUNDING
    assert answer.lower_bound <= coarse.error + 22e-40
    assert answer.error <= coarse.error + 1e-15


def test_thousands_of_equal_values():
    answer = solve(np.ones(40), 17.25, solver=TWO)
    assert answer.status is Status.OPTIMAL
    assert answer.error == 0.25
    assert int(answer.subset.sum()) == 17


@pytest.mark.parametrize("n", [9, 22, 26, 31, 35])
@pytest.mark.parametrize("size", [None, 5])
def test_a_shared_list_is_solved_as_if_it_were_repeated(n, size):
    rng = np.random.default_rng(n)
    values, targets = rng.normal(size=n), np.append(rng.normal(size=4), [1e9, -1e9, 0.0])
    shared = solve_batch(values, targets, size=size, solver=TWO)
    for row, target in enumerate(targets):
        alone = solve(values, target, size=size, solver=TWO)
        assert error_of(values, shared.subsets[row], target) == error_of(values, alone.subset, target)
        assert shared.status[row] == Status.OPTIMAL


def test_one_more_value_never_worsens_what_is_said_beyond_the_reach_of_integers(monkeypatch):
    """25 values of wide scales and 25 with thousands of ties: past the last n at which Python integers may decide."""
    monkeypatch.setattr(ranking, "INTEGERS_UP_TO", 24)
    for module in (ranking, large_two_list):  # as many subsets of fewer values are then too many to rank
        monkeypatch.setattr(module, "MOST_CANDIDATES", 64)
    wide = 10.0 ** np.linspace(-22, 18, 25)
    before, after = solve(wide[:24], 3.3, solver=TWO), solve(wide, 3.3, solver=TWO)
    assert before.status is Status.OPTIMAL
    assert after.error <= before.error
    assert after.lower_bound <= before.error
    ties = np.round(np.random.default_rng(0).uniform(-1, 1, 25), 1)
    answer = solve(ties, 0.333, solver=TWO)
    assert answer.status is Status.OPTIMAL
    assert answer.error == solve(ties, 0.333, solver=FourList()).error
