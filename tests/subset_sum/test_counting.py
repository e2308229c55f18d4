"""Numbers of subsets against enumeration in rational arithmetic, against each other, and in closed form."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth import count_solutions, counts_by_size
from slth.errors import ArgumentError, ResourceError
from slth.subset_sum import counting
from slth.subset_sum.instance import SubsetSumInstance
from slth.subset_sum.sum_box import Exact, Trees
from tests.oracles import subsets_within
from tests.subset_sum.near import near_instances

WAYS = {
    "polynomial": lambda box, sizes: counting._Polynomial(box, sizes).counts(),
    "lists": counting._by_lists,
    "trees": counting._by_trees,
    "trees, some apart": lambda box, sizes: counting._by_trees(box, sizes, min(2, box.n - 1)),
}


def box_of(values, target, tolerance):
    return Exact.of(SubsetSumInstance(values, target, tolerance)).box()


@given(near_instances())
def test_counts_are_those_of_enumeration(instance):
    values, target, tolerance, size = instance
    expected = subsets_within(values, target, tolerance, size)
    assert count_solutions(values, target, tolerance=tolerance, size=size) == len(expected)
    everything = subsets_within(values, target, tolerance)
    by_size = tuple(sum(sum(chosen) == k for _, chosen in everything) for k in range(len(values) + 1))
    assert counts_by_size(values, target, tolerance=tolerance) == by_size
    assert count_solutions(values, target, tolerance=tolerance) == len(everything)
    if values.shape[1] == 1:
        one = count_solutions(values[:, 0], target[0], tolerance=float(tolerance[0]), size=size)
        assert one == len(expected)


@pytest.mark.parametrize("way", WAYS)
@given(near_instances(), st.booleans())
def test_every_way_of_counting_agrees_with_enumeration(way, instance, sized):
    values, target, tolerance, _ = instance
    if way == "polynomial" or (way == "lists" and values.shape[1] > 1):  # of integers near 0, or it takes long
        values, target, tolerance = (np.rint(np.clip(x, -20, 20)) for x in (values, target, tolerance))
    expected = subsets_within(values, target, tolerance)
    box, sizes = box_of(values, target, tolerance).smallest(), range(len(values) + 1) if sized else None
    if box.empty:
        assert not expected
    else:
        counts = WAYS[way](box, sizes)
        assert counts == [sum(sum(chosen) == k for _, chosen in expected) for k in sizes or []] or not sized
        assert sum(counts) == len(expected)


def test_equal_values_at_different_places_make_different_subsets_and_zeros_double_all():
    assert count_solutions([0.1] * 60, 3.0, tolerance=0.05) == math.comb(60, 30)
    assert count_solutions([0.0, -0.0, 0.0, 1.0], 1.0) == 8
    assert counts_by_size([0.0] * 70, 0.0) == tuple(math.comb(70, k) for k in range(71))
    assert count_solutions([1.0] * 300, 150.0, size=150) == math.comb(300, 150)
    assert count_solutions([1.0] * 300, 150.0, size=149) == 0


def test_a_sum_that_float64_rounds_onto_the_tolerance_is_counted_only_if_it_is_there():
    values = [1.0, 2.0**-60]
    assert count_solutions(values, 0.0, tolerance=1.0) == 3
    assert count_solutions(values, 0.0, tolerance=np.nextafter(1.0, 2.0)) == 4
    assert count_solutions([0.1, 0.2], 0.3) == 0
    assert count_solutions([0.1, 0.2], 0.1 + 0.2, tolerance=2.0**-54) == 1


def test_all_subsets_lie_within_a_tolerance_beyond_every_sum():
    rng = np.random.default_rng(0)
    for shape in ((34,), (20, 3)):
        values = rng.normal(size=shape)
        target = np.zeros(shape[1:])
        assert count_solutions(values, target, tolerance=1e308) == 1 << shape[0]
        assert counts_by_size(values, target, tolerance=1e308) == tuple(
            math.comb(shape[0], k) for k in range(shape[0] + 1)
        )


def test_a_shift_of_the_target_by_what_every_subset_of_a_size_gains_changes_no_count():
    rng = np.random.default_rng(1)
    values = rng.integers(-1000, 1000, (26, 2)).astype(float)
    target = values[:9].sum(axis=0)
    count = count_solutions(values, target, tolerance=[40.0, 25.0], size=9)
    assert count > 9
    shift = np.array([512.0, -77.0])
    assert count_solutions(values + shift, target + 9 * shift, tolerance=[40.0, 25.0], size=9) == count
    assert count_solutions(values, values.sum(axis=0) - target, tolerance=[40.0, 25.0], size=17) == count


def test_integers_beyond_the_lists_are_counted_by_the_polynomial_as_a_recurrence_counts_them():
    rng = np.random.default_rng(2)
    values = rng.integers(-30, 50, 120)
    table = {0: 1}
    for value in values.tolist():
        grown = dict(table)
        for total, count in table.items():
            grown[total + value] = grown.get(total + value, 0) + count
        table = grown
    expected = sum(table.get(total, 0) for total in range(398, 403))
    assert count_solutions(values, 400.0, tolerance=2.5) == expected > 2**100


def test_what_fits_nowhere_is_refused_before_memory_is_taken():
    rng = np.random.default_rng(3)
    with pytest.raises(ResourceError, match="n=90 needs 2"):
        count_solutions(rng.normal(size=90), 0.1)
    with pytest.raises(ResourceError, match="n=60 needs 2"):
        count_solutions(rng.normal(size=(60, 2)), [0.1, 0.2])
    values = [(2.0**-900 + k * 2.0**-950, 2.0**-900 - k * 2.0**-950) for k in range(22)]
    with pytest.raises(ResourceError, match="values of fewer binary digits"):
        count_solutions([*values, (1e300, 1e300)], [2.0**-897] * 2, tolerance=2.0**-920)


@pytest.mark.parametrize("size", [None, 9])
def test_vectors_that_trees_have_no_memory_for_are_taken_apart(monkeypatch, size):
    rng = np.random.default_rng(4)
    values = rng.normal(size=(22, 3)) * [1.0, 10.0, 1e-3]
    target, tolerance = values[:9].sum(axis=0), [0.5, 5.0, 5e-4]
    seen = []
    monkeypatch.setattr(counting, "Trees", lambda rows, **options: seen.append(len(rows)) or Trees(rows, **options))
    counts = []
    for free in (1 << 32, (4 << 20) + 60_000):
        monkeypatch.setattr(counting, "MOST_OF_TREES", free)
        counts.append(count_solutions(values, target, tolerance=tolerance, size=size))
    assert counts[0] == counts[1] > 9
    assert seen[0] == 22
    assert seen[1] < 20
    numbers = np.array(list(itertools.product([0.0, 1.0], repeat=11)))
    sums = (numbers @ values[:11])[:, None] + numbers @ values[11:] - target
    near = (np.abs(sums) <= tolerance).all(axis=2)
    sizes = numbers.sum(axis=1)[:, None] + numbers.sum(axis=1)
    assert counts[0] == near.sum() if size is None else (near & (sizes == size)).sum()


@pytest.mark.parametrize(("n", "d"), [(40, 2), (34, 30)])
def test_integer_vectors_are_counted_as_single_numbers(n, d):
    """Far sooner than by trees, and of more coordinates than those take; a coordinate that may be anything is none."""
    rng = np.random.default_rng(5)
    values = rng.integers(-50, 51, (n, d)).astype(float)
    target = values[: n // 2].sum(axis=0)
    count = count_solutions(values, target, tolerance=[1.0] * 2 + [0.0] * (d - 2))
    assert count >= 1
    wider = np.column_stack([values, rng.integers(-9, 10, n)])
    assert count_solutions(wider, [*target, 0.0], tolerance=[1.0] * 2 + [0.0] * (d - 2) + [1e3]) == count


def test_a_coordinate_that_may_be_anything_does_not_make_a_count_long():
    values = np.array([[1.0, 3e12], [2.0, -5e12 + 1.0], [3.0, 7e12], [4.0, 1.0]])
    assert count_solutions(values, [5.0, 0.0], tolerance=[0.0, 1e14]) == 2
    values = np.array([[0.5, 3e12, 1.0], [2.0, -5e12 + 1.0, 1.0], [3.0, 7e12, 1.0]])
    assert count_solutions(values, [2.5, 0.0, 0.5], tolerance=[0.0, 1e14, 0.25]) == 0


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"tolerance": -1.0}, "tolerance=-1.0"),
        ({"tolerance": math.nan}, "tolerance=nan"),
        ({"tolerance": [0.1, 0.1, 0.1]}, "must be one number, or 2"),
        ({"tolerance": [[0.1], [0.1, 0.2]]}, "tolerance="),
        ({"tolerance": [0.1, -0.1]}, "must be finite and not negative"),
        ({"size": 4}, "size=4"),
        ({"size": -1}, "size=-1"),
    ],
)
def test_bad_input_is_named(options, what):
    with pytest.raises(ArgumentError, match=what):
        count_solutions([[1.0, 2.0]] * 3, [1.0, 1.0], **options)
