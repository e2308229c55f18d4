"""Modules under masks of channels, kernels and heads, described and shrunk: the same outputs in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from slth.graphs import Graph, shrink
from slth.networks import (
    Heads,
    InputChannels,
    Kernels,
    OutputChannels,
    Structure,
    TopK,
    describe,
    maskable,
    module_of,
    resnet_cifar,
    small_cnn,
)


def shrunk(module: nn.Module, shape: tuple[int, ...], structure: Structure, spared: list[str]) -> tuple[Graph, Graph]:
    """Keep half of the groups of each weight at random, and compare the module with its small network."""
    axes = maskable(module)
    method = TopK(0.5, structure, spared=spared)
    with torch.no_grad():
        for name, mask in method.chosen(method.first(axes, 0), axes).items():
            module.get_parameter(name).mul_(mask)
    module = module.double().eval()
    whole = describe(module, shape)
    small = shrink(whole)
    x: Tensor = torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = module(x).detach()
    torch.testing.assert_close(module_of(small, dtype=torch.float64)(x), wanted, rtol=1e-9, atol=1e-9)
    assert float(wanted.std()) > 1e-6
    return whole, small


@pytest.mark.parametrize("structure", [OutputChannels(), InputChannels(), Kernels()])
@pytest.mark.parametrize("bias", [False, True])
def test_a_chain_of_convolutions(structure, bias):
    net = small_cnn(input_shape=(1, 8, 8), channels=(8, 12, 8), bias=bias)
    whole, small = shrunk(net, (1, 8, 8), structure, ["0.weight", "10.weight"])
    assert small.parameters <= whole.parameters
    if isinstance(structure, OutputChannels) and not bias:
        assert [node.step.weight.shape[0] for node in small.weighted] == [8, 6, 4, 10]
        assert small.multiply_adds < 0.65 * whole.multiply_adds


@pytest.mark.parametrize("shortcut", ["pad", "projection"])
def test_a_residual_network_loses_the_channels_inside_its_blocks(shortcut):
    """Sums keep all of their channels; between the two convolutions of a block half of them go."""
    net = resnet_cifar(8, width=4, shortcut=shortcut, affine=False)
    names = [name for name in maskable(net) if "conv1" not in name or name == "conv1.weight"]
    whole, small = shrunk(net, (3, 32, 32), OutputChannels(), names)
    assert small.parameters < 0.7 * whole.parameters
    assert small.multiply_adds < 0.7 * whole.multiply_adds


class Attending(nn.Module):
    """Tokens that attend to one another, are added to what they find, and are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 4, bias=False, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.attention(x, x, x, need_weights=False)[0] + x
        return self.head(found.mean(1))  # type: ignore[no-any-return]


def heads_of(graph: Graph) -> list[int]:
    return [node.step.heads for node in graph.nodes if hasattr(node.step, "heads")]


def test_attention_loses_heads():
    """Two of four are kept of queries, keys and values together, and two of the columns behind them."""
    torch.manual_seed(0)
    whole, small = shrunk(Attending(), (5, 8), Heads(), ["head.weight"])
    assert heads_of(whole) == [4]
    assert heads_of(small)[0] <= 2
    assert small.parameters <= whole.parameters - 2 * 2 * 8 * 8
