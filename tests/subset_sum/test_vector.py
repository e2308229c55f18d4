"""Vectors against a naive oracle in rational arithmetic, and identities where the oracle cannot reach."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError, ResourceError
from slth.subset_sum import (
    Pursuit,
    Status,
    SubsetSumInstance,
    Traits,
    TwoList,
    VectorTwoList,
    solve,
    solve_batch,
    vector_forest,
)
from slth.subset_sum.choice import solvers_with
from slth.subset_sum.solution import rounded_root
from tests.oracles import best_vector_distance, vector_distance
from tests.strategies import vector_instances

EXACT = sorted(solvers_with(Traits.EXACT | Traits.VECTOR))
EVERY = sorted(solvers_with(Traits.VECTOR))
norms = st.sampled_from(["max", "l2"])


def exact_distance(values, answer, target, norm):
    return vector_distance(values, np.flatnonzero(answer.subset).tolist(), target, norm)


def as_error(distance, norm):
    return float(distance) if norm == "max" else rounded_root(distance)


def simple_optimum(values, target, norm, size=None):
    """Float meeting in the middle without trees: each sum of one half against all of the other."""
    n = len(values)
    lists = []
    for half in (values[: n // 2], values[n // 2 :]):
        sums, counts = np.zeros((1, values.shape[1])), np.zeros(1, int)
        for row in half:
            sums, counts = np.concatenate([sums, sums + row]), np.concatenate([counts, counts + 1])
        lists.append((sums, counts))
    (a, i), (b, j) = lists
    best = math.inf
    for point, count in zip(a, i, strict=True):
        others = b if size is None else b[j == size - count]
        if len(others):
            gaps = np.abs(others + (point - target))
            best = min(best, float(gaps.max(axis=1).min() if norm == "max" else (gaps**2).sum(axis=1).min() ** 0.5))
    return best


def test_the_lists_are_not_empty():
    assert "vector-two-list" in EXACT
    assert "pursuit" in EVERY


@pytest.mark.parametrize("name", EXACT)
@given(instance=vector_instances(), norm=norms)
def test_exact_solvers_find_the_oracle_s_optimum(name, instance, norm):
    values, target, size = instance
    answer = solve(values, target, size=size, norm=norm, solver=solvers_with(Traits.VECTOR)[name])
    best = best_vector_distance(values, target, norm, size)
    assert answer.status is Status.OPTIMAL
    assert exact_distance(values, answer, target, norm) == best
    assert answer.error == answer.lower_bound == as_error(best, norm)


@pytest.mark.parametrize("name", EVERY)
@given(instance=vector_instances(max_n=7), norm=norms)
def test_no_solver_undercuts_the_optimum_or_claims_what_is_not_so(name, instance, norm):
    values, target, size = instance
    answer = solve(values, target, size=size, norm=norm, solver=solvers_with(Traits.VECTOR)[name])
    best = best_vector_distance(values, target, norm, size)
    assert size is None or int(answer.subset.sum()) == size
    assert exact_distance(values, answer, target, norm) >= best
    assert answer.lower_bound <= as_error(best, norm)
    assert answer.error == as_error(exact_distance(values, answer, target, norm), norm)
    if answer.status is Status.OPTIMAL:
        assert answer.error == as_error(best, norm)


@given(instance=vector_instances(), norm=norms, tolerance=st.floats(0.0, 1.0))
def test_tolerance_is_met_or_the_optimum_is_proved(instance, norm, tolerance):
    values, target, size = instance
    answer = solve(values, target, size=size, norm=norm, tolerance=tolerance)
    if answer.status is Status.WITHIN_TOLERANCE:
        assert answer.error <= tolerance
    else:
        assert answer.status is Status.OPTIMAL
        assert exact_distance(values, answer, target, norm) == best_vector_distance(values, target, norm, size)


@given(instance=vector_instances(max_n=14, min_n=6), norm=norms, data=st.data())
def test_neither_the_order_of_values_nor_that_of_coordinates_matters(instance, norm, data):
    values, target, size = instance
    rows = data.draw(st.permutations(values))
    axes = data.draw(st.permutations(range(len(target))))
    shuffled, goal = [[row[c] for c in axes] for row in rows], [target[c] for c in axes]
    first = solve(values, target, size=size, norm=norm, solver=VectorTwoList())
    second = solve(shuffled, goal, size=size, norm=norm, solver=VectorTwoList())
    assert first.status is second.status is Status.OPTIMAL
    assert exact_distance(values, first, target, norm) == exact_distance(shuffled, second, goal, norm)


unit = st.floats(-1.0, 1.0, allow_subnormal=False).filter(lambda x: x == 0.0 or abs(x) > 1e-100)
planes = st.lists(st.tuples(unit, unit, unit), min_size=8, max_size=14)


@given(planes, st.tuples(unit, unit, unit), st.integers(-40, 40), norms)
def test_scaling_by_a_power_of_two_scales_the_error(values, target, exponent, norm):
    plain = solve(values, target, norm=norm)
    scaled = solve(np.array(values) * 2.0**exponent, np.array(target) * 2.0**exponent, norm=norm)
    assert scaled.error == plain.error * 2.0**exponent


@given(planes, st.tuples(unit, unit, unit), st.tuples(unit, unit, unit), norms)
def test_another_vector_never_worsens_the_optimum(values, target, extra, norm):
    assert solve([*values, extra], target, norm=norm).error <= solve(values, target, norm=norm).error


@given(st.lists(unit, min_size=1, max_size=14), unit, st.booleans())
def test_vectors_of_one_coordinate_are_numbers(values, target, sized):
    size = len(values) // 2 if sized else None
    column = np.array(values)[:, None]
    plain, vectors = solve(values, target, size=size), solve(column, [target], size=size, norm="l2")
    assert vectors.subset.tolist() == plain.subset.tolist()
    assert (vectors.error, vectors.status, vectors.solver) == (plain.error, plain.status, plain.solver)
    assert vectors.total.tolist() == [plain.total]
    trees = solve(column, [target], size=size, solver=VectorTwoList())
    assert (trees.error, trees.status) == (plain.error, Status.OPTIMAL)


@pytest.mark.parametrize("norm", ["max", "l2"])
@pytest.mark.parametrize("size", [None, 4])
def test_a_batch_is_its_rows_and_a_shared_list_is_repeated(norm, size):
    rng = np.random.default_rng(3)
    values, targets = rng.normal(size=(4, 13, 3)), rng.normal(size=(4, 3)) * [[1.0], [1.0], [1e6], [1e-6]]
    rows = solve_batch(values, targets, size=size, norm=norm)
    shared = solve_batch(values[0], targets, size=size, norm=norm)
    assert rows.totals.shape == shared.totals.shape == (4, 3)
    for k in range(4):
        for batch, own in ((rows, values[k]), (shared, values[0])):
            alone = solve(own, targets[k], size=size, norm=norm)
            assert batch.errors[k] == alone.error == batch.lower_bounds[k]
            assert batch.totals[k].tolist() == alone.total.tolist()
            assert batch.status[k] == alone.status == Status.OPTIMAL
    assert len(solve_batch(np.ones((0, 3, 2)), np.ones((0, 2)))) == 0


@pytest.mark.parametrize("norm", ["max", "l2"])
@pytest.mark.parametrize(("n", "d", "size"), [(20, 4, None), (21, 3, 10), (22, 2, None)])
def test_larger_instances_agree_with_a_simple_meeting_in_the_middle(n, d, size, norm, monkeypatch):
    monkeypatch.setattr(vector_forest, "BY_THREADS_FROM", 1 << 10)
    rng = np.random.default_rng(n)
    values, target = rng.uniform(-1, 1, (n, d)), rng.uniform(-0.5, 0.5, d)
    expected = simple_optimum(values, target, norm, size)
    for threads in (1, 2):
        answer = solve(values, target, size=size, norm=norm, threads=threads)
        assert answer.status is Status.OPTIMAL
        assert answer.error == pytest.approx(expected, abs=1e-13)


def awkward(n, d):
    rng = np.random.default_rng(n + d)
    ordinary = rng.uniform(-1, 1, (n, d))
    still = ordinary * (np.arange(d) > 0)
    return {
        "integers": (rng.integers(-3, 4, (n, d)).astype(float), np.full(d, 0.5), 0.5),
        "a coordinate of zeros": (still, np.full(d, 0.3), 0.3),
        "a coordinate of halves": (still + 0.5 * (np.arange(d) == 0), np.full(d, 3.75), 0.25),
        "all equal": (np.ones((n, d)), np.full(d, 3.25), 0.25),
        "hundredths": (rng.integers(-100, 100, (n, d)) * 0.01, np.zeros(d), 0.0),
        "coordinates of other scales": (ordinary * 10.0 ** -np.linspace(0, 12, d), np.zeros(d), 0.0),
        "one target beyond every sum": (ordinary, np.array([1e30] + [0.1] * (d - 1)), 1e30),
    }


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("case", awkward(4, 2))
def test_ties_zeros_and_scales_stay_correct_and_quick(case, d):
    values, target, error = awkward(34, d)[case]
    answer = solve(values, target, solver=VectorTwoList())
    assert answer.status is Status.OPTIMAL
    assert answer.error == pytest.approx(error, abs=1e-15)


def test_too_many_ties_are_confessed_with_a_bound():
    """Tenths as doubles: millions of subsets that differ in the last bits."""
    values = np.random.default_rng(0).integers(-30, 30, (34, 2)) * 0.1
    answer = solve(values, [0.05, 0.05], norm="l2")
    assert answer.status is Status.WITHIN_ROUNDING
    assert answer.lower_bound <= answer.error <= answer.lower_bound + 1e-13
    assert answer.error == pytest.approx(0.05 * 2**0.5, abs=1e-12)


def test_the_answer_does_not_depend_on_threads():
    values = np.random.default_rng(5).integers(-9, 10, (30, 3)).astype(float)
    answers = [solve(values, [0.25, 0.5, 0.5], threads=threads, solver=VectorTwoList()) for threads in (1, 2, 3)]
    assert {tuple(answer.subset.tolist()) for answer in answers} == {tuple(answers[0].subset.tolist())}


@pytest.mark.parametrize("size", [None, 15])
@pytest.mark.parametrize("after", [0, 40, 90])
def test_interruption_returns_the_best_so_far(size, after):
    values, calls = np.random.default_rng(13).normal(size=(32, 2)), []

    def interrupt(label, done, total):
        calls.append((label, done, total))
        if len(calls) > after:
            raise KeyboardInterrupt

    answer = solve(values, [0.2, 0.3], size=size, solver=VectorTwoList(), progress=interrupt, threads=1)
    assert answer.status is Status.INTERRUPTED
    assert answer.lower_bound == 0.0
    assert size is None or answer.subset.sum() == size
    assert answer.error < 0.5
    batch = solve_batch(values, np.full((3, 2), 0.2), size=size, solver=VectorTwoList(), progress=interrupt)
    assert batch.status[2] == Status.INTERRUPTED


@given(st.fractions(min_value=0, max_value=10**40), st.integers(-1000, 900))
def test_roots_are_rounded_once(number, exponent):
    square = number * Fraction(2) ** (2 * (exponent // 2))
    root = rounded_root(square)
    below, above = (Fraction(math.nextafter(root, to)) for to in (-math.inf, math.inf))
    middle = Fraction(root)
    assert root == 0.0 or ((below + middle) / 2) ** 2 <= square
    assert square <= ((middle + above) / 2) ** 2


VECTORS = [[1.0, 2.0], [3.0, 4.0]]
REFUSED = [
    ({"target": 1.0}, "one number for each of the 2 coordinates"),
    ({"target": [1.0, 2.0, 3.0]}, "one number for each of the 2 coordinates"),
    ({"values": [1.0, 2.0]}, "target"),
    ({"values": np.ones((2, 0)), "target": []}, "without coordinates"),
    ({"values": np.ones((0, 2))}, "at least one value"),
    ({"values": np.ones((2, 2, 2))}, "dimension"),
    ({"values": [[1.7e308, 1.7e308], [0.0, 0.0]]}, "1.8e308"),
    ({"values": [[1.0, math.nan], [0.0, 0.0]]}, "must be finite"),
    ({"solver": TwoList()}, r"not vectors of 2 coordinates: use VectorTwoList\(\).*Pursuit\(\)"),
    ({"device": "gpu0"}, "is not a device"),
    ({"norm": "l1"}, "norm='l1'"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_bad_input_is_refused_with_the_way_out(change, message):
    with pytest.raises(ArgumentError, match=message):
        solve(**{"values": VECTORS, "target": [1.0, 1.0], **change})


@pytest.mark.parametrize(
    ("values", "targets", "message"),
    [
        (np.ones((2, 3, 4)), np.ones((3, 4)), "one target for each of the 2 rows"),
        (np.ones((2, 3, 4)), np.ones((2, 3)), "each of the 4 coordinates"),
        (np.ones((3, 4)), np.ones((2, 3)), "each of the 4 coordinates"),
        (np.ones(3), np.ones((2, 3)), "dimensions"),
    ],
)
def test_bad_batches_are_refused(values, targets, message):
    with pytest.raises(ArgumentError, match=message):
        solve_batch(values, targets)


def test_what_is_too_large_names_the_solver_that_takes_it(monkeypatch):
    with pytest.raises(ResourceError, match=r"n=45 .*Pursuit"):
        solve(np.ones((45, 2)), [1.0, 1.0], solver=VectorTwoList())
    with pytest.raises(ResourceError, match=r"d=9 .*Pursuit"):
        solve(np.ones((5, 9)), np.ones(9), solver=VectorTwoList())
    monkeypatch.setattr("slth.resources.available_memory", lambda: 32 << 20)
    with pytest.raises(ResourceError, match=r"n=40 needs .*Pursuit"):
        solve(np.ones((40, 4)), np.ones(4), solver=VectorTwoList())


@pytest.mark.parametrize(
    ("n", "d", "expected"),
    [(8, 2, "VectorTwoList"), (30, 4, "VectorTwoList"), (60, 2, "Pursuit"), (12, 9, "Enumeration"), (30, 9, "Pursuit")],
)
def test_the_choice_is_explained(n, d, expected):
    answer = solve(np.random.default_rng(n).normal(size=(n, d)), np.full(d, 0.3))
    assert answer.solver.startswith(expected)
    assert f"n = {n} vectors of d = {d}" in answer.work["reason"]


def test_pursuit_comes_near_and_keeps_to_size_and_tolerance():
    rng = np.random.default_rng(2)
    values, target = rng.normal(size=(400, 3)), rng.normal(size=3)
    for size in (None, 50):
        answer = solve(values, target, size=size, norm="l2", solver=Pursuit())
        assert answer.status is Status.HEURISTIC
        assert answer.error < 0.05
        assert size is None or answer.subset.sum() == size
    assert solve(values, target, norm="l2", tolerance=0.5, solver=Pursuit()).status is Status.WITHIN_TOLERANCE
    rows = solve_batch(values, rng.normal(size=(2, 3)), solver=Pursuit())
    assert rows.errors.max() < 0.1
    with pytest.raises(ArgumentError, match="beam"):
        Pursuit(beam=0)


def test_nouns_of_vectors():
    instance = SubsetSumInstance(VECTORS, [1, 2], norm="l2")
    assert (instance.n, instance.d, instance.norm) == (2, 2, "l2")
    answer = solve([[3.0, 0.0], [0.0, 4.0]], [0.0, 0.0], size=2, norm="l2")
    assert answer.error == 5.0
    assert answer.total.tolist() == [3.0, 4.0]
    assert "d=2" in repr(answer)
    for array in (instance.values, instance.target, answer.total):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
