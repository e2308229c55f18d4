"""The standard convolutional networks: shapes, sizes, and weights from their own generator."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks import Residual, cnn6, describe, lenet5, small_cnn

MODELS = {small_cnn: (1, 28, 28), lenet5: (1, 28, 28), cnn6: (3, 32, 32)}


def kernels(module):
    return [tuple(part.weight.shape) for part in module if isinstance(part, nn.Conv2d | nn.Linear)]


def test_they_are_the_networks_that_their_names_say():
    assert kernels(small_cnn()) == [(8, 1, 3, 3), (16, 8, 3, 3), (10, 784)]
    assert kernels(lenet5()) == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
    widths = [3, 8, 8, 16, 16, 32, 32]
    convolutions = [(b, a, 3, 3) for a, b in pairwise(widths)]
    assert kernels(cnn6()) == [*convolutions, (10, 512)]
    assert [type(part).__name__ for part in small_cnn()] == [
        *["Conv2d", "ReLU", "MaxPool2d"] * 2, "Flatten", "Linear",
    ]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_outputs_biases_and_norms(model, bias, batch_norm):
    module = model(bias=bias, batch_norm=batch_norm, classes=7)
    assert module(torch.zeros(2, *MODELS[model])).shape == (2, 7)
    parts = list(module)
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        if isinstance(part, nn.Conv2d | nn.Linear):
            normed = isinstance(after, nn.BatchNorm1d | nn.BatchNorm2d)
            assert normed == (batch_norm and after is not None)
            assert (part.bias is not None) == (bias and not normed)


@pytest.mark.parametrize("model", MODELS)
def test_they_draw_from_their_own_generator(model):
    state = torch.random.get_rng_state()
    one, same, other = (model(seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    bound = one[0].weight[0].numel() ** -0.5
    assert 0.9 * bound < one[0].weight.abs().max() <= bound


def test_averaged_images_are_those_of_a_quarter_of_the_size():
    images = torch.rand(2, 1, 12, 8, generator=torch.Generator().manual_seed(0))
    small = small_cnn(input_shape=(1, 6, 4), channels=(2,), seed=3)
    blocks = images.reshape(2, 1, 6, 2, 4, 2).mean((3, 5))
    averaged = small_cnn(input_shape=(1, 12, 8), channels=(2,), averaged=True, seed=3)
    assert torch.allclose(averaged(images), small(blocks), atol=1e-6)
    assert describe(averaged, (1, 12, 8)) is not None


def test_other_images_and_widths():
    assert small_cnn(input_shape=(3, 9, 4), channels=(2,), classes=2)(torch.zeros(1, 3, 9, 4)).shape == (1, 2)
    assert cnn6(input_shape=(1, 8, 8), channels=(2, 3))(torch.zeros(1, 1, 8, 8)).shape == (1, 10)
    assert lenet5(input_shape=(3, 32, 32))(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize(
    ("model", "options", "named"),
    [
        (small_cnn, {"input_shape": (28, 28)}, "input_shape"),
        (small_cnn, {"input_shape": (1, 3, 28)}, "halved"),
        (small_cnn, {"channels": (0,)}, "channels"),
        (small_cnn, {"classes": 0}, "classes"),
        (lenet5, {"input_shape": (1, 11, 28)}, "too small"),
        (cnn6, {"seed": -1}, "seed"),
    ],
)
def test_bad_sizes_are_refused(model, options, named):
    with pytest.raises(ArgumentError, match=named):
        model(**options)


def test_a_residual_block_is_what_it_says():
    body, shortcut = nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Conv2d(2, 3, 1, stride=2)
    x = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Residual(body, shortcut)(x), torch.relu(body(x) + shortcut(x)))
    same = nn.Conv2d(2, 2, 1)
    assert torch.equal(Residual(same)(x), torch.relu(same(x) + x))
