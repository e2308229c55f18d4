"""Pairs of layers in the place of each: the theorem's sum, its block mask, and hidden channels that go for good."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.graphs import shrink
from slth.networks import (
    ChannelPair,
    NOfMChannels,
    TopK,
    channel_blocked,
    describe,
    maskable,
    module_of,
    resnet_cifar,
    small_cnn,
)

LAYERS = {
    "linear": (nn.Linear(3, 5), (3,)),
    "tokens": (nn.Linear(3, 5), (4, 3)),
    "conv1d": (nn.Conv1d(4, 6, 3, padding=1, groups=2), (4, 7)),
    "conv2d": (nn.Conv2d(4, 6, 3, stride=2, dilation=2, padding=(2, 1), groups=2), (4, 7, 8)),
    "reflected": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 5, 5)),
    "conv3d": (nn.Conv3d(2, 3, 2), (2, 3, 3, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_pair_is_the_sum_of_the_theorem(name):
    """Source by source and channel by channel: the layer, with one kernel of v, on max(u x, 0)."""
    layer, shape = LAYERS[name]
    layer, block = layer.double(), 3
    pair = channel_blocked(layer, block=block, seed=5)
    assert isinstance(pair, ChannelPair)
    x = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    axis = x.ndim - 1 if isinstance(layer, nn.Linear) else 1
    u, v = pair.first.weight.reshape(-1, block), pair.second.weight
    outputs, inputs = layer.weight.shape[:2]
    total = torch.zeros_like(layer(x))
    for source in range(x.shape[axis]):
        for k in range(block):
            hidden = torch.relu(u[source, k] * x)
            hidden[tuple(slice(None) if one != axis else torch.arange(x.shape[axis]) != source
                         for one in range(x.ndim))] = 0.0  # fmt: skip
            kernel = torch.zeros_like(layer.weight)
            place = source % inputs  # of its group
            kernel[:, place] = v[:, place * block + k]
            with torch.no_grad():
                layer.weight.copy_(kernel)
            found = layer(hidden) - layer(torch.zeros_like(hidden))
            total = total + found
    assert outputs == v.shape[0]
    torch.testing.assert_close(pair(x), total, rtol=1e-9, atol=1e-9)


def kept_at_random(module, kept, block):
    """Keep as many hidden channels of each block, by random scores."""
    axes = maskable(module)
    spared = [name for name in axes if not name.endswith("second.weight")]
    method = TopK(kept / block, NOfMChannels(kept, block), spared=spared)
    with torch.no_grad():
        for name, mask in method.chosen(method.first(axes, 0), axes).items():
            module.get_parameter(name).mul_(mask)
    return module.double().eval()


def test_hidden_channels_that_are_removed_are_gone_for_good():
    net = kept_at_random(channel_blocked(small_cnn(input_shape=(1, 8, 8), channels=(4, 6)), block=8), 2, 8)
    whole = describe(net, (1, 8, 8))
    small = shrink(whole)
    assert [list(node.step.weight.shape[:2]) for node in small.weighted] == [
        [2, 1], [4, 2], [8, 1], [6, 8], [48, 1], [10, 48],
    ]  # fmt: skip
    assert small.parameters * 4 == whole.parameters
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = net(x).detach()
    assert float(wanted.std()) > 1e-6
    torch.testing.assert_close(module_of(small, dtype=torch.float64)(x), wanted, rtol=1e-9, atol=1e-9)


def test_norms_and_shortcuts_stay_and_the_module_is_left_as_it_was():
    net = resnet_cifar(8, width=2, shortcut="projection")
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    blocked = channel_blocked(net.eval(), block=2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    kinds = [type(part) for part in blocked.modules()]
    assert kinds.count(nn.BatchNorm2d) == [type(part) for part in net.modules()].count(nn.BatchNorm2d)
    assert kinds.count(ChannelPair) == 10
    assert not blocked.training
    assert blocked.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


def test_a_layer_that_is_used_twice_has_one_pair():
    layer = nn.Linear(3, 3)
    blocked = channel_blocked(nn.Sequential(layer, nn.ReLU(), layer), block=2)
    assert blocked[0] is blocked[2]


def test_a_batch_of_no_examples_and_a_layer_of_no_weights():
    pair = ChannelPair(nn.Linear(5, 2), block=3)
    assert pair(torch.zeros(0, 5)).shape == (0, 2)
    assert pair(torch.zeros(4, 0, 5)).shape == (4, 0, 2)
    empty = nn.Sequential(nn.Linear(2, 1))
    empty[0].weight = nn.Parameter(torch.zeros(1, 0))
    with pytest.raises(ArgumentError, match=r"layer without weights, of shape \[1, 0\]"):
        channel_blocked(empty)


def test_an_encoder_layer_is_evaluated_as_it_is_trained():
    """Torch's fast path in evaluation mode would read the weights of the layers that were replaced."""
    module = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    blocked = channel_blocked(module, block=2)
    x = torch.rand(3, 4, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(blocked.eval()(x), blocked.train()(x))
    assert module.activation_relu_or_gelu == 1


def test_what_has_no_such_layers_is_refused():
    with pytest.raises(ArgumentError, match=r"has no nn\.Linear"):
        channel_blocked(nn.ReLU())
    with pytest.raises(ArgumentError, match="block"):
        channel_blocked(nn.Linear(1, 1), block=0)


def test_channels_of_blocks_are_kept_in_equal_numbers():
    layer = nn.Conv2d(12, 5, 3)
    axes = maskable(layer)
    method = TopK(0.25, NOfMChannels(1, 4), magnitude=False)
    scores = {"weight": torch.tensor([0.0, 3, 1, 2, 9, 8, 7, 6, -1, -1, -1, -2])}
    kept = method.chosen(scores, axes)["weight"]
    assert np.flatnonzero(kept[0, :, 0, 0].numpy()).tolist() == [1, 4, 8]
    assert torch.equal(kept, kept[:1, :, :1, :1].expand_as(kept))
    for wrong in (TopK(0.5, NOfMChannels(1, 4)), TopK(0.2, NOfMChannels(1, 5))):
        with pytest.raises(ArgumentError):
            wrong.chosen(scores, axes)
