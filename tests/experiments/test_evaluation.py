"""The demonstration's pieces on small networks, held against direct computation."""

import itertools
import json
import math

import numpy as np
import pytest

from slth.constructions import Dense, construct_dense
from slth.constructions.forecast import expected_counts
from slth.constructions.propagation import augmented
from slth.errors import DataError
from slth.experiments.datasets import load
from slth.experiments.demo import DenseJob, demo_job, run_dense_job
from slth.experiments.evaluation import Files, accuracy, evaluate_ticket, record_ticket
from slth.experiments.files import dumps
from slth.experiments.target_file import load_target, save_target
from slth.rng import Stream, WeightLaw
from slth.tickets import DenseLayer, DenseNetwork, load_ticket
from slth.training import Training


def small_target(*, negative: bool = False) -> DenseNetwork:
    generator = np.random.default_rng(3)
    first = DenseLayer(
        generator.uniform(-1, 1, (5, 16)), generator.uniform(-1, 1, 5), "identity" if negative else "relu"
    )
    return DenseNetwork([first, DenseLayer(generator.uniform(-1, 1, (4, 5)), None, "identity")])


def recorded(target, method):
    made = construct_dense(target, method, seed=4)
    return made, record_ticket(
        target,
        made,
        made.ticket,
        load("synthetic"),
        title="t",
        command="c",
        files=Files(1000, 500),
        eps=method.eps,
        limit=50,
    )


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


def test_accuracy_and_evaluation():
    target = small_target()
    data = load("synthetic")
    ticket = construct_dense(target, Dense(candidates=8)).ticket
    outputs = ticket.forward(data.inputs("test"))
    facts = evaluate_ticket(ticket, data, target=target)
    assert (
        facts["accuracy"] == np.mean(outputs.argmax(axis=1) == data.test_labels) == accuracy(outputs, data.test_labels)
    )
    assert facts["examples"] == 500
    assert evaluate_ticket(ticket, data, limit=7)["examples"] == 7


def test_a_target_reads_back_and_equal_targets_are_equal_files(tmp_path):
    target = small_target()
    single = DenseNetwork([DenseLayer(np.float32([[0.1, 0.2]]).astype(np.float64), None, "identity")])
    for network in (target, single):
        save_target(network, tmp_path / "a")
        save_target(network, tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
        read = load_target(tmp_path / "a")
        for ours, theirs in zip(network.layers, read.layers, strict=True):
            assert np.array_equal(ours.weight, theirs.weight)
            assert (ours.bias is None) == (theirs.bias is None)
            assert ours.bias is None or np.array_equal(ours.bias, theirs.bias)
            assert ours.activation == theirs.activation
    content = (tmp_path / "a").read_bytes()
    assert len(content) < 200  # two numbers of four bytes, and the header
    for wrong in (b"", content[:-1], content[:20], b"\xff" * 100):
        (tmp_path / "c").write_bytes(wrong)
        with pytest.raises(DataError, match="c: is damaged"):
            load_target(tmp_path / "c")
    with pytest.raises(DataError, match="no such file"):
        load_target(tmp_path / "none")


def test_a_whole_job(tmp_path):
    job = DenseJob((6,), Dense(candidates=9), Training(epochs=2), seed=2)
    seen = []
    record = run_dense_job(
        job,
        load("synthetic"),
        tmp_path / "new",
        title="t",
        command="c",
        progress=lambda *report: seen.append(report[0]),
    )
    ticket, target = load_ticket(tmp_path / "new/net.ticket"), load_target(tmp_path / "new/target.safetensors")
    inputs = load("synthetic").inputs("test")
    assert np.array_equal(record.ticket_outputs, ticket.forward(inputs))
    assert np.array_equal(record.target_outputs, target.forward(inputs))
    assert record.summary["ticket_bytes"] == (tmp_path / "new/net.ticket").stat().st_size
    assert record.summary["kept_weights_sha256"] == ticket.kept_weights_sha256()
    assert {"training", "layer0", "layer1"} <= set(seen)
    again = run_dense_job(job, load("synthetic"), tmp_path / "again", title="t", command="c")
    assert (tmp_path / "again/net.ticket").read_bytes() == (tmp_path / "new/net.ticket").read_bytes()
    assert again.summary["certified_error"] == record.summary["certified_error"]


def test_the_demos_job():
    job = demo_job(seed=3)
    assert job.seed == 3
    assert job.method.candidates is not None


@pytest.mark.parametrize("candidates", [1, 2])
def test_a_histogram_is_drawn_where_hardly_any_candidate_is_offered(candidates, tmp_path):
    job = DenseJob((4,), Dense(candidates=candidates), Training(epochs=1))
    record = run_dense_job(job, load("synthetic"), tmp_path, title="t", command="c")
    for layer in record.layers:
        assert np.isfinite(layer.error_edges).all()
        assert layer.error_counts.sum() == len(layer.errors)
