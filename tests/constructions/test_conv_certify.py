"""The certificate of convolutions is never below a difference, and near it where that is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from conv_certificate_samples import gaps, known, perturbed, plain_ranges, reference_like, unit_box
from hypothesis import given
from hypothesis import strategies as st
from network_samples import random_network
from network_samples import random_ticket as random_dense_ticket

from slth.constructions import certify
from slth.constructions.certify import certify_layers
from slth.constructions.conv_certify import certify_kernels
from slth.constructions.conv_graph import EffectiveConv, graph_of
from slth.constructions.effective import EffectiveLayer
from slth.constructions.interval import Interval
from slth.errors import ArgumentError
from slth.networks import attack_difference
from slth.tickets import ConvLayer, ConvNetwork, DenseLayer, DenseNetwork, Pool
from tests.conv_samples import conv_cases, images_of_box, random_conv, random_target, random_ticket


def check(certificate, differences):
    assert (differences <= certificate.per_output + certificate.float64_allowance).all()


@given(conv_cases(), st.integers(0, 2**32 - 1))
def test_never_below_random_inputs_and_corners(case, seed):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    assert certificate.float64_allowance < 1e-7
    points = images_of_box(np.random.default_rng(seed), box, 800)  # 10^4 in all
    check(certificate, gaps(ticket, target, points).max(axis=0))


@given(conv_cases())
def test_never_below_gradient_ascent(case):
    target, ticket, box = case
    certificate = certify(target, ticket, input_box=box)
    worst = attack_difference(target, ticket, input_box=box, starts=2, steps=10)
    assert worst.error <= certificate.per_output[worst.output] + certificate.float64_allowance


@pytest.mark.parametrize("low", [0.0, -0.6])
@pytest.mark.parametrize("stride", [1, 2])
def test_one_convolution_is_solved(low, stride):
    """The first layer's ranges are exact: the largest difference is at the ends of the box or at 0."""
    rng = np.random.default_rng(1)
    target = ConvNetwork((2, 3, 3), [random_conv(rng, 2, 2, (2, 2), activation="identity", stride=stride)])
    ticket = random_ticket(rng, target)
    certificate = certify(target, ticket, input_box=(low, 1.0))
    shape = target.input_shape
    zero = ticket.forward(np.zeros((1, *shape))) - target.forward(np.zeros((1, *shape)))
    alone = []  # each output is a sum of functions of one pixel each
    for number, end in product(range(18), (low, 1.0)):
        x = np.zeros((1, *shape))
        x.ravel()[number] = end
        alone.append((ticket.forward(x) - target.forward(x) - zero).ravel())
    effects = np.array(alone).reshape(18, 2, -1)
    effects = np.concatenate([effects, np.zeros_like(effects[:, :1])], axis=1) if low < 0.0 else effects
    highest = zero.ravel() + np.maximum(effects.max(axis=1), 0.0).sum(axis=0)
    lowest = zero.ravel() + np.minimum(effects.min(axis=1), 0.0).sum(axis=0)
    worst = np.maximum(np.abs(highest), np.abs(lowest))
    assert certificate.per_output == pytest.approx(worst, rel=1e-9)


def test_images_of_one_pixel_agree_with_the_dense_certificate():
    rng = np.random.default_rng(2)
    sizes = (6, 10, 8, 3)
    dense, convolutions, effective, convs = [], [], [], []
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight, bias = rng.normal(size=(outputs, inputs)) / np.sqrt(inputs), rng.normal(size=outputs) * 0.1
        activation = "identity" if number == 2 else "relu"
        dense.append(DenseLayer(weight, bias, activation))
        convolutions.append(ConvLayer(weight[:, :, None, None], bias, activation))
        wrong = weight + 0.02 * rng.normal(size=weight.shape)
        constant = bias + 0.02 * rng.normal(size=bias.shape)
        both = np.column_stack([wrong, constant])
        places = np.arange(inputs + 1), np.arange(outputs)
        effective.append(EffectiveLayer(Interval.point(both), None, np.abs(both), inputs + 1, 1.0, *places))
        kernel, constants = wrong[:, :, None, None], constant[:, None, None]
        enclosed = Interval.point(kernel), None, Interval.point(constants)
        convs.append(EffectiveConv(*enclosed, np.abs(kernel), np.abs(constants), inputs + 1, 1.0))
    box = np.full(6, -0.3), np.ones(6)
    by_dense = certify_layers(DenseNetwork(dense), effective, box)
    images = tuple(end[:, None, None] for end in box)
    by_convolutions = certify_kernels(ConvNetwork((6, 1, 1), convolutions), convs, images)
    assert 0.5 * by_dense.error < by_convolutions.error < 1.2 * by_dense.error
    assert by_convolutions.norm_bound == pytest.approx(by_dense.norm_bound, rel=1e-6)
    assert by_convolutions.float64_allowance == pytest.approx(by_dense.float64_allowance, rel=0.5, abs=0.0)
    for ours, theirs in zip(by_convolutions.layers, by_dense.layers, strict=True):
        assert ours.largest_weight_error == pytest.approx(theirs.largest_weight_error, rel=1e-9)
        assert ours.median_weight_error == pytest.approx(theirs.median_weight_error, rel=1e-9)


def test_selections_sharpen_what_ranges_say():
    rng = np.random.default_rng(3)
    target = reference_like(rng)
    near = perturbed(rng, target, (0.04, 0.13, 0.012))
    convs, box = [known(layer) for layer in near.layers], unit_box(target.input_shape)
    certificate = certify_kernels(target, convs, box)
    by_ranges = plain_ranges(graph_of(target, convs), box)[-1].difference.magnitude.max()
    points = images_of_box(rng, box, 4000)
    worst = gaps(near, target, points).max()
    assert worst <= certificate.error + certificate.float64_allowance
    assert certificate.error < 0.8 * by_ranges


def test_linear_bounds_sharpen_deep_networks_without_pooling():
    rng = np.random.default_rng(4)
    steps = [random_conv(rng, inputs, 8, (3, 3), padding=1, stride=2, bias=False) for inputs in (1, 8, 8)]
    steps.append(random_conv(rng, 8, 2, (2, 2), activation="identity", bias=False))
    target = ConvNetwork((1, 16, 16), steps)
    near = perturbed(rng, target, (0.02,) * 4)
    convs, box = [known(layer) for layer in near.layers], unit_box((1, 16, 16))
    certificate = certify_kernels(target, convs, box)
    by_ranges = plain_ranges(graph_of(target, convs), box)[-1].difference.magnitude.max()
    assert gaps(near, target, images_of_box(rng, box, 4000)).max() <= certificate.error
    assert certificate.error < 0.5 * by_ranges


def test_too_much_work_falls_back_to_ranges(monkeypatch):
    rng = np.random.default_rng(5)
    target = random_target(rng)
    ticket = random_ticket(rng, target)
    sharp = certify(target, ticket, input_box=(0.0, 1.0))
    monkeypatch.setattr("slth.constructions.conv_certify._MOST_WORK", 0.0)
    monkeypatch.setattr("slth.constructions.conv_selections._LARGEST_ORDER", 0)
    blunt = certify(target, ticket, input_box=(0.0, 1.0))
    assert (sharp.per_output <= blunt.per_output * (1.0 + 1e-9)).all()
    points = images_of_box(rng, unit_box(target.input_shape), 1000)
    check(blunt, gaps(ticket, target, points).max(axis=0))


def test_kernels_known_to_a_tolerance_cover_all_that_meet_it():
    rng = np.random.default_rng(6)
    target = reference_like(rng, size=8, channels=2)
    box = unit_box(target.input_shape)
    certificate = certify_kernels(target, [known(layer, 0.01) for layer in target.layers], box)
    points = images_of_box(rng, box, 300)
    worst = 0.0
    for _ in range(40):
        steps = [
            replace(step, weight=step.weight + 0.01 * rng.choice([-1.0, 1.0], step.weight.shape))
            if isinstance(step, ConvLayer) else step for step in target.steps
        ]  # fmt: skip
        worst = max(worst, gaps(ConvNetwork(target.input_shape, steps), target, points).max())
    assert 0.01 * certificate.error < worst <= certificate.error


def test_a_box_of_one_point_is_evaluated():
    rng = np.random.default_rng(8)
    target = random_target(rng)
    ticket = random_ticket(rng, target)
    x = rng.normal(size=target.input_shape)
    certificate = certify(target, ticket, input_box=(x, x))
    assert certificate.per_output == pytest.approx(gaps(ticket, target, x[None])[0], abs=1e-9)


def test_layers_and_boxes_are_reported():
    rng = np.random.default_rng(9)
    target = reference_like(rng, size=8, channels=2)
    ticket = random_ticket(rng, target, removal="weights")
    certificate = certify(target, ticket, input_box=(np.zeros((1, 1, 8)), 1.0))
    assert certificate.input_box[0].shape == (1, 8, 8)
    assert certificate.error == certificate.per_output.max() <= certificate.norm_bound
    assert [row.layer for row in certificate.layers] == [0, 1, 2]
    assert certificate.layers[-1].difference == certificate.error
    hidden = target.layers[0].affine(rng.random((500, 1, 8, 8)))
    assert hidden.max() <= certificate.layers[0].value
    errors = np.abs(ticket.folded_kernels()[1].plus.reshape(2, 4, 3, 3).swapaxes(0, 1) - target.layers[1].weight)
    assert errors.max() <= certificate.layers[1].largest_weight_error <= errors.max() * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("box", [(1.0, 0.0), (0.0, np.inf), (0.0, np.nan), (np.zeros(3), np.ones(3)), "ab", (0.0,)])
def test_bad_boxes_are_refused(box):
    rng = np.random.default_rng(10)
    target = ConvNetwork((1, 2, 2), [random_conv(rng, 1, 1, (2, 2))])
    with pytest.raises(ArgumentError, match="input_box"):
        certify(target, random_ticket(rng, target), input_box=box)


def test_tickets_of_other_targets_are_refused():
    rng = np.random.default_rng(11)
    layer = random_conv(rng, 1, 2, (3, 3), padding=1)
    target = ConvNetwork((1, 4, 4), [layer, Pool("max", 2)])
    ticket = random_ticket(rng, target)
    for shape, steps in (
        ((1, 5, 4), [layer, Pool("max", 2)]),
        ((1, 4, 4), [layer]),
        ((1, 4, 4), [layer, Pool("average", 2)]),
        ((1, 4, 4), [replace(layer, padding=0), Pool("max", 2)]),
        ((1, 4, 4), [replace(layer, activation="identity"), Pool("max", 2)]),
    ):
        with pytest.raises(ArgumentError, match="ticket"):
            certify(ConvNetwork(shape, steps), ticket, input_box=(0.0, 1.0))
    dense = DenseNetwork([DenseLayer(np.ones((2, 16)))])
    with pytest.raises(ArgumentError, match="ticket"):
        certify(dense, ticket, input_box=(0.0, 1.0))
    with pytest.raises(ArgumentError, match="ticket"):
        certify(target, random_dense_ticket(rng, random_network(rng, (16, 2))), input_box=(0.0, 1.0))


@pytest.mark.slow
def test_the_reference_network_is_certified_below_its_ranges():
    """Random weights in the shape that experiments use."""
    rng = np.random.default_rng(12)
    target = reference_like(rng, size=28, channels=8)
    near = perturbed(rng, target, (0.04, 0.13, 0.012))
    convs, box = [known(layer) for layer in near.layers], unit_box(target.input_shape)
    certificate = certify_kernels(target, convs, box)
    assert gaps(near, target, images_of_box(rng, box, 2000)).max() <= certificate.error
    assert certificate.error < 0.75 * plain_ranges(graph_of(target, convs), box)[-1].difference.magnitude.max()
