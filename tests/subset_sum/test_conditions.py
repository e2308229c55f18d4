"""Whatever was asked is kept by every answer: size, tolerance; and the default is as good as any cheap solver."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
import pytest

from slth.errors import ArgumentError, ResourceError, SlthError
from slth.subset_sum import Enumeration, FourList, Greedy, Lattice, Status, Traits, solve, solve_batch
from slth.subset_sum.choice import every_solver, solvers_with
from slth.subset_sum.enumeration import MOST_SUBSETS, subsets_left
from tests.oracles import best_subset, best_vector_distance, error_of, vector_distance

SIZED = sorted(solvers_with(Traits.FIXED_SIZE))


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("size", [0, 1, 20, 21])
def test_a_tolerance_beyond_all_values_keeps_the_size(name, size):
    values = np.random.default_rng(3).uniform(-1, 1, 21)
    if name == "lattice":
        values = np.rint(32.0 * values)
    solver = every_solver()[name]
    one = solve(values, 0.76, tolerance=60.0, size=size, solver=solver)
    rows = solve_batch(values, [0.76, -0.3], tolerance=60.0, size=size, solver=solver)
    assert one.subset.sum() == size
    assert rows.subsets.sum(axis=1).tolist() == [size, size]
    assert one.error <= 60.0 or one.status is Status.OPTIMAL


@pytest.mark.parametrize("solver", [None, FourList()])
@pytest.mark.parametrize("size", [1, 25])
def test_four_lists_remember_the_size(solver, size):
    values = np.random.default_rng(346362880).uniform(-1, 1, 61)
    target = 0.7631451638740685
    rows = solve_batch(values, [target], tolerance=60.0, size=size, solver=solver)
    assert rows.subsets.sum() == solve(values, target, tolerance=60.0, size=size, solver=solver).subset.sum() == size


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_scales_of_120_digits_are_never_answered_worse_than_by_a_heuristic(seed):
    rng = random.Random(seed)
    values = [rng.choice([-1, 1]) * 2.0 ** rng.randint(-60, 60) for _ in range(48)]
    target = sum(rng.sample(values, 24))
    default = solve(values, target)
    others = []
    for name in ("greedy", "differencing", "lattice"):
        try:
            others.append(solve(values, target, solver=every_solver()[name]).error)
        except ResourceError:
            continue
    assert default.error <= min(others)
    reachable = solve(values, target, tolerance=max(min(others), 1e-12))
    assert reachable.error <= max(min(others), 1e-12)
    assert reachable.status in (Status.WITHIN_TOLERANCE, Status.OPTIMAL)


@pytest.mark.parametrize("n", [200, 400])
def test_of_two_heuristics_the_better_one_answers(n):
    values = np.random.default_rng(n).normal(size=n)
    best = min(solve(values, 0.1, solver=every_solver()[name]).error for name in ("greedy", "differencing"))
    assert solve(values, 0.1).error == solve_batch(values, [0.1]).errors[0] == best


def test_an_interrupted_second_look_says_so(monkeypatch):
    def interrupted(self, task):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(every_solver()["differencing"]), "run", interrupted)
    answer = solve(np.random.default_rng(1).normal(size=100), 0.1)
    assert answer.status is Status.INTERRUPTED


@dataclass(frozen=True)
class Careless(Enumeration):
    """Answers with the first value, and calls it near enough."""

    def run(self, task):
        rows = super().run(task)
        rows.subsets[:] = np.arange(task.n) < 1
        rows.status[:] = Status.WITHIN_TOLERANCE
        return rows


@pytest.mark.parametrize("solve_it", [solve, lambda values, target, **asked: solve_batch(values, [target], **asked)])
@pytest.mark.parametrize(("asked", "message"), [({"size": 2}, "number of values"), ({}, "within tolerance")])
def test_an_answer_that_breaks_a_condition_never_leaves(solve_it, asked, message):
    with pytest.raises(SlthError, match=message + ".*please report") as fault:
        solve_it([1.0, 2.0, 4.0], 6.5, tolerance=0.1, solver=Careless(), **asked)
    assert not isinstance(fault.value, ArgumentError)


LISTS_OF_CENTS = [np.round(np.random.default_rng(seed).uniform(1, 9999, 100), 2) for seed in range(7, 10)]


@pytest.mark.parametrize("values", LISTS_OF_CENTS)
def test_three_of_a_hundred_are_found(values):
    target = float(np.round(values[[3, 50, 80]].sum(), 2))
    answer = solve(values, target, size=3)
    assert answer.status is Status.OPTIMAL
    assert answer.error <= 1e-12
    left = solve(values, math.fsum([*values.tolist(), -target]), size=97)
    assert left.status is Status.OPTIMAL
    assert left.error <= 1e-10


@pytest.mark.parametrize("size", [0, 1, 2, 98, 99, 100])
@pytest.mark.parametrize("kind", ["cents", "wide", "ties"])
def test_what_leaves_few_subsets_is_exact_at_any_n(kind, size):
    rng = np.random.default_rng(5)
    values = {
        "cents": LISTS_OF_CENTS[0],
        "wide": rng.choice([-1.0, 1.0], 100) * 2.0 ** rng.integers(-60, 60, 100),
        "ties": rng.choice([0.0, 0.5, 3.0], 100),
    }[kind]
    target = float(values[:size].sum()) + 0.003
    answer = solve(values, target, size=size)
    assert answer.status is Status.OPTIMAL
    few, goal = (size, target) if size < 50 else (100 - size, math.fsum([*values.tolist(), -target]))
    best = best_subset(values, goal, few)[0]
    if size < 50:
        assert error_of(values, answer.subset, target) == best
    else:  # the oracle's target is rounded
        assert float(error_of(values, answer.subset, target)) == pytest.approx(
            float(best), abs=1e-3 * 2.0**-40, rel=1e-9
        )
    assert solve_batch(values, [target], size=size).errors[0] == answer.error


@pytest.mark.parametrize("norm", ["max", "l2"])
@pytest.mark.parametrize(("n", "d", "size"), [(60, 9, 2), (50, 3, 48), (9, 12, None), (70, 2, 1), (45, 2, 0)])
def test_vectors_that_leave_few_subsets_are_exact(norm, n, d, size):
    rng = np.random.default_rng(n)
    values, target = rng.normal(size=(n, d)) * 2.0 ** rng.integers(-40, 40, (n, 1)), rng.normal(size=d)
    answer = solve(values, target, size=size, norm=norm)
    assert answer.solver == "Enumeration()"
    assert answer.status is Status.OPTIMAL
    chosen = np.flatnonzero(answer.subset)
    assert vector_distance(values, chosen, target, norm) == (
        best_vector_distance(values, target, norm, size)
        if size != 48
        else min(
            vector_distance(values, sorted(set(range(n)) - set(out)), target, norm)
            for out in itertools.combinations(range(n), 2)
        )
    )


def test_cents_beyond_exact_reach_are_solved_on_their_grid_and_said_to_be_within_rounding():
    values = LISTS_OF_CENTS[1]
    answer = solve(values, 12345.67)
    assert answer.solver == "Lattice(grid='0.01')"
    assert answer.error <= 1e-11
    assert answer.error == 0.0 or answer.status is Status.WITHIN_ROUNDING
    thirds = solve(values / 3.0, 1234.0)
    assert not isinstance(every_solver().get(thirds.solver), Lattice)
    assert thirds.status is Status.HEURISTIC


def test_how_many_subsets_are_left():
    assert [subsets_left(10, k) for k in range(11)] == [math.comb(10, k) for k in range(11)]
    assert subsets_left(24, None) == MOST_SUBSETS
    assert subsets_left(25, None) is subsets_left(10**6, 5 * 10**5) is None
    with pytest.raises(ResourceError, match=r"size=30 leaves more than .*Greedy"):
        solve(np.ones(80), 1.0, size=30, solver=Enumeration())
    assert isinstance(every_solver()["greedy"], Greedy)
