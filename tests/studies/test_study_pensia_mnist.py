"""The study of the MNIST experiment, on a small network."""

from __future__ import annotations

import numpy as np
import pytest

from slth.constructions.fresh_lists import weighted_steps
from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.pensia_mnist import pensia_mnist
from slth.studies.trained_targets import data_of, dense_target
from tests.oracles import best_subset

CELL = {"data": "synthetic", "hidden": [3], "epochs": 1, "target_seed": 0, "n": 8, "eps": 0.01}


def exact_errors(lists: str, seed: int) -> np.ndarray:
    """The optimum of every weight, in rational arithmetic, from the same coefficients."""
    target = dense_target(data_of("synthetic", Context()), Context(), hidden=[3], epochs=1, seed=0)
    matrices = [conv.weight[:, :, 0, 0] for conv in weighted_steps(target)]
    weights = np.concatenate([matrix.ravel() for matrix in matrices])
    low, high, n = weights.min(), weights.max(), CELL["n"]
    errors = []
    for number, matrix in enumerate(matrices):
        count = matrix.size if lists == "fresh" else len(matrix)
        drawn = Stream(seed, f"per-weight.layer{number}.weight").uniform(0, n * count).reshape(count, n)
        values = np.repeat(low + (high - low) * drawn, matrix.size // count, axis=0)
        errors += [float(best_subset(v, w)[0]) for v, w in zip(values, matrix.ravel(), strict=True)]
    return np.array(errors)


@pytest.mark.parametrize("lists", ["fresh", "row"])
def test_errors_are_optima_of_lists_of_each_kind(lists):
    (row,) = pensia_mnist({**CELL, "lists": lists, "tolerance": 0.0}, seed=9, context=Context())
    errors = exact_errors(lists, 9)
    assert row["weights"] == len(errors) == 60
    assert row["largest_error"] == pytest.approx(errors.max(), rel=1e-6)
    assert row["median_error"] == pytest.approx(np.median(errors), rel=1e-6)
    assert row["within_eps"] == np.count_nonzero(errors <= CELL["eps"])
    assert row["kept_per_weight"] == pytest.approx(row["density"] * CELL["n"])


def test_a_tolerance_keeps_fewer_and_stays_within_it():
    cell = {**CELL, "n": 18, "lists": "fresh"}
    (best,) = pensia_mnist({**cell, "tolerance": 0.0}, seed=3, context=Context())
    (near,) = pensia_mnist({**cell, "tolerance": 0.01}, seed=3, context=Context())
    assert near["within_eps"] == best["within_eps"]
    assert near["median_error"] > best["median_error"]
    assert near["kept"] < best["kept"]


def test_accuracy_is_that_of_the_target_where_errors_are_tiny():
    (row,) = pensia_mnist({**CELL, "n": 32, "lists": "row", "tolerance": 0.0}, seed=3, context=Context())
    assert (row["changed"], row["accuracy"]) == (0, row["target_accuracy"])


def test_unknown_lists_are_refused():
    with pytest.raises(ArgumentError, match=r"lists='column'.*fresh, row"):
        pensia_mnist({**CELL, "lists": "column", "tolerance": 0.0}, seed=0, context=Context())
