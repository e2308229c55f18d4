"""Convolutional targets and pairs: shapes, the reference forward pass, folding, and the file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from slth.errors import ArgumentError
from slth.rng import WeightLaw
from slth.tickets import (
    Branch,
    ConvLayer,
    ConvNetwork,
    ConvPair,
    Flatten,
    Join,
    Mask,
    NetworkDescription,
    Pool,
    Swap,
    Ticket,
    ticket_bytes,
    ticket_from_bytes,
)
from slth.tickets.conv_weights import folded_kernel
from slth.tickets.geometry import Window

NORMAL = WeightLaw("normal", 1.0)


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("stride", "padding", "groups", "kernel"),
    [(1, 1, 1, 3), (2, 0, 1, 3), ((2, 1), (1, 2), 2, (3, 5)), (1, 0, 4, 1), (3, 2, 4, 5)],
)
def test_a_convolution_is_torchs(stride, padding, groups, kernel):
    rng = np.random.default_rng(1)
    size = (kernel, kernel) if isinstance(kernel, int) else kernel
    weight, bias = rng.normal(size=(8, 4 // groups, *size)), rng.normal(size=8)
    layer = ConvLayer(weight, bias, "relu", stride, padding, groups)
    x = images(3, 4, 9, 8)
    ours = ConvNetwork((4, 9, 8), [layer]).forward(x)
    theirs = functional.conv2d(
        torch.tensor(x), torch.tensor(weight), torch.tensor(bias), stride=stride, padding=padding, groups=groups
    ).relu()
    assert np.abs(ours - theirs.numpy()).max() < 1e-12
    assert ours.shape[1:] == layer.output_shape((4, 9, 8))


@pytest.mark.parametrize("operation", ["max", "average"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), (0, 1))])
def test_pooling_is_torchs(operation, kernel, stride, padding):
    x = images(2, 3, 8, 9)
    theirs = {"max": functional.max_pool2d, "average": functional.avg_pool2d}[operation](
        torch.tensor(x), kernel, kernel if stride is None else stride, padding
    )
    pool = Pool(operation, kernel, stride, padding)
    assert np.abs(pool.forward(x) - theirs.numpy()).max() < 1e-14
    assert pool.output_shape((3, 8, 9)) == theirs.shape[1:]


def test_a_residual_block_adds_up():
    first, second, shortcut = (ConvLayer(images(2, 2, 1, 1, seed=i), activation="identity") for i in range(3))
    network = ConvNetwork((2, 3, 3), [Branch(), first, second, Swap(), shortcut, Join("relu")])
    x = images(4, 2, 3, 3)
    expected = np.maximum(second.affine(first.affine(x)) + shortcut.affine(x), 0.0)
    assert np.abs(network.forward(x) - expected).max() < 1e-12
    assert [place.nonnegative for place in network.places(nonnegative=True)] == [True, True, False, False, True, False]


@pytest.mark.parametrize(
    ("shape", "steps", "message"),
    [
        ((1, 4, 4), [], "at least one"),
        ((1, 4, 4), [Flatten()], "no ConvLayer"),
        ((2, 4, 4), [ConvLayer(np.ones((1, 1, 1, 1)))], "2 channels"),
        ((1, 4, 4), [ConvLayer(np.ones((1, 1, 5, 5)))], "does not fit an image of 4 x 4"),
        ((1, 4, 4), [ConvLayer(np.ones((1, 1, 1, 1))), Join()], "put aside"),
        ((1, 4, 4), [Branch(), ConvLayer(np.ones((1, 1, 1, 1)))], "not joined"),
        ((1, 4, 4), [Branch(), ConvLayer(np.ones((2, 1, 1, 1))), Join()], "other branch"),
        ((1, 4), [ConvLayer(np.ones((1, 1, 1, 1)))], "channels, height, width"),
    ],
)
def test_what_does_not_fit_is_refused(shape, steps, message):
    with pytest.raises(ArgumentError, match=message):
        ConvNetwork(shape, steps)


def small_ticket(removal="channels", groups=1, bias=True, halves="both"):
    first = ConvPair("layer0", 2, 4, 5, (3, 3), 1, 1, groups, bias, removal, halves)
    last = ConvPair("layer3", 16, 3, 4, (1, 1), bias=bias, removal=removal, halves="positive", activation="identity")
    description = NetworkDescription([first, Pool("max", 2), Flatten(), last], (2, 4, 4))
    rng = np.random.default_rng(3)
    masks = {}
    for layer in description.random_layers:
        outer, *inner = layer.mask_shapes
        masks[outer] = rng.random(layer.mask_shapes[outer]) < 0.6
        for name in inner:
            masks[name] = (rng.random(layer.mask_shapes[name]) < 0.5) & masks[outer][:, :, None]
            masks[outer] = masks[name].any(axis=2)
    return Ticket(description, NORMAL, 9, Mask(masks), [0.5, 2.0])


WAYS = [("channels", 1, True, "both"), ("weights", 2, True, "both"), ("channels", 2, False, "positive")]


@pytest.mark.parametrize("way", WAYS)
def test_the_folded_kernels_compute_what_the_pairs_do(way):
    ticket = small_ticket(*way)
    x = images(5, 2, 4, 4)
    values = x
    for layer, folded in zip(ticket.description.random_layers, ticket.folded_kernels(), strict=True):
        assert (folded.plus_lower <= folded.plus_upper).all()
        total = 0.0
        for kernels, part in ((folded.plus, np.maximum(values, 0)), (folded.minus, np.minimum(values, 0))):
            kernel, constant = folded_kernel(layer, kernels)
            convolution = ConvLayer(kernel, None, "identity", layer.stride, layer.padding, layer.groups)
            total = total + convolution.affine(part)
            if constant is not None and part.max() > 0:
                ones = np.ones((1, layer.groups, *values.shape[2:]))
                constants = ConvLayer(constant[:, None], None, "identity", layer.stride, layer.padding, layer.groups)
                total = total + constants.affine(ones)
        values = np.maximum(total, 0) if layer.activation == "relu" else total
        if layer.path == "layer0":
            values = Flatten().forward(Pool("max", 2).forward(values))
    assert np.abs(ticket.forward(x) - values).max() < 1e-12


@pytest.mark.parametrize("way", WAYS)
def test_a_file_gives_the_ticket_back(way):
    ticket = small_ticket(*way)
    content = ticket_bytes(ticket)
    again = ticket_from_bytes(content)
    assert again.description == ticket.description
    assert all(np.array_equal(again.mask[name], ticket.mask[name]) for name in ticket.description.mask_shapes)
    assert ticket_bytes(again) == content
    x = images(2, 2, 4, 4)
    assert np.array_equal(again.forward(x), ticket.forward(x))
    assert NetworkDescription.from_json(ticket.description.to_json()) == ticket.description
    statistics = ticket.statistics()
    assert 8 * len(content) <= 1.02 * statistics.entropy_bound_bits + 8 * 2048


def test_more_channels_extend_the_same_network():
    ticket = small_ticket()
    wider = [
        replace(layer, channels=layer.channels + 7) if isinstance(layer, ConvPair) else layer
        for layer in ticket.description.layers
    ]
    masks = {
        name: np.concatenate([ticket.mask[name], np.zeros((7, ticket.mask[name].shape[1]), bool)])
        for name in ticket.description.mask_shapes
    }
    other = Ticket(NetworkDescription(wider, (2, 4, 4)), NORMAL, 9, Mask(masks), ticket.gains)
    assert other.kept_weights_sha256() == ticket.kept_weights_sha256()
    x = images(2, 2, 4, 4)
    assert np.array_equal(other.forward(x), ticket.forward(x))


def test_the_inner_tap_never_meets_the_padding():
    for kernel in range(1, 6):
        for stride in range(1, 4):
            for padding in range(kernel):
                for size in range(max(1, kernel - 2 * padding), 9):
                    window = Window(kernel, stride, padding)
                    seen = window.indices((1, size, size))[0]
                    free = (seen >= 0).all(axis=(0, 1))
                    tap = window.inner_tap((size, size))
                    if tap is not None:
                        assert free[tap[0] * kernel + tap[1]]
                    else:
                        assert not free.any() or stride > 1
