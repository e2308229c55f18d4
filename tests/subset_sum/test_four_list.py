"""Four lists against the oracle, against other solvers beyond it, and under every way of ending early."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ResourceError
from slth.subset_sum.four_list import four_lists
from slth.subset_sum.greedy import greedy_swaps
from slth.subset_sum.lattice import lattice
from slth.subset_sum.status import Status
from tests.oracles import best_subset, error_of
from tests.strategies import instances, sized_instances

slice_sizes = st.sampled_from([1, 3, 16, 1 << 17])


@given(instances(), slice_sizes)
def test_optimum_is_the_oracle_s(instance, slice_size):
    values, target = instance
    best, _ = best_subset(values, target)
    outcome = four_lists(np.array(values), target, slice_size=slice_size)
    assert outcome.status is Status.OPTIMAL
    assert error_of(values, outcome.subset, target) == best
    assert Fraction(outcome.lower_bound) <= best


@given(sized_instances(), slice_sizes)
def test_optimum_of_fixed_size_is_the_oracle_s(instance, slice_size):
    values, target, size = instance
    best, _ = best_subset(values, target, size)
    outcome = four_lists(np.array(values), target, size=size, slice_size=slice_size)
    assert outcome.status is Status.OPTIMAL
    assert outcome.subset.sum() == size
    assert error_of(values, outcome.subset, target) == best


@given(instances(max_n=9), st.floats(0.0, 1.0))
def test_tolerance_is_met_or_the_optimum_is_proved(instance, tolerance):
    values, target = instance
    outcome = four_lists(np.array(values), target, tolerance=tolerance, slice_size=4)
    error = error_of(values, outcome.subset, target)
    if outcome.status is Status.WITHIN_TOLERANCE:
        assert error <= tolerance
        assert outcome.lower_bound == 0.0
    else:
        assert outcome.status is Status.OPTIMAL
        assert error == best_subset(values, target)[0]


def meet_in_the_middle(values, target, size=None):
    """The optimum for integers, from Python's integers alone."""
    halves = []
    for part in (values[::2], values[1::2]):
        sums = {(0, 0)}
        for v in map(int, part):
            sums |= {(s + v, k + 1) for s, k in sums}
        halves.append(sums)
    best = math.inf
    for k in range(len(values) + 1):
        low = sorted(s for s, c in halves[0] if size is None or c == k)
        high = sorted(s for s, c in halves[1] if size is None or c == size - k)
        i, j = 0, len(high) - 1
        while i < len(low) and j >= 0:
            best = min(best, abs(low[i] + high[j] - target))
            i, j = (i + 1, j) if low[i] + high[j] < target else (i, j - 1)
        if size is None:
            break
    return best


@pytest.mark.parametrize("bits", [6, 20, 45])
@pytest.mark.parametrize("size", [None, 9])
def test_beyond_the_oracle_in_slices(bits, size):
    rng = np.random.default_rng(bits)
    values = rng.integers(-(2**bits), 2**bits, 24).astype(float)
    target = int(rng.integers(0, 2**bits))
    outcome = four_lists(values, float(target), size=size, slice_size=100)
    assert outcome.status is Status.OPTIMAL
    assert error_of(values.tolist(), outcome.subset, float(target)) == meet_in_the_middle(values, target, size)


@pytest.mark.parametrize("law", ["uniform", "normal", "clusters", "equal", "zeros", "halves"])
def test_every_slice_size_and_any_number_of_threads_give_the_same_subset(law):
    rng = np.random.default_rng(4)
    values = {
        "uniform": rng.uniform(-1.0, 1.0, 40),
        "normal": rng.normal(size=40) * 10.0 ** rng.integers(-3, 4, 40),
        "clusters": rng.choice([1.0, 1e9, 1e18], 40) + rng.integers(0, 3, 40),  # sums in islands with wide gaps
        "equal": np.full(40, 0.1),
        "zeros": np.where(rng.random(40) < 0.7, 0.0, 0.3),
        "halves": rng.integers(1, 2**20, 40) / 2.0,
    }[law]
    target = float(values[:20].sum()) + 0.1
    outcomes = [
        four_lists(values, target, slice_size=slice_size, threads=threads)
        for slice_size, threads in [(1 << 17, 1), (1 << 17, 3), (3000, 2)]
    ]
    errors = {error_of(values.tolist(), o.subset, target) for o in outcomes}
    assert [o.status for o in outcomes] == [Status.OPTIMAL] * 3
    assert len(errors) == 1
    assert (outcomes[0].subset == outcomes[1].subset).all()
    assert outcomes[0].lower_bound <= float(errors.pop())


def test_permutation_and_scaling_keep_the_error_and_one_more_value_never_worsens_it():
    rng = np.random.default_rng(9)
    values = rng.uniform(-1.0, 1.0, 32)
    error = error_of(values.tolist(), four_lists(values, 0.2).subset, 0.2)
    permuted = rng.permutation(values)
    assert error_of(permuted.tolist(), four_lists(permuted, 0.2).subset, 0.2) == error
    scaled = values * 2.0**-300
    assert error_of(scaled.tolist(), four_lists(scaled, 0.2 * 2.0**-300).subset, 0.2 * 2.0**-300) == error / 2**300
    longer = np.append(values, 0.77)
    assert error_of(longer.tolist(), four_lists(longer, 0.2).subset, 0.2) <= error


def test_integers_agree_with_the_bitset():
    values = np.random.default_rng(10).integers(1, 10**5, 44) * 2.0
    for target in (values.sum() // 2 + 0.75, 4.4e6):
        exact = error_of(values.tolist(), lattice(values, float(target)).subset, float(target))
        assert error_of(values.tolist(), four_lists(values, float(target)).subset, float(target)) == exact


def test_what_keys_cannot_tell_apart_is_ranked_exactly():
    # Two values carry 2^80 and the rest are below the resolution of the keys; up to 65536 subsets are still ranked.
    rng = np.random.default_rng(11)
    values = np.concatenate([[2.0**80, -(2.0**80)], rng.integers(-50, 50, 13).astype(float)])
    target = 2.0**80 + 2.0**28
    best, _ = best_subset(values.tolist(), target)
    outcome = four_lists(values, target)
    assert outcome.status is Status.OPTIMAL
    assert error_of(values.tolist(), outcome.subset, target) == best


@pytest.mark.parametrize("seed", range(12))
def test_the_nearest_keys_are_not_taken_for_the_nearest_sums(seed):
    # A key unit is about 2^21 here, a third of a typical small value: the best gap of keys is often not the best sum.
    rng = np.random.default_rng(seed)
    values = np.concatenate([[2.0**80, -(2.0**80)], rng.integers(-(2**23), 2**23, 11).astype(float)])
    target = float(rng.integers(-(2**23), 2**23))
    outcome = four_lists(values, target, slice_size=20)
    assert outcome.status is Status.OPTIMAL
    assert error_of(values.tolist(), outcome.subset, target) == best_subset(values.tolist(), target)[0]


@pytest.mark.parametrize("bits", [26, 30, 34])
def test_bound_is_valid_when_too_many_key_sums_come_near(bits):
    rng = np.random.default_rng(bits)
    small = rng.integers(1, 2**bits, 30).astype(float)
    target = float(small[:15].sum()) + 0.5
    exact = error_of(small.tolist(), four_lists(small, target).subset, target)
    outcome = four_lists(np.concatenate([[2.0**80, -(2.0**80)], small]), target)
    assert outcome.status in (Status.OPTIMAL, Status.WITHIN_ROUNDING)
    assert outcome.lower_bound <= exact
    if outcome.status is Status.OPTIMAL:
        assert error_of([2.0**80, -(2.0**80), *small], outcome.subset, target) == exact


def test_too_many_candidates_are_confessed_with_a_bound():
    rng = np.random.default_rng(12)
    values = np.concatenate([[2.0**80, -(2.0**80)], rng.uniform(0.0, 1.0, 22)])
    target = 2.0**80 + 5.3
    outcome = four_lists(values, target)
    assert outcome.status is Status.WITHIN_ROUNDING
    # Without the two large values, whose choice is forced, the small ones give the true optimum to compare with.
    small = four_lists(values[2:], float(Fraction(target) - 2**80))
    assert small.status is Status.OPTIMAL
    assert outcome.lower_bound <= error_of(values[2:].tolist(), small.subset, float(Fraction(target) - 2**80))
    assert error_of(values.tolist(), outcome.subset, target) < 2.0**22


def test_optimal_is_not_said_when_the_subsets_behind_one_key_are_too_many():
    # The keys of all small values are zero. Values are dealt 0 1 2 3 3 2 1 0 ...: the first two quarters get 1, 2, 4
    # to 256 each, so 2^18 pairs of their subsets have one key sum; behind that of the other half is one exact sum.
    values, given = [2.0**80, -(2.0**80)], [0, 0, 0, 0]
    for place in range(2, 40):
        seat = place % 4 if place // 4 % 2 == 0 else 3 - place % 4
        values.append(2.0 ** given[seat] if seat < 2 and given[seat] < 9 else 0.0)
        given[seat] += 1
    outcome = four_lists(np.array(values), 1020.5)
    error = error_of(values, outcome.subset, 1020.5)
    assert outcome.status is Status.WITHIN_ROUNDING
    assert outcome.lower_bound <= Fraction(1, 2) <= error


def test_targets_beyond_every_sum_are_answered_without_a_search():
    values = np.array([1e300, -2.0, 3e-300] * 10)
    for target, expected in ((1.7e308, values > 0), (-1.7e308, values < 0)):
        outcome = four_lists(values, target)
        assert (outcome.subset == expected).all()
        assert outcome.status is Status.OPTIMAL
        assert outcome.work["sums"] == 0


def test_interruption_returns_the_best_so_far():
    values = np.random.default_rng(13).normal(size=46)
    calls = []

    def interrupt(label, done, total):
        calls.append((label, done, total))
        raise KeyboardInterrupt

    for size in (None, 20):
        outcome = four_lists(values, 0.2, size=size, progress=interrupt)
        assert outcome.status is Status.INTERRUPTED
        assert outcome.lower_bound == 0.0
        assert size is None or outcome.subset.sum() == size
        greedy = greedy_swaps(values, 0.2, size=size).subset
        assert error_of(values.tolist(), outcome.subset, 0.2) <= error_of(values.tolist(), greedy, 0.2)
    assert calls[0][0] == "four lists"
    assert calls[0][1] < calls[0][2]


def test_errors_of_a_callback_are_not_swallowed():
    def fail(label, done, total):
        raise RuntimeError("display is gone")

    with pytest.raises(RuntimeError, match="display is gone"):
        four_lists(np.random.default_rng(14).normal(size=46), 0.2, progress=fail)


def test_progress_ends_at_the_total():
    seen = []
    four_lists(np.random.default_rng(15).normal(size=36), 0.2, progress=lambda *report: seen.append(report))
    assert all(label == "four lists" and 0 <= done <= total for label, done, total in seen)
    assert seen[-1][1] > 0.99 * seen[-1][2]  # sums that cannot have a partner are left out


def test_too_many_values_are_refused():
    with pytest.raises(ResourceError, match=r"n <= 64.*Differencing"):
        four_lists(np.ones(65), 3.5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["planted", "normal"])
def test_fifty_six_values(kind):
    # Some seconds each. The smallest of 2^56 normal errors lies above 1e-15 of the spread with a chance below e^-40.
    rng = np.random.default_rng(16)
    values = rng.integers(1, 2**47, 56).astype(float) if kind == "planted" else rng.normal(size=56)
    target = float(values[rng.random(56) < 0.5].sum()) if kind == "planted" else 0.2
    outcome = four_lists(values, target)
    assert outcome.status is Status.OPTIMAL
    error = float(error_of(values.tolist(), outcome.subset, target))
    assert error == 0.0 if kind == "planted" else error <= 1e-15
