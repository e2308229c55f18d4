"""The study of quantised tickets: its counts against solvers and sets, its predictions against those for reals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import slth
from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.quantised import quantised
from slth.subset_sum import Lattice
from slth.subset_sum.elementary_laws import Integers
from slth.subset_sum.prediction import predict_errors

TICKET = {"question": "ticket", "bits": 4, "n": 8, "instances": 60}
PARTITION = {"question": "partition", "n": 8, "offset": 0.5, "instances": 80}


def _drawn(seed: int, law: Integers, cell: dict[str, object]) -> np.ndarray:
    n, instances = int(str(cell["n"])), int(str(cell["instances"]))
    stream = Stream(seed, f"quantised.{cell['question']}")
    return law.sample(stream, instances * n).reshape(instances, n)


def _sums(values: np.ndarray) -> set[float]:
    sums = {0.0}
    for value in values.tolist():
        sums |= {total + value for total in sums}
    return sums


def test_counts_are_those_of_the_lattice_solver_and_of_sets_of_sums():
    one, every = quantised(TICKET, seed=3, context=Context())
    drawn = _drawn(3, Integers(-16, 16), TICKET)
    solved = slth.solve_batch(drawn, np.full(60, 8.0), solver=Lattice())
    assert (one["targets"], one["successes"]) == ("one", int(np.sum(solved.errors == 0.0)))
    wanted = {float(target) for target in range(-16, 17)}
    assert (every["targets"], every["successes"]) == ("all", sum(wanted <= _sums(values) for values in drawn))
    assert 0 < every["successes"] < one["successes"] < 60  # the seed decides something


def test_prediction_of_one_target_is_the_one_for_reals_at_half_a_step():
    one, _ = quantised(TICKET, seed=3, context=Context())
    rates = predict_errors(_drawn(3, Integers(-16, 16), TICKET), np.full(60, 8.0)).rate
    assert one["predicted"] == pytest.approx(np.mean(-np.expm1(-0.5 * rates)), rel=1e-9)


def test_prediction_of_all_targets_is_a_product_over_those_that_are_not_mirrored():
    _, every = quantised(TICKET, seed=3, context=Context())
    chances = []
    for values in _drawn(3, Integers(-16, 16), TICKET):
        chance, total = 1.0, int(values.sum())
        for target in range(-16, 17):
            mirrored = total - target
            hit = float(-np.expm1(-0.5 * predict_errors(values, np.array([float(target)])).rate[0]))
            if abs(mirrored) > 16 or mirrored > target:
                chance *= hit
            elif mirrored == target:
                chance *= hit**0.5
        chances.append(chance)
    assert every["predicted"] == pytest.approx(np.mean(chances), rel=1e-6)


def test_all_zero_values_reach_the_empty_sum_alone():
    one, every = quantised(TICKET | {"n": 1, "instances": 200}, seed=0, context=Context())
    drawn = _drawn(0, Integers(-16, 16), TICKET | {"n": 1, "instances": 200})
    assert one["successes"] == np.sum(drawn == 8.0) > 0
    assert every["successes"] == 0


def test_perfect_partitions_are_those_of_all_subsets():
    (row,) = quantised(PARTITION, seed=1, context=Context())
    drawn = _drawn(1, Integers(1, round(2.0 ** (8 - 1.5 + 0.5))), PARTITION)
    perfect = sum(min(abs(2.0 * total - values.sum()) for total in _sums(values)) <= 1.0 for values in drawn)
    assert (row["successes"], row["trials"]) == (perfect, 80)
    assert 0 < perfect < 80


def test_perfect_partitions_are_as_frequent_as_the_limit_says():
    (row,) = quantised(PARTITION | {"n": 24, "offset": 1.0, "instances": 600}, seed=2, context=Context())
    mean = math.sqrt(3.0 / (2.0 * math.pi)) / 2.0
    limit = 1.0 - 0.5 * math.exp(-mean) * (1.0 + math.exp(-mean))  # 0.395
    # 4 standard deviations of a share of 600, and 0.01 for a finite n: fails with probability below 1e-4.
    assert abs(row["successes"] / 600 - limit) < 4.0 * math.sqrt(limit * (1.0 - limit) / 600) + 0.01


def test_unknown_question_is_refused():
    with pytest.raises(ArgumentError, match="ask one of ticket, partition"):
        quantised(TICKET | {"question": "why"}, seed=0, context=Context())
