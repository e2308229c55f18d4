"""Subsets near a target in their order, against enumeration in rational arithmetic, and what is seen of long lists."""

from __future__ import annotations

import itertools
import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given

from slth import Status, count_solutions, solutions, solve
from slth.errors import ArgumentError, ResourceError
from slth.subset_sum import listing
from tests.oracles import subsets_within
from tests.subset_sum.near import near_instances


def listed(values, target, **options):
    return [tuple(each.subset.tolist()) for each in solutions(values, target, **options)]


@pytest.mark.parametrize("room", [2, 256])
@given(near_instances())
def test_trees_list_every_subset_once_in_order(room, instance):
    values, target, tolerance, size = instance
    expected = [chosen for _, chosen in subsets_within(values, target, tolerance, size)]
    with mock.patch.multiple(listing, ROOM=room, MOST_ROOM=room, SHORT=-1):
        assert listed(values, target, tolerance=tolerance, size=size) == expected


@given(near_instances())
def test_the_walk_lists_the_same(instance):
    values, target, tolerance, size = instance
    values, target, tolerance = (np.rint(np.clip(x, -20, 20)) for x in (values, target, tolerance))
    expected = [chosen for _, chosen in subsets_within(values, target, tolerance, size)]
    with mock.patch.multiple(listing, ROOM=1 << 20):
        assert listed(values, target, tolerance=tolerance, size=size) == expected


def test_the_first_is_the_optimum_and_says_so_and_the_others_are_bounded_by_it():
    values = np.random.default_rng(0).uniform(-1.0, 1.0, 26)
    found = list(solutions(values, 0.4, tolerance=1e-4))
    best = solve(values, 0.4)
    assert (found[0].subset == best.subset).all()
    assert found[0].status == Status.OPTIMAL
    assert {each.status for each in found[1:]} == {Status.WITHIN_TOLERANCE}
    assert {each.lower_bound for each in found} == {best.error}
    assert len(found) == count_solutions(values, 0.4, tolerance=1e-4) > 50
    errors = [each.error for each in found]
    assert errors == sorted(errors)


def test_of_astronomically_many_only_those_asked_for_are_made():
    many = solutions(np.zeros(44), 0.0)
    assert [each.subset.nonzero()[0].tolist() for each in itertools.islice(many, 4)] == [[], [43], [42], [42, 43]]
    wide = np.append(np.zeros(30), [1e300, 1e-300])  # ties that no step makes short
    few = solutions(wide, 1e-300, limit=3)
    assert [each.subset.nonzero()[0].tolist() for each in few] == [[31], [29, 31], [28, 31]]
    assert len(list(solutions(np.ones(300), 150.0, limit=5))) == 5
    rows = np.random.default_rng(1).integers(0, 9, (150, 2))
    found = list(solutions(rows, [300.0, 290.0], tolerance=[0.0, 1.0], limit=50, size=70))
    assert len({tuple(each.subset.tolist()) for each in found}) == 50
    assert all(each.total[0] == 300.0 and each.subset.sum() == 70 for each in found)


def test_bad_input_is_named_before_the_first_subset_is_asked_for():
    with pytest.raises(ArgumentError, match="limit=0"):
        solutions([1.0, 2.0], 1.0, limit=0)
    with pytest.raises(ArgumentError, match="tolerance=nan"):
        solutions([1.0, 2.0], 1.0, tolerance=math.nan)
    with pytest.raises(ArgumentError, match="size=3"):
        solutions([1.0, 2.0], 1.0, size=3)
    with pytest.raises(ResourceError, match="n=60"):
        solutions(np.random.default_rng(0).normal(size=60), 0.0)
    with pytest.raises(ResourceError, match="sums near the target"):
        solutions(np.arange(60.0) * 1e6 + 1.0, 1e7, tolerance=1e9)


def test_values_far_below_the_largest_are_told_apart_without_looking_at_all_subsets():
    small = np.random.default_rng(2).normal(size=18)
    alone = [each.subset.tolist() for each in solutions(small, 0.25, tolerance=1.0, limit=30)]
    far = solutions(np.append(small * 2.0**-990, 2.0**1000), 2.0**1000, tolerance=2.0**-980, limit=1)
    assert next(far).subset.nonzero()[0].tolist() == [18]
    target = 0.25 * 2.0**-990
    among = solutions(np.append(small * 2.0**-990, 2.0**1000), target, tolerance=2.0**-990, limit=30)
    assert [each.subset.tolist() for each in among] == [[*chosen, False] for chosen in alone]
