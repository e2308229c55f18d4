"""What every solver owes; the lists of solvers are computed from their traits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ResourceError
from slth.subset_sum import Status, Traits, solve, solve_batch
from slth.subset_sum.choice import every_solver, solvers_with
from tests.oracles import best_subset, error_of
from tests.strategies import instances, sized_instances

EXACT = sorted(solvers_with(Traits.EXACT))
SIZED = sorted(solvers_with(Traits.EXACT | Traits.FIXED_SIZE))
EVERY = sorted(every_solver())


def attempt(values, target, **options):
    """Solve; None for an instance that the solver declines, as the bitset does values of mixed scales."""
    try:
        return solve(values, target, **options)
    except ResourceError:
        return None


def test_the_lists_are_not_empty():
    assert {"two-list", "four-list", "lattice"} <= set(EXACT)
    assert {"two-list", "four-list"} <= set(SIZED)
    assert {"greedy", "differencing"} <= set(EVERY)


@pytest.mark.parametrize("name", EXACT)
@given(instance=instances(max_n=9))
def test_exact_solvers_find_the_oracle_s_optimum(name, instance):
    values, target = instance
    answer = attempt(values, target, solver=every_solver()[name])
    if answer is None:
        return
    best, _ = best_subset(values, target)
    assert answer.status is Status.OPTIMAL
    assert error_of(values, answer.subset, target) == best
    assert answer.error == answer.lower_bound == float(best)


@pytest.mark.parametrize("name", SIZED)
@given(instance=sized_instances(max_n=9))
def test_exact_solvers_of_fixed_size_find_the_oracle_s_optimum(name, instance):
    values, target, size = instance
    answer = attempt(values, target, size=size, solver=every_solver()[name])
    if answer is None:
        return
    assert int(answer.subset.sum()) == size
    assert error_of(values, answer.subset, target) == best_subset(values, target, size)[0]


@pytest.mark.parametrize("name", EVERY)
@given(instance=instances(max_n=10))
def test_lower_bounds_never_exceed_the_optimum_and_errors_never_undercut_it(name, instance):
    values, target = instance
    answer = attempt(values, target, solver=every_solver()[name])
    if answer is None:
        return
    best, _ = best_subset(values, target)
    assert error_of(values, answer.subset, target) >= best
    assert answer.lower_bound <= float(best)
    if Traits.EXACT not in every_solver()[name].traits:
        assert answer.status is Status.HEURISTIC or answer.error == float(best)


@pytest.mark.parametrize("name", EXACT)
@given(instance=instances(max_n=14, min_n=8), data=st.data())
def test_order_does_not_matter_to_an_exact_solver(name, instance, data):
    values, target = instance
    shuffled = data.draw(st.permutations(values))
    solver = every_solver()[name]
    first, second = attempt(values, target, solver=solver), attempt(shuffled, target, solver=solver)
    if first is None or second is None:
        return
    assert error_of(values, first.subset, target) == error_of(shuffled, second.subset, target)


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_is_its_rows(name):
    rng = np.random.default_rng(2)
    values, targets = rng.integers(-50, 50, (4, 12)).astype(float), rng.normal(0, 60, 4)
    solver = every_solver()[name]
    rows = solve_batch(values, targets, solver=solver)
    assert rows.errors.tolist() == [solve(v, t, solver=solver).error for v, t in zip(values, targets, strict=True)]
    assert rows.solver == repr(solver)


@pytest.mark.parametrize(
    ("n", "options", "expected"),
    [
        (8, {}, "TwoList"),
        (50, {"tolerance": 1e-3}, "TwoList"),
        (54, {"tolerance": 1e-2}, "RandomHalves"),
        (54, {"tolerance": 1e-10}, "FourList"),
        (250, {}, "Greedy"),
        (500, {"size": 100}, "Greedy"),
        (700, {}, "Differencing"),
    ],
)
def test_the_choice_is_explained(n, options, expected):
    values = np.random.default_rng(n).normal(size=n)
    answer = solve(values, 0.3, **options)
    assert answer.solver.startswith(expected)
    assert ("halves" if expected == "RandomHalves" else f"n = {n}") in answer.work["reason"]


def test_integers_beyond_two_lists_are_met_by_halves_and_go_to_the_bitset_where_few_meet():
    values = np.random.default_rng(0).integers(1, 1000, 300).astype(float)
    for target, who, error in ((12345.4, "RandomHalves", 0.4), (values.sum() - values.min() + 0.6, "Lattice", 0.6)):
        answer = solve(values, target)
        assert answer.solver.startswith(who)
        assert answer.status is Status.OPTIMAL
        assert answer.error == pytest.approx(error)
