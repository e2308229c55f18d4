"""The bitset dynamic programme against the oracle, on integers, multiples of a step and decimal grids."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError, ResourceError
from slth.subset_sum.dyadic import integer_form
from slth.subset_sum.lattice import lattice
from slth.subset_sum.status import Status
from tests.oracles import best_subset, error_of

steps = st.sampled_from([1.0, 3.0, 0.25, 2.0**-1000, 2.0**900])
counts = st.one_of(st.integers(-3, 3), st.integers(-100, 100), st.just(64))


@st.composite
def quantised(draw):
    """Multiples of a step, and a target on or off the lattice, within reach or not."""
    step = draw(steps)
    values = [step * k for k in draw(st.lists(counts, min_size=1, max_size=9))]
    return values, step * draw(st.one_of(st.integers(-300, 300), st.floats(-300.0, 300.0), st.just(0.5)))


@given(quantised())
def test_optimum_is_the_oracle_s(instance):
    values, target = instance
    outcome = lattice(np.array(values), target)
    best, _ = best_subset(values, target)
    assert outcome.status is Status.OPTIMAL
    assert error_of(values, outcome.subset, target) == best
    assert Fraction(outcome.lower_bound) <= best


@given(quantised(), st.data())
def test_optimum_of_fixed_size_is_the_oracle_s(instance, data):
    values, target = instance
    size = data.draw(st.integers(0, len(values)))
    outcome = lattice(np.array(values), target, size=size)
    assert outcome.status is Status.OPTIMAL
    assert outcome.subset.sum() == size
    assert error_of(values, outcome.subset, target) == best_subset(values, target, size)[0]


@given(quantised())
def test_with_hardly_any_memory_the_way_back_is_found_by_halving(instance):
    values, target = instance
    # Two bitsets fit, records of every sum do not.
    reach = sum(abs(i) for i in integer_form(np.array(values))[0])
    outcome = lattice(np.array(values), target, memory=2 * 8 * (reach // 64 + 2))
    assert error_of(values, outcome.subset, target) == best_subset(values, target)[0]


def test_halving_and_records_agree_on_many_values():
    values = np.random.default_rng(1).integers(-50, 1000, 400).astype(float)
    target = float(round(values.sum() * 0.37)) + 0.25
    outcomes = [lattice(values, target, memory=memory) for memory in (None, 60_000, 30_000)]
    assert [o.work["recovery"] for o in outcomes] == ["records", "halving", "halving"]
    assert [float(error_of(values.tolist(), o.subset, target)) for o in outcomes] == [0.25] * 3


def test_unreachable_targets_are_searched_to_the_end():
    # All sums are multiples of 7 up to one value of 1000: nothing near 3 can be missed by stopping early.
    values = np.array([7.0] * 40 + [1001.0, 1002.0])
    best, _ = best_subset([7.0] * 6 + [1001.0, 1002.0], 1005.0)
    outcome = lattice(values, 1005.0)
    assert outcome.status is Status.OPTIMAL
    assert error_of(values.tolist(), outcome.subset, 1005.0) == best == 3


decimal_lists = st.lists(st.integers(-40, 40), min_size=1, max_size=8)


@given(decimal_lists, st.integers(-100, 100), st.sampled_from([0.1, "0.001", Fraction(1, 3)]), st.data())
def test_decimal_grid_has_the_optimum_of_its_integers_and_a_valid_bound(multiples, wanted, grid, data):
    step = Fraction(str(grid)) if not isinstance(grid, Fraction) else grid
    values, target = [float(k * step) for k in multiples], float(wanted * step)
    size = data.draw(st.one_of(st.none(), st.integers(0, len(values))))
    outcome = lattice(np.array(values), target, grid=grid, size=size)
    best, _ = best_subset(values, target, size)
    on_grid, _ = best_subset([float(k) for k in multiples], float(wanted), size)
    chosen = sum(k for k, c in zip(multiples, outcome.subset, strict=True) if c)
    assert outcome.status in (Status.WITHIN_ROUNDING, Status.OPTIMAL)
    assert abs(chosen - wanted) == on_grid
    assert size is None or outcome.subset.sum() == size
    assert Fraction(outcome.lower_bound) <= best <= error_of(values, outcome.subset, target)
    if outcome.status is Status.OPTIMAL:
        assert best == error_of(values, outcome.subset, target)


def test_grid_misfits_are_named():
    with pytest.raises(ArgumentError, match=r"values\[1\]=0.25 is not a multiple of grid=0.1"):
        lattice(np.array([0.1, 0.25]), 0.2, grid=0.1)
    for grid in (0.0, -1.0, "tenth", float("nan")):
        with pytest.raises(ArgumentError, match="grid"):
            lattice(np.array([0.1]), 0.2, grid=grid)


@pytest.mark.parametrize(("n", "solver"), [(20, "TwoList"), (60, "FourList"), (100, "Differencing")])
def test_memory_is_refused_before_it_is_taken(n, solver):
    values = np.random.default_rng(n).normal(size=n)
    with pytest.raises(ResourceError, match=solver):
        lattice(values, 0.2)
    with pytest.raises(ResourceError, match="GiB"):
        lattice(values * 10.0 ** np.linspace(-250, 250, n), 0.2, memory=10**9)
    with pytest.raises(ResourceError, match="sizes"):
        lattice(np.arange(1.0, n + 1.0), n * n / 4 + 0.5, size=n // 2, memory=100)


def test_interruption_returns_the_best_so_far():
    values = np.random.default_rng(5).integers(1, 50, 300) * 2.0 + 2.0
    values[-1] = 1.0  # no multiple of two is the step, and the goal is odd: the search cannot end before the last value

    def interrupt(label, done, total):
        assert (label, total) == ("lattice", 300)
        if done > 100:
            raise KeyboardInterrupt

    for size in (None, 120):
        outcome = lattice(values, 5001.0, size=size, progress=interrupt)
        assert outcome.status is Status.INTERRUPTED
        assert outcome.lower_bound == 0.0
        assert size is None or outcome.subset.sum() == size
    assert error_of(values.tolist(), lattice(values, 5001.0, progress=interrupt).subset, 5001.0) == 1


def test_ten_thousand_integers():
    values = np.random.default_rng(6).integers(1, 1001, 10_000).astype(float)
    for target in (values.sum() // 2, values.sum() // 7 + 0.25):
        outcome = lattice(values, float(target))
        assert outcome.status is Status.OPTIMAL
        assert error_of(values.tolist(), outcome.subset, float(target)) == target % 1
