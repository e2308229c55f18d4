"""The field's standard models: the published counts, shapes, and initial weights with an address."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks.initialise import initialised
from slth.networks.masking import maskable, prunable_weights
from slth.networks.models import conv_n, lenet5_variant, lenet300, vgg
from slth.networks.models_attention import vit
from slth.networks.models_residual import resnet, resnet_cifar
from slth.training import CROP_AND_FLIP, Examples, Recipe, train

SMALL, GREY = (2, 3, 32, 32), (2, 1, 28, 28)
MODELS = {
    "LeNet-300-100": (lenet300, GREY, 266_200),
    "LeNet-5": (lenet5_variant, GREY, 61_470),
    "LeNet-5, 32 x 32": (lambda: lenet5_variant(padding=0, size=32), (2, 1, 32, 32), 61_470),
    "LeNet-5, not padded": (lambda: lenet5_variant(padding=0), GREY, 44_190),
    "LeNet-5, Caffe": (lambda: lenet5_variant(variant="caffe", padding=0), GREY, 430_500),
    "Conv-2": (lambda: conv_n(2), SMALL, 4_300_992),
    "Conv-4": (lambda: conv_n(4), SMALL, 2_425_024),
    "Conv-6": (lambda: conv_n(6), SMALL, 2_261_184),
    "Conv-8": (lambda: conv_n(8), SMALL, 5_275_840),
    "ResNet-20, padded": (resnet_cifar, SMALL, 268_336),
    "ResNet-20, projections": (lambda: resnet_cifar(shortcut="projection"), SMALL, 270_896),
    "ResNet-20, grey": (lambda: resnet_cifar(channels=1), GREY, 268_048),
    "ResNet-18, small": (lambda: resnet(18, images="small", classes=10), SMALL, 11_164_352),
    "ResNet-18": (lambda: resnet(18), (2, 3, 64, 64), 11_678_912),
    "ResNet-50": (lambda: resnet(50), (2, 3, 64, 64), 25_502_912),
    "VGG-11": (lambda: vgg(11), SMALL, 9_222_848),
    "VGG-16": (vgg, SMALL, 14_715_584),
    "ViT": (vit, SMALL, 204_416),
}


@pytest.mark.parametrize("name", MODELS)
def test_counts_and_shapes_are_the_published_ones(name):
    make, shape, count = MODELS[name]
    module = make().eval()
    assert prunable_weights(module) == count
    with torch.no_grad():
        scores = module(torch.rand(shape, generator=torch.Generator().manual_seed(0)))
    assert scores.shape == (2, 1000 if name in ("ResNet-18", "ResNet-50") else 10)
    assert bool(torch.isfinite(scores).all())
    assert bool((scores[0] != scores[1]).any())


def test_layers_of_resnet20_are_those_of_the_table():
    """methods: 432, six times 2304, 4608, five times 9216, 18432, five times 36864, 640."""
    module = resnet_cifar()
    sizes = [module.get_parameter(name).numel() for name in maskable(module)]
    assert sizes == [432, *[2304] * 6, 4608, *[9216] * 5, 18432, *[36864] * 5, 640]


def test_a_padded_shortcut_takes_every_second_position_and_pads_both_sides():
    block = resnet_cifar().layers[1][0]
    with torch.no_grad():
        block.bn2.weight.zero_()
        block.bn2.bias.zero_()
    x = torch.rand(1, 16, 4, 4)
    found = block(x)
    assert torch.equal(found[:, 8:24], x[:, :, ::2, ::2])
    assert not found[:, :8].any()
    assert not found[:, 24:].any()


def test_initial_weights_depend_on_the_seed_and_the_name_alone():
    state = torch.random.get_rng_state()
    one, same, other, deeper = (resnet_cifar(depth, seed=seed) for depth, seed in ((8, 1), (8, 1), (8, 2), (14, 1)))
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, tensor in one.named_parameters():
        assert torch.equal(tensor, same.get_parameter(name))
    assert not torch.equal(one.conv1.weight, other.conv1.weight)
    assert torch.equal(one.conv1.weight, deeper.conv1.weight)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(400, 300),
        lambda: nn.Conv2d(20, 60, 3, groups=2),
        lambda: nn.ConvTranspose2d(40, 30, 3),
        lambda: nn.MultiheadAttention(64, 4),
        lambda: nn.MultiheadAttention(64, 4, kdim=32, vdim=16),
        lambda: nn.Embedding(100, 30),
        lambda: nn.BatchNorm2d(5),
        lambda: nn.LayerNorm(5),
    ],
)
def test_the_laws_are_torchs_own(make):
    """Same mean and deviation as torch's default initialisation: within 6 standard errors of some thousand numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        default = make()
    ours = initialised(make, 0)
    assert list(ours.state_dict()) == list(default.state_dict())
    for name, tensor in ours.state_dict().items():
        expected = default.state_dict()[name].double()
        found = tensor.double()
        assert found.shape == expected.shape
        if expected.numel() < 2 or expected.std() == 0:
            assert torch.equal(found, expected)
        else:
            margin = 6 * float(expected.std()) * (2 / expected.numel()) ** 0.5
            assert abs(float(found.mean() - expected.mean())) < margin
            assert abs(float(found.std() - expected.std())) < margin


def test_a_residual_network_trains():
    """Eight layers, images whose colour says the class: it is learned in a few steps."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    images = torch.rand(60, 3, 16, 16, generator=generator) * 0.5
    images[torch.arange(60), labels] += 0.5
    module = resnet_cifar(8, width=4, classes=3)
    records = train(module, Examples(images, labels), Recipe(epochs=6, batch_size=20, augmentation=CROP_AND_FLIP))
    assert records[-1].loss < 0.5 * records[0].loss


@pytest.mark.parametrize(
    "make",
    [
        lambda: conv_n(3),
        lambda: conv_n(2, width=0.001),
        lambda: vgg(12),
        lambda: resnet(19),
        lambda: resnet(18, images="middle"),
        lambda: resnet_cifar(21),
        lambda: resnet_cifar(shortcut="none"),
        lambda: lenet5_variant(variant="tanh"),
        lambda: lenet5_variant(size=8),
        lambda: vit(patch=5),
        lambda: vit(heads=5),
        lambda: lenet300(seed=-1),
    ],
)
def test_other_models_are_refused(make):
    with pytest.raises(ArgumentError):
        make()
