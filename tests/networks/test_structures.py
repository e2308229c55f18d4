"""Groups of weights that live or die together, against loops over single entries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks.masking import maskable
from slth.networks.structures import (
    Axes,
    Blocks,
    Heads,
    InputChannels,
    Kernels,
    NOfM,
    OutputChannels,
    Weights,
    totals,
)

LAYERS = {
    "linear": nn.Linear(5, 3),
    "conv": nn.Conv2d(4, 6, 3),
    "conv1d": nn.Conv1d(4, 6, 3),
    "grouped": nn.Conv2d(4, 6, 3, groups=2),
    "depthwise": nn.Conv2d(4, 8, 3, groups=4),
    "transposed": nn.ConvTranspose2d(4, 6, 3, groups=2),
    "embedding": nn.Embedding(7, 4),
}


def outputs_alone(layer, channel):
    """Which weights an output depends on: those with a gradient."""
    layer.zero_grad()
    if isinstance(layer, nn.Embedding):
        outputs = layer(torch.arange(7))[:, channel]
    elif isinstance(layer, nn.Linear):
        outputs = layer(torch.ones(1, 5))[:, channel]
    else:
        outputs = layer(torch.ones(1, 4, *[6] * (layer.weight.ndim - 2)))[:, channel]
    outputs.sum().backward()
    return layer.weight.grad != 0


def inputs_alone(layer, channel):
    """Which weights an input acts through: those with a gradient when it alone is not zero."""
    layer.zero_grad()
    if isinstance(layer, nn.Embedding):
        outputs = layer(torch.tensor([channel]))
    elif isinstance(layer, nn.Linear):
        outputs = layer(torch.eye(5)[channel : channel + 1])
    else:
        points = torch.zeros(1, 4, *[6] * (layer.weight.ndim - 2))
        points[:, channel] = 1.0
        outputs = layer(points)
    outputs.sum().backward()
    return layer.weight.grad != 0


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("structure", "alone"), [(OutputChannels(), outputs_alone), (InputChannels(), inputs_alone)])
def test_a_channel_is_what_gradients_say(name, structure, alone):
    layer = LAYERS[name]
    axes = maskable(layer)["weight"]
    (count,) = structure.shape(axes)
    for channel in range(count):
        chosen = torch.zeros(count, dtype=torch.bool)
        chosen[channel] = True
        assert torch.equal(structure.expand(chosen, axes), alone(layer, channel))


@given(st.integers(1, 5), st.lists(st.integers(1, 6), min_size=2, max_size=4))
def test_blocks_are_those_of_the_matrix(size, shape):
    axes = Axes(shape)
    scores = torch.arange(float(np.prod(Blocks(size).shape(axes)))).reshape(Blocks(size).shape(axes))
    found = Blocks(size).expand(scores, axes).reshape(shape[0], -1)
    for row, column in itertools.product(*map(range, found.shape)):
        assert found[row, column] == scores[row // size, column // size]


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 2**32), st.booleans())
def test_n_of_m_keeps_exactly_n_of_the_largest_of_each_row(n, more, seed, kernel):
    m = n + more
    shape = (3, 2 * m, 2, 2) if kernel else (3, 2 * m)
    scores = torch.from_numpy(np.random.default_rng(seed).integers(0, 3, shape).astype(np.float32))
    structure, axes = NOfM(n, m), Axes(shape)
    mask = structure.select(scores, structure.kept(axes, n / m))
    assert int(mask.sum()) == structure.kept(axes, n / m)
    rows = mask.movedim(1, -1).reshape(-1, m), scores.movedim(1, -1).reshape(-1, m)
    for chosen, values in zip(*(part.tolist() for part in rows), strict=True):
        order = sorted(range(m), key=lambda i: (-values[i], i))[:n]
        assert [i for i in range(m) if chosen[i]] == sorted(order)


@pytest.mark.parametrize(
    "structure", [Weights(), OutputChannels(), InputChannels(), Kernels(), Blocks(2), NOfM(1, 2)], ids=lambda s: repr(s)
)
@pytest.mark.parametrize("name", ["linear", "grouped", "transposed"])
def test_totals_and_gradients_are_sums_over_groups(structure, name):
    layer = nn.Linear(6, 3) if name == "linear" else LAYERS[name]
    axes = maskable(layer)["weight"]
    if isinstance(structure, NOfM) and axes.shape[1] % 2:
        pytest.skip("not an even number of inputs")
    scores = torch.randn(structure.shape(axes), generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    weights = layer.weight.detach().double()
    (structure.expand(scores, axes) * weights).sum().backward()
    assert torch.allclose(totals(structure, weights, axes), scores.grad)
    assert totals(structure, torch.ones_like(weights), axes).sum() == weights.numel()


def test_a_head_without_weights_does_not_count():
    """Zeroing a head of in_proj and out_proj is the same as zeroing the columns that read it."""
    attention = nn.MultiheadAttention(8, 4, bias=False, batch_first=True).eval()
    axes = maskable(attention)
    assert {name: Heads().shape(axis) for name, axis in axes.items()} == {
        "in_proj_weight": (4,),
        "out_proj.weight": (4,),
    }
    kept = torch.tensor([True, False, True, True])
    points = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for names in (["in_proj_weight"], ["out_proj.weight"], list(axes)):
        masked = {name: tensor.detach() for name, tensor in attention.named_parameters()}
        for name in names:
            masked[name] = masked[name] * Heads().expand(kept, axes[name])
        found.append(torch.func.functional_call(attention, masked, (points, points, points))[0])
    assert torch.allclose(found[0], found[1], atol=1e-6)
    assert torch.allclose(found[0], found[2], atol=1e-6)
    assert not torch.allclose(found[0], attention(points, points, points)[0], atol=1e-3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match="heads"):
        Heads().shape(Axes((3, 4)))
    with pytest.raises(ArgumentError, match="m="):
        NOfM(2, 4).shape(Axes((3, 6)))
    with pytest.raises(ArgumentError, match="density"):
        NOfM(2, 4).kept(Axes((3, 8)), 0.25)
    for make in (lambda: NOfM(5, 4), lambda: NOfM(0, 4), lambda: Blocks(0)):
        with pytest.raises(ArgumentError):
            make()
