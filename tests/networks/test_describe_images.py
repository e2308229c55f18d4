"""A described module on images is the same function in float64, and what cannot be described is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import Residual, cnn6, describe_module, lenet5, small_cnn
from slth.tickets import ConvNetwork, DenseNetwork


def settled(module, seed=0):
    """float64, with statistics and parameters of batch normalisations as training might leave them."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean.uniform_(-0.5, 0.5, generator=generator)
            part.running_var.uniform_(0.2, 3.0, generator=generator)
            if part.affine:
                with torch.no_grad():
                    part.weight.uniform_(-2.0, 2.0, generator=generator)
                    part.bias.uniform_(-1.0, 1.0, generator=generator)
    return module.double().eval()


def difference(module, shape, *, normalise=None, normalisation=None, batch=2, low=-1.0):
    """Largest distance between module and description, relative to the largest output where that is above 1."""
    network = describe_module(module, input_shape=shape, normalisation=normalisation)
    assert isinstance(network, ConvNetwork)
    x = np.random.default_rng(1).uniform(low, 1.0, (batch, *shape))
    with torch.no_grad():
        expected = module(torch.tensor(x if normalise is None else normalise(x))).numpy()
    found = network.forward(x).reshape(expected.shape)
    return np.abs(found - expected).max() / max(1.0, np.abs(expected).max())


def vgg():
    def block(inputs, outputs):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding="same", bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs, affine=False),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, 2),
        )

    head = [nn.Linear(8 * 4, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 5)]
    return nn.Sequential(block(3, 4), block(4, 8), nn.Dropout2d(), nn.Flatten(), *head)


def resnet():
    def body(inputs, outputs, stride):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    shortcut = nn.Sequential(nn.Conv2d(4, 6, 1, stride=2, bias=False), nn.BatchNorm2d(6))
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        Residual(body(4, 4, 1)),
        Residual(body(4, 6, 2), shortcut),
        Residual(Residual(body(6, 6, 1)), nn.Identity()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (vgg(), (3, 8, 8)),
        (resnet(), (3, 9, 8)),
        (lenet5(), (1, 28, 28)),
        (lenet5(batch_norm=True, input_shape=(2, 12, 13)), (2, 12, 13)),
        (small_cnn(bias=True), (1, 28, 28)),
        (cnn6(input_shape=(3, 16, 16)), (3, 16, 16)),
    ],
)
def test_standard_networks(module, shape):
    assert difference(settled(module), shape) < 1e-12


@st.composite
def stacks(draw):
    """Layers that torch can run one behind the other, with the image that they start from."""
    shape = channels, _, _ = (draw(st.integers(1, 4)), draw(st.integers(6, 10)), draw(st.integers(6, 10)))
    parts = []

    def convolution(channels):
        kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        same = ["same"] * (kernel[0] % 2 and kernel[1] % 2)
        padding = draw(st.sampled_from(["valid", 0, (kernel[0] - 1, kernel[1] // 2), *same]))
        stride = 1 if padding == "same" else draw(st.sampled_from([1, 2, (1, 2)]))
        groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
        outputs = groups * draw(st.integers(1, 2))
        bias = draw(st.booleans())
        return outputs, nn.Conv2d(channels, outputs, kernel, stride, padding, groups=groups, bias=bias)

    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["convolution", "convolution", "max", "average", "adaptive", "residual"]))
        if kind == "convolution" or not parts:
            channels, layer = convolution(channels)
            added = [layer]
            if draw(st.booleans()):
                added.append(nn.BatchNorm2d(channels))
            added += [nn.MaxPool2d((2, 1), 1)] * draw(st.booleans()) + [nn.ReLU()] * draw(st.booleans())
        elif kind == "max":
            added = [nn.MaxPool2d(3, draw(st.sampled_from([1, 2])), 1)]
        elif kind == "average":
            added = [nn.AvgPool2d((2, 3), 1, (1, 1))]
        elif kind == "adaptive":
            added = [draw(st.sampled_from([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))((None, 1))]
        else:
            shortcut = draw(st.sampled_from([None, nn.Conv2d(channels, channels, 1)]))
            added = [Residual(nn.Conv2d(channels, channels, 3, padding=1), shortcut)]
        with torch.no_grad():
            try:
                nn.Sequential(*parts, *added).eval()(torch.zeros(1, *shape))
            except RuntimeError:  # the image has become too small
                continue
        parts += added
    if draw(st.booleans()):
        with torch.no_grad():
            features = nn.Sequential(*parts).eval()(torch.zeros(1, *shape)).numel()
        parts += [nn.Flatten(), nn.Linear(features, 3)]
    return nn.Sequential(*parts), shape


@given(stacks(), st.integers(0, 100))
def test_random_stacks(stack, seed):
    module, shape = stack
    if any(isinstance(part, nn.Conv2d | Residual) for part in module):
        assert difference(settled(module, seed), shape) < 1e-12


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lead", [[], [nn.MaxPool2d(3, 2, 1)], [nn.AvgPool2d(2)]])
def test_normalisation_is_folded_into_an_unpadded_convolution(groups, bias, lead):
    module = settled(nn.Sequential(*lead, nn.Conv2d(4, 6, 3, groups=groups, bias=bias), nn.ReLU(), nn.Flatten()))
    mean, deviation = np.array([0.1, 0.4, -0.3, 0.2]), np.array([0.3, 0.7, 1.0, 2.0])

    def normalise(x):
        return (x - mean[:, None, None]) / deviation[:, None, None]

    assert difference(module, (4, 8, 8), normalise=normalise, normalisation=(mean, deviation)) < 1e-12


def test_normalisation_before_flatten_and_with_a_mean_of_zero():
    flat = settled(nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 3)))
    mean, deviation = np.array([0.1, 0.4]), np.array([0.3, 0.7])

    def normalise(x):
        return (x - mean[:, None, None]) / deviation[:, None, None]

    assert difference(flat, (2, 4, 4), normalise=normalise, normalisation=(mean, deviation)) < 1e-12
    padded = settled(nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, bias=False)))
    assert difference(padded, (2, 4, 4), normalise=lambda x: x / 0.25, normalisation=(0.0, 0.25)) < 1e-12
    assert describe_module(padded, input_shape=(2, 4, 4), normalisation=(0.0, 0.25)).layers[0].bias is None


def test_a_padded_first_layer_takes_no_mean():
    """The module pads behind the normalisation: its zeros are the mean, and no bias says so at the border alone."""
    for lead in ([], [nn.AvgPool2d(2, padding=1)]):
        module = nn.Sequential(*lead, nn.Conv2d(1, 2, 3, padding=1 - len(lead)))
        with pytest.raises(ArgumentError, match=r"normalisation.*pads with zeros.*train on raw inputs"):
            describe_module(module, input_shape=(1, 8, 8), normalisation=(0.5, 0.25))
    ahead = nn.Conv2d(2, 2, 1, groups=2)  # the way out that the message names
    with torch.no_grad():
        ahead.weight.fill_(4.0)
        ahead.bias.fill_(-2.0)
    conv = nn.Conv2d(2, 3, 3, padding=1)
    expected = settled(nn.Sequential(conv))(torch.full((1, 2, 4, 4), (0.75 - 0.5) * 4.0, dtype=torch.float64))
    found = describe_module(nn.Sequential(ahead, conv), input_shape=(2, 4, 4)).forward(np.full((1, 2, 4, 4), 0.75))
    assert found == pytest.approx(expected.detach().numpy(), abs=1e-12)


@pytest.mark.parametrize("normalisation", [(0.0, 0.0), ([0.0, 0.0, 0.0], 1.0), (np.nan, 1.0)])
def test_bad_normalisations_are_refused(normalisation):
    with pytest.raises(ArgumentError, match="normalisation"):
        describe_module(nn.Conv2d(2, 2, 1), input_shape=(2, 4, 4), normalisation=normalisation)
    with pytest.raises(ArgumentError, match=r"normalisation.*branches"):
        describe_module(Residual(nn.Conv2d(2, 2, 1)), input_shape=(2, 4, 4), normalisation=(0.0, 1.0))


CONV = nn.Conv2d(2, 2, 3, padding=1)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([nn.Conv2d(2, 2, 3, dilation=2)], "'0: Conv2d' has dilation"),
        ([nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect")], "0: Conv2d.*padding"),
        ([nn.Conv2d(2, 2, 2, padding="same")], "even kernel"),
        ([nn.Conv2d(2, 2, 3, padding=3)], "0: Conv2d.*must be below the kernel"),
        ([nn.Conv2d(3, 2, 3)], "0: Conv2d.*2 channels"),
        ([nn.Conv2d(2, 2, 7)], "does not fit an image of 6 x 6"),
        ([CONV, nn.Tanh()], "1: Tanh"),
        ([CONV, nn.ReLU(), nn.BatchNorm2d(2)], "'2: BatchNorm2d' does not stand directly behind"),
        ([nn.BatchNorm2d(2), CONV], "0: BatchNorm2d"),
        ([CONV, nn.MaxPool2d(2), nn.BatchNorm2d(2)], "2: BatchNorm2d"),
        ([CONV, nn.BatchNorm2d(3)], "must have the 2 outputs"),
        ([CONV, nn.BatchNorm1d(2)], "use BatchNorm2d"),
        ([CONV, nn.BatchNorm2d(2, track_running_stats=False)], "no running statistics"),
        ([nn.ReLU(), CONV], "0: ReLU"),
        ([CONV, nn.AvgPool2d(2), nn.ReLU()], "means of numbers of both signs"),
        ([CONV, nn.MaxPool2d(2, ceil_mode=True)], "ceil_mode"),
        ([CONV, nn.MaxPool2d(2, dilation=2)], "1: MaxPool2d.*dilation"),
        ([CONV, nn.AvgPool2d(3, padding=1, count_include_pad=False)], "1: AvgPool2d"),
        ([CONV, nn.AdaptiveAvgPool2d(4)], "windows of several sizes"),
        ([CONV, nn.Linear(6, 6)], "in front of Flatten"),
        ([CONV, nn.Flatten(), CONV], "2: Conv2d' stands behind Flatten"),
        ([CONV, nn.Flatten(2)], "1: Flatten"),
        ([CONV, nn.Flatten(), nn.Linear(5, 2)], "2: Linear.*72 channels"),
        ([CONV, Residual(nn.Conv2d(2, 3, 1))], "1: Residual"),
        ([CONV, Residual(nn.Sequential(nn.ReLU(), CONV))], "1.body.0: ReLU"),
        ([nn.MaxPool2d(2)], "no ConvLayer"),
    ],
)
def test_other_modules_are_named(parts, message):
    with pytest.raises(ArgumentError, match=message):
        describe_module(nn.Sequential(*parts), input_shape=(2, 6, 6))


def test_images_need_their_shape_and_dense_networks_compare_it():
    with pytest.raises(ArgumentError, match=r"0: Conv2d.*pass input_shape"):
        describe_module(nn.Sequential(CONV))
    with pytest.raises(ArgumentError, match="input_shape"):
        describe_module(nn.Sequential(CONV), input_shape=(6, 6))
    dense = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    assert isinstance(describe_module(dense, input_shape=(3, 2, 2)), DenseNetwork)
    with pytest.raises(ArgumentError, match=r"input_shape.*12"):
        describe_module(dense, input_shape=(2, 2, 2))


def test_batch_norm_in_dense_networks():
    module = settled(
        nn.Sequential(nn.Flatten(), nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    )
    x = np.random.default_rng(0).normal(size=(5, 6))
    network = describe_module(module)
    assert isinstance(network, DenseNetwork)
    assert network.forward(x) == pytest.approx(module(torch.tensor(x)).detach().numpy(), abs=1e-13)
    with pytest.raises(ArgumentError, match="2: BatchNorm1d"):
        describe_module(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2)))


def test_a_module_that_stands_in_two_places_is_in_both():
    relu, conv = nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1)
    module = nn.Sequential(conv, relu, conv, relu, nn.Flatten(), nn.Linear(32, 2)).double()
    assert difference(module, (2, 4, 4)) < 1e-12
    dense = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu)
    assert [layer.activation for layer in describe_module(dense).layers] == ["relu", "relu"]


def test_relu_exchanges_places_with_maxima_and_counts_once():
    late = nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.ReLU(), nn.ReLU())
    network = describe_module(late.double(), input_shape=(2, 6, 6))
    assert [layer.activation for layer in network.layers] == ["relu"]
    assert difference(late, (2, 6, 6)) < 1e-13
    rectified = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AvgPool2d(2), nn.ReLU()).double()
    assert difference(rectified, (2, 6, 6)) < 1e-13
