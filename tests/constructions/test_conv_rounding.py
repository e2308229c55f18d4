"""The allowances of a convolutional certificate cover evaluation in floating point."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from conv_certificate_samples import known, unit_box
from hypothesis import given
from hypothesis import strategies as st

from slth.constructions import certify
from slth.constructions.conv_certify import certify_kernels
from slth.tickets import ConvLayer, ConvNetwork, Pool
from slth.tickets.conv_weights import source_blocks
from slth.tickets.geometry import convolve
from slth.tickets.steps import run
from tests.conv_samples import conv_cases, near_target, random_conv, random_ticket


def test_a_maximum_passes_rounding_on():
    rng = np.random.default_rng(14)
    convolution = random_conv(rng, 2, 2, (2, 2), activation="identity", bias=False)
    plain = ConvNetwork((2, 5, 5), [convolution])
    pooled = ConvNetwork((2, 5, 5), [convolution, Pool("max", 2)])
    box = unit_box((2, 5, 5))
    one, two = (certify_kernels(network, [known(convolution)], box) for network in (plain, pooled))
    assert two.float64_allowance == pytest.approx(one.float64_allowance, rel=0.5, abs=0.0)


@given(conv_cases(most=4), st.integers(0, 2**32 - 1))
def test_allowance_covers_evaluation_in_float32(case, seed):
    target, ticket, (low, high) = case
    low, high = np.round(low * 64) / 64, np.maximum(np.round(low * 64), np.round(high * 64)) / 64
    certificate = certify(target, ticket, input_box=(low, high))
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(rng.uniform(low, high, (3, *low.shape)) * 1024) / 1024, low, high)
    seen = in_float32(ticket, x, rng).astype(np.float64) - target_in_float32(target, x).astype(np.float64)
    true = ticket.forward(x) - target.forward(x)
    lost = np.abs(seen - true).max()
    assert lost <= certificate.float32_allowance + certificate.float64_allowance


def target_in_float32(target, x):
    def weighted(number, values):
        layer = target.steps[number]
        result = convolve(values, layer.weight.astype(np.float32), layer.window, groups=layer.groups)
        return result if layer.bias is None else result + layer.bias.astype(np.float32)[:, None, None]

    return run(target.steps, x.astype(np.float32), weighted)


def in_float32(ticket, x, rng):
    """Every operation in float32, the hidden channels added in random order."""
    layers = ticket.description.layers
    gains = iter(ticket.gains.astype(np.float32))

    def weighted(number, values):
        pair = layers[number]
        each = pair.outputs // pair.groups
        rows, columns = pair.window.output_size(values.shape[2:])
        result = np.zeros((len(values), pair.outputs, rows, columns), np.float32)
        blocks = list(source_blocks(pair, ticket.mask, ticket.law, ticket.seed))
        channels = [(block, place) for block in blocks for place in range(len(block.first))]
        for pick in rng.permutation(len(channels)):
            block, place = channels[pick]
            ones = np.ones_like(values[:, :1])
            image = values[:, block.source, None] if block.source < pair.inputs else ones
            hidden = np.maximum(np.float32(block.first[place]) * image, np.float32(0.0))
            kernel = block.second[place].astype(np.float32).reshape(each, 1, *pair.kernel)
            group = pair.group_of(block.source)
            result[:, group * each : (group + 1) * each] += convolve(hidden, kernel, pair.window)
        assert result.dtype == np.float32
        return result * next(gains)

    return run(layers, x.astype(np.float32), weighted)


def test_allowances_are_of_the_order_of_the_rounding():
    rng = np.random.default_rng(7)
    target = ConvNetwork((1, 4, 4), [random_conv(rng, 1, 2, (3, 3), activation="identity", padding=1)])
    ticket = random_ticket(rng, target)
    certificate = certify(near_target(rng, target, ticket), ticket, input_box=(0.0, 1.0))
    assert 1e-16 < certificate.float64_allowance < 1e-11
    assert certificate.float32_allowance == pytest.approx(certificate.float64_allowance * 2.0**29, rel=1e-2)


def test_numbers_beyond_the_doubles_certify_nothing():
    huge = ConvLayer(np.full((1, 1, 1, 1), 1e200))
    target = ConvNetwork((1, 2, 2), [huge, huge, Pool("max", 2), replace(huge, activation="identity")])
    near = [replace(layer, weight=layer.weight * 1.01) for layer in target.layers]
    certificate = certify_kernels(target, [known(layer) for layer in near], unit_box((1, 2, 2)))
    assert math.isinf(certificate.error)
    assert math.isinf(certificate.float64_allowance)
    one = ConvNetwork((1, 2, 2), [replace(huge, weight=huge.weight / 1e150)])
    assert math.isinf(certify_kernels(one, [known(one.layers[0])], unit_box((1, 2, 2))).float32_allowance)
