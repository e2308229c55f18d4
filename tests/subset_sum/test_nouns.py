"""Instances and solutions: each rule has an argument that passes and one that is refused."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch

from slth.errors import ArgumentError, ResourceError, SlthError
from slth.resources import Interrupted
from slth.subset_sum import (
    BatchSolution,
    FourList,
    Greedy,
    Lattice,
    Status,
    SubsetSumInstance,
    SubsetSumSolution,
    TwoList,
    solve,
    solve_batch,
)

REFUSED = [
    ({"values": [1.0, math.nan]}, r"values\[1\]=nan must be finite"),
    ({"values": [math.inf]}, r"values\[0\]=inf must be finite"),
    ({"values": []}, "at least one value"),
    ({"values": [[1.0], [2.0]]}, "dimension"),
    ({"values": ["a"]}, "real numbers"),
    ({"values": np.array([1.0, None], dtype=object)}, "real numbers"),
    ({"values": [1 + 2j]}, "real numbers"),
    ({"values": [2**60 + 1]}, "cannot hold exactly"),
    ({"values": [2**53 + 1]}, "cannot hold exactly"),
    ({"values": [[1, 2], [3]]}, "different lengths"),
    ({"values": np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0])}, "every value present"),
    ({"values": torch.ones(3, requires_grad=True)}, "detach"),
    ({"solver": TwoList}, "is not a solver"),
    ({"values": [1.7e308, 1.7e308]}, "1.8e308"),
    ({"target": math.nan}, "target=nan must be finite"),
    ({"target": [1.0]}, "target"),
    ({"target": "x"}, "target"),
    ({"tolerance": -1e-9}, "tolerance=-1e-09 must be finite and not negative"),
    ({"tolerance": math.nan}, "tolerance"),
    ({"tolerance": "small"}, "tolerance"),
    ({"size": 4}, "size=4 must be an integer from 0 to 3: there are n = 3 values"),
    ({"size": -1}, "size=-1"),
    ({"size": 1.5}, "size=1.5 must be an integer"),
    ({"size": True}, "size=True"),
    ({"norm": "l7"}, "norm='l7' must be 'max' or 'l2': leave it out for 'max'"),
    ({"solver": "two lists"}, "solver='two lists' is not known"),
    ({"solver": 3}, "solver=3 is not a solver"),
    ({"threads": 0}, "threads=0"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_bad_input_is_refused_with_the_way_out(change, message):
    arguments = {"values": [1.0, 2.0, 3.0], "target": 2.5, **change}
    with pytest.raises(ArgumentError, match=message) as caught:
        solve(**arguments)
    assert caught.value.exit_code == 2
    assert ": " in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_good_input_of_each_kind_passes():
    for values in (
        [1, 2, 3],
        (1.0, 2.0),
        np.array([1, 2], np.uint8),
        np.array([True, False]),
        np.float32([0.5]),
        [2**60],
    ):
        assert solve(values, 1.0, threads=1).error <= 1.0
    assert solve([1.0, 2.0], 1.0, size=0).error == 1.0
    assert solve([1.0, 2.0], 1.0, size=np.int64(2)).error == 2.0


@pytest.mark.parametrize(
    ("values", "targets", "message"),
    [
        ([[1.0, 2.0]], [1.0, 2.0], "one target for each of the 1 rows"),
        ([[[1.0]]], [1.0], "dimension"),
        ([[]], [1.0], "at least one value a row"),
        ([[1.0, math.nan]], [1.0], r"values\[0, 1\]"),
        ([1.0], 1.0, "targets"),
    ],
)
def test_bad_batches_are_refused(values, targets, message):
    with pytest.raises(ArgumentError, match=message):
        solve_batch(values, targets)


def test_an_empty_batch_is_an_empty_answer():
    assert len(solve_batch(np.ones((0, 3)), [])) == 0


def test_too_many_values_name_the_solver_that_takes_them():
    with pytest.raises(ResourceError, match=r"n=55 .*FourList"):
        solve(np.ones(55), 1.0, solver=TwoList())
    with pytest.raises(ResourceError, match=r"n=99 .*Greedy"):
        solve(np.ones(99), 1.0, solver=TwoList())


def test_memory_is_checked_before_it_is_taken(monkeypatch):
    monkeypatch.setattr("slth.resources.available_memory", lambda: 64 << 20)
    with pytest.raises(ResourceError, match=r"n=50 needs 0\.50 GiB .*FourList"):
        solve(np.linspace(0.1, 1, 50), 1.0, solver=TwoList())


def test_arrays_are_read_only_copies():
    given = np.array([1.0, 2.0])
    instance = SubsetSumInstance(given, 1.0)
    given[0] = 9.0
    assert instance.values[0] == 1.0
    solution = solve(instance.values, 1.0)
    for array in (instance.values, solution.subset):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_solution_recomputes_its_error_and_clips_its_bound():
    instance = SubsetSumInstance([1.0, 2.0**-60], 1.0)
    answer = SubsetSumSolution(instance, [True, True], 5.0, Status.HEURISTIC, "hand", {})
    assert answer.error == 2.0**-60
    assert answer.total == 1.0
    assert answer.lower_bound == answer.error
    with pytest.raises(SlthError, match="hand"):
        SubsetSumSolution(SubsetSumInstance([1.0, 2.0], 1.0, 0.0, 1), [True, True], 0.0, Status.OPTIMAL, "hand", {})


def test_every_status_has_a_word_and_advice():
    assert [s.label for s in Status] == ["optimal", "within-tolerance", "within-rounding", "heuristic", "interrupted"]
    assert all(s.advice for s in Status)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FourList(slice_size=2.5),
        lambda: FourList(slice_size=1),
        lambda: Greedy(polish=1.5),
        lambda: Greedy(polish=45),
        lambda: Greedy(passes=1.5),
        lambda: Greedy(passes=True),
        lambda: solve([1.0, 2.0], 1.0, solver=Lattice(grid="1e400")),
        lambda: solve([1.0, 2.0], 1.0, solver=Lattice(grid=-0.5)),
    ],
)
def test_options_of_solvers_are_checked(make):
    with pytest.raises(ArgumentError):
        make()


@pytest.mark.parametrize("name", ["greedy", "differencing", "four-list", "two-list"])
def test_an_error_of_zero_is_optimal_whoever_found_it(name):
    from slth.subset_sum.choice import solver_named

    values = [4.0, 3.0, 2.0, 1.0]
    assert solve(values, 10.0, solver=solver_named(name)).status is Status.OPTIMAL
    assert (solve_batch([values], [10.0], solver=solver_named(name)).status == Status.OPTIMAL).all()
    assert solve(values, 10.0, tolerance=1.0, solver=TwoList()).error <= 1.0


@pytest.mark.parametrize("status", list(Status))
def test_whoever_needs_all_answers_asks_for_finished_ones(status):
    one = SubsetSumSolution(SubsetSumInstance([1.0, 2.0], 2.5), [False, True], 0.0, status, "a solver")
    batch = BatchSolution(
        np.zeros((2, 2), np.bool_), np.zeros(2), np.ones(2), np.zeros(2), np.array([0, status], np.uint8), "a solver"
    )
    for solution in (one, batch):
        if status == Status.INTERRUPTED:
            with pytest.raises(Interrupted, match="interrupted"):
                solution.finished()
        else:
            assert solution.finished() is solution
