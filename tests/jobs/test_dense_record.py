"""What is measured of a dense ticket, held against direct computation."""

import itertools
import json
import math

import numpy as np
import pytest
from slth.constructions.propagation import augmented
from slth.jobs.dense_jobs import DenseJob

from slth.constructions import Dense, construct_dense
from slth.constructions.forecast import expected_counts
from slth.data.datasets import load
from slth.files import dumps
from slth.jobs.pipeline import Delivery, record_delivery, run_job
from slth.rng import Stream, WeightLaw
from slth.tickets import DenseLayer, DenseNetwork
from slth.training import Recipe
from tests.jobs.samples import small_target


def recorded(target, method):
    made = construct_dense(target, method, seed=4)
    job = DenseJob((5,), method, Recipe(), seed=4)
    delivery = Delivery(target, made, made.ticket, 1000, 500)
    return made, record_delivery(job, delivery, load("synthetic"), title="t", command="c", limit=50)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize(
    "method", [Dense(candidates=10), Dense(eps=0.5, delta=0.1), Dense(candidates=10, depth="plus-one")]
)
def test_what_is_recorded_is_what_the_ticket_does(method, negative):
    target = small_target(negative=negative)
    if negative and method.depth == "plus-one":
        pytest.skip("copies of neurons pass through a ReLU")
    made, record = recorded(target, method)
    inputs = load("synthetic").inputs("test", limit=50)
    summary = record.summary
    assert np.array_equal(record.ticket_outputs, made.ticket.forward(inputs))
    assert summary["sampled_error"] == np.abs(record.ticket_outputs - target.forward(inputs)).max()
    assert summary["sampled_error"] <= summary["certified_error"] + summary["float64_allowance"]
    assert summary["attack_error"] <= summary["certified_error"] + summary["float64_allowance"]
    assert summary["certified_error"] <= summary["norm_bound"] * (1 + 1e-12)
    assert summary["bits_per_target_weight"] == 8 * 1000 / target.parameters
    assert summary["density"] == made.ticket.mask.density
    for layer, row in zip(record.layers, made.table, strict=True):
        assert layer.weights == row.weights
        assert layer.errors.max() == pytest.approx(row.largest_error, rel=1e-12)
        if method.depth == "double" and not negative:  # else the certificate takes copies or halves together
            assert np.median(layer.errors) == pytest.approx(row.median_error, rel=1e-9)
        assert layer.error_counts.sum() == layer.weights  # every weight is somewhere in the histogram
        assert 0.99 * layer.weights <= layer.error_predicted.sum() <= layer.weights
    assert json.loads(dumps(summary))["layers"][0]["path"] == "layer0"


def test_the_prediction_looks_at_the_candidates_and_not_at_the_solution():
    """Moments of the candidates, drawn here one by one as the design says they are."""
    target = small_target()
    made = construct_dense(target, Dense(candidates=6), seed=9)
    pair, row = made.ticket.description.layers[0], made.table[0]
    weights = augmented(target.layers[0])[:-1]
    rates = made.log_rates[0].reshape(weights.shape)  # no weight is 0, so each is an instance
    first, second, law = Stream(9, "layer0.first"), Stream(9, "layer0.second"), WeightLaw("uniform", 1.0)
    for output, owner in itertools.product(range(5), range(17)):
        products = []
        for unit in range(pair.units):
            u = law.weights(first, (unit * 17 + owner) * 17 + owner, 1)[0]
            v = law.weights(second, (unit * 17 + owner) * 5 + output, 1)[0]
            if u > 0 and len(products) < 6:
                products.append(u * v)
        if not products:
            assert rates[output, owner] == -np.inf
            continue
        variance = math.fsum(p * p for p in products) / 4
        centre = math.fsum(products) / 2
        density = 2 ** len(products) / math.sqrt(2 * math.pi * variance)
        density *= math.exp(-((weights[output, owner] / row.gain - centre) ** 2) / (2 * variance))
        assert rates[output, owner] == pytest.approx(math.log(2 * density / row.gain), rel=1e-9)


def test_expected_counts_add_up():
    edges = np.array([0.0, 0.1, 1.0, 2.0])
    counts = expected_counts(np.log([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 0.05]), edges)
    assert counts.sum() == pytest.approx(3.0)
    assert counts[0] == pytest.approx(1.0 + sum(1 - math.exp(-0.1 * rate) for rate in (1, 2)))


def test_predicted_and_found_errors_agree_in_the_bulk():
    """4,160 weights: the medians differ by some percent; the bounds leave room for the model's own error."""
    generator = np.random.default_rng(8)
    target = DenseNetwork([DenseLayer(generator.uniform(-0.5, 0.5, (120, 16)), None, "identity")])
    made, record = recorded(
        DenseNetwork([*target.layers, DenseLayer(np.eye(4, 120), None, "identity")]), Dense(candidates=14)
    )
    layer = record.layers[0]
    found = np.median(layer.errors)
    middle = np.searchsorted(np.cumsum(layer.error_predicted), layer.weights / 2)
    assert 0.5 < found / layer.error_edges[middle] < 2.0
    assert made.table[0].predicted_median == pytest.approx(found, rel=0.5)


@pytest.mark.parametrize("candidates", [1, 2])
def test_a_histogram_is_drawn_where_hardly_any_candidate_is_offered(candidates, tmp_path):
    job = DenseJob((4,), Dense(candidates=candidates), Recipe(epochs=1))
    record = run_job(job, load("synthetic"), tmp_path, title="t", command="c")
    for layer in record.layers:
        assert np.isfinite(layer.error_edges).all()
        assert layer.error_counts.sum() == len(layer.errors)
