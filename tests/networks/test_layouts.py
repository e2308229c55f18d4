"""Layouts of any module, and random weights that come back bit for bit in a user's own instance."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks.layouts import apply_to, layout_of
from slth.rng import Stream, WeightLaw
from slth.tickets.layout import Layout

LAW = WeightLaw("normal", 0.5)


class Net(nn.Module):
    """A module with a tied weight, a norm, and a lone number."""

    def __init__(self, width=4, dtype=torch.float32):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.second.weight = self.first.weight
        self.to(dtype)

    def forward(self, x):
        return self.second(torch.relu(self.first(self.norm(self.conv(x)).mean((2, 3)))))


def parts_of(module, seed=0):
    """Random masks for the weights, and the numbers of the rest."""
    generator = np.random.default_rng(seed)
    layout = layout_of(module)
    masks = {
        tensor.name: generator.integers(0, 2, tensor.shape).astype(bool)
        for tensor in layout.tensors
        if tensor.name in ("conv.weight", "first.weight")
    }
    buffers = {name: tensor for name, tensor in module.state_dict().items() if name not in (*masks, "second.weight")}
    return layout, masks, buffers


@given(st.integers(0, 2**63), st.integers(0, 100), st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_weights_are_those_of_the_streams_times_the_masks(seed, mask_seed, dtype):
    module = Net(dtype=dtype).to(memory_format=torch.channels_last)
    layout, masks, buffers = parts_of(module, mask_seed)
    gains = {"first.weight": 0.75}
    assert apply_to(module, layout, seed=seed, law=LAW, masks=masks, gains=gains, buffers=buffers) is module
    for name, mask in masks.items():
        drawn = LAW.weights(Stream(seed, name), 0, mask.size).reshape(mask.shape) * gains.get(name, 1.0)
        expected = torch.from_numpy(np.where(mask, drawn, 0.0)).to(dtype)
        assert torch.equal(module.get_parameter(name), expected)
    assert module.second.weight is module.first.weight
    assert module.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_another_instance_computes_the_same_bits():
    one, other = Net(), Net()
    layout, masks, buffers = parts_of(one)
    for module in (one, other):
        apply_to(module, layout, seed=5, law=LAW, masks=masks, buffers=buffers)
    points = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(one.eval()(points), other.eval()(points))


def test_signs_and_counts_multiply_weights():
    module = nn.Linear(3, 1, bias=False)
    apply_to(module, layout_of(module), seed=1, law=LAW, masks={"weight": np.array([[-1, 0, 2]])})
    drawn = LAW.weights(Stream(1, "weight"), 0, 3)
    assert torch.equal(module.weight, torch.tensor([[-drawn[0], 0.0, 2 * drawn[2]]]).float())
    assert not torch.signbit(module.weight[0, 1])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Net(5), r"conv\.weight has shape \[4, 1, 3, 3\] there and \[5, 1, 3, 3\] here"),
        (Net(dtype=torch.float64), r"conv\.weight has dtype float32 there and float64 here"),
        (nn.Linear(2, 2), r"conv\.weight is missing here"),
    ],
)
def test_a_module_of_another_layout_is_refused_and_the_first_difference_named(other, words):
    layout, masks, buffers = parts_of(Net())
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(ArgumentError, match=words):
        apply_to(other, layout, seed=0, law=LAW, masks=masks, buffers=buffers)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_more_tensors_untied_weights_and_another_order_are_differences():
    module = Net()
    layout = layout_of(module)
    untied = Net()
    untied.second.weight = nn.Parameter(torch.zeros(4, 4))
    assert layout.difference(layout_of(untied)) == "first.weight has aliases ['second.weight'] there and [] here"
    assert layout_of(nn.Linear(2, 2, bias=False)).difference(layout_of(nn.Linear(2, 2))) == "bias is here and not there"
    backwards = Layout(list(layout.tensors)[::-1])
    assert "tensor 0 is conv.weight there and" in layout.difference(backwards)
    assert layout.difference(layout_of(Net())) is None
    assert len({found.fingerprint for found in (layout, layout_of(untied), backwards)}) == 3


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        (lambda masks, gains, buffers: masks.pop("conv.weight"), "masks"),
        (lambda masks, gains, buffers: masks.update({"second.weight": masks["first.weight"]}), "masks"),
        (lambda masks, gains, buffers: masks.update({"nothing": np.ones(1, bool)}), "masks"),
        (lambda masks, gains, buffers: masks.update({"conv.weight": np.ones((4, 1, 3), bool)}), "mask"),
        (lambda masks, gains, buffers: masks.update({"conv.weight": np.ones((4, 1, 3, 3))}), "mask"),
        (lambda masks, gains, buffers: buffers.update({"conv.weight": np.ones((4, 1, 3, 3))}), "masks"),
        (lambda masks, gains, buffers: buffers.pop("norm.running_mean"), "masks"),
        (lambda masks, gains, buffers: buffers.update({"norm.bias": np.ones(3)}), "buffers"),
        (lambda masks, gains, buffers: gains.update({"norm.bias": 2.0}), "gains"),
        (
            lambda masks, gains, buffers: (
                buffers.pop("norm.num_batches_tracked"),
                masks.update({"norm.num_batches_tracked": np.array(1)}),
            ),
            "masks",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(change, argument):
    module = Net()
    layout, masks, buffers = parts_of(module)
    before, gains = copy.deepcopy(module.state_dict()), {}
    change(masks, gains, buffers)
    with pytest.raises(ArgumentError, match=rf"^{argument}="):
        apply_to(module, layout, seed=0, law=LAW, masks=masks, gains=gains, buffers=buffers)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_lazy_modules_have_no_layout_yet():
    with pytest.raises(ArgumentError, match="no shape yet"):
        layout_of(nn.LazyLinear(3))
