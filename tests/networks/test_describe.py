"""A described module is the same function, and what cannot be described is named."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks import describe_module, mlp


def test_weights_are_the_modules_numbers():
    module = mlp((5, 4, 3), seed=1)
    network = describe_module(module)
    for layer, linear in zip(network.layers, (module[1], module[3]), strict=True):
        assert layer.weight.dtype == np.float64
        assert np.array_equal(layer.weight.astype(np.float32), linear.weight.detach().numpy())
        assert np.array_equal(layer.bias, linear.bias.detach().double().numpy())
    assert [layer.activation for layer in network.layers] == ["relu", "identity"]


def test_same_function():
    module = mlp((6, 8, 7, 2), seed=2).double()
    x = torch.randn(10, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert describe_module(module).forward(x.numpy()) == pytest.approx(module(x).detach().numpy(), abs=1e-13)


def test_nested_modules_no_biases_and_layers_that_do_nothing():
    linear = nn.Linear(4, 3, bias=False)
    module = nn.Sequential(
        nn.Flatten(), nn.Sequential(linear, nn.ReLU(), nn.Dropout(0.5)), nn.Identity(), nn.Linear(3, 1)
    )
    network = describe_module(module)
    assert network.layers[0].bias is None
    assert len(network.layers) == 2
    x = torch.rand(5, 2, 2, generator=torch.Generator().manual_seed(1))
    expected = module.eval()(x).detach().numpy()
    assert network.forward(x.flatten(1).numpy()) == pytest.approx(expected, abs=1e-6)


def test_a_single_linear_is_a_network():
    assert len(describe_module(nn.Linear(3, 2)).layers) == 1


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("mean", "deviation"),
    [(0.5, 0.25), (0.0, 2.0), ([0.1, 0.4], [0.3, 0.7]), (np.arange(8.0), np.arange(1.0, 9.0))],
)
def test_normalisation_is_folded_in(bias, mean, deviation):
    """Scalars, one per channel of [2, 2, 2] (the slowest axis), and one per input."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(8, 3, bias=bias), nn.ReLU(), nn.Linear(3, 2)).double()
    x = np.random.default_rng(0).random((20, 2, 2, 2))
    shape = {1: (1, 1, 1, 1), 2: (1, 2, 1, 1), 8: (1, 2, 2, 2)}[np.size(mean)]
    normalised = (x - np.reshape(mean, shape)) / np.reshape(deviation, shape)
    expected = module(torch.tensor(normalised)).detach().numpy()
    network = describe_module(module, normalisation=(mean, deviation))
    assert network.forward(x.reshape(20, 8)) == pytest.approx(expected, abs=1e-12)
    assert (network.layers[0].bias is None) == (not bias and not np.any(mean))


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh()), "1: Tanh"),
        (nn.Sequential(nn.Sequential(nn.Conv2d(1, 1, 3)), nn.Flatten()), "0.0: Conv2d"),
        (nn.Sequential(nn.ReLU(), nn.Linear(2, 2)), "'0' is a ReLU"),
        (nn.Sequential(nn.Linear(2, 2), nn.Flatten()), "'1' is a Flatten"),
        (nn.Sequential(nn.Flatten(0), nn.Linear(2, 2)), "'0' is a Flatten"),
        (nn.Sequential(), "no Linear"),
        (nn.BatchNorm1d(3), "BatchNorm1d"),
    ],
)
def test_other_modules_are_named(module, named):
    with pytest.raises(ArgumentError, match=named):
        describe_module(module)


@pytest.mark.parametrize("normalisation", [(0.0, 0.0), (0.0, -1.0), (np.nan, 1.0), ([1.0, 2.0, 3.0], 1.0), ([], 1.0)])
def test_bad_normalisations_are_refused(normalisation):
    with pytest.raises(ArgumentError, match="normalisation"):
        describe_module(nn.Linear(4, 2), normalisation=normalisation)


def test_mlp_draws_from_its_own_generator():
    state = torch.random.get_rng_state()
    one, same, other = (mlp((7, 5, 2), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one[1].weight, same[1].weight)
    assert not torch.equal(one[1].weight, other[1].weight)
    assert one[1].weight.abs().max() <= 7**-0.5
    assert mlp((3, 2), bias=False)[1].bias is None


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0)])
def test_mlp_refuses_bad_sizes(sizes):
    with pytest.raises(ArgumentError, match="sizes"):
        mlp(sizes)


def test_mlp_takes_numpy_seeds_and_refuses_others():
    assert torch.equal(mlp((3, 2), seed=np.int64(4))[1].weight, mlp((3, 2), seed=4)[1].weight)
    for seed in (True, -1, 0.5, 2**64):
        with pytest.raises(ArgumentError, match="seed"):
            mlp((3, 2), seed=seed)


def test_the_folded_bias_is_rounded_more_than_once():
    """Where it cancels, digits are lost: the docstring must not promise one rounding of the exact bias."""
    module = nn.Linear(2, 1).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0, -1.0]]))
        module.bias.zero_()
    rounded_once = 0
    for mean in np.linspace(0.7, 0.8, 50).tolist():
        (layer,) = describe_module(module, normalisation=([mean, 0.25], [0.9, 0.3])).layers
        exact = Fraction(0.25) / Fraction(0.3) - Fraction(mean) / Fraction(0.9)
        assert layer.bias[0] == pytest.approx(float(exact), abs=4e-16)
        rounded_once += layer.bias[0] == float(exact)
    assert rounded_once < 25
