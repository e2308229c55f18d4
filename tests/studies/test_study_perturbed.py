"""Perturbed subset sums against a search over all subsets and all sizes in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.studies.perturbed import perturbed, smallest_counts

CELL = {
    "lists": "fresh", "eta": 0.05, "ratio": 0.5, "sample": 30, "most": 24,
    "data": "synthetic", "hidden": [4], "epochs": 1, "target_seed": 0,
}  # fmt: skip


def naive_count(values, target, eta, eps):
    """By the definition: the smallest over all moves of |sum of moved values - target|, for each subset."""
    exact = [Fraction(v) for v in values]
    for n in range(1, len(exact) + 1):
        for size in range(n + 1):
            for chosen in combinations(exact[:n], size):
                distance = abs(sum(chosen, Fraction(0)) - Fraction(target))
                if max(Fraction(0), distance - size * Fraction(eps)) <= Fraction(eta):
                    return n
    return 0


# Multiples of 1/64, so that the package's float64 comparisons are exact and ties are frequent.
dyadic = st.integers(-64, 64).map(lambda i: i / 64)


@given(
    st.lists(dyadic, min_size=1, max_size=7),
    dyadic,
    st.integers(0, 8).map(lambda i: i / 64),
    st.integers(0, 8).map(lambda i: i / 64),
)
def test_smallest_count_is_that_of_the_definition(values, target, eta, eps):
    found = smallest_counts(np.array([values]), np.array([target]), eta=eta, eps=eps)
    assert found.tolist() == [naive_count(values, target, eta, eps)]


def test_the_size_decides_and_not_the_optimum():
    # The best sum, of one value, misses by 1/64 = 0.0156; another by 0.04, and its three values may move by 0.015 each.
    values, target = np.array([[31 / 64, 0.15, 0.2, 0.19]]), np.array([0.5])
    assert smallest_counts(values, target, eta=0.0, eps=0.015).tolist() == [4]
    assert smallest_counts(values, target, eta=0.0, eps=1 / 64).tolist() == [1]


def test_more_room_never_needs_more_values():
    generator = np.random.default_rng(4)
    values, targets = generator.uniform(-1, 1, (50, 20)), generator.uniform(-0.5, 0.5, 50)
    found = [smallest_counts(values, targets, eta=1e-3, eps=eps) for eps in (0.0, 1e-4, 1e-3, 1e-2)]
    assert all((more >= fewer).all() for more, fewer in pairwise(found))
    assert found[0].sum() > found[-1].sum()


def test_extremes_are_among_the_weights_and_all_of_them_need_most():
    (some,) = perturbed(CELL, seed=1, context=Context())
    (everything,) = perturbed({**CELL, "sample": 0}, seed=1, context=Context())
    (shared,) = perturbed({**CELL, "sample": 0, "lists": "row"}, seed=1, context=Context())
    assert (some["weights"], everything["weights"], shared["weights"]) == (30, 80, 80)
    assert some["smallest_weight"] == everything["smallest_weight"] < 0.0 < some["largest_weight"]
    assert some["median_n"] <= some["smallest_n"]
    assert shared["smallest_n"] != everything["smallest_n"] or shared["median_n"] != everything["median_n"]


def test_too_few_values_are_said():
    (row,) = perturbed({**CELL, "eta": 1e-6, "most": 5}, seed=1, context=Context())
    assert row["smallest_n"] is None
    assert row["median_n"] == 6.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lists": "column"}, "lists='column'"),
        ({"sample": 1}, "sample=1 must be 0 for all"),
        ({"eta": -1.0}, "eta=-1.0 must be finite"),
        ({"most": 41}, "most=41"),
    ],
)
def test_bad_cells_are_refused(change, message):
    with pytest.raises(ArgumentError, match=message):
        perturbed({**CELL, **change}, seed=0, context=Context())
