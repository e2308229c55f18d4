"""Early exit by random halves: what it finds is exact, what it calls optimal cannot be beaten, plants are found."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth import Pursuit, RandomHalves, Status, solve, solve_batch
from slth.subset_sum import choice, halves
from slth.subset_sum.lattice import lattice
from tests.oracles import best_vector_distance, vector_distance
from tests.strategies import vector_instances


def planted(rng, n, d, size, top):
    values = rng.integers(1, top, (n, d)).astype(float)
    return values, values[rng.permutation(n)[:size]].sum(axis=0)


@given(vector_instances(max_n=8, max_d=3, min_n=4), st.sampled_from(["max", "l2"]), st.sampled_from([0.0, 0.5, 30.0]))
def test_nothing_beats_what_it_calls_optimal_and_it_keeps_to_size_and_tolerance(instance, norm, tolerance):
    values, target, size = instance
    found = solve(values, target, size=size, norm=norm, tolerance=tolerance, solver=RandomHalves(sums=3000))
    distance = vector_distance(values, np.flatnonzero(found.subset).tolist(), target, norm)
    assert size is None or found.subset.sum() == size
    if found.status == Status.OPTIMAL:
        assert distance == best_vector_distance(values, target, norm, size)
    if found.status == Status.WITHIN_TOLERANCE:
        assert distance <= (Fraction(tolerance) if norm == "max" else Fraction(tolerance) ** 2)


@given(vector_instances(max_n=8, max_d=3, min_n=4))
def test_every_sum_in_the_box_that_proves_is_as_near_as_any_multiple_can_be(instance):
    values, target, size = instance
    aim = halves.aim_at(np.array(values), np.array(target), tolerance=0.0, size=size, norm="max")
    if aim is None:
        return
    for c in range(len(target)):
        column = [Fraction(row[c]) for row in values]
        step = next((x / y for x, y in zip(column, aim.rows[:, c].tolist(), strict=True) if y), Fraction(1))
        assert [y * step for y in aim.rows[:, c].tolist()] == column
        away = {abs(k * step - Fraction(target[c])) for k in range(int(aim.box[0][c]), int(aim.box[1][c]) + 1)}
        nearest = min(abs(k * step - Fraction(target[c])) for k in (math.floor(Fraction(target[c]) / step),
                                                                    math.ceil(Fraction(target[c]) / step)))  # fmt: skip
        assert away == {nearest}


@pytest.mark.parametrize(
    ("n", "d", "size", "top"), [(60, 3, 10, 1000), (200, 2, 8, 1000), (40, 2, 12, 1000), (50, 4, 8, 10**4)]
)
def test_planted_subsets_of_vectors_are_met_by_default(n, d, size, top):
    rng = np.random.default_rng(n)
    for _ in range(3):
        values, target = planted(rng, n, d, size, top)
        found = solve(values, target, size=size, threads=1)
        assert found.error == 0.0
        assert found.status == Status.OPTIMAL
        assert found.solver == repr(RandomHalves())


def test_many_integers_meet_their_target_by_default_also_of_a_large_size_and_with_a_tolerance():
    rng = np.random.default_rng(0)
    values = rng.integers(1, 10**6, 200).astype(float)
    target = float(values[:100].sum())
    for options in ({}, {"size": 100}, {"size": 30}, {"tolerance": 2.0}):
        found = solve(values, target, threads=1, **options) if options != {"size": 30} else solve(
            values, float(values[:30].sum()), size=30, threads=1
        )  # fmt: skip
        assert found.solver == repr(RandomHalves())
        assert found.error <= options.get("tolerance", 0.0)
    half = solve(2.0 * values, 2.0 * target + 1.0, threads=1)
    assert (half.error, half.status, half.solver) == (1.0, Status.OPTIMAL, repr(RandomHalves()))
    assert lattice(2.0 * values[:60], 2.0 * float(values[:30].sum()) + 1.0).lower_bound == 1.0


@pytest.mark.parametrize("norm", ["max", "l2"])
def test_vectors_of_doubles_come_within_a_tolerance_that_many_subsets_reach(norm):
    values, target = np.random.default_rng(3).normal(size=(200, 3)), np.ones(3)
    for tolerance in (0.01,) if norm == "l2" else (0.01, 1e-3):
        found = solve(values, target, tolerance=tolerance, norm=norm, threads=1)
        assert (found.status, found.solver) == (Status.WITHIN_TOLERANCE, repr(RandomHalves()))
        assert found.error <= tolerance
    assert solve(values, target, norm=norm, solver=Pursuit()).error > 1e-3


def test_where_nothing_meets_the_usual_solver_answers_as_without_it():
    rng = np.random.default_rng(1)
    values = rng.integers(1, 1000, (3, 60, 2)).astype(float)
    targets = values[:, :9].sum(axis=1)
    values[1] = 2.0 * rng.normal(size=(60, 2))
    mixed = solve_batch(values, targets, size=9, threads=1)
    alone = solve(values[1], targets[1], size=9, threads=1)
    assert mixed.errors[[0, 2]].tolist() == [0.0, 0.0]
    assert mixed.errors[1] == alone.error > 0.0
    assert alone.solver == "Pursuit(beam=8)" == mixed.solver
    assert mixed.status.tolist() == [Status.OPTIMAL, Status.HEURISTIC, Status.OPTIMAL]


def test_small_instances_and_doubles_are_not_looked_at():
    rng = np.random.default_rng(2)
    assert solve(rng.integers(0, 50, 32).astype(float), 300.0).solver == "TwoList()"
    assert solve(rng.normal(size=(30, 2)), [0.1, 0.2]).solver == "VectorTwoList()"
    assert solve(rng.normal(size=(300, 2)), [0.1, 0.2]).solver == "Pursuit(beam=8)"
    assert solve(rng.normal(size=48), 0.3, tolerance=1e-3).solver == "TwoList()"
    assert choice.EFFORTS[-5.0] == halves.SUMS == RandomHalves().sums


def test_where_halves_meet_nobody_asks_who_else_could_answer(monkeypatch):
    def asked():
        raise AssertionError("free memory was asked for")

    monkeypatch.setattr("slth.resources.available_memory", asked)
    rng = np.random.default_rng(5)
    for n, d, size, top in ((200, 1, 20, 10**6), (200, 1, None, 10**6), (200, 2, 8, 1000)):
        values, target = planted(rng, n, d, size or 100, top)
        found = solve(values, target, size=size, threads=1)
        assert (found.solver, found.status) == (repr(RandomHalves()), Status.OPTIMAL)
    with pytest.raises(AssertionError, match="free memory"):
        solve(rng.normal(size=50), 0.3, threads=1)


@pytest.mark.parametrize("shape", [(4, 1), (187, 1), (300, 1), (200, 3), (20, 9)])
def test_moments_are_those_of_numpy_to_the_bit(shape):
    rows = np.random.default_rng(shape[0]).integers(-(10**9), 10**12, shape)
    mean, deviation = halves._moments(rows)
    assert mean.tolist() == rows.mean(axis=0).tolist()
    assert deviation.tolist() == rows.std(axis=0).tolist()


@pytest.mark.parametrize("d", [12, 70])
def test_a_wide_box_of_many_coordinates_ends_the_look_at_it(d):
    rng = np.random.default_rng(d)
    values, target = rng.random((60, d)), np.full(d, 40.0)
    aim = halves.aim_at(values, target, tolerance=0.3, size=10, norm="max")
    assert (aim.box[1] > aim.box[0]).all()
    found, looked = halves.meet(aim, 1 << 12)
    assert found is None
    assert looked < 1 << 12  # each took hundreds of looks at cells
    own = values[::6].sum(axis=0)
    near = solve(values, own, tolerance=0.3, size=10, solver=RandomHalves(sums=1 << 12), threads=1)
    assert near.error <= 0.3 or near.status == Status.HEURISTIC


def test_coordinates_by_which_no_sums_are_kept_are_held_to_the_box():
    rng = np.random.default_rng(0)
    values = rng.random((16, 20))
    target = values[:4].sum(axis=0)
    found = solve(values, target, tolerance=1e-3, size=4, solver=RandomHalves(), threads=1)
    assert np.flatnonzero(found.subset).tolist() == [0, 1, 2, 3]
    assert (found.status, found.work["sums"] > 0) == (Status.WITHIN_TOLERANCE, True)


def test_an_interruption_of_the_look_is_not_answered_by_more_work(monkeypatch):
    rng = np.random.default_rng(6)
    values = rng.integers(1, 1000, (3, 60, 2)).astype(float)
    targets = values[:, 9:18].sum(axis=1)
    calls = []

    def meet(aim, sums):
        calls.append(sums)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return None, 0

    monkeypatch.setattr(halves, "meet", meet)
    batch = solve_batch(values, targets, size=9, threads=1)
    assert batch.status.tolist() == [Status.INTERRUPTED] * 3
    assert batch.subsets.sum(axis=1).tolist() == [9, 9, 9]
    assert "interrupted" in batch.work["reason"]


def test_memory_follows_the_sums_that_are_asked_for_and_those_that_there_are():
    assert RandomHalves(sums=1 << 30).memory(200, None, 1, 1) > 1 << 33
    assert RandomHalves(sums=1 << 30).memory(20, None, 1, 1) < 1 << 20
