"""Coordinates with tolerances of their own: what is called within them is, and what is called impossible is."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth import RandomHalves, Status, TwoList, count_solutions, solve, solve_batch
from slth.errors import ArgumentError
from tests.oracles import best_vector_distance, vector_distance
from tests.strategies import vector_instances

PROVED = "no subset is within the tolerances: proved"


def differences(values, chosen, target):
    """Exactly, a coordinate at a time."""
    return [abs(sum((Fraction(values[i][c]) for i in chosen), -Fraction(target[c]))) for c in range(len(target))]


@given(vector_instances(max_n=7, max_d=3, min_n=1), st.lists(st.sampled_from([0.0, 0.5, 3.0, 40.0]), min_size=3))
def test_a_subset_within_each_is_found_exactly_where_there_is_one(instance, offered):
    values, target, size = instance
    tolerances = offered[: len(target)]
    found = solve(values, target, size=size, tolerance=tolerances, threads=1)
    sizes = range(len(values) + 1) if size is None else [size]
    within = any(
        all(gap <= Fraction(t) for gap, t in zip(differences(values, chosen, target), tolerances, strict=True))
        for k in sizes
        for chosen in combinations(range(len(values)), k)
    )
    gaps = differences(values, np.flatnonzero(found.subset).tolist(), target)
    assert within == all(gap <= Fraction(t) for gap, t in zip(gaps, tolerances, strict=True))
    assert size is None or found.subset.sum() == size
    if found.work.get("reason") == PROVED or found.status == Status.OPTIMAL:
        distance = vector_distance(values, np.flatnonzero(found.subset).tolist(), target, "max")
        assert distance == best_vector_distance(values, target, "max", size)


def test_planted_vectors_are_met_to_the_unit_where_it_is_asked_and_nearly_elsewhere():
    rng = np.random.default_rng(0)
    values = rng.integers(1, 1000, (60, 3)).astype(float)
    target = values[rng.permutation(60)[:10]].sum(axis=0) + np.array([0.0, 1.0, 3.0])
    found = solve(values, target, size=10, tolerance=[0.0, 1.0, 3.0], threads=1)
    assert (np.abs(values[found.subset].sum(axis=0) - target) <= [0.0, 1.0, 3.0]).all()
    assert (found.solver, found.status) == (repr(RandomHalves()), Status.WITHIN_TOLERANCE)


def test_what_no_list_reaches_is_pursued_in_units_of_the_tolerances_and_never_called_within():
    values, target = np.random.default_rng(1).normal(size=(200, 6)), np.ones(6)
    wide = [1e-9, 50.0, 50.0, 50.0, 50.0, 50.0]
    found = solve(values, target, tolerance=wide, threads=1)
    off = np.abs(values[found.subset].sum(axis=0) - target)
    assert (found.status == Status.WITHIN_TOLERANCE) == bool((off <= wide).all())
    plain = solve(values, target, threads=1)
    assert off[0] < np.abs(values[plain.subset].sum(axis=0) - target)[0]


def test_doubles_are_counted_and_found_alike():
    values, target = np.random.default_rng(2).normal(size=(24, 2)), np.ones(2)
    for tolerances in ([1e-4, 0.3], [0.3, 1e-4], [1e-9, 2e-9], [0.0, 0.5]):
        found = solve(values, target, tolerance=tolerances, threads=1)
        count = count_solutions(values, target, tolerance=tolerances)
        assert (found.status == Status.WITHIN_TOLERANCE) == (count > 0)
        assert (found.work["reason"] == PROVED) == (count == 0) if count == 0 else True


def test_equal_tolerances_are_one_and_a_vector_of_one_coordinate_is_a_number():
    values, target = np.random.default_rng(3).normal(size=(12, 2)), np.ones(2)
    alike = [solve(values, target, tolerance=t, threads=1) for t in (0.25, [0.25, 0.25])]
    assert alike[0].subset.tolist() == alike[1].subset.tolist()
    assert solve(values[:, :1], target[:1], tolerance=[0.25]).instance.tolerance == 0.25


@pytest.mark.parametrize(
    ("options", "named"),
    {
        "too few": ({"tolerance": [1.0]}, "tolerance"),
        "negative": ({"tolerance": [1.0, -1.0]}, "tolerance"),
        "l2": ({"tolerance": [1.0, 2.0], "norm": "l2"}, "tolerance"),
        "NaN": ({"tolerance": [1.0, float("nan")]}, "tolerance"),
        "a solver": ({"tolerance": [1.0, 2.0], "solver": TwoList()}, "solver"),
        "a device": ({"tolerance": [1.0, 2.0], "device": "cuda"}, "device"),
    }.values(),
)
def test_what_cannot_be_held_in_each_coordinate_is_refused_by_name(options, named):
    with pytest.raises(ArgumentError, match=rf"^{named}(\[1\])?="):
        solve([[1.0, 2.0], [2.0, 3.0]], [1.0, 1.0], **options)
    if named == "tolerance" and len(options) == 1:
        with pytest.raises(ArgumentError, match=r"^tolerance="):
            solve_batch([[1.0, 2.0], [2.0, 3.0]], [[1.0, 1.0]], **options)
