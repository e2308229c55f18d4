"""Greedy with exchanges: never worse than its start, and locally optimal."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.subset_sum.greedy import _exchanges, _selected, greedy_swaps
from slth.subset_sum.status import Status
from tests.oracles import best_subset, error_of
from tests.strategies import instances, sized_instances


def oracle_solve(values, target):
    subset = np.zeros(len(values), dtype=bool)
    subset[list(best_subset(values.tolist(), target)[1])] = True
    return subset


def effects_of_flips(values, subset):
    effects = [-Fraction(v) if s else Fraction(v) for v, s in zip(values, subset, strict=True)]
    return [*effects, *(a + b for a, b in itertools.combinations(effects, 2))]


@given(instances(max_n=8), st.data(), st.booleans())
def test_never_worse_than_its_start(instance, data, polished):
    values, target = instance
    start = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    solve = oracle_solve if polished else None
    outcome = greedy_swaps(np.array(values), target, start=np.array(start), polish=5, exact_solve=solve)
    assert outcome.status is Status.HEURISTIC
    # Errors are compared after correct rounding to doubles, so equal within one rounding counts as not worse.
    assert float(error_of(values, outcome.subset, target)) <= float(error_of(values, start, target))


@given(sized_instances(max_n=8), st.data(), st.booleans())
def test_with_a_size_never_worse_than_its_start_and_of_that_size(instance, data, polished):
    values, target, size = instance
    start = np.zeros(len(values), dtype=bool)
    start[data.draw(st.permutations(range(len(values))))[:size]] = True
    solve = oracle_solve if polished else None
    outcome = greedy_swaps(np.array(values), target, size=size, start=start, polish=5, exact_solve=solve)
    assert outcome.subset.sum() == size
    assert float(error_of(values, outcome.subset, target)) <= float(error_of(values, start, target))


@given(
    st.lists(st.integers(-(2**50), 2**50).map(float), min_size=1, max_size=12), st.integers(-(2**52), 2**52).map(float)
)
def test_no_flip_of_one_or_two_improves_the_result(values, target):
    outcome = greedy_swaps(np.array(values), target)
    assert outcome.work["local_optimum"]
    residual = Fraction(target) - sum(
        (Fraction(v) for v, s in zip(values, outcome.subset, strict=True) if s), Fraction(0)
    )
    assert all(abs(residual - e) >= abs(residual) for e in effects_of_flips(values, outcome.subset))


@given(
    st.lists(st.integers(-(2**50), 2**50).map(float), min_size=1, max_size=12),
    st.integers(-(2**52), 2**52).map(float),
    st.data(),
)
def test_with_a_size_no_exchange_improves_the_result(values, target, data):
    size = data.draw(st.integers(0, len(values)))
    outcome = greedy_swaps(np.array(values), target, size=size)
    assert outcome.subset.sum() == size
    assert outcome.work["local_optimum"]
    taken = [Fraction(v) for v, s in zip(values, outcome.subset, strict=True) if s]
    left = [Fraction(v) for v, s in zip(values, outcome.subset, strict=True) if not s]
    residual = Fraction(target) - sum(taken, Fraction(0))
    assert all(abs(residual - (y - x)) >= abs(residual) for x in taken for y in left)


@given(sized_instances(max_n=8), st.booleans(), st.data())
def test_a_polish_that_answers_badly_does_no_harm(instance, sized, data):
    values, target, size = instance
    chosen = size if sized else None
    plain = greedy_swaps(np.array(values), target, size=chosen)
    answers = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    outcome = greedy_swaps(np.array(values), target, size=chosen, exact_solve=lambda x, _: np.array(answers[: len(x)]))
    assert chosen is None or outcome.subset.sum() == chosen
    assert float(error_of(values, outcome.subset, target)) <= float(error_of(values, plain.subset, target))


@given(instances(max_n=7))
def test_polish_over_all_values_is_the_optimum(instance):
    values, target = instance
    outcome = greedy_swaps(np.array(values), target, polish=32, exact_solve=oracle_solve)
    # The polish is handed the residual rounded to a double: the optimum up to that rounding.
    best = best_subset(values, target)[0]
    assert float(error_of(values, outcome.subset, target)) <= float(best) + 2.0**-50 * (
        abs(target) + math.fsum(map(abs, values))
    )


def test_out_of_reach_targets_take_everything_that_helps():
    values = np.array([1.0, -2.0, 3.0, 0.0])
    assert greedy_swaps(values, 100.0).subset.tolist() == [True, False, True, False]
    assert greedy_swaps(values, -100.0).subset.tolist() == [False, True, False, False]
    assert greedy_swaps(values, 100.0, size=1).subset.tolist() == [False, False, True, False]
    assert greedy_swaps(np.zeros(3), 1.0, size=2).subset.sum() == 2


def test_pass_limit_is_respected_and_reported():
    values = np.random.default_rng(0).uniform(-1.0, 1.0, 500)
    outcome = greedy_swaps(values, 0.2, passes=0)
    assert outcome.work["flips"] == 0
    assert not outcome.work["local_optimum"]


def test_pairs_of_neighbours_are_disjoint_and_cross_the_border():
    rng = np.random.default_rng(1)
    values, subset = rng.normal(size=200), rng.random(200) < 0.4
    low, high, effects = _exchanges(values, subset)
    assert len(set(low) | set(high)) == 2 * len(low) > 50
    assert (subset[low] != subset[high]).all()
    after = subset.copy()
    after[[low[0], high[0]]] ^= True
    assert values[after].sum() - values[subset].sum() == pytest.approx(effects[0], abs=1e-12)


@pytest.mark.parametrize("signs", ["both", "positive", "negative"])
def test_selected_moves_are_distinct_and_as_many_as_asked_for(signs):
    effects = np.random.default_rng(2).normal(size=300)
    effects = {"both": effects, "positive": np.abs(effects), "negative": -np.abs(effects)}[signs]
    moves = _selected(effects, 0.01, 32)
    assert len(set(moves.tolist())) == 32


@pytest.mark.parametrize(("size", "law"), [(None, "uniform"), (None, "normal"), (300, "uniform"), (700, "normal")])
def test_polish_gains_orders_of_magnitude(size, law):
    # 24 moves of magnitude x reach about x / 2^24; without polish the best pair of n^2 / 2 leaves about 1 / n^2.
    rng = np.random.default_rng(3)
    values = rng.uniform(-1.0, 1.0, 1000) if law == "uniform" else rng.normal(size=1000)

    def meet_in_the_middle(part, target):
        half = len(part) // 2
        sums = [np.array([0.0]), np.array([0.0])]
        for k, x in enumerate(part):
            sums[k >= half] = np.concatenate([sums[k >= half], sums[k >= half] + x])
        order = np.argsort(sums[1])
        at = np.searchsorted(sums[1][order], target - sums[0]).clip(1, len(order) - 1)
        gaps = np.abs([sums[0] + sums[1][order[at - side]] - target for side in (0, 1)])
        side, low = np.unravel_index(np.argmin(gaps), gaps.shape)
        bits = int(low) | int(order[at[low] - side]) << half
        return np.array([bits >> k & 1 for k in range(len(part))], dtype=bool)

    plain = greedy_swaps(values, 0.2, size=size)
    polished = greedy_swaps(values, 0.2, size=size, polish=24, exact_solve=meet_in_the_middle)
    error = float(error_of(values.tolist(), polished.subset, 0.2))
    assert error < 1e-7
    assert error <= float(error_of(values.tolist(), plain.subset, 0.2))
    assert size is None or polished.subset.sum() == size
