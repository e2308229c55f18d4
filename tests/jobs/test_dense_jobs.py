"""Jobs on fully connected networks: what is refused, what is forecast."""

from dataclasses import replace

import pytest
from slth.jobs.dense_jobs import DenseJob, expected_seconds

from slth.constructions import Dense
from slth.data.datasets import load
from slth.errors import ArgumentError, ConstructionError
from slth.jobs.pipeline import run_job
from slth.training import Recipe

SMALL = DenseJob((3,), Dense(candidates=8), Recipe(epochs=0))


def run(job, folder):
    return run_job(job, load("synthetic"), folder, title="t", command="c")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"hidden": (4, 0)}, r"hidden=\(4, 0\)"), ({"method": Dense(candidates=49)}, "candidates=49 is more than the 48")],
)
def test_what_cannot_be_done_is_refused_before_the_training(change, words):
    with pytest.raises(ArgumentError, match=words):
        replace(SMALL, **change)


def test_the_largest_number_of_candidates_is_accepted():
    assert replace(SMALL, method=Dense(candidates=48)).method.candidates == 48
    assert replace(SMALL, method=Dense(eps=0.1, delta=0.01)).method.candidates is None


def test_the_forecast_counts_weights_and_doubles_with_every_two_candidates():
    digits = load("digits")
    first, second = (expected_seconds(replace(SMALL, method=Dense(candidates=n)), digits) for n in (36, 38))
    assert second == pytest.approx(2.0 * first)
    with_bias, without = (expected_seconds(replace(SMALL, bias=bias), load("synthetic")) for bias in (True, False))
    assert with_bias / without == pytest.approx((17 * 3 + 4 * 4) / (16 * 3 + 3 * 4))
    assert expected_seconds(replace(SMALL, method=Dense(eps=0.1, delta=0.01)), digits) == 0.0


def test_an_error_beyond_subset_sums_is_named(tmp_path):
    job = replace(SMALL, method=Dense(eps=1e-30, delta=0.01))
    with pytest.raises(ConstructionError, match=r"eps=1e-30 could not be certified.*larger eps"):
        run(job, tmp_path / "o")
    assert not (tmp_path / "o").exists()
