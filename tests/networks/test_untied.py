"""Layers that share their random weights: apart they compute the same, and each has a mask of its own."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import apply_to, channel_blocked, layout_of, maskable, untied, vit
from slth.networks.untied import shared_with
from slth.rng import Stream, WeightLaw
from slth.searches import EdgePopup, search
from slth.tickets import Layout
from slth.tickets.layout import TensorLayout
from slth.training import Examples, Recipe

LAW = WeightLaw("normal", 0.5)


class Tied(nn.Module):
    """One layer object under three names, one weight in two layers, a norm that is shared with its statistics."""

    def __init__(self):
        super().__init__()
        block = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())
        self.blocks = nn.ModuleList([block] * 3)
        self.read = nn.Linear(4, 4, bias=False)
        self.read.weight = block[0].weight
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.last(self.read(x))


def recurrent(width, depth):
    layer = nn.Linear(width, width, bias=False)
    return nn.Sequential(*(part for _ in range(depth) for part in (layer, nn.ReLU())))


@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 2**64 - 1), st.data())
def test_each_use_of_the_one_random_matrix_has_its_own_mask(width, depth, seed, data):
    """Against a loop over the layers in float64: W drawn once, products with masks and gains by hand."""
    net = untied(recurrent(width, depth)).double()
    names = list(maskable(net))
    assert len(names) == depth
    entries = st.lists(st.integers(-1, 2), min_size=width * width, max_size=width * width)
    masks = {name: np.array(data.draw(entries)).reshape(width, width) for name in names}
    gains = {name: 1.0 + place for place, name in enumerate(names)}
    apply_to(net, layout_of(net), seed=seed, law=LAW, masks=masks, gains=gains)
    matrix = LAW.weights(Stream(seed, "0.weight"), 0, width * width).reshape(width, width)
    x = np.linspace(-1, 1, 3 * width).reshape(3, width)
    found, wanted = net(torch.from_numpy(x)).detach().numpy(), x
    for name in names:
        wanted = np.maximum(wanted @ (matrix * gains[name] * masks[name]).T, 0.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_what_is_apart_computes_the_same_and_the_module_stays():
    module, x = Tied().eval(), torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    found = untied(module)
    assert torch.equal(found(x), module(x))
    assert len({id(one) for one in found.parameters()}) == 3 * 4 + 1 + 2
    assert module.read.weight is module.blocks[2][0].weight
    assert list(found.state_dict()) == list(module.state_dict())
    found.train()(x)  # statistics are apart too: each block sees other numbers
    assert not torch.equal(found.blocks[0][1].running_mean, found.blocks[1][1].running_mean)


def test_names_of_random_numbers_go_where_the_module_goes():
    wanted = dict.fromkeys(("blocks.1.0.weight", "blocks.2.0.weight", "read.weight"), "blocks.0.0.weight")
    found = untied(Tied())
    assert shared_with(found) == wanted
    assert shared_with(pickle.loads(pickle.dumps(copy.deepcopy(found)))) == wanted
    around = nn.Sequential(nn.Flatten(), found)
    assert shared_with(around) == {f"1.{name}": f"1.{other}" for name, other in wanted.items()}
    assert layout_of(around)["1.read.weight"].stream == "1.blocks.0.0.weight"
    assert layout_of(around)["1.blocks.1.1.weight"].stream == "1.blocks.1.1.weight"  # a norm is not random


def test_a_part_that_was_untied_is_shared_again_with_all_of_its_names():
    part = untied(recurrent(2, 2))
    found = untied(nn.Sequential(part, part, part))
    names = [name for name in maskable(found) if name != "0.0.weight"]
    assert shared_with(found) == dict.fromkeys(names, "0.0.weight")
    assert len(names) == 5


def test_a_transformer_of_one_layer_has_the_weights_of_one():
    sizes = {"channels": 1, "size": 8, "patch": 4, "width": 8, "heads": 2, "classes": 3, "depth": 3}
    one, apart = vit(**sizes, shared=True), vit(**sizes)
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(untied(one)(images), one(images))
    assert len(set(one.blocks)) == 1
    assert layout_of(untied(one)).difference(layout_of(apart)) is None  # which may take the ticket too
    assert sum(bool(tensor.same_as) for tensor in layout_of(untied(one)).tensors) == 2 * 4


def test_what_cannot_be_apart_is_refused_with_the_way_out():
    with pytest.raises(ArgumentError, match=r"shares no weight that masks are for.*\[layer\] \* 6"):
        untied(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    norm = nn.LayerNorm(2)
    with pytest.raises(ArgumentError, match="shares no weight"):
        untied(nn.Sequential(norm, nn.Linear(2, 2), norm))
    net = recurrent(2, 2)
    layout = layout_of(untied(net))
    with pytest.raises(ArgumentError, match=r"0\.weight has aliases \[\] there.*pass slth\.networks\.untied\(module\)"):
        apply_to(net, layout, seed=0, law=LAW, masks={})
    data = Examples(torch.zeros(4, 2), [0, 1, 0, 1])
    with pytest.raises(ArgumentError, match=r"weights of 2\.weight, which is no parameter.*untied\(module\) last"):
        search(channel_blocked(untied(net)), data, EdgePopup(0.5), recipe=Recipe(epochs=1))


def test_layouts_refuse_random_numbers_of_nowhere():
    own, other = TensorLayout("a", (2, 3)), TensorLayout("b", (2, 3), same_as="a")
    assert Layout.from_description(Layout([own, other]).describe()) == Layout([own, other])
    for tensors in (
        [other],
        [TensorLayout("a", (3, 2)), other],
        [own, other, TensorLayout("c", (2, 3), same_as="b")],
        [TensorLayout("a", (2, 3), same_as="a")],
    ):
        with pytest.raises(ArgumentError, match=r"has the random numbers of [ab], which has none of its own"):
            Layout(tensors)
