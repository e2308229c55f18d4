"""What is measured of each layer, held against direct computation."""

import json

import numpy as np
import pytest

from slth.constructions import PerWeight, Shallow, Structured
from slth.data.datasets import load
from slth.files import dumps
from slth.graphs import Conv, Flatten, Graph, Node, Relu
from slth.jobs.layers import layer_records
from slth.jobs.pipeline import Delivery, record_delivery
from slth.tickets.blocks import draw_first
from tests.jobs.samples import small_target

METHODS = [PerWeight(candidates=10), PerWeight(eps=0.5, delta=0.1), Shallow(candidates=10), Structured(channels=60)]


def recorded(target, method, **options):
    made = method.construct(target, seed=4, **options)
    delivery = Delivery(target, made, made.ticket, 1000, 500)
    return made, record_delivery(delivery, load("synthetic"), title="t", command="c", limit=50)


def small_conv():
    """A convolution of three channels, and a linear layer."""
    generator = np.random.default_rng(5)
    nodes = [
        Node("conv", Conv(generator.normal(size=(3, 2, 3, 3)), generator.normal(size=3), padding=1), ("input",)),
        Node("relu", Relu(), ("conv",)),
        Node("flat", Flatten(), ("relu",)),
        Node("head", Conv(generator.normal(size=(2, 48))), ("flat",)),
    ]
    return Graph((2, 4, 4), nodes)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_what_is_recorded_is_what_the_ticket_does(method, negative):
    target = small_target(negative=negative)
    if negative and isinstance(method, Shallow):
        pytest.skip("copies of neurons pass through a ReLU")
    made, record = recorded(target, method)
    inputs = load("synthetic").inputs("test", limit=50).astype(float)
    summary = record.summary
    np.testing.assert_allclose(record.ticket_outputs, made.ticket.forward(inputs), rtol=0, atol=1e-11)
    assert summary["sampled_error"] == np.abs(record.ticket_outputs - record.target_outputs).max()
    allowed = summary["certified_error"] + summary["float64_allowance"]
    assert summary["sampled_error"] <= summary["attack_error"] <= allowed
    assert summary["certified_error"] <= summary["norm_bound"] * (1 + 1e-12)
    assert summary["bits_per_target_weight"] == 8 * 1000 / target.parameters
    assert summary["density"] == made.ticket.mask.density
    for number, (layer, row) in enumerate(zip(record.layers, made.table, strict=True)):
        assert {key: layer.row[key] for key in row.to_dict()} == row.to_dict()
        channels = isinstance(method, Structured)
        halves = 2 if negative and number else 1  # both signs reach the second layer
        weights = row.instances if not channels else halves * [85, 20][number]
        assert layer.error_counts.sum() == weights  # every one is somewhere in the histogram
        assert (layer.error_edges > 0).all()
        assert (np.diff(layer.error_edges) > 0).all()
        assert (layer.mask is None) == channels == (layer.error_predicted is None) == (layer.scales is not None)
        if not channels:
            # All but the tail of the prediction that lies beyond ten times the worst error that was found.
            assert 0.95 * row.instances <= layer.error_predicted.sum() <= row.instances * (1 + 1e-9)
            units = 0 if layer.row["removal"] == "plain" else made.ticket.mask[f"{row.path}.units"].sum()
            assert layer.mask.sum() + units == row.kept
    assert json.loads(dumps(summary))["layers"][0]["path"] == "layer0"


def test_kept_channels_are_at_their_scales_and_kernels_beside_each_other():
    target = small_conv()
    made = Structured(channels=40, gain="unit", beam=2).construct(target, seed=1)
    conv, head = layer_records(target, made, made.ticket)
    pair = made.ticket.layers[0]
    kept = made.ticket.mask["conv.units"]
    assert sorted(conv.scales) == sorted(
        np.concatenate([draw_first(pair, made.ticket.law, 1, s, np.flatnonzero(kept[:, s])) for s in range(3)])
    )
    assert np.array_equal(np.bincount(conv.sources, minlength=3), kept.sum(axis=0))
    assert np.array_equal(conv.target_slices, target.node("conv").step.weight[:, 0])
    # A one in the middle of the first channel shows the ticket's kernel, turned, around it.
    x = np.zeros((2, 2, 4, 4))
    x[1, 0, 1, 1] = 1.0
    first = Graph((2, 4, 4), made.ticket.source.nodes[:1])
    ticket = type(made.ticket)(
        first, made.ticket.law, 1, type(made.ticket.mask)({"conv.units": kept}), made.ticket.gains[:1]
    )
    nothing, found = ticket.forward(x)
    np.testing.assert_allclose(conv.ticket_slices, (found - nothing)[:, 2::-1, 2::-1], rtol=0, atol=1e-12)
    assert head.target_slices is None
    assert conv.row["kernel"] == [3, 3]


def test_single_weights_of_a_convolution_have_a_mask_and_a_prediction():
    target = small_conv()
    made = PerWeight(candidates=8).construct(target, seed=1)
    conv, head = layer_records(target, made, made.ticket)
    assert conv.mask.shape == made.ticket.mask["conv.weights"].shape
    assert conv.scales is None
    assert conv.target_slices.shape == conv.ticket_slices.shape == (3, 3, 3)
    assert head.target_slices is None


def test_predicted_and_found_errors_agree_in_the_bulk():
    """Some 1,900 weights: the medians differ by some percent; the bounds leave room for the model's own error."""
    generator = np.random.default_rng(8)
    nodes = [
        Node("wide", Conv(generator.uniform(-0.5, 0.5, (120, 16))), ("input",)),
        Node("last", Conv(np.eye(4, 120)), ("wide",)),
    ]
    made, record = recorded(Graph((16,), nodes), PerWeight(candidates=14))
    layer, found = record.layers[0], np.median(made.errors[0])
    middle = np.searchsorted(np.cumsum(layer.error_predicted), 120 * 16 / 2)
    assert 0.5 < found / layer.error_edges[middle] < 2.0
    assert made.table[0].predicted_median == pytest.approx(found, rel=0.5)


@pytest.mark.parametrize("candidates", [1, 2])
def test_a_histogram_is_drawn_where_hardly_any_candidate_is_offered(candidates):
    made, record = recorded(small_target(), PerWeight(candidates=candidates))
    for layer, errors in zip(record.layers, made.errors, strict=True):
        assert np.isfinite(layer.error_edges).all()
        assert layer.error_counts.sum() == len(errors)


def test_information_takes_errors_in_the_unit_of_the_candidates():
    made, record = recorded(small_target(), PerWeight(candidates=10))
    bits = [
        max(0.0, -np.log2(2.0 * error / row.gain))
        for errors, row in zip(made.errors, made.table, strict=True)
        for error in errors
    ]
    assert record.summary["information_bits_mean"] == pytest.approx(np.mean(bits))
    assert record.summary["information_bits_per_weight"] < record.summary["information_bits_mean"]
    assert recorded(small_target(), Structured(channels=20))[1].summary["information_bits_mean"] is None
