"""The study of vector success: exact counts against enumeration, expectations against sampling, and its sandwich."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.grids.intervals import clopper_pearson
from slth.rng import Stream
from slth.studies import vector_success as study
from slth.theory import bounds

CELL = {"law": "gaussian", "subsets": "all", "dimension": 2, "n": 9, "eps": 0.3, "instances": 40, "density": 0.4}


def drawn(cell, seed, trial):
    """The vectors of an instance, by the streams that the module's documents promise."""
    n, d = cell["n"], cell["dimension"]
    vectors = Stream(seed, f"vector-success.vectors.{trial}").normal(0, n * d).reshape(n, d)
    if cell["law"] == "product":
        vectors = vectors * Stream(seed, f"vector-success.scales.{trial}").normal(0, n)[:, None]
    return vectors


def nearest(vectors, size):
    """By enumeration of all subsets."""
    n = len(vectors)
    sizes = range(n + 1) if size is None else (size,)
    sums = [vectors[list(chosen)].sum(axis=0) for count in sizes for chosen in itertools.combinations(range(n), count)]
    return np.abs(np.array(sums) - 1.0).max(axis=1).min()


@pytest.mark.parametrize("law", study.LAWS)
@pytest.mark.parametrize("subsets", study.SUBSETS)
def test_successes_are_those_of_enumeration(law, subsets):
    cell = CELL | {"law": law, "subsets": subsets}
    (row,) = study.vector_success(cell, seed=5, context=Context())
    errors = [nearest(drawn(cell, 5, trial), row["size"]) for trial in range(40)]
    assert row["successes"] == sum(error <= 0.3 for error in errors)
    assert 0 < row["successes"] < 40
    assert (row["trials"], row["undecided"]) == (40, 0)
    assert row["size"] == (None if subsets == "all" else 4)


@pytest.mark.parametrize("law", study.LAWS)
def test_expected_numbers_are_means(law):
    n, size, eps, repetitions = 7, 3, 0.4, 4000
    generator = np.random.default_rng(1)
    vectors = generator.standard_normal((repetitions, n, 2))
    if law == "product":
        vectors *= generator.standard_normal((repetitions, n, 1))
    chosen = [list(part) for part in itertools.combinations(range(n), size)]
    hits = sum((np.abs(vectors[:, part].sum(axis=1) - 1.0).max(axis=1) <= eps).astype(float) for part in chosen)
    expected = study.expected_subsets(law, n, 2, eps, size=size)
    # 4.5 standard errors: a false alarm in 150,000.
    assert abs(hits.mean() - expected) < 4.5 * hits.std() / math.sqrt(repetitions)
    parts = [study.expected_subsets(law, n, 2, eps, size=k) for k in range(1, n + 1)]
    assert study.expected_subsets(law, n, 2, eps) == pytest.approx(sum(parts), rel=1e-12)


def test_expected_numbers_agree_with_the_catalogue():
    fixed = bounds["derived.first_moment.fixed_size.subsets"](n=20, size=7, dimension=3, eps=0.1)
    assert math.log2(study.expected_subsets("gaussian", 20, 3, 0.1, size=7)) == pytest.approx(fixed, rel=1e-9)
    needed = int(bounds["derived.first_moment.needed"](dimension=3, eps=0.1, probability=1 / 3))
    below, at = (study.expected_subsets("gaussian", n, 3, 0.1) for n in (needed - 1, needed))
    assert below < 1 / 3 <= at


def test_the_measured_share_lies_between_its_bounds():
    for n in (6, 10, 14):
        (row,) = study.vector_success(CELL | {"n": n, "instances": 150}, seed=2, context=Context())
        # Three intervals that miss with probability 1e-4 in all.
        interval = clopper_pearson(row["successes"], row["trials"], confidence=1 - 3e-5)
        assert interval.high >= row["guarantee"]
        assert interval.low <= min(1.0, row["expected_subsets"])


def test_guarantees_are_for_gaussian_vectors_only():
    (row,) = study.vector_success(CELL | {"law": "product", "instances": 1}, seed=0, context=Context())
    assert row["guarantee"] is None
    assert study.guarantee(12, 2, 0.3) == max(study.guarantee(12, 2, 0.3, size=k) for k in range(1, 13))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"law": "cauchy"}, "law='cauchy' is unknown"),
        ({"subsets": "some"}, "subsets='some' is unknown"),
        ({"subsets": "fixed", "density": 1.5}, "density=1.5 must lie between 0 and 1"),
        ({"eps": 1.0}, "eps=1.0 must lie between 0 and 1"),
    ],
)
def test_bad_cells(change, words):
    with pytest.raises(ArgumentError, match=words):
        study.vector_success(CELL | {"instances": 1} | change, seed=0, context=Context())
